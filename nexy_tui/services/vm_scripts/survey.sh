# Everything the checks want to know of the VM, in one look that changes nothing.
# Parameter: NEXY_MANIFEST_VERSION, the version whose manifest_<version>.json is asked for; empty: the one manifest.json names.
# Output: one line "nexy-survey <base64 of gzip of 'name value' lines>", short enough for run-command's 4,096 bytes.
set -uo pipefail
export GIT_OPTIONAL_LOCKS=0
set -f

say() { printf '%s %s\n' "$1" "$2"; }
as_base64() { base64 | tr -d '\n'; }
in_clone() { git -c safe.directory="$NEXY_APP_DIR" -C "$NEXY_APP_DIR" "$@" 2>/dev/null; }

manifest_version() {
    [ -n "$NEXY_MANIFEST_VERSION" ] && { printf '%s' "$NEXY_MANIFEST_VERSION"; return; }
    sed -n 's/^[[:space:]]*"version"[[:space:]]*:[[:space:]]*"\([0-9.]\{7,39\}\)".*/\1/p' \
        "$NEXY_APP_DIR/server/updates/manifests/manifest.json" 2>/dev/null | head -n 1
}

manifests() {
    local version folder name path
    version=$(manifest_version)
    say manifest-version "$version"
    for folder in server/updates/manifests server/server/updates/manifests; do
        for name in manifest.json "manifest_$version.json"; do
            path="$folder/$name"
            if [ -f "$NEXY_APP_DIR/$path" ]; then
                say manifest "$path $(sha256sum < "$NEXY_APP_DIR/$path" | cut -d ' ' -f 1)"
            else
                say manifest "$path -"
            fi
        done
    done
}

# Names and the two version values only: a settings file is full of secrets.
settings() {
    local path
    for path in server/config.env server/server/config.env; do
        if [ ! -f "$NEXY_APP_DIR/$path" ]; then say settings "$path missing"; continue; fi
        say settings "$path there"
        LC_ALL=C awk -v path="$path" '
            { sub(/\r$/, ""); gsub(/^[ \t]+|[ \t]+$/, "") }
            $0 == "" || /^#/ { next }
            {
                at = index($0, "=")
                name = at ? substr($0, 1, at - 1) : ""
                value = substr($0, at + 1)
                gsub(/[ \t]+$/, "", name)
                gsub(/^[ \t]+/, "", value)
                if (name == "SERVER_VERSION" || name == "SERVER_BUILD") print "setting", path, name, substr(value, 1, 60)
                else if (name == "GEMINI_API_KEY") print "setting", path, name, (value == "" ? "empty" : "set")
                else if (name !~ /^[A-Za-z_][A-Za-z0-9_]*$/ && bad++ < 5) print "bad-name", path, NR, substr(name, 1, 40)
            }' "$NEXY_APP_DIR/$path"
    done
}

# Whether both settings files hold the same Gemini key; the key itself stays here.
same_key() {
    local path seen=
    for path in server/config.env server/server/config.env; do
        seen="$seen $(sed -n 's/^[[:space:]]*GEMINI_API_KEY[[:space:]]*=//p' "$NEXY_APP_DIR/$path" 2>/dev/null | tail -n 1 | tr -d ' \t\r' | sha256sum)"
    done
    # shellcheck disable=SC2086
    set -- $seen
    [ "$1" = "$3" ] && echo yes || echo no
}

# Lines of the settings' reader that split at the last = instead of the first.
readers() {
    local path
    for path in server/config/unified_config.py server/server/config/unified_config.py; do
        [ -f "$NEXY_APP_DIR/$path" ] || continue
        say reader "$path $(grep -nE "\.rsplit\([[:space:]]*[\"']=[\"'][[:space:]]*,[[:space:]]*(maxsplit[[:space:]]*=[[:space:]]*)?1[[:space:]]*\)" "$NEXY_APP_DIR/$path" | head -n 5 | cut -d : -f 1 | tr '\n' ' ')"
    done
}

# What the journal says of known troubles since the service was last started, over more lines than are sent.
signs() {
    as_root journalctl -u "$NEXY_SERVICE" -n 5000 --no-pager -o cat 2>/dev/null | LC_ALL=C awk '
        /^(Starting|Stopped) / || /: Scheduled restart job/ { key = name = 0 }
        /API_KEY_INVALID|API key (expired|not valid)/ { key++ }
        /illegal environment variable name/ { name++ }
        END { print "sign gemini-key", key + 0; print "sign config-env", name + 0 }'
}

health() {
    local answer
    answer=$(curl --silent --show-error --noproxy '*' --max-time 5 --max-filesize 4096 --write-out '\n%{http_code}' "$NEXY_HEALTH_URL" 2>/dev/null | head -c 4200)
    say health-status "$(printf '%s' "$answer" | tail -n 1)"
    say health-body "$(printf '%s' "$answer" | sed '$d' | as_base64)"
}

requirements() {
    local path
    for path in server/server/requirements.txt server/requirements.txt requirements.txt; do
        if [ -f "$NEXY_APP_DIR/$path" ]; then printf '%s' "$path"; return; fi
    done
}

# The newest lines, values of anything that sounds secret taken out before they leave the VM.
journal() {
    as_root journalctl -u "$NEXY_SERVICE" -n 40 --no-pager -o cat 2>/dev/null |
        sed -E -e 's/((PASSWORD|PASSWD|SECRET|TOKEN|KEY)[A-Za-z0-9_]*["'\'']?[=:][[:space:]]*)[^[:space:],;]+/\1[redacted]/Ig' \
            -e 's#(://)[^/@[:space:]]+@#\1[redacted]@#g' -e 's/AIza[0-9A-Za-z_-]{10,}/[redacted]/g' |
        tail -c "$1" | as_base64
}

facts() {
    say head "$(in_clone rev-parse --verify HEAD)"
    say tags "$(in_clone tag --points-at HEAD --list 'v*' | head -n 8 | tr '\n' ' ')"
    manifests
    settings
    readers
    say same-key "$(same_key)"
    signs
    say service "$(systemctl is-active "$NEXY_SERVICE" 2>/dev/null | head -n 1)"
    health
    say free-kib "$(df -Pk "$NEXY_APP_DIR" 2>/dev/null | awk 'NR == 2 { print $4 }')"
    say python "$("$NEXY_VENV/bin/python" --version 2>&1 | head -c 40 | head -n 1)"
    say requirements "$(requirements)"
    say clock "$(date -u +%s)"
}

if [ ! -d "$NEXY_APP_DIR" ]; then
    echo "nexy: $NEXY_APP_DIR is not there" >&2
    exit 4
fi
seen=$(facts)
for limit in 3000 1200 0; do
    packed=$(printf '%s\njournal %s\n' "$seen" "$(journal "$limit")" | gzip -9n | as_base64)
    [ "${#packed}" -le 3800 ] && break
done
printf 'nexy-survey %s\n' "$packed"
