# Where things are on this VM: its own environment file, else the release target's names (NEXY_TARGET_*).
NEXY_VM_ENV="${NEXY_VM_ENV:-/etc/nexy-release.env}"
# shellcheck source=/dev/null
if [ -r "$NEXY_VM_ENV" ]; then . "$NEXY_VM_ENV"; fi
NEXY_APP_DIR="${NEXY_APP_DIR:-$NEXY_TARGET_DIR}"
NEXY_APP_HOME="${NEXY_APP_HOME:-$(dirname -- "$NEXY_APP_DIR")}"
NEXY_SERVICE="${NEXY_SERVICE:-$NEXY_TARGET_SERVICE}"
NEXY_HEALTH_URL="${NEXY_HEALTH_URL:-http://127.0.0.1:8080/health}"
NEXY_VENV="${NEXY_VENV:-$NEXY_APP_DIR/venv}"
NEXY_PG_BIN="${NEXY_PG_BIN:-}"
export HOME="$NEXY_APP_HOME" GIT_TERMINAL_PROMPT=0 LC_ALL=C.UTF-8
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
