# One verified backup (contracts: database). Parameters: NEXY_STAMP, NEXY_CREATED, NEXY_BY, NEXY_COUNT_TABLES (a query).
lock="$folder/.backup.lock"
locked=
kept=
session=

require_own_folder
if [ ! -d "$folder" ]; then
    above=$(dirname -- "$folder")
    fresh=("$folder")
    if [ ! -d "$above" ]; then fresh+=("$above"); fi
    (umask 022 && mkdir -p -- "$above") && mkdir -- "$folder" && hand_over "${fresh[@]}" || refuse "the backup folder $folder cannot be made on the VM"
fi
exec 8< "$folder"
flock 8
if ! mkdir -- "$lock" 2>/dev/null && [ ! -e "$lock/owner" ]; then
    refuse "another backup is running on the VM: $lock is there since $(date -u -r "$lock" '+%Y-%m-%d %H:%M:%S') UTC; if you know that nothing runs, remove it: rmdir $lock"
fi
exec 9<> "$lock/owner"
flock -n 9 || refuse "another backup is running on the VM: $lock is held by $(head -c 300 "$lock/owner")"
# Names tell which archive is the newest, also where a clock was set back meanwhile.
stem="nexy_db_$NEXY_STAMP"
last=$(archives | head -n 1)
last=${last%.tar.gz}
if [ -n "$last" ] && [[ ! $last < $stem ]]; then
    at=${last#nexy_db_}
    stem="nexy_db_$(date -u -d "${at:0:4}-${at:4:2}-${at:6:2} ${at:9:2}:${at:11:2}:${at:13:2} UTC + 1 second" +%Y%m%dT%H%M%SZ)"
fi
archive="$stem.tar.gz"
staging="$folder/.$stem.partial"
unfinished="$folder/.$archive.partial"
locked=yes
printf '{"host": "%s", "pid": %d, "since": "%s"}\n' "$(hostname)" $$ "$NEXY_CREATED" > "$lock/owner"
flock -u 8
at_end() {
    if [ -n "$session" ]; then kill "$session" 2>/dev/null; fi
    if [ -z "$locked" ]; then return; fi
    rm -rf -- "$staging"
    rm -f -- "$unfinished"
    if [ -z "$kept" ] && [ -n "${summed:-}" ]; then rm -f -- "$folder/$archive.sha256"; fi
    rm -f -- "$lock/owner"
    rmdir -- "$lock"
}
find "$folder" -maxdepth 1 -name '.nexy_db_*' -exec rm -rf -- {} +
query "$dumper" "$name" <<< 'SELECT 1' > /dev/null 2> "$scratch/error" || fail "the database $host:$port/$name did not let $dumper in: $(said "$scratch/error")"
[ ! -e "$folder/$archive" ] || refuse "$archive is there already; wait a second and try again"
mkdir -p -- "$staging/$stem"

# One session keeps the snapshot open that counts, data and schema are all taken from.
coproc SESSION { query "$dumper" "$name" 2> "$scratch/error"; }
session=$SESSION_PID
exec 6<&"${SESSION[0]}" 7>&"${SESSION[1]}"
ask() {
    local line
    printf '%s\n\\echo nexy-end\n' "$1" >&7 2>/dev/null
    while read -r line <&6; do
        if [ "$line" = nexy-end ]; then return 0; fi
        printf '%s\n' "$line"
    done
    return 1
}
broken() { fail "reading the database for the backup failed: $(said "$scratch/error")"; }
trap '' PIPE
ask 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;' > /dev/null || broken
snapshot=$(ask 'SELECT pg_export_snapshot();') || broken
server=$(ask "SHOW server_version;") || broken
number=$(ask 'SHOW server_version_num;') || broken
system=$(ask 'SELECT system_identifier FROM pg_control_system();') || broken
ask "SELECT format('SELECT %L, count(*) FROM ONLY public.%I', relname, relname) FROM ($NEXY_COUNT_TABLES) AS t \\gexec" > "$scratch/rows" || broken

found=$(tool pg_dump "$((number / 10000))") || refuse 'pg_dump was not found on the VM'
pg_dump=${found% *}
dumped_by=${found##* }
as_role "$dumper" "$name" "$pg_dump" --no-password "--snapshot=$snapshot" --format=custom "--file=$staging/$stem/db.dump" 2> "$scratch/dump" ||
    fail "pg_dump ended with status $?: $(said "$scratch/dump")"
as_role "$dumper" "$name" "$pg_dump" --no-password "--snapshot=$snapshot" --schema-only "--file=$staging/$stem/schema.sql" 2> "$scratch/dump" ||
    fail "pg_dump ended with status $?: $(said "$scratch/dump")"
exec 7>&- 6<&-

{
    printf 'BACKUP_NAME=%s\nBACKUP_CREATED_AT=%s\nBACKUP_CREATED_BY=%s\n' "$stem" "$NEXY_CREATED" "$NEXY_BY"
    printf 'DB_HOST=%s\nDB_PORT=%s\nDB_NAME=%s\nDB_USER=%s\n' "$host" "$port" "$name" "$dumper"
    printf 'PG_SERVER_VERSION=%s\nPG_DUMP_VERSION=%s\nPG_SYSTEM_IDENTIFIER=%s\n' "${server%% *}" "$dumped_by" "$system"
    sed -nE 's/^([A-Za-z_][A-Za-z0-9_]*)\|([0-9]+)$/ROWS_\1=\2/p' "$scratch/rows"
} > "$staging/$stem/metadata.env"
(cd -- "$staging/$stem" && sha256sum db.dump schema.sql metadata.env > SHA256SUMS) || fail "the sums could not be written"
tar -C "$staging" --owner=0 --group=0 --numeric-owner -cf - "$stem/db.dump" "$stem/schema.sql" "$stem/metadata.env" "$stem/SHA256SUMS" |
    gzip -1n > "$unfinished" || fail "the archive could not be written to $folder"
sync -- "$unfinished" 2>/dev/null || sync

# Read back what was written: gzip, tar and sums whole, and a dump that pg_restore can list.
mkdir -- "$staging/back"
tar -C "$staging/back" -xzf "$unfinished" && (cd -- "$staging/back/$stem" && sha256sum --quiet -c SHA256SUMS) > "$scratch/sums" 2>&1 ||
    fail "$archive does not read back as it was written: $(said "$scratch/sums")"
restore=$(tool pg_restore "${dumped_by%%.*}") || refuse 'pg_restore was not found on the VM'
"${restore% *}" --list --file=/dev/null "$staging/back/$stem/db.dump" 2> "$scratch/dump" || fail "pg_restore cannot list the dump: $(said "$scratch/dump")"

sum=$(sha256_of "$unfinished")
size=$(stat -c %s "$unfinished")
summed=yes
printf '%s  %s\n' "$sum" "$archive" > "$folder/$archive.sha256"
hand_over "$unfinished" "$folder/$archive.sha256"
mv -- "$unfinished" "$folder/$archive"
kept=yes
sync -- "$folder" 2>/dev/null || sync

fact archive "$archive $size $sum"
fact offsite "$offsite"
fact server "${server%% *}"
fact pg-dump "$dumped_by"
fact system "$system"
while IFS='|' read -r table count; do fact rows "$count $table"; done < "$scratch/rows"

past "$archive"
if [ -n "$held" ]; then
    fact held "$held"
    exit 0
fi
while read -r old; do
    rm -f -- "$folder/$old" "$folder/$old.sha256" "$folder/$old.backup.json" "$folder/$old.drill.jsonl" 2>/dev/null
    if [ ! -e "$folder/$old" ]; then fact removed "$old"; fi
done < "$scratch/past"
