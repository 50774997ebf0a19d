# One restore drill (contracts: database). Parameters: NEXY_STAMP (YYYYMMDD_HHMMSS), NEXY_DRILL_LOCK, NEXY_DRILL_COMMENT,
# NEXY_REQUIRED (tables), NEXY_COUNT_TABLES (a query).
restored_as="restore_drill_$NEXY_STAMP"
[[ $restored_as =~ ^restore_drill_[0-9]{8}_[0-9]{6}$ ]] || fail "$restored_as is no name of a drill's database"
work="$folder/.$restored_as"
session=
created=
unwell() { fact problem "$1"; exit 0; }
at_end() {
    if [ -n "$created" ]; then
        query "$superuser" postgres <<< "DROP DATABASE IF EXISTS $restored_as WITH (FORCE)" 2> "$scratch/drop" ||
            fact failed "$restored_as could not be dropped: $(said "$scratch/drop")"
    fi
    if [ -n "$session" ]; then kill "$session" 2>/dev/null; fi
    rm -rf -- "$work"
}

archive=$(archives | head -n 1)
[ -n "$archive" ] || refuse "there is no backup in $folder on the VM; make one first: nexy-tui db backup"
path="$folder/$archive"
stem=${archive%.tar.gz}

query "$superuser" postgres <<< 'SELECT 1' > /dev/null 2> "$scratch/error" || fail "the database $host:$port did not let $superuser in: $(said "$scratch/error")"
# One session holds the drill lock; whatever is marked as a drill's and is not locked was left by one that was killed.
coproc SESSION { query "$superuser" postgres 2> "$scratch/error"; }
session=$SESSION_PID
exec 6<&"${SESSION[0]}" 7>&"${SESSION[1]}"
trap '' PIPE
printf '%s\n' "SELECT pg_try_advisory_lock($NEXY_DRILL_LOCK);" 'SHOW server_version;' 'SELECT system_identifier FROM pg_control_system();' >&7 2>/dev/null
if ! { read -r alone <&6 && read -r server <&6 && read -r system <&6; }; then
    fail "the database $host:$port did not let $superuser in: $(said "$scratch/error")"
fi
[ "$alone" = t ] || refuse "another restore drill is running on $host; wait for its end"
leftovers=$(query "$superuser" postgres <<< "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = '$NEXY_DRILL_COMMENT' AND datname ~ '^restore_drill_[0-9]{8}_[0-9]{6}\$'" 2> "$scratch/error") ||
    fail "the drills' leftovers could not be listed: $(said "$scratch/error")"
for leftover in $leftovers; do
    query "$superuser" postgres <<< "DROP DATABASE IF EXISTS $leftover WITH (FORCE)" 2> "$scratch/error" || fail "$leftover could not be dropped: $(said "$scratch/error")"
    fact leftover "$leftover"
done
find "$folder" -maxdepth 1 -name '.restore_drill_*' -exec rm -rf -- {} +
fact archive "$archive $(stat -c %s "$path") $(sha256_of "$path")"
fact restored-as "$restored_as"
fact server "${server%% *}"
fact system "$system"

mkdir -p -- "$work"
names=("$stem/db.dump" "$stem/schema.sql" "$stem/metadata.env" "$stem/SHA256SUMS")
{ tar -C "$work" -xzf "$path" "${names[@]}" || { cd -- "$work" && tar -xzf "$path" "${names[@]/#/./}"; }; } 2> "$scratch/error" ||
    unwell "$archive cannot be read whole: $(said "$scratch/error")"
for file in db.dump schema.sql metadata.env; do
    listed=$(sed -nE "s#^([0-9a-f]{64}) [ *](.*/)?$file\$#\\1#p" "$work/$stem/SHA256SUMS" | tail -n 1)
    [ -n "$listed" ] || unwell "$archive cannot be read whole: its SHA256SUMS does not list $file"
    [ "$listed" = "$(sha256_of "$work/$stem/$file")" ] || unwell "$archive cannot be read whole: $file does not have the sha256 that its SHA256SUMS gives"
done

dumped_by=$(sed -n 's/^PG_DUMP_VERSION=\([0-9]*\).*/\1/p' "$work/$stem/metadata.env")
found=$(tool pg_restore "${dumped_by:-0}") || refuse 'pg_restore was not found on the VM'
created=yes
query "$superuser" postgres 2> "$scratch/error" <<< "CREATE DATABASE $restored_as TEMPLATE template0;
COMMENT ON DATABASE $restored_as IS '$NEXY_DRILL_COMMENT';" || fail "$restored_as could not be created: $(said "$scratch/error")"
as_role "$superuser" "$restored_as" "${found% *}" --no-password --exit-on-error "--dbname=$restored_as" "$work/$stem/db.dump" 2> "$scratch/error" ||
    unwell "pg_restore ended with status $?: $(said "$scratch/error")"
query "$superuser" "$restored_as" > "$scratch/rows" 2> "$scratch/error" <<< \
    "SELECT format('SELECT %L, count(*) FROM ONLY public.%I', relname, relname) FROM ($NEXY_COUNT_TABLES) AS t \\gexec" ||
    fail "the restored rows could not be counted: $(said "$scratch/error")"
while IFS='|' read -r table count; do fact rows "$count $table"; done < "$scratch/rows"

for table in $NEXY_REQUIRED; do
    grep -q "^$table|" "$scratch/rows" || unwell "$archive restored without $table"
done
while IFS='=' read -r key count; do
    table=${key#ROWS_}
    restored=$(sed -n "s/^$table|//p" "$scratch/rows")
    [ "$restored" = "$count" ] || unwell "$archive restored $table with ${restored:-no} rows where the backup had $count"
done < <(grep -E '^ROWS_[A-Za-z_][A-Za-z0-9_]*=[0-9]+$' "$work/$stem/metadata.env")
