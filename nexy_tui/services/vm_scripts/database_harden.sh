# The hardening, in one transaction, as the superuser. Parameter: NEXY_HARDEN, the statements.
known=$(query "$superuser" "$name" 2> "$scratch/error" <<< "SELECT count(*) FROM pg_roles WHERE rolname = :'app'") ||
    fail "the database $host:$port did not let $superuser in: $(said "$scratch/error")"
[ "$known" = 1 ] || refuse "$host has no role $app; create it as server/Docs/DATABASE_SETUP_GUIDE.md says, or set DB_USER on the VM"
as_role "$superuser" "$name" "$psql" -XAtqw --single-transaction -v ON_ERROR_STOP=1 -v app="$app" -v superuser="$superuser" \
    > /dev/null 2> "$scratch/error" <<< "$NEXY_HARDEN" || fail "hardening failed: $(said "$scratch/error")"
