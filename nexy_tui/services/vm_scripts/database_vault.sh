# The backup folder as whoever may push to the code repository could reach it, and the archives' records.

# require_own_folder: nothing of the folder comes from the clone's history, by a tracked file or by a link
require_own_folder() {
    local root real above inside= tracked
    local elsewhere="or set BACKUP_LOCAL_DIR in the VM's config.env to a folder outside the clone"
    root=$(realpath -m -- "$NEXY_APP_DIR")
    real=$(realpath -m -- "$folder")
    above=${folder%/}
    while [ -n "$above" ]; do
        if [ "$(realpath -m -- "$above")" = "$root" ]; then
            inside=${folder%/}
            inside=${inside#"$above"}
            inside=${inside#/}
            [ "$real" = "$root${inside:+/$inside}" ] ||
                refuse "the backup folder $folder is reached through a link, and is really $real: put a folder in the link's place, $elsewhere"
            [ -e "$NEXY_APP_DIR/.git" ] || return 0
            tracked=$(git -c safe.directory="$NEXY_APP_DIR" -c core.fsmonitor=false -C "$NEXY_APP_DIR" ls-files -- ":(top,literal,icase)$inside") ||
                refuse "whether git tracks the backup folder $folder cannot be told: mend the clone on the VM"
            [ -z "$tracked" ] || refuse "the backup folder $folder is tracked by git in the VM's clone ($(head -n 1 <<< "$tracked" | cut -c 1-100)), so that whoever may push lays archives there: untrack it in the code repository (git rm -r --cached -- $inside), push and deploy that, $elsewhere"
            return 0
        fi
        above=${above%/*}
    done
    case $real/ in
        "$root"/*) refuse "the backup folder $folder is a link that leads into the clone, to $real: name the folder itself, $elsewhere" ;;
    esac
}

# signed_line NAME LINE: it travels with its payload decoded, which packs to half
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

# fits: whether what is told so far comes through run-command
fits() { [ "$(gzip -9n < "$scratch/facts" | wc -c)" -le 2700 ]; }

# tell_archive NAME: its size, its sha256, what its .sha256 says, and its record
tell_archive() {
    local path="$folder/$1" sidecar=
    if plain "$path.sha256"; then sidecar=$(head -c 64 "$path.sha256" | tr 'A-F' 'a-f' | tr -dc '0-9a-f'); fi
    fact newest "$1 $(stat -c %s "$path") $(sha256_of "$path") ${sidecar:--}"
    if ! plain "$path.backup.json"; then return; fi
    cp "$scratch/facts" "$scratch/before"
    signed_line record "$(head -c 65536 "$path.backup.json" | head -n 1 | tr -d '\0')"
    if ! fits; then  # None of ours is as long.
        mv "$scratch/before" "$scratch/facts"
        fact record-line 'too long'
    fi
}

# finished_in FILE: when the records in it say they were finished, taken at their word: they can only keep an archive
finished_in() {
    local payload
    tail -n 20 "$1" 2>/dev/null | cut -c 1-65536 | sed -n 's/.*"payload":"\([A-Za-z0-9+\/=]*\)".*/\1/p' | while read -r payload; do
        base64 -d <<< "$payload" 2>/dev/null | tr -d '\0' | sed -n 's/.*"finished":"\([0-9T:.-]*Z\)".*/\1/p'
    done | sort
}

# past MADE: into $scratch/past the archives older than the retention, which a backup made now removes, or into $held why it removes none;
# never the one MADE, the one drilled last, or one that a record of the last seven days speaks of
past() {
    local now week ahead limit off old drill spoken drilled= last= moment=%Y-%m-%dT%H:%M:%S
    local -A keep=(["${1:-none}"]=made)
    now=$(date -u -d "$NEXY_NOW" +%s)
    week=$(date -u -d "@$((now - 604800))" "+$moment")
    ahead=$(date -u -d "@$((now + 300))" "+$moment")
    limit="nexy_db_$(date -u -d "@$((now - 10#$retention * 86400))" +%Y%m%dT%H%M%SZ).tar.gz"
    off=$(($(date +%s) - now))
    held=
    while read -r old; do
        drill=$(finished_in "$folder/$old.drill.jsonl" | tail -n 1)
        if [[ $drill > $last ]]; then last=$drill drilled=$old; fi
        spoken=$(printf '%s\n' "$(finished_in "$folder/$old.backup.json" | tail -n 1)" "$drill" | sort | tail -n 1)
        if [[ $spoken > $week ]]; then keep[$old]=recent; fi
        if [[ $spoken > $ahead ]]; then held="a record of $old is dated in the future, so the clock or that record is wrong"; fi
    done < <(archives)
    if [ "${off#-}" -gt 86400 ]; then held="this VM's clock and the operator's are $off s apart"; fi
    if [ "$((10#$retention))" -lt 7 ]; then held="BACKUP_RETENTION_DAYS is $retention, and under 7 nothing is removed"; fi
    while read -r old; do
        if [ -z "${keep[$old]:-}" ] && [ "$old" != "$drilled" ] && [[ $old < $limit ]]; then echo "$old"; fi
    done < <(archives) > "$scratch/past"
}
