# One restore drill (contracts: database). Parameters: NEXY_STAMP (YYYYMMDD_HHMMSS); NEXY_ARCHIVE, NEXY_SIZE and NEXY_SHA256, which a believed
# record gives; NEXY_DRILL_LOCK, NEXY_DRILL_COMMENT, NEXY_LEFTOVERS (a query), NEXY_UNFORCE (a statement), NEXY_ROLE (a role's options), NEXY_SILENCE (statements),
# NEXY_EXTENSIONS (names), NEXY_LEFT_OUT and NEXY_UNSAID (kinds of a dump's entries, as alternatives of a pattern), NEXY_EXPANSION, NEXY_ROOM,
# NEXY_REQUIRED (tables), NEXY_COUNT_TABLES (a query). Whatever the archive carries runs with the rights of a role that has none.
restored_as="restore_drill_$NEXY_STAMP"
[[ $restored_as =~ ^restore_drill_[0-9]{8}_[0-9]{6}$ ]] || fail "$restored_as is no name of a drill's database"
[[ $NEXY_ARCHIVE =~ ^nexy_db_[0-9]{8}T[0-9]{6}Z\.tar\.gz$ ]] || fail "$NEXY_ARCHIVE is no name of an archive"
require_own_folder
archive=$NEXY_ARCHIVE
path="$folder/$archive"
stem=${archive%.tar.gz}
work="$folder/.$restored_as"
session=
created=
unwell() { fact problem "$1"; exit 0; }
altered() { fact altered "$1"; exit 0; }
at_end() {
    if [ -n "$created" ]; then
        query "$superuser" postgres <<< "DROP DATABASE IF EXISTS $restored_as WITH (FORCE);
DROP ROLE IF EXISTS $restored_as;" 2> "$scratch/drop" || fact failed "$restored_as could not be dropped: $(said "$scratch/drop")"
    fi
    if [ -n "$session" ]; then kill "$session" 2>/dev/null; fi
    rm -rf -- "$work"
}
# as_drill COMMAND…: as the drill's role in its database; the password is in the child's environment alone
as_drill() { (export PGHOST="$host" PGPORT="$port" PGUSER="$restored_as" PGDATABASE="$restored_as" PGPASSWORD="$password"; exec "$@"); }
# among: a query of the drill's role among restored tables; what the archive sets for its database or role does not count
among() { PGOPTIONS='-c search_path=pg_catalog -c statement_timeout=3600000' as_drill "$psql" -XAtqw -v ON_ERROR_STOP=1; }

plain "$path" || altered 'it is no longer there, or is no plain file'

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
leftovers=$(query "$superuser" postgres <<< "$NEXY_LEFTOVERS" 2> "$scratch/error") || fail "the drills' leftovers could not be listed: $(said "$scratch/error")"
for leftover in $leftovers; do
    [[ $leftover =~ ^(database|role)\|(restore_drill_[0-9]{8}_[0-9]{6})$ ]] || fail "$leftover is no name of a drill's database"
    drop="DROP ROLE IF EXISTS ${BASH_REMATCH[2]}"
    if [ "${BASH_REMATCH[1]}" = database ]; then drop="DROP DATABASE IF EXISTS ${BASH_REMATCH[2]} WITH (FORCE)"; fi
    query "$superuser" postgres <<< "$drop" 2> "$scratch/error" || fail "${BASH_REMATCH[2]} could not be dropped: $(said "$scratch/error")"
    fact leftover "${BASH_REMATCH[2]}"
done
find "$folder" -maxdepth 1 -name '.restore_drill_*' -exec rm -rf -- {} +

# What is measured, and from then on read, is a copy that nobody else writes to.
mkdir -- "$work" || fail "no working folder could be made in $folder"
head -c "$((NEXY_SIZE + 1))" < "$path" > "$work/archive" || fail "$archive could not be copied to $work"
found="$(stat -c %s "$work/archive") bytes and sha256 $(sha256_of "$work/archive")"
[ "$found" = "$NEXY_SIZE bytes and sha256 $NEXY_SHA256" ] || altered "it has $found, where its record says $NEXY_SIZE and $NEXY_SHA256"
fact archive "$archive $NEXY_SIZE $NEXY_SHA256"
fact restored-as "$restored_as"
fact server "${server%% *}"
fact system "$system"

most=$((NEXY_ROOM + NEXY_EXPANSION * NEXY_SIZE))
gzip -dc < "$work/archive" 2> "$scratch/error" | head -c "$((most + 1))" > "$work/tar"
status=${PIPESTATUS[0]}
[ "$(stat -c %s "$work/tar")" -le "$most" ] || unwell "$archive cannot be read whole: it unpacks to far more than a backup of its size"
[ "$status" = 0 ] || unwell "$archive cannot be read whole: $(said "$scratch/error")"
rm -f -- "$work/archive"
# Its members are read one by one into files that are named here; a name of theirs is never one of a file.
tar --numeric-owner --quoting-style=escape -tvf "$work/tar" > "$scratch/members" 2> "$scratch/error" || unwell "$archive cannot be read whole: $(said "$scratch/error")"
declare -A members=()
while read -r mode _ _ _ _ member; do
    plain=${member#./}
    case $mode in
        d*) case ${plain%/} in '' | . | "$stem") continue ;; esac ;;
        -*)
            short=${plain#"$stem"/}
            case $short in "$plain" | '' | .. | */*) ;; *)
                [ -z "${members[$short]:-}" ] || unwell "$archive cannot be read whole: it holds ${short:0:80} twice"
                members[$short]=$member
                continue ;;
            esac ;;
    esac
    unwell "$archive cannot be read whole: ${member:0:80} has no place in a backup"
done < "$scratch/members"
# take MEMBER MOST: its content to a file in the working folder
take() {
    [ -n "${members[$1]:-}" ] || unwell "$archive cannot be read whole: $1 is not in it"
    tar -xOf "$work/tar" -- "${members[$1]}" 2> "$scratch/error" | head -c "$2" > "$work/$1"
    [ "${PIPESTATUS[0]}" = 0 ] || unwell "$archive cannot be read whole: $1 is larger than it may be, or $(said "$scratch/error")"
}
take db.dump "$most"
take schema.sql "$most"
take metadata.env 1048576
take SHA256SUMS 1048576
rm -f -- "$work/tar"
for file in db.dump schema.sql metadata.env; do
    listed=$(sed -nE "s#^([0-9a-f]{64}) [ *](.*/)?$file\$#\\1#p" "$work/SHA256SUMS" | tail -n 1)
    [ -n "$listed" ] || unwell "$archive cannot be read whole: its SHA256SUMS does not list $file"
    [ "$listed" = "$(sha256_of "$work/$file")" ] || unwell "$archive cannot be read whole: $file does not have the sha256 that its SHA256SUMS gives"
done
[ "$(head -c 5 "$work/db.dump" | tr -d '\0')" = PGDMP ] || unwell "$archive cannot be read whole: db.dump is not in pg_dump's custom format"

dumped_by=$(sed -n 's/^PG_DUMP_VERSION=\([0-9]\{1,3\}\).*/\1/p' "$work/metadata.env" | head -n 1)
found=$(tool pg_restore "${dumped_by:-0}") || refuse 'pg_restore was not found on the VM'
restore="${found% *}"
"$restore" --format=custom --list "$work/db.dump" > "$work/listing" 2> "$scratch/error" || unwell "pg_restore ended with status $?: $(said "$scratch/error")"
entry='^[0-9]+; [0-9]+ [0-9]+'
furnish="ALTER SCHEMA public OWNER TO $restored_as;"
schemas=public
made=
if grep -E "$entry EXTENSION " "$work/listing" > "$work/extensions"; then
    "$restore" --format=custom "--use-list=$work/extensions" --file=- "$work/db.dump" > "$work/script" 2> "$scratch/error" ||
        unwell "pg_restore ended with status $?: $(said "$scratch/error")"
    while read -r extension schema; do
        [[ " $NEXY_EXTENSIONS " == *" $extension "* ]] || continue
        case $schema in public | pg_catalog) ;; *)
            furnish="$furnish CREATE SCHEMA IF NOT EXISTS \"$schema\" AUTHORIZATION $restored_as;"
            schemas="$schemas|$schema" ;;
        esac
        furnish="$furnish CREATE EXTENSION IF NOT EXISTS \"$extension\" WITH SCHEMA \"$schema\";"
        made="$made|$extension"
    done < <(sed -nE 's/^CREATE EXTENSION IF NOT EXISTS "?([a-z_][a-z0-9_-]*)"? WITH SCHEMA "?([a-z_][a-z0-9_]*)"?;$/\1 \2/p' "$work/script")
fi
grep -E "$entry ($NEXY_LEFT_OUT) " "$work/listing" | grep -vE "$entry ($NEXY_UNSAID) |$entry EXTENSION - (${made#|}) " |
    sed -E "s/$entry //; s/ [^ ]*\$//" | head -n 3 | paste -sd, > "$scratch/without" || true
without=$(head -c 200 "$scratch/without")
without=${without:+; the drill left out $without}
grep -vE "$entry ($NEXY_LEFT_OUT) |$entry SCHEMA - ($schemas) " "$work/listing" > "$work/list" || true

password=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
[ "${#password}" = 48 ] || fail 'no random password could be made'
created=yes
query "$superuser" postgres 2> "$scratch/error" <<< "BEGIN;
$NEXY_SILENCE;
CREATE ROLE $restored_as $NEXY_ROLE PASSWORD '$password';
COMMENT ON ROLE $restored_as IS '$NEXY_DRILL_COMMENT';
COMMIT;
CREATE DATABASE $restored_as OWNER $restored_as TEMPLATE template0;
COMMENT ON DATABASE $restored_as IS '$NEXY_DRILL_COMMENT';
REVOKE ALL ON DATABASE $restored_as FROM PUBLIC;" || fail "$restored_as could not be created: $(said "$scratch/error")"
among <<< 'SELECT 1' > /dev/null 2> "$scratch/error" ||
    refuse "the drill's own role was not let in: $(said "$scratch/error"); let roles in by password to the databases that are named like them, in pg_hba.conf: host sameuser all all scram-sha-256"
query "$superuser" "$restored_as" <<< "$furnish" 2> "$scratch/error" || unwell "an extension could not be made: $(said "$scratch/error")"
as_drill "$restore" --no-password --format=custom --exit-on-error --no-owner --no-acl --no-tablespaces "--use-list=$work/list" "--dbname=$restored_as" \
    "$work/db.dump" 2> "$scratch/error" || unwell "pg_restore ended with status $?: $(said "$scratch/error")$without"
among > "$scratch/rows" 2> "$scratch/error" <<< "$NEXY_UNFORCE;
SELECT format('SELECT %L, count(*) FROM ONLY public.%I', relname, relname) FROM ($NEXY_COUNT_TABLES) AS t \\gexec" ||
    fail "the restored rows could not be counted: $(said "$scratch/error")"
while IFS='|' read -r table count; do fact rows "$count $table"; done < "$scratch/rows"

for table in $NEXY_REQUIRED; do
    grep -q "^$table|" "$scratch/rows" || unwell "$archive restored without $table"
done
while IFS='=' read -r key count; do
    table=${key#ROWS_}
    restored=$(sed -n "s/^$table|//p" "$scratch/rows")
    [ "$restored" = "$count" ] || unwell "$archive restored $table with ${restored:-no} rows where the backup had $count"
done < <(grep -E '^ROWS_[A-Za-z_][A-Za-z0-9_]*=[0-9]+$' "$work/metadata.env")
