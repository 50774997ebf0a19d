# Mend the server's settings on this VM, restart it, and see that it is well (rulebook 4.7 and 4.8). Run twice, it ends the same.
# Parameters: NEXY_MEND gemini-key|config-env, NEXY_MODE look|write, NEXY_PUT_BACK yes|no (when the server is not well
# afterwards), NEXY_SETTLE seconds to listen to the journal. Protected: NEXY_GEMINI_KEY.
set -euo pipefail
umask 077

step=start
state=old
scratch=
finish() {
    local status=$?
    if [ "$status" -ne 0 ] && [ "$state" = new ] && [ "$NEXY_PUT_BACK" = yes ]; then put_back || true; fi
    [ -z "$scratch" ] || rm -rf -- "$scratch"
    if [ "$status" -ne 0 ]; then echo "nexy: step $step failed with status $status"; fi
    echo "nexy: state $state"
}
trap finish EXIT
begin() { step=$1; echo "nexy: step $1"; }
refuse() { echo "nexy: $1" >&2; exit 1; }
newest_log() {
    as_root journalctl -u "$NEXY_SERVICE" -n 15 --no-pager -o cat |
        sed -E -e 's/((PASSWORD|PASSWD|SECRET|TOKEN|KEY)[A-Za-z0-9_]*["'\'']?[=:][[:space:]]*)[^[:space:],;]+/\1[redacted]/Ig' \
            -e 's/AIza[0-9A-Za-z_-]{10,}/[redacted]/g' >&2 || true
}
well() { curl --fail --silent --output /dev/null --noproxy '*' --max-time 5 "$NEXY_HEALTH_URL"; }
refused_key() {
    local lines
    lines=$(as_root journalctl -u "$NEXY_SERVICE" --since "@$1" --no-pager -o cat | grep -Ec 'API_KEY_INVALID|API key (expired|not valid)' || true)
    [ "${lines:-0}" != 0 ]
}
# Whether the running server has read the files as they are: they are older than its start, and it is well.
settled() {
    local started file
    [ "$(systemctl is-active "$NEXY_SERVICE" || true)" = active ] && well || return 1
    started=$(date -d "$(systemctl show -p StateChangeTimestamp --value "$NEXY_SERVICE")" +%s 2> /dev/null) || return 1
    for file in "${files[@]}"; do
        if [ -f "$file" ] && [ "$(stat -c %Y -- "$file")" -gt "$started" ]; then return 1; fi
    done
    ! refused_key "$started"
}
digest() { { cat -- "${files[@]}" 2> /dev/null || true; } | sha256sum; }
program() { "$NEXY_VENV/bin/python" "$scratch/mend.py" "$NEXY_MEND" "$1"; }
put_back() {
    local file
    for file in "${files[@]}"; do
        if [ -f "$scratch/old/$file" ] && ! cmp -s -- "$scratch/old/$file" "$file"; then
            cp -p -- "$scratch/old/$file" "$file.nexy-old"
            mv -f -- "$file.nexy-old" "$file"
        fi
    done
    state=old
    echo "nexy: the files are as they were; the service is restarted with them"
    as_root systemctl restart "$NEXY_SERVICE"
}

begin preflight
cd -- "$NEXY_APP_DIR"
[ -x "$NEXY_VENV/bin/python" ] || refuse "there is no Python environment in $NEXY_VENV"
files=(server/config.env server/server/config.env server/config/unified_config.py server/server/config/unified_config.py)
for file in "${files[@]:0:2}"; do [ -f "$file" ] || refuse "$file is not there"; done
scratch=$(mktemp -d)
cat > "$scratch/mend.py" <<'PYTHON'
@PROGRAM@
PYTHON

begin change
if [ "$NEXY_MODE" = look ]; then program look; exit 0; fi
mkdir -- "$scratch/old"
for file in "${files[@]}"; do
    if [ -f "$file" ]; then mkdir -p -- "$scratch/old/$(dirname -- "$file")"; cp -p -- "$file" "$scratch/old/$file"; fi
done
before=$(digest)
program write
state=new
if [ "$(digest)" = "$before" ] && settled; then
    echo "nexy: unchanged"
    exit 0
fi

begin restart
since=$(date +%s.%6N)
as_root systemctl restart "$NEXY_SERVICE" || { newest_log; exit 1; }

begin health
down=0
for ((second = 1; ; second++)); do
    active=$(systemctl is-active "$NEXY_SERVICE" || true)
    if [ "$active" = active ]; then
        down=0
        if well; then break; fi
    else
        down=$((down + 1))
    fi
    if [ "$down" -ge 4 ]; then newest_log; refuse "$NEXY_SERVICE is $active after the restart"; fi
    if [ "$second" -ge "${NEXY_HEALTH_WAIT:-60}" ]; then newest_log; refuse "$NEXY_HEALTH_URL does not answer"; fi
    sleep 1
done

begin journal
for ((second = 0; ; second++)); do
    if refused_key "$since"; then
        [ "$NEXY_MEND" = gemini-key ] || { echo "nexy: the journal says API_KEY_INVALID: see fix gemini-key"; break; }
        refuse "the journal says that the new key is not valid"
    fi
    if [ "$second" -ge "$NEXY_SETTLE" ]; then break; fi
    sleep 1
done
begin done
