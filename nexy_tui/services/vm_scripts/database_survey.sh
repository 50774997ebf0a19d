# Server, catalog, tools and archives, in one look that changes nothing. Parameter: NEXY_CATALOG, the query.

# A signed line travels with its payload decoded: that packs to half.
signed_line() {
    local payload decoded
    payload=$(sed -n 's/.*"payload":"\([A-Za-z0-9+\/=]*\)".*/\1/p' <<< "$2")
    decoded=$(base64 -d <<< "$payload" 2>/dev/null | tr -d '\0')
    if [ -n "$payload" ] && [ "$(printf '%s' "$decoded" | base64 | tr -d '\n')" = "$payload" ]; then
        fact "$1-envelope" "${2/"$payload"/}"
        fact "$1-payload" "$decoded"
    else
        fact "$1-line" "${2:0:600}"
    fi
}

major=0
export PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=20000'
if query "$reader" "$name" <<< "$NEXY_CATALOG" > "$scratch/catalog" 2> "$scratch/error"; then
    fact catalog "$(cat "$scratch/catalog")"
    major=$(($(sed -n 's/.*"number" *: *\([0-9]*\).*/\1/p' "$scratch/catalog" | head -n 1) / 10000))
else
    fact catalog-error "$(said "$scratch/error")"
fi
if found=$(tool pg_dump "$major"); then fact pg-dump "$found"; fi

newest=$(archives | head -n 1)
fact count "$(archives | wc -l)"
if [ -n "$newest" ]; then
    path="$folder/$newest"
    sidecar=$(head -c 64 "$path.sha256" 2>/dev/null | tr 'A-F' 'a-f')
    fact newest "$newest $(stat -c %s "$path") $(sha256_of "$path") ${sidecar:--}"
    if [ -f "$path.backup.json" ]; then signed_line record "$(head -c 65536 "$path.backup.json" | head -n 1)"; fi
fi
journal=$(find "$folder" -maxdepth 1 -type f -name 'nexy_db_*.tar.gz.drill.jsonl' -printf '%T@ %f\n' 2>/dev/null | sort -rn | head -n 1 | cut -d ' ' -f 2)
if [ -n "$journal" ]; then
    while read -r line; do
        fact drill-of "${journal%.drill.jsonl}"
        signed_line drill "$line"
    done < <(tail -n 2 "$folder/$journal" | cut -c 1-65536)
fi
