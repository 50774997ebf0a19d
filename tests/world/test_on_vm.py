"""The jobs as the VM's agent runs them: against a directory with a clone, a stand-in service manager and a health file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import seldom

from nexy_tui.core.deployment import Deployment
from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import VmFacts, unpack_survey
from nexy_tui.rehearsal.vm.seed import CONFIGS
from nexy_tui.services.vm import ScriptResult, judge_message
from nexy_tui.services.vm_program import compose

OLD, NEW = "1.6.1.42", "1.6.1.43"
FOLDERS = ("server/updates/manifests", "server/server/updates/manifests")
CONFIG = f"# settings\nSERVER_VERSION={OLD}\nOPTIONS=a=b=c\nSERVER_BUILD={OLD}\nGEMINI_API_KEY=AIzaSECRETSECRETSECRET"
NONCE = "5" * 32

SYSTEMCTL = """#!/bin/bash
state="{root}/service"
case "$1" in
  restart)
    echo restart >> "{root}/calls"
    [ ! -e "{root}/down" ] || {{ echo failed > "$state"; echo "Job for $2 failed." >&2; exit 1; }}
    [ ! -e "{root}/dies" ] || {{ echo failed > "$state"; exit 0; }}
    . <(cat "{app}"/{{,server/,server/server/}}config.env 2>/dev/null | grep -E '^SERVER_(VERSION|BUILD)=[0-9.]*$')
    printf '{{"status":"OK","latest_version":"%s","latest_build":"%s"}}' "$SERVER_VERSION" "$SERVER_BUILD" > "{root}/health.json"
    echo active > "$state" ;;
  reset-failed) ;;
  show) echo 4711 ;;
  is-active) cat "$state"; [ "$(cat "$state")" = active ] ;;
esac
"""

KILL = """
import os, signal, sys
_at = [0]
def _watch(name, words):
    if name in ("os.rename", "os.remove", "os.mkdir", "subprocess.Popen", "shutil.copyfile", "shutil.rmtree") or (
        name == "open" and isinstance(words[2], int) and words[2] & (os.O_WRONLY | os.O_RDWR)
    ):
        _at[0] += 1
        if WHEN:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(_watch)
"""

SSH = """#!/bin/sh
for asked; do :; done
case "$asked" in
  *Seregawpn/*) exec git upload-pack {origin} ;;
esac
echo "Repository not found: $asked" >&2
exit 128
"""

PYTHON = """#!/bin/bash
if [ "$1 $2" = "-m pip" ]; then
  echo "pip ${{*: -1}}" >> "{root}/calls"
  [ ! -e "{root}/broken-wheel" ] || {{ echo "ERROR: no matching distribution for nexy-wire" >&2; exit 1; }}
  exit 0
fi
exec {python} "$@"
"""


@dataclass
class Machine:
    """One fake VM."""

    root: Path
    tag_commit: str = ""
    manifest_commit: str = ""

    @property
    def app(self) -> Path:
        return self.root / "app"

    @property
    def origin(self) -> Path:
        return self.root / "origin"

    def git(self, where: Path, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(where), *arguments], env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.root),
            "NEXY_VM_ENV": str(self.root / "vm.env"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@t",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@t",
            "TMPDIR": str(self.root / "tmp"),
            "GIT_SSH_COMMAND": str(self.root / "bin/ssh"),
        }

    def start(self, job: str, parameters: dict[str, Any], hook: str = "") -> subprocess.CompletedProcess[str]:
        place = {"directory": str(self.app), "service": "voice-assistant.service"}
        path = self.root / "script.sh"
        script(path, compose(job, place | parameters, NONCE).replace("\nimport json\n", f"\nimport json\n{hook}\n", 1))
        environ, no_input = self.environment(), subprocess.DEVNULL
        return subprocess.run([path], env=environ, stdin=no_input, capture_output=True, text=True, timeout=60, check=False)

    def run(self, job: str, parameters: dict[str, Any]) -> ScriptResult:
        done = self.start(job, parameters)
        result = judge_message(f"Enable succeeded: \n[stdout]\n{done.stdout[-4096:]}\n[stderr]\n{done.stderr[-4096:]}", NONCE)
        assert result is not None, done.stdout + done.stderr
        return result

    def deploy(self, kind: Kind = Kind.FULL, **changes: object) -> ScriptResult:
        return self.run("deploy", self.release(kind, **changes))

    def killed(self, when: str, kind: Kind = Kind.FULL, **changes: object) -> bool:
        """Whether a deploy came to where `when` holds, an expression on an audit event's `name` and `words`, and was killed there."""
        return self.start("deploy", self.release(kind, **changes), KILL.replace("WHEN", when)).returncode == -9

    def release(self, kind: Kind, **changes: object) -> dict[str, Any]:
        version = OLD if kind is Kind.CODE_ONLY else NEW
        files = tuple(f"{folder}/{name}" for folder in FOLDERS for name in ("manifest.json", f"manifest_{version}.json"))
        digest = hashlib.sha256(manifest(version)).hexdigest()
        deployment = Deployment(Version.parse(NEW), kind, "main", self.tag_commit, self.manifest_commit, version, files, digest)
        release = {"host": "github.com", "repository": "Seregawpn/Nexy_server", "stay": 0.1}
        return deployment.parameters() | release | changes

    def survey(self, version: str = "", commit: str = "") -> VmFacts:
        result = self.run("survey", self.asked(version, commit))
        assert result.exit == 0, result.tail
        return unpack_survey(result.stdout, "now")

    def asked(self, version: str, commit: str) -> dict[str, Any]:
        return {"manifest_version": version, "manifest_directories": FOLDERS, "commit": commit}

    def snapshot(self) -> dict[str, bytes]:
        files = (path for path in sorted(self.app.rglob("*")) if path.is_file() and ".git" not in path.parts)
        return {str(path.relative_to(self.app)): path.read_bytes() for path in files}

    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def head(self) -> str:
        return self.git(self.app, "rev-parse", "HEAD")


def manifest(version: str) -> bytes:
    return f'{{\n  "version": "{version}"\n}}\n'.encode()


def lay_manifests(root: Path, version: str) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in ("manifest.json", f"manifest_{version}.json"):
            (root / folder / name).write_bytes(manifest(version))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A clone standing at the old release, and an origin that has the new release's tag and, on top, its manifest commit."""
    machine = Machine(tmp_path_factory.mktemp("template"))
    machine.origin.mkdir()
    work = machine.origin
    machine.git(work, "init", "--quiet", "-b", "main")
    (work / ".gitignore").write_text("config.env\nvenv/\n")
    (work / "VERSION").write_text(OLD + "\n")
    lay_manifests(work, OLD)
    (work / "server/requirements.txt").write_text("nexy-wire==1\n")
    machine.git(work, "add", ".")
    machine.git(work, "commit", "--quiet", "-m", "old")
    machine.git(work, "tag", f"v{OLD}")
    machine.git(machine.root, "clone", "--quiet", str(work), str(machine.app))
    machine.git(machine.app, "checkout", "--quiet", "--detach", f"v{OLD}")
    (work / "VERSION").write_text(NEW + "\n")
    (work / "server/requirements.txt").write_text("nexy-wire==2\n")
    machine.git(work, "commit", "--quiet", "-am", "new")
    machine.git(work, "tag", f"v{NEW}")
    machine.tag_commit = machine.git(work, "rev-parse", "HEAD")
    lay_manifests(work, NEW)
    machine.git(work, "add", ".")
    machine.git(work, "commit", "--quiet", "-m", "manifest")
    machine.manifest_commit = machine.git(work, "rev-parse", "HEAD")
    return machine


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The files of the fake VM over http, as the application's `/health`."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=partial(server.serve_forever, 0.01), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def machine(template: Machine, tmp_path: Path, served: str) -> Machine:
    made = Machine(tmp_path, template.tag_commit, template.manifest_commit)
    shutil.copytree(template.origin, made.origin)
    shutil.copytree(template.app, made.app)
    made.git(made.app, "remote", "rename", "origin", "server_repo")
    made.git(made.app, "remote", "set-url", "server_repo", "git@github.com:Seregawpn/nexy_server.git")
    made.git(made.app, "remote", "add", "origin", "git@github.com:somebody/else.git")
    for name in ("bin", "tmp"):
        (tmp_path / name).mkdir()
    for path in CONFIGS:
        (made.app / path).parent.mkdir(parents=True, exist_ok=True)
        (made.app / path).write_text(CONFIG)
        (made.app / path).chmod(0o640)
    script(tmp_path / "bin/systemctl", SYSTEMCTL.format(root=tmp_path, app=made.app))
    script(tmp_path / "bin/journalctl", '#!/bin/bash\necho "TOKEN=abcdef started"\n')
    script(tmp_path / "bin/ssh", SSH.format(origin=made.origin))
    script(tmp_path / "bin/sudo", '#!/bin/bash\n[ "$1" = -n ] && shift\nexec "$@"\n')
    (made.app / "venv/bin").mkdir(parents=True)
    script(made.app / "venv/bin/python", PYTHON.format(root=tmp_path, python=sys.executable))
    (tmp_path / "service").write_text("active\n")
    (tmp_path / "vm.env").write_text(f"NEXY_APP_DIR={made.app}\nNEXY_HEALTH_URL={served}/health.json\nNEXY_HEALTH_WAIT=2\n")
    return made


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def config_of(version: str) -> bytes:
    return CONFIG.replace(OLD, version).encode()


def test_full_deploys_tag_manifests_requirements_config_and_service(machine: Machine) -> None:
    result = machine.deploy()
    assert result.exit == 0, result.tail
    assert machine.head() == machine.tag_commit
    for folder in FOLDERS:
        for name in ("manifest.json", f"manifest_{NEW}.json"):
            assert (machine.app / folder / name).read_bytes() == manifest(NEW)
    for path in CONFIGS:
        assert (machine.app / path).read_bytes() == config_of(NEW)
        assert (machine.app / path).stat().st_mode & 0o777 == 0o640
    assert machine.calls() == ["pip server/requirements.txt", "restart"]
    assert f"nexy: head {machine.tag_commit}" in result.stdout
    assert not list((machine.root / "tmp").iterdir())


def test_twice_ends_the_same(machine: Machine) -> None:
    assert machine.deploy().exit == 0
    once, called = machine.snapshot(), machine.calls()
    again = machine.deploy()
    assert again.exit == 0 and "nexy: unchanged" in again.stdout
    assert machine.snapshot() == once and machine.calls() == called, "nothing is restarted where all is there"
    assert not (machine.root / ".gitconfig").exists()


@pytest.mark.parametrize("spoilt", [seldom("VERSION"), f"{FOLDERS[1]}/manifest.json", seldom(CONFIGS[0])])
def test_what_is_there_but_for_one_file_is_done_again(machine: Machine, spoilt: str) -> None:
    assert machine.deploy().exit == 0
    once, file = machine.snapshot(), machine.app / spoilt
    file.write_bytes(file.read_bytes().replace(NEW.encode(), OLD.encode()))
    again = machine.deploy()
    assert again.exit == 0 and "nexy: unchanged" not in again.stdout
    assert machine.snapshot() == once


def test_update_only_leaves_head_and_code(machine: Machine) -> None:
    before = machine.head()
    assert machine.deploy(Kind.UPDATE_ONLY).exit == 0
    assert machine.head() == before
    assert (machine.app / "VERSION").read_text() == OLD + "\n"
    assert (machine.app / FOLDERS[1] / "manifest.json").read_bytes() == manifest(NEW)
    assert (machine.app / CONFIGS[1]).read_bytes() == config_of(NEW)
    assert machine.calls() == ["restart"]


def test_code_only_keeps_the_manifests_of_the_vm(machine: Machine) -> None:
    lay_manifests(machine.app, OLD)
    (machine.app / FOLDERS[0] / "manifest.json").write_bytes(manifest(OLD))
    assert machine.deploy(Kind.CODE_ONLY).exit == 0
    assert machine.head() == machine.tag_commit
    assert (machine.app / "VERSION").read_text() == NEW + "\n"
    for folder in FOLDERS:
        for name in ("manifest.json", f"manifest_{OLD}.json"):
            assert (machine.app / folder / name).read_bytes() == manifest(OLD)
    assert not list((machine.app / ".git").glob("nexy-kept*"))


def test_code_only_cut_off_after_the_checkout_still_keeps_them(machine: Machine) -> None:
    """The tag carries a manifest of its own; a run that died between checkout and restore must not make it the VM's."""
    older = manifest("1.6.1.41")
    files = [f"{folder}/{name}" for folder in FOLDERS for name in ("manifest.json", f"manifest_{OLD}.json")]
    for path in files:
        (machine.app / path).write_bytes(older)
    digest = hashlib.sha256(older).hexdigest()
    laying = "name == 'shutil.copyfile' and 'nexy-kept-' in str(words[0])"
    assert machine.killed(laying, Kind.CODE_ONLY, manifest_sha256=digest)
    assert machine.head() == machine.tag_commit
    assert (machine.app / files[0]).read_bytes() == manifest(OLD)
    assert machine.deploy(Kind.CODE_ONLY, manifest_sha256=digest).exit == 0
    assert {(machine.app / path).read_bytes() for path in files} == {older}


def test_code_only_refuses_manifests_that_are_not_published_and_changes_nothing(machine: Machine) -> None:
    (machine.app / FOLDERS[1] / "manifest.json").write_bytes(b"{}")
    before = machine.head()
    result = machine.deploy(Kind.CODE_ONLY)
    assert result.exit == 1 and "step checkout failed" in result.stdout and FOLDERS[1] in result.stderr
    assert machine.head() == before and machine.calls() == []


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        ({"tag": "v9.9.9.9"}, "checkout", "is not in the repository"),
        ({"tag_commit": "0" * 40}, "checkout", "not at 000000"),
        ({"manifest_commit": "0" * 40}, "manifests", "is not in the repository"),
        ({"manifest_sha256": "0" * 64}, "manifests", "not 000000"),
    ],
)
def test_what_is_not_exactly_the_release_stops_before_the_service(machine: Machine, change: dict[str, Any], step: str, said: str) -> None:
    result = machine.deploy(**change)
    assert result.exit == 1
    assert f"nexy: step {step} failed with status 1" in result.stdout and said in result.stderr
    assert machine.calls() == [] and (machine.app / CONFIGS[0]).read_text() == CONFIG


def test_a_stale_local_tag_is_replaced_by_the_remotes(machine: Machine) -> None:
    machine.git(machine.app, "tag", f"v{NEW}", f"v{OLD}")
    assert machine.deploy().exit == 0
    assert machine.head() == machine.tag_commit


def test_a_wheel_that_does_not_install_stops_before_the_restart(machine: Machine) -> None:
    (machine.root / "broken-wheel").touch()
    result = machine.deploy()
    assert result.exit == 1 and "step requirements failed" in result.stdout and "nexy-wire" in result.stderr
    assert "restart" not in machine.calls() and (machine.app / CONFIGS[0]).read_text() == CONFIG
    (machine.root / "broken-wheel").unlink()
    assert machine.deploy().exit == 0


def test_the_teams_script_for_the_operators_machine_is_not_run(machine: Machine) -> None:
    (machine.app / "server/server/scripts").mkdir()
    script(machine.app / "server/server/scripts/update_server_version.sh", f"#!/bin/bash\ntouch {machine.root}/ran\nexit 1\n")
    assert machine.deploy().exit == 0
    assert not (machine.root / "ran").exists()


def test_manifests_are_laid_with_a_fresh_mtime_also_where_they_are_there_already(machine: Machine) -> None:
    assert machine.deploy().exit == 0
    files = [machine.app / folder / name for folder in FOLDERS for name in ("manifest.json", f"manifest_{NEW}.json")]
    for file in files:
        os.utime(file, (1, 1))
    assert machine.deploy().exit == 0
    assert all(file.stat().st_mtime > 1 for file in files)


@pytest.mark.parametrize(("fault", "step"), [("down", "restart"), ("dies", "health")])
def test_a_service_that_does_not_come_up_is_a_failure_with_its_journal(machine: Machine, fault: str, step: str) -> None:
    (machine.root / fault).touch()
    (machine.root / "vm.env").open("a").write("NEXY_HEALTH_WAIT=30\n")
    result = machine.deploy()
    assert result.exit == 1 and f"step {step} failed" in result.stdout and "started" in result.stderr


NOT_NEW: list[dict[str, object]] = [
    {"status": "OK", "latest_version": OLD, "latest_build": OLD},
    {"status": "OK", "latest_version": NEW, "latest_build": NEW, "version": OLD},
    {"status": "OK", "latest_version": NEW, "latest_build": 43},
    {"status": "OK", "latest_version": NEW},
    {"status": "unhealthy", "latest_version": NEW, "latest_build": NEW},
]


@pytest.mark.parametrize("said", [*NOT_NEW[:1], *map(seldom, NOT_NEW[1:])])
def test_health_that_does_not_say_the_version_is_a_failure(machine: Machine, said: dict[str, object]) -> None:
    script(machine.root / "bin/systemctl", '#!/bin/bash\ncase "$1" in is-active) echo active ;; show) echo 1 ;; esac\n')
    (machine.root / "health.json").write_text(json.dumps(said))
    result = machine.deploy()
    assert result.exit == 1 and "step health failed" in result.stdout and f"does not say {NEW}" in result.stderr


@pytest.mark.parametrize("missing", [CONFIGS, ("venv/bin/python",)])
def test_what_the_vm_lacks_is_said_before_anything_changes(machine: Machine, missing: tuple[str, ...]) -> None:
    for path in missing:
        (machine.app / path).unlink()
    before = machine.snapshot()
    result = machine.deploy()
    assert result.exit == 1 and "step preflight failed" in result.stdout
    assert machine.snapshot() == before and machine.calls() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "SERVER_VERSION={v}\nSERVER_BUILD={v}\n"),
        seldom("A=1\n", "A=1\nSERVER_VERSION={v}\nSERVER_BUILD={v}\n"),
        ("A=1", "A=1\nSERVER_VERSION={v}\nSERVER_BUILD={v}\n"),
        ("A=1\r\nSERVER_BUILD=x\r\n", "A=1\r\nSERVER_BUILD={v}\r\nSERVER_VERSION={v}\r\n"),
        (
            "SERVER_VERSION=1\n#SERVER_BUILD=2\nSERVER_VERSION = 3\n",
            "SERVER_VERSION={v}\n#SERVER_BUILD=2\nSERVER_VERSION={v}\nSERVER_BUILD={v}\n",
        ),
        ("X_SERVER_VERSION=1\n\n\nU=\u00fc=\n", "X_SERVER_VERSION=1\n\n\nU=\u00fc=\nSERVER_VERSION={v}\nSERVER_BUILD={v}\n"),
    ],
)
def test_config_is_set_or_added_and_the_rest_stays_byte_for_byte(machine: Machine, before: str, after: str) -> None:
    (machine.app / CONFIGS[0]).write_bytes(before.encode())
    assert machine.deploy().exit == 0
    assert (machine.app / CONFIGS[0]).read_bytes() == after.format(v=NEW).encode()


def test_survey_sees_everything_and_changes_nothing(machine: Machine) -> None:
    (machine.root / "health.json").write_text('{"status": "healthy"}\n')
    (machine.app / CONFIGS[0]).write_text(f"MY KEY=s3cr3t\nSERVER_VERSION= {OLD}\nSERVER_BUILD={OLD}\nSERVER_BUILD=2\nstray-s3cr3t\n")
    (machine.app / CONFIGS[1]).unlink()
    (machine.app / FOLDERS[1] / f"manifest_{OLD}.json").unlink()
    before, config = machine.snapshot(), (machine.root / ".gitconfig").exists()
    facts = machine.survey()
    assert facts.head == machine.head() and facts.tags == (f"v{OLD}",) and facts.manifest_version == OLD
    digest = hashlib.sha256(manifest(OLD)).hexdigest()
    assert list(facts.manifests.values()) == [digest, digest, digest, None]
    first = facts.settings[CONFIGS[0]]
    assert (first.versions, first.builds) == ((OLD,), (OLD, "2"))
    assert first.bad_names == ("line 1: MY KEY", "line 5: no name")
    assert not facts.settings[CONFIGS[1]].there
    assert (facts.service, facts.health_status, facts.health_body) == ("active", 200, b'{"status": "healthy"}')
    assert facts.free_kib and facts.python.startswith("Python 3")
    assert facts.journal == "TOKEN=[redacted] started\n"
    assert machine.snapshot() == before and (machine.root / ".gitconfig").exists() == config


def test_survey_of_a_long_journal_fits_and_drops_the_journal_first(machine: Machine) -> None:
    script(machine.root / "bin/journalctl", "#!/bin/bash\nhead -c 30000 /dev/urandom | base64\n")
    facts = machine.survey(OLD)
    assert facts.head == machine.head() and "journal" in facts.cut


def test_survey_of_a_vm_without_the_application(machine: Machine) -> None:
    shutil.rmtree(machine.app)
    result = machine.run("survey", machine.asked("", ""))
    assert result.exit == 4 and "is not there" in result.stderr


# --- the server's settings, whatever a tag brings ---

OWN = "# own\nDB_PASSWORD=s3cr3t=1\nSERVER_VERSION=1\n"


def bring(machine: Machine, changes: Mapping[str, str | None]) -> None:
    """The next release's tag with other files in it."""
    work = machine.origin
    machine.git(work, "checkout", "--quiet", f"v{NEW}")
    for path, text in changes.items():
        if text is None:
            machine.git(work, "rm", "--quiet", "--force", path)
        else:
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
            machine.git(work, "add", "--force", path)
    machine.git(work, "commit", "--quiet", "--amend", "--allow-empty", "-m", "with settings")
    machine.git(work, "tag", "--force", f"v{NEW}")
    machine.tag_commit = machine.git(work, "rev-parse", "HEAD")
    machine.git(work, "checkout", "--quiet", "main")


def stand_on(machine: Machine, changes: dict[str, str]) -> None:
    """The VM's clone at a commit that tracks these files."""
    for path, text in changes.items():
        (machine.app / path).write_text(text)
        machine.git(machine.app, "add", "--force", path)
    machine.git(machine.app, "commit", "--quiet", "-m", "tracked")


def own(machine: Machine, paths: tuple[str, ...]) -> dict[str, bytes]:
    """The VM's own settings, in these files alone, as they have to be after a deploy."""
    for path in CONFIGS:
        (machine.app / path).unlink(missing_ok=True)
    for path in paths:
        (machine.app / path).write_text(OWN)
        (machine.app / path).chmod(0o640)
    return dict.fromkeys(paths, OWN.replace("SERVER_VERSION=1", f"SERVER_VERSION={NEW}").encode() + f"SERVER_BUILD={NEW}\n".encode())


def settings(machine: Machine) -> dict[str, bytes]:
    return {path: (machine.app / path).read_bytes() for path in ("config.env", *CONFIGS) if (machine.app / path).exists()}


PLACES = {"both": CONFIGS, "outer": CONFIGS[:1], "inner": CONFIGS[1:], "flat": ("config.env", CONFIGS[0])}


@pytest.mark.parametrize("paths", [paths if name == "both" else seldom(paths, id=name) for name, paths in PLACES.items()])
@pytest.mark.parametrize("case", ["tracked", "untracked", "removed", "newly tracked"])
def test_a_deploy_keeps_the_vms_own_settings(machine: Machine, case: str, paths: tuple[str, ...]) -> None:
    theirs = dict.fromkeys(("config.env", *CONFIGS), "# theirs\nDB_PASSWORD=placeholder\nNEW_ONE=placeholder\n")
    if case in ("tracked", "removed"):
        stand_on(machine, theirs)
    if case in ("tracked", "newly tracked"):
        bring(machine, theirs)
    if case == "removed":
        bring(machine, {"VERSION": "x\n"})
    (machine.app / "config.env").unlink(missing_ok=True)
    wanted = own(machine, paths)
    result = machine.deploy()
    assert result.exit == 0, result.tail
    assert settings(machine) == wanted
    assert all((machine.app / path).stat().st_mode & 0o777 == 0o640 for path in wanted)
    assert ("NEW_ONE" in result.stdout) == (case in ("tracked", "newly tracked"))
    assert "placeholder" not in result.stdout + result.stderr and "s3cr3t" not in result.stdout + result.stderr
    copies = [path for path in (machine.app / ".git/nexy-settings-kept").iterdir() if path.name != "index.json"]
    assert [(path.read_text(), path.stat().st_mode & 0o777) for path in copies] == [(OWN, 0o600)] * len(paths)


def kill_everywhere(machine: Machine, points: range) -> int:
    """Kill a deploy at each of these points, then deploy: the VM's own settings are there. How many points there were."""
    theirs = dict.fromkeys(CONFIGS, "# theirs\nDB_PASSWORD=placeholder\n")
    stand_on(machine, theirs)
    bring(machine, dict.fromkeys(CONFIGS, "# newer\nDB_PASSWORD=placeholder\n"))
    old = machine.head()
    for count, point in enumerate(points):
        machine.git(machine.app, "checkout", "--quiet", "--force", "--detach", old)
        wanted = own(machine, CONFIGS)
        if not machine.killed(f"_at[0] == {point}"):
            return count
        assert machine.deploy().exit == 0
        assert settings(machine) == wanted, point
    return len(points)


def test_a_killed_deploy_followed_by_a_deploy_loses_no_setting(machine: Machine) -> None:
    kept = "name == 'os.rename' and str(words[1]).endswith('nexy-settings-kept')"
    theirs = dict.fromkeys(CONFIGS, "# theirs\nDB_PASSWORD=placeholder\n")
    for when in ("name == 'os.rename' and str(words[1]).endswith(('config.env'))", kept):
        bring(machine, theirs)
        wanted = own(machine, CONFIGS)
        assert machine.killed(when)
        if when != kept:
            assert settings(machine) == {path: text.encode() for path, text in theirs.items()}, "killed over the tag's own"
        assert machine.deploy().exit == 0
        assert settings(machine) == wanted
        machine.git(machine.app, "checkout", "--quiet", "--force", "--detach", f"v{OLD}")


@pytest.mark.exhaustive
def test_a_deploy_killed_at_any_point_loses_no_setting(machine: Machine) -> None:
    points = kill_everywhere(machine, range(1, 200))
    assert 40 < points < 199


def test_settings_written_by_hand_after_a_kill_are_left_and_the_copy_is_kept(machine: Machine) -> None:
    bring(machine, dict.fromkeys(CONFIGS, "DB_PASSWORD=placeholder\n"))
    own(machine, CONFIGS)
    assert machine.killed("name == 'os.rename' and str(words[1]).endswith('config.env')")
    (machine.app / CONFIGS[0]).write_text("DB_PASSWORD=by-hand\n")
    result = machine.deploy()
    assert result.exit == 0 and "written since" in result.stdout
    assert b"by-hand" in settings(machine)[CONFIGS[0]] and b"s3cr3t" in settings(machine)[CONFIGS[1]]


# --- what else a checkout would lose ---


def test_files_changed_by_hand_or_in_the_way_are_surveyed_and_saved_aside(machine: Machine) -> None:
    bring(machine, {"server/new.py": "theirs\n"})
    (machine.app / "server/requirements.txt").write_text("by-hand==1\n")
    (machine.app / "server/new.py").write_text("in the way\n")
    (machine.app / "mine.txt").write_text("in nobody's way\n")
    machine.git(machine.app, "fetch", "--quiet", "server_repo", f"+refs/tags/v{NEW}:refs/tags/v{NEW}")
    facts = machine.survey(commit=machine.tag_commit)
    assert (facts.drift, facts.changed, facts.in_the_way) == (2, ("server/requirements.txt",), ("server/new.py",))
    result = machine.deploy()
    assert result.exit == 0, result.tail
    [saved] = machine.git(machine.app, "for-each-ref", "--format=%(objectname)", "refs/nexy/drift").splitlines()
    assert f"nexy: drift {saved} " in result.stdout
    assert machine.git(machine.app, "show", f"{saved}:server/new.py") == "in the way"
    assert machine.git(machine.app, "show", f"{saved}:server/requirements.txt") == "by-hand==1"
    assert (machine.app / "server/new.py").read_text() == "theirs\n" and (machine.app / "mine.txt").exists()
    assert machine.survey(commit=machine.tag_commit).drift == 0


def test_where_git_cannot_tell_the_drift_is_not_seen_and_not_none(machine: Machine) -> None:
    script(machine.root / "bin/git", GIT.format(words="diff --name-only", said="index file corrupt", bin=machine.root / "bin"))
    assert machine.survey().drift is None


def test_a_manifest_above_the_one_that_is_laid_is_taken_away(machine: Machine) -> None:
    above, beta = machine.app / FOLDERS[0] / "manifest_1.6.1.44.json", machine.app / FOLDERS[0] / "manifest_beta.json"
    above.write_text("{}")
    beta.write_text("{}")
    older = (machine.app / FOLDERS[0] / f"manifest_{OLD}.json").stat().st_mtime_ns
    result = machine.deploy(Kind.UPDATE_ONLY)
    assert result.exit == 0 and not above.exists() and beta.exists()
    laid = [machine.app / folder / name for folder in FOLDERS for name in ("manifest.json", f"manifest_{NEW}.json")]
    assert min(path.stat().st_mtime_ns for path in laid) > max(older, beta.stat().st_mtime_ns)


def test_without_a_remote_that_leads_to_the_repository_nothing_is_fetched(machine: Machine) -> None:
    machine.git(machine.app, "remote", "remove", "server_repo")
    result = machine.deploy()
    assert "step fetch failed" in result.stdout and "leads to github.com/Seregawpn/Nexy_server" in result.stderr


def test_a_lock_left_in_the_clone_is_said_before_anything_changes(machine: Machine) -> None:
    (machine.app / ".git/index.lock").touch()
    assert machine.survey().index_lock
    result = machine.deploy()
    assert "step preflight failed" in result.stdout and "index.lock" in result.stderr and machine.calls() == []


def test_a_service_that_starts_over_and_over_is_not_up(machine: Machine) -> None:
    flapping = SYSTEMCTL.replace("echo 4711", 'echo x >> "{root}/pids"; wc -l < "{root}/pids"')
    script(machine.root / "bin/systemctl", flapping.format(root=machine.root, app=machine.app))
    result = machine.deploy(stay=0.7)
    assert "step health failed" in result.stdout and "does not stay up" in result.stderr


def test_survey_tells_where_each_database_setting_comes_from(machine: Machine) -> None:
    (machine.app / CONFIGS[0]).write_text("DB_HOST=a\nDB_PASSWORD=s3cr3t\n")
    (machine.app / CONFIGS[1]).write_text("DB_PASSWORD=s3cr3t\nOTHER=1\n")
    assert machine.survey().origins == {"DB_HOST": CONFIGS[0], "DB_PASSWORD": CONFIGS[1]}


GIT = """#!/bin/bash
case "$*" in
  *"{words}"*) echo "fatal: {said}" >&2; exit 128 ;;
esac
PATH=${{PATH#*:}}
PATH=${{PATH//{bin}:/}} exec git "$@"
"""


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("preflight", "rev-parse --verify HEAD"),
        seldom("fetch", "fetch --quiet"),
        seldom("drift", "read-tree"),
        ("drift", "diff --name-only"),
        ("checkout", "checkout --quiet --force"),
        seldom("manifests", "checkout --quiet {manifest}"),
    ],
)
def test_a_step_whose_git_fails_names_itself_with_gits_last_words(machine: Machine, step: str, words: str) -> None:
    (machine.app / "VERSION").write_text("by hand\n")
    words = words.format(manifest=machine.manifest_commit)
    script(machine.root / "bin/git", GIT.format(words=words, said=f"no {step} today", bin=machine.root / "bin"))
    result = machine.deploy()
    assert result.exit == 128 and f"nexy: step {step} failed with status 128" in result.stdout
    assert f"fatal: no {step} today" in result.stderr and "restart" not in machine.calls()
    assert (machine.app / CONFIGS[0]).read_text() == CONFIG


FULL_DISK = """
import sys
def _watch(name, words):
    if name == "tempfile.mkstemp" and "nexy-mend" in str(words[0]):
        raise OSError(28, "No space left on device")
sys.addaudithook(_watch)
"""


def test_settings_that_cannot_be_written_fail_their_step_and_stay(machine: Machine) -> None:
    done = machine.start("deploy", machine.release(Kind.UPDATE_ONLY), FULL_DISK)
    assert done.returncode == 1 and "nexy: step config failed with status 1" in done.stdout and "No space left" in done.stderr
    assert machine.calls() == [] and (machine.app / CONFIGS[0]).read_text() == CONFIG
