"""Makes the rehearsal VM's directory: the clone as a real deploy leaves it, its Python environment, the stand-ins scripts need."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

import pip

from nexy_tui.core.layout import MANIFEST_DIRS, Layout
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.version import Version
from nexy_tui.rehearsal.home import client_programs
from nexy_tui.rehearsal.names import CODE, World
from nexy_tui.rehearsal.seed import database_settings, git
from nexy_tui.rehearsal.vm import package_index as index
from nexy_tui.rehearsal.vm import rewrite as vmrewrite
from nexy_tui.rehearsal.vm import wheels
from nexy_tui.rehearsal.vm.files import VmFiles

CONFIGS = tuple(map(str, Layout("nested", Path()).settings))
"""Both settings files, from the clone's root: as the rulebook's own script names them, whichever the layout."""

REQUIREMENTS = ("server/server/requirements.txt", "server/requirements.txt", "requirements.txt")
"""Where the rulebook's deploy script looks for requirements, in its order."""


async def create(world: World) -> None:
    """Fill an empty DIR/vm."""
    files = VmFiles(world.vm)
    for folder in (
        files.bin,
        files.broken_bin,
        files.full_bin,
        files.etc,
        files.superuser_home,
        files.user_home,
        files.run,
        files.downloads,
        files.tmp,
    ):
        folder.mkdir(parents=True)
    files.journal.parent.mkdir(parents=True)
    _write_git_settings(world, files)
    refresh(world)
    await _clone(world, files)
    _write_configs(world, files)
    await _make_venv(files)


def refresh(world: World) -> None:
    """Write what depends on the world's ports and on this program's place: both may change before a kept world comes back."""
    files = VmFiles(world.vm)
    files.var_tmp.mkdir(parents=True, exist_ok=True)
    _write_stand_ins(files)
    if files.venv.is_dir():
        _write_pip(files)
    port = world.ports["update"]
    variables = {
        "NEXY_APP_HOME": files.user_home,
        "NEXY_APP_DIR": files.app,
        "NEXY_VENV": files.venv,
        "NEXY_APP_PORT": port,
        "NEXY_HEALTH_URL": f"http://127.0.0.1:{port}/health",
        "NEXY_SERVICE": world.target.vm.service,
        "NEXY_PG_BIN": client_programs(world),
    }
    files.release_env.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
    # the empty values keep a machine-wide pip configuration from adding places of its own
    files.pip_conf.write_text(
        f"[global]\nindex-url = {index.url(world)}\nextra-index-url =\nfind-links =\n"
        "no-cache-dir = true\ndisable-pip-version-check = true\nno-input = true\nretries = 1\n",
        encoding="utf-8",
    )
    for name in CONFIGS:
        _set_key(files.app / name, "DB_PORT", str(world.ports["database"]))


# --- the clone ---


async def _clone(world: World, files: VmFiles) -> None:
    """The application's clone: the previous release's tag, and over it the four files of its manifest commit."""
    await git(world.dir, "clone", "--quiet", "--no-hardlinks", "--no-checkout", str(world.bare(CODE)), str(files.app))
    await git(files.app, "remote", "set-url", "origin", world.target.code_url())
    await install_filter(world)
    await git(files.app, "checkout", "--quiet", "--detach", Version.parse(world.previous).tag)
    canonical = str(MANIFEST_DIRS[0] / "manifest.json")
    commit = await git(files.app, "log", "-1", "--format=%H", "origin/HEAD", "--", canonical)
    four = [str(path) for path in world.checkout_layout.manifest_files(world.previous)]
    await git(files.app, "checkout", "--quiet", commit, "--", *four)


async def install_filter(world: World) -> None:
    """Have git rewrite the clone's scripts as it checks them out, and undo that as it reads them back.

    The team's scripts name /home/azureuser and port 8080; on this VM they run with the world's own, while git, and
    whoever compares the clone with the repository, sees them unchanged.
    """
    files = VmFiles(world.vm)
    rewrite = vmrewrite.Rewrite.of(world)
    attributes = files.app / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("".join(f"{pattern} filter=rehearsal\n" for pattern in vmrewrite.SCRIPTS), encoding="utf-8")
    for key, command in (("smudge", rewrite.smudge()), ("clean", rewrite.clean())):
        await git(files.app, "config", f"filter.rehearsal.{key}", command)


async def filter_again(world: World) -> None:
    """Rewrite the clone's scripts for the world's present port. Does nothing while the port is the one they have."""
    files = VmFiles(world.vm)
    smudge = await git(files.app, "config", "filter.rehearsal.smudge")
    if smudge == vmrewrite.Rewrite.of(world).smudge():
        return
    names = await git(files.app, "diff", "--name-only", "-z", "HEAD", "--", *vmrewrite.SCRIPTS)
    edited = {name for name in names.split("\0") if name}
    listed = await git(files.app, "ls-files", "-z", "--", *vmrewrite.SCRIPTS)
    unedited = [name for name in listed.split("\0") if name and name not in edited]
    await install_filter(world)
    for name in unedited:
        (files.app / name).unlink(missing_ok=True)
    if unedited:
        await git(files.app, "checkout", "--quiet", "--", *unedited)


# --- settings ---


def _write_configs(world: World, files: VmFiles) -> None:
    """Both `config.env` files, alike: versions of the previous release, the world's database, values with `=` in them."""
    versions = {"SERVER_VERSION": world.previous, "SERVER_BUILD": world.previous}
    keys = {"GEMINI_API_KEY": world.secrets.gemini_api_key, "SESSION_COOKIE_OPTIONS": "Secure; SameSite=Lax; Path=/"}
    settings = versions | keys | database_settings(world)
    text = "# Settings of the Nexy server\n" + "".join(f"{name}={value}\n" for name, value in settings.items())
    for name in CONFIGS:
        path = files.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text)


def _write_git_settings(world: World, files: VmFiles) -> None:
    """A credential that may read, given to github.com alone and whatever HOME a script sets; `store` and `erase` are ignored."""
    helper = files.etc / "git-credential-deploy"
    write_private(
        helper,
        f'#!/bin/sh\ntest "$1" = get || exit 0\nprintf "username=x-access-token\\npassword=%s\\n" "{world.secrets.readonly_token}"\n',
        0o700,
    )
    write_private(
        files.gitconfig,
        f'[credential "https://{world.target.hosts.web}"]\n\thelper = {helper}\n[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n',
    )


def _set_key(path: Path, key: str, value: str) -> None:
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    changed = [f"{key}={value}\n" if line.startswith(f"{key}=") else line for line in lines]
    if changed != lines:
        path.write_text("".join(changed), encoding="utf-8")


# --- programs ---


def _write_stand_ins(files: VmFiles) -> None:
    """What a directory lacks to be a machine: the service manager's two programs, `sudo`, `python3`; and a `git` for a fault."""
    for program in ("systemctl", "journalctl"):
        text = _ASKS_THE_MANAGER.format(bash=shutil.which("bash"), manager=shlex.quote(str(files.manager)), program=program)
        write_private(files.bin / program, text, 0o755)
    write_private(files.bin / "sudo", _SUDO, 0o755)
    for program in ("apt-get", "apt"):
        write_private(files.bin / program, _APT.format(installed=files.root / "var" / "lib" / "installed-packages"), 0o755)
    for program in ("git", "systemctl"):
        write_private(files.broken_bin / program, _BROKEN.format(bin=files.broken_bin, program=program), 0o755)
    write_private(files.full_bin / "df", _FULL_DF, 0o755)
    (files.bin / "python3").unlink(missing_ok=True)
    (files.bin / "python3").symlink_to(_base_python())


async def _make_venv(files: VmFiles) -> None:
    """A Python environment with the deployed release's requirements."""
    await _run(_base_python(), "-Im", "venv", "--without-pip", "--symlinks", str(files.venv))
    _write_pip(files)
    requirements = next((files.app / name for name in REQUIREMENTS if (files.app / name).is_file()), None)
    if requirements is not None:
        wheels.install(wheels.pinned(requirements.read_text(encoding="utf-8")), _site_packages(files))


def _write_pip(files: VmFiles) -> None:
    """The environment's pip is this program's: its package stands there, and lists neither itself nor what this program has."""
    write_private(files.venv / "bin" / "pip", f'#!/bin/sh\nexec {files.venv / "bin" / "python"} -Im pip "$@"\n', 0o755)
    package = _site_packages(files) / "pip"
    if not package.is_symlink():
        shutil.rmtree(package, ignore_errors=True)
    package.unlink(missing_ok=True)
    package.symlink_to(Path(str(pip.__file__)).parent)


def _site_packages(files: VmFiles) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(files.venv), "platbase": str(files.venv)}))


def _base_python() -> str:
    """The interpreter outside any virtual environment, so that the VM's does not depend on this program's."""
    return str(getattr(sys, "_base_executable", sys.executable))


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file with this mode, whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    path.chmod(mode)


async def _run(*argv: str) -> None:
    child = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, error = await child.communicate()
    if child.returncode != 0:
        raise ActionFailed(
            f"{argv[0]} exited {child.returncode} while the rehearsal VM's Python environment was made.",
            error.decode(errors="replace").strip()[-500:],
            "See that this Python has its venv module (Debian: python3-venv).",
        )


_ASKS_THE_MANAGER = """#!{bash} -p
# Asks the service manager, says what it said. In bash alone: one survey of the VM asks seven times.
LC_ALL=C
if ! {{
  read -r port && read -r token && exec 3<>"/dev/tcp/127.0.0.1/$port" &&
    printf '%s\\0' "$token" {program} "$#" "$@" >&3 && IFS= read -r -d '' status <&3
}} 2>/dev/null <{manager}; then
  echo "Failed to connect to bus: Host is down" >&2
  exit 1
fi
IFS= read -r -d '' out <&3
IFS= read -r -d '' err <&3
printf %s "$out"
printf %s "$err" >&2
exit "$status"
"""

_SUDO = """#!/bin/sh
# The VM's agent runs scripts as root already: run the command as it is.
while [ $# -gt 0 ]; do
  case "$1" in
    -u | -g | -p | -C | -h) shift 2 ;;
    --) shift; break ;;
    -*) shift ;;
    [A-Za-z_]*=*) export "${1?}"; shift ;;
    *) break ;;
  esac
done
[ $# -eq 0 ] || exec "$@"
"""

_APT = """#!/bin/sh
# No package is fetched and no program is put anywhere: what was asked for is noted, and said as apt-get says it.
verb=
packages=
for word in "$@"; do
  case "$word" in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else packages="$packages $word"; fi ;;
  esac
done
case "$verb" in
  update) echo "Reading package lists..." ;;
  install)
    for package in $packages; do
      echo "Setting up $package ..."
      echo "$package" >> {installed}
    done ;;
  upgrade | dist-upgrade | autoremove | clean | remove | purge) echo "0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded." ;;
  *) echo "E: Invalid operation $verb" >&2; exit 100 ;;
esac
"""

_FULL_DF = """#!/bin/sh
# The fault vm-disk-full.
echo "Filesystem     1024-blocks     Used Available Capacity Mounted on"
echo "/dev/root         30298176 30257216     40960     100% /"
"""

_BROKEN = """#!/bin/sh
# The fault deploy-exit-123: whatever changes the working tree fails, or the command line with these words; all else is the program's own.
breaks=$BROKEN_WORDS
skip=
for word in "$@"; do
  if [ -n "$BROKEN_WORDS" ]; then
    case " $breaks " in *" $word "*) breaks=${{breaks%%"$word"*}}${{breaks#*"$word"}} ;; esac
    continue
  fi
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$word" in
    -C | -c | --git-dir | --work-tree | --namespace) skip=yes ;;
    -*) ;;
    checkout | switch | restore | reset) breaks=; BROKEN_WORDS=found; break ;;
    *) break ;;
  esac
done
if [ -n "$BROKEN_WORDS" ] && [ -z "${{breaks# }}" ]; then
  echo "error: unable to write file: Input/output error" >&2
  exit 123
fi
PATH=":$PATH:"
PATH="${{PATH%%:{bin}:*}}:${{PATH#*:{bin}:}}"
PATH="${{PATH#:}}"
PATH="${{PATH%:}}"
export PATH
exec {program} "$@"
"""
