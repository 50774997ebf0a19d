# Bring this VM to one release (rulebook phase 3). Run twice, it ends the same.
# Parameters: NEXY_KIND full|update-only|code-only, NEXY_VERSION, NEXY_TAG and NEXY_TAG_COMMIT (empty for update-only),
# NEXY_MANIFEST_COMMIT (empty for code-only), NEXY_MANIFEST_FILES (four paths), NEXY_MANIFEST_SHA256 (of each of them).
set -euo pipefail
umask 022

step=start
scratch=
finish() {
    local status=$?
    [ -z "$scratch" ] || rm -rf -- "$scratch"
    if [ "$status" -ne 0 ]; then echo "nexy: step $step failed with status $status"; fi
}
trap finish EXIT
begin() { step=$1; echo "nexy: step $1"; }
refuse() { echo "nexy: $1" >&2; exit 1; }
verify_manifests() {
    local file digest
    for file in "${manifests[@]}"; do
        digest=$(sha256sum < "$1/$file")
        [ "${digest%% *}" = "$NEXY_MANIFEST_SHA256" ] || refuse "$file has sha256 ${digest%% *}, not $NEXY_MANIFEST_SHA256"
    done
}
newest_log() { as_root journalctl -u "$NEXY_SERVICE" -n 15 --no-pager -o cat >&2 || true; }

begin preflight
cd -- "$NEXY_APP_DIR"
safe=$(git config --global --get-all safe.directory || true)
grep -Fxq -- "$NEXY_APP_DIR" <<< "$safe" || git config --global --add safe.directory "$NEXY_APP_DIR"
head_before=$(git rev-parse --verify 'HEAD^{commit}')
[ -x "$NEXY_VENV/bin/python" ] || refuse "there is no Python environment in $NEXY_VENV"
settings=(server/config.env server/server/config.env)
for file in "${settings[@]}"; do [ -f "$file" ] || refuse "$file is not there"; done
read -r -a manifests <<< "$NEXY_MANIFEST_FILES"
scratch=$(mktemp -d)
export VIRTUAL_ENV="$NEXY_VENV" PATH="$NEXY_VENV/bin:$PATH"

begin fetch
git fetch --quiet --all --tags --force

if [ "$NEXY_KIND" != update-only ]; then
    begin checkout
    found=$(git rev-parse --verify --quiet "refs/tags/$NEXY_TAG^{commit}") || refuse "the tag $NEXY_TAG is not in the repository"
    [ "$found" = "$NEXY_TAG_COMMIT" ] || refuse "the tag $NEXY_TAG is at $found, not at $NEXY_TAG_COMMIT"
    if [ "$NEXY_KIND" = code-only ]; then
        # The manifests stay as they are here. A complete copy from a run that was cut off is the older truth.
        kept="$(git rev-parse --git-dir)/nexy-kept-$NEXY_TAG_COMMIT"
        if [ ! -d "$kept" ]; then
            for file in "${manifests[@]}"; do
                mkdir -p -- "$scratch/kept/$(dirname -- "$file")"
                cp -p -- "$file" "$scratch/kept/$file"
            done
            rm -rf -- "$kept.part"
            cp -Rp -- "$scratch/kept" "$kept.part"
            mv -- "$kept.part" "$kept"
        fi
        verify_manifests "$kept"
    fi
    git checkout --quiet -f "$NEXY_TAG"
    [ "$(git rev-parse --verify 'HEAD^{commit}')" = "$NEXY_TAG_COMMIT" ] || refuse "HEAD is not at $NEXY_TAG_COMMIT after the checkout"
fi

begin manifests
if [ "$NEXY_KIND" = code-only ]; then
    cp -Rp -- "$kept/." .
else
    git cat-file -e "$NEXY_MANIFEST_COMMIT^{commit}" || refuse "the manifest commit $NEXY_MANIFEST_COMMIT is not in the repository"
    git checkout --quiet "$NEXY_MANIFEST_COMMIT" -- "${manifests[@]}"
fi
verify_manifests .
# one edition of the server takes the newest manifest file for the appcast's artifact
touch -- "${manifests[@]}"
if [ "$NEXY_KIND" = code-only ]; then rm -rf -- "$kept"; fi
if [ "$NEXY_KIND" = update-only ]; then
    [ "$(git rev-parse --verify 'HEAD^{commit}')" = "$head_before" ] || refuse "HEAD moved from $head_before"
fi

if [ "$NEXY_KIND" != update-only ]; then
    begin requirements
    for file in server/server/requirements.txt server/requirements.txt requirements.txt; do
        if [ -f "$file" ]; then break; fi
    done
    "$NEXY_VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --upgrade -r "$file"
fi

begin config
"$NEXY_VENV/bin/python" - "$NEXY_VERSION" "${settings[@]}" <<'PYTHON'
import os, re, sys, tempfile

version, paths = sys.argv[1].encode(), sys.argv[2:]


def changed(data):
    """The file with both keys set wherever they stand, or added at its end; every other byte stays."""
    lines = data.split(b"\n")
    for key in (b"SERVER_VERSION", b"SERVER_BUILD"):
        wanted, found = key + b"=" + version, False
        for index, line in enumerate(lines):
            if re.match(rb"[ \t]*" + key + rb"[ \t]*=", line):
                lines[index], found = wanted + (b"\r" if line.endswith(b"\r") else b""), True
        if not found:
            ending = b"\r" if len(lines) > 1 and lines[-2].endswith(b"\r") else b""
            if lines[-1]:
                lines.append(b"")
            lines[-1:] = [wanted + ending, b""]
    return b"\n".join(lines)


for path in map(os.path.realpath, paths):
    with open(path, "rb") as stream:
        data, status = stream.read(), os.fstat(stream.fileno())
    if changed(data) == data:
        continue
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".config.env.")
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), status.st_mode & 0o7777)
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), status.st_uid, status.st_gid)
            stream.write(changed(data))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
PYTHON

begin restart
as_root systemctl restart "$NEXY_SERVICE" || { newest_log; exit 1; }

begin health
says_version() {
    curl --silent --noproxy '*' --max-time 5 --max-filesize 65536 "$NEXY_HEALTH_URL" | "$NEXY_VENV/bin/python" -c '
import json, sys
said, version = json.load(sys.stdin), sys.argv[1]
well = str(said.get("status")).lower() in ("ok", "healthy") and said.get("version", version) == version
sys.exit(not (well and said.get("latest_version") == said.get("latest_build") == version))' "$NEXY_VERSION" 2> /dev/null
}
down=0
for ((second = 1; ; second++)); do
    state=$(systemctl is-active "$NEXY_SERVICE" || true)
    if [ "$state" = active ]; then
        down=0
        if says_version; then break; fi
    else
        down=$((down + 1))
    fi
    if [ "$down" -ge 4 ]; then newest_log; refuse "$NEXY_SERVICE is $state after the restart"; fi
    if [ "$second" -ge "${NEXY_HEALTH_WAIT:-60}" ]; then newest_log; refuse "$NEXY_HEALTH_URL does not say $NEXY_VERSION"; fi
    sleep 1
done

begin done
echo "nexy: head $(git rev-parse HEAD)"
for file in "${manifests[@]}"; do echo "nexy: sha256 $file $NEXY_MANIFEST_SHA256"; done
