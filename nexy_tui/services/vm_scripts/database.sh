# The database on this VM: its settings, its client programs, its backup folder. The other database scripts follow this one.
# Parameters: NEXY_BASE, the rulebook's repo root from the clone's root; NEXY_DB_HOSTS, the hosts off this VM that the
# operator's own configuration names, each between spaces; NEXY_LATEST, the latest stamp that is not in the future.
# Output: one line "nexy-database <base64 of gzip of 'name value' lines>", short enough for run-command's 4,096 bytes.
set -uo pipefail
umask 077
unset ${!PG@}
export LC_ALL=C PGAPPNAME=nexy-tui PGCONNECT_TIMEOUT=10

scratch=$(mktemp -d)
: > "$scratch/facts"
at_end() { :; }
finish() {
    local status=$?
    trap - EXIT
    at_end
    printf 'nexy-database %s\n' "$(gzip -9n < "$scratch/facts" | base64 | tr -d '\n')"
    rm -rf -- "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM HUP INT

fact() { printf '%s %s\n' "$1" "${2//[$'\n\r']/ }" >> "$scratch/facts"; }
refuse() { fact refused "$1"; exit 3; }
fail() { fact failed "$1"; exit 4; }
# said FILE: the first line that names an error, else the last that says anything
said() { { grep -m 1 -E 'error:|ERROR:|FATAL:' "$1" || grep -v '^[[:space:]]*$' "$1" | tail -n 1; } | cut -c 1-300; }

declare -A settings=()
for settings_file in "$NEXY_APP_DIR/$NEXY_BASE/config.env" "$NEXY_APP_DIR/$NEXY_BASE/server/config.env"; do  # The inner over the outer.
    [ -r "$settings_file" ] || continue
    while IFS='=' read -r key value; do settings[$key]=$value; done < <(awk '
        { sub(/\r$/, ""); gsub(/^[ \t]+|[ \t]+$/, "") }
        /^#/ || !index($0, "=") { next }
        {
            at = index($0, "=")
            key = substr($0, 1, at - 1)
            value = substr($0, at + 1)
            gsub(/[ \t]+$/, "", key)
            gsub(/^[ \t]+/, "", value)
            if (value ~ /^".*"$/ || value ~ /^\047.*\047$/) value = substr(value, 2, length(value) - 2)
            if (key ~ /^(DB|PG|BACKUP)_[A-Z_]+$/) print key "=" value
        }' "$settings_file")
done
setting() { printf -v "$1" '%s' "${settings[$2]:-$3}"; }
setting host DB_HOST localhost
setting port DB_PORT 5432
setting name DB_NAME voice_assistant_db
setting app DB_USER nexy_user
setting app_password DB_PASSWORD ''
setting superuser PG_SUPERUSER postgres
setting superuser_password PG_SUPERUSER_PASSWORD ''
setting retention BACKUP_RETENTION_DAYS 30
setting folder BACKUP_LOCAL_DIR server/backups/postgres
setting offsite BACKUP_OFFSITE_PROVIDER none
case $folder in /*) ;; *) folder="$NEXY_APP_DIR/$NEXY_BASE/$folder" ;; esac

wanted() { [[ $2 =~ ^($3)$ ]] || refuse "$1 is '${2:0:60}' in config.env on the VM; it must be $4"; }
wanted DB_HOST "$host" '/[A-Za-z0-9._/-]+|[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9])?' 'one host name or address'
wanted DB_PORT "$port" '[0-9]{1,5}' 'a port'
wanted DB_NAME "$name" '[A-Za-z_][A-Za-z0-9_$-]{0,62}' 'a database name'
wanted DB_USER "$app" '[A-Za-z_][A-Za-z0-9_$-]{0,62}' 'a role name'
wanted PG_SUPERUSER "$superuser" '[A-Za-z_][A-Za-z0-9_$-]{0,62}' 'a role name'
wanted BACKUP_OFFSITE_PROVIDER "$offsite" 'none|azure|aws' 'none, azure or aws'
wanted BACKUP_RETENTION_DAYS "$retention" '[0-9]{1,5}' 'a whole number of days'
[ "$app" != "$superuser" ] || refuse "DB_USER and PG_SUPERUSER are both $app"

# A password goes to this VM's own server, or to one the operator named; over a network only where its certificate verifies;
# in cleartext never.
here=
if [[ ${host,,} =~ ^(localhost|::1|127(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})$ ]]; then here=yes; fi
if [ -z "$here" ] && [[ ! $host =~ ^(/var)?/run/postgresql$ ]] && [[ " ${NEXY_DB_HOSTS,,} " != *" ${host,,} "* ]]; then
    fact unnamed "$host"
    exit 3
fi
export PGGSSENCMODE=disable
if [ -n "$here" ] || [ "${host:0:1}" = / ]; then
    export PGSSLMODE=prefer PGREQUIREAUTH=scram-sha-256,md5,none
else
    for roots in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -r "$roots" ]; then export PGSSLROOTCERT="$roots"; break; fi
    done
    [ -n "${PGSSLROOTCERT:-}" ] || refuse "$host cannot be verified: the VM has no CA certificates; install the package ca-certificates there"
    export PGSSLMODE=verify-full PGREQUIREAUTH=scram-sha-256,md5
fi
fact address "$host $port $name"
fact folder "$folder"

reader=$app
if [ -z "$app_password" ] && [ -n "$superuser_password" ]; then reader=$superuser; fi
dumper=$app
if [ -n "$superuser_password" ]; then dumper=$superuser; fi

# as_role ROLE DATABASE COMMAND…: the password is in the child's environment alone
as_role() {
    local role=$1 base=$2 password=$app_password
    shift 2
    if [ "$role" = "$superuser" ]; then password=$superuser_password; fi
    (
        export PGHOST="$host" PGPORT="$port" PGUSER="$role" PGDATABASE="$base"
        if [ -n "$password" ]; then export PGPASSWORD="$password"; fi
        exec "$@"
    )
}

# tool NAME MAJOR: path and version of the first that is not older than MAJOR, else of the first
tool() {
    local place path version first=
    local -a places
    if [ -n "$NEXY_PG_BIN" ]; then
        places=("$NEXY_PG_BIN")
    else
        IFS=: read -r -a places <<< "$PATH"
        while read -r place; do places+=("$place"); done < <(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -Vr)
    fi
    for place in "${places[@]}"; do
        path="$place/$1"
        if [ ! -f "$path" ] || [ ! -x "$path" ]; then continue; fi
        version=$("$path" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9][0-9.]*\).*/\1/p')
        if [ -z "$version" ]; then continue; fi
        if [ "${version%%.*}" -ge "$2" ]; then printf '%s %s\n' "$path" "$version"; return; fi
        if [ -z "$first" ]; then first="$path $version"; fi
    done
    [ -n "$first" ] || return 1
    printf '%s\n' "$first"
}
found=$(tool psql 0) || refuse 'psql was not found on the VM; install PostgreSQL'"'"'s client programs there'
psql=${found% *}
query() { as_role "$1" "$2" "$psql" -XAtqw -v ON_ERROR_STOP=1 -v app="$app" -v superuser="$superuser"; }

# hand_over PATH…: what root made belongs to the clone's owner, whose scripts live with it
hand_over() { if [ "$(id -u)" = 0 ]; then chown --reference="$NEXY_APP_DIR" -- "$@"; fi; }

# archives: their names, newest first; strays, what is named like one and is none or is dated in the future, are not among them
archives() {
    local found
    find "$folder" -maxdepth 1 -type f -name 'nexy_db_*.tar.gz' -printf '%f\n' 2>/dev/null | grep -E '^nexy_db_[0-9]{8}T[0-9]{6}Z\.tar\.gz$' | sort -r |
        while read -r found; do if [[ ! $found > nexy_db_$NEXY_LATEST.tar.gz ]]; then printf '%s\n' "$found"; fi; done
}
plain() { [ -f "$1" ] && [ ! -L "$1" ]; }
sha256_of() { sha256sum < "$1" | cut -d ' ' -f 1; }
