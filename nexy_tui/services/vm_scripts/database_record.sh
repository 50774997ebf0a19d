# A signed record laid beside its archive. Parameters: NEXY_RECORD backup|drill, NEXY_ARCHIVE, NEXY_LINE.
[[ $NEXY_ARCHIVE =~ ^nexy_db_[0-9]{8}T[0-9]{6}Z\.tar\.gz$ ]] || fail "$NEXY_ARCHIVE is no name of an archive"
path="$folder/$NEXY_ARCHIVE"
[ -f "$path" ] || fail "$NEXY_ARCHIVE is no longer in $folder on the VM"
if [ "$NEXY_RECORD" = backup ]; then
    printf '%s\n' "$NEXY_LINE" > "$folder/.writing-$NEXY_ARCHIVE.$$" && sync -- "$folder/.writing-$NEXY_ARCHIVE.$$" &&
        hand_over "$folder/.writing-$NEXY_ARCHIVE.$$" &&
        mv -- "$folder/.writing-$NEXY_ARCHIVE.$$" "$path.backup.json" || fail "the record could not be written to $folder"
else
    exec 9>> "$path.drill.jsonl"
    flock 9
    if [ -s "$path.drill.jsonl" ] && [ -n "$(tail -c 1 "$path.drill.jsonl")" ]; then printf '\n' >&9; fi
    printf '%s\n' "$NEXY_LINE" >&9 || fail "the record could not be written to $folder"
    hand_over "$path.drill.jsonl"
    sync -- "$path.drill.jsonl"
fi
