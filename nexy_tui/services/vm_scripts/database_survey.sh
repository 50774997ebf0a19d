# Server, catalog, tools and archives, in one look that changes nothing. Parameter: NEXY_CATALOG, the query.

major=0
export PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=20000'
if query "$reader" "$name" <<< "$NEXY_CATALOG" > "$scratch/catalog" 2> "$scratch/error"; then
    fact catalog "$(cat "$scratch/catalog")"
    major=$(($(sed -n 's/.*"number" *: *\([0-9]*\).*/\1/p' "$scratch/catalog" | head -n 1) / 10000))
else
    fact catalog-error "$(said "$scratch/error")"
fi
if [ "$dumper" = "$reader" ] || query "$dumper" "$name" <<< 'SELECT 1' > /dev/null 2> "$scratch/error"; then
    fact dumper "$dumper"
else
    fact dumper-error "$(said "$scratch/error")"
fi
if found=$(tool pg_dump "$major"); then fact pg-dump "$found"; fi

newest=$(archives | head -n 1)
fact count "$(archives | wc -l)"
fact others "$(archives | tail -n +2 | while read -r old; do if plain "$folder/$old.backup.json"; then echo "$old"; fi; done | wc -l)"
if [ -n "$newest" ]; then tell_archive "$newest"; fi
told=0
while IFS= read -r -d '' stray; do
    reason="its name is not an archive's"
    if [[ $stray =~ ^nexy_db_[0-9]{8}T[0-9]{6}Z\.tar\.gz(\.sha256|\.backup\.json|\.drill\.jsonl)?$ ]]; then
        reason='it is no plain file'
        if plain "$folder/$stray"; then
            if [ -n "${BASH_REMATCH[1]}" ] || [[ ! $stray > nexy_db_$NEXY_LATEST.tar.gz ]]; then continue; fi
            reason='it is dated in the future'
        fi
    fi
    fact stray "$reason/${stray:0:100}"
    told=$((told + 1))
    if [ "$told" = 5 ]; then break; fi
done < <(find "$folder" -maxdepth 1 -name 'nexy_db_*' -printf '%f\0' 2>/dev/null | sort -rz)

past ''
fact retires "$(wc -l < "$scratch/past")"
if [ -n "$held" ]; then fact held "$held"; fi
while read -r old; do fact retired "$old"; done < <(head -n 3 "$scratch/past")

# The last drills, from the journals written to last: what is dated in the future was written by none. As many as come through.
journals=$(find "$folder" -maxdepth 1 -type f ! -newermt "$NEXY_NOW 5 minutes" -name 'nexy_db_*.tar.gz.drill.jsonl' -printf '%T@ %f\n' 2>/dev/null |
    grep -E ' nexy_db_[0-9]{8}T[0-9]{6}Z\.' | sort -rn | head -n 3 | cut -d ' ' -f 2)
for journal in $journals; do
    while read -r line; do
        cp "$scratch/facts" "$scratch/before"
        fact drill-of "${journal%.drill.jsonl}"
        signed_line drill "$line"
        if [ "$(gzip -9n < "$scratch/facts" | wc -c)" -gt 2900 ]; then
            mv "$scratch/before" "$scratch/facts"
            break 2
        fi
    done < <(tail -n 2 "$folder/$journal" | cut -c 1-65536)
done
