# The archives with their records, newest first, as many as come through; or one of them measured. It changes nothing.
# Parameters: NEXY_BEFORE (only archives named before that one; may be empty), NEXY_MEASURE (an archive's name; may be empty).
require_own_folder
if [ -n "$NEXY_MEASURE" ]; then
    # Not `grep -q`: it ends at the first match, and the list that is cut off then fails the whole.
    if archives | grep -Fx -- "$NEXY_MEASURE" > /dev/null; then tell_archive "$NEXY_MEASURE"; fi
    exit 0
fi
system=$(query "$reader" "$name" 2> "$scratch/error" <<< 'SELECT system_identifier FROM pg_control_system()') ||
    fail "the database $host:$port/$name did not let $reader in: $(said "$scratch/error")"
fact system "$system"
listed=
while read -r archive; do
    if [ -n "$NEXY_BEFORE" ] && [[ ! $archive < $NEXY_BEFORE ]]; then continue; fi
    cp "$scratch/facts" "$scratch/before"
    fact shelved "$archive"
    record="$folder/$archive.backup.json"
    if plain "$record"; then signed_line record "$(head -c 65536 "$record" | head -n 1 | tr -d '\0')"; fi
    if ! fits; then
        mv "$scratch/before" "$scratch/facts"
        if [ -z "$listed" ]; then  # A record that is too long to come through is none of ours.
            fact shelved "$archive"
            fact record-line 'too long'
        fi
        fact more yes
        exit 0
    fi
    listed=yes
done < <(archives)
