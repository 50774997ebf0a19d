"""The team's own scripts doing steps (`[steps]` in the configuration): run without a terminal, judged by the same checks."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from conftest import Inside, MakeWorld
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

pytest.register_assert_rewrite("driving")

import driving  # noqa: E402
from driving import MANIFEST_DIRS, Run  # noqa: E402

from nexy_tui.config import load_settings  # noqa: E402
from nexy_tui.core.event import Line, silent  # noqa: E402
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook  # noqa: E402
from nexy_tui.services import Services  # noqa: E402
from nexy_tui.services.checkout_script import CheckoutScript  # noqa: E402
from nexy_tui.services.database.adopt import adopt, look_before  # noqa: E402

TEAM = Path(__file__).parent / "team"
FOLDER = "server/scripts"
V = "1.6.1.43"
MOODS = {
    ".sh": '[ ! -f "$HOME/{name}" ] || {{ . "$HOME/{name}"; exit 0; }}\n',
    ".py": 'import os\nif os.path.exists(mood := os.path.expanduser("~/{name}")):\n    exec(open(mood).read())\n    os._exit(0)\n',
}
"""What is put before the scripts' work, so that they can be made to do something else without a commit."""


def team_script(name: str) -> str:
    first, rest = (TEAM / f"{name}.in").read_text().split("\n", 1)
    return f"{first}\n{MOODS[Path(name).suffix].format(name=name)}{rest}"


@pytest.fixture(scope="module")
def place(make_module_world: MakeWorld) -> Inside:
    """A world whose code repository has the team's own scripts, and whose operator lets them do what they can."""
    return prepared(make_module_world())


def prepared(inside: Inside) -> Inside:
    folder = inside.world.checkout_layout.scripts
    for name in (path.name.removesuffix(".in") for path in TEAM.iterdir()):
        (folder / name).write_text(team_script(name))
        (folder / name).chmod(0o755)
    inside.git("add", folder)
    inside.git("commit", "--quiet", "-m", "The team's scripts")
    inside.git("push", "--quiet", "origin", "HEAD:main")
    _sign(inside)
    with inside.world.config.open("a") as config:
        config.write("\n[steps]\n" + "".join(f'{key} = "script"\n' for key in ("bump", "backup", "harden", "publish", "deploy")))
    return inside


def _sign(inside: Inside) -> None:
    """Sparkle's signature as sign_update leaves it, for a publisher that has no key."""
    inbox = inside.world.checkout_layout.inbox
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(inside.world.secrets.sparkle_seed))
    (inbox / "Nexy.dmg.ed25519").write_text(base64.b64encode(key.sign((inbox / "Nexy.dmg").read_bytes())).decode())


@pytest.fixture
def mood(place: Inside) -> Iterator[Callable[[str, str], None]]:
    """Makes a script do something else, for this test."""
    made: list[Path] = []

    def set_mood(name: str, text: str) -> None:
        made.append(place.home / name)
        made[-1].write_text(text)

    yield set_mood
    for path in made:
        path.unlink(missing_ok=True)


def release(place: Inside, *arguments: str) -> Run:
    return driving.release(place, *arguments)


def failed(run: Run) -> set[str]:
    return {item["id"] for item in run.document["items"] if item["status"] == "failed"}


@pytest.mark.exhaustive
def test_failing_and_lying_scripts_stop_the_release_and_honest_ones_finish_it(place: Inside, mood: Callable[[str, str], None]) -> None:
    """One run, stopped by one script after the other: its word counts for nothing, and what was not done is not gone past."""
    backups, begun = place.checkout / "server/backups/postgres", driving.outside(place)

    mood("update_version.py", "print('all files written, really')")
    run = release(place, V)
    assert run.exit == 1 and run.document["stopped_by"] == "version.files"
    assert "   update_version.py: all files written, really\n" in run.said
    (place.home / "update_version.py").unlink()

    def go_on() -> Run:
        went = release(place, "--resume", run.id)
        assert went.exit != 0
        return went

    mood(
        "db_backup.sh",
        "nexy-tui db backup --yes || echo inner status $?\n"
        "env | sort > $HOME/environment; read -r answer || echo no input; (: < /dev/tty) 2> /dev/null || echo no terminal; exit 7",
    )
    stopped = go_on()
    assert "./server/scripts/db_backup.sh ended with status 7: " in stopped.said
    for line in ("inner status 2", "no input", "no terminal"):
        assert f"   db_backup.sh: {line}\n" in stopped.said
    assert "nexy-tui: This nexy-tui was called by the script that does the step backup for another nexy-tui." in stopped.said
    given = dict(line.split("=", 1) for line in (place.home / "environment").read_text().splitlines() if "=" in line)
    assert given["DB_HOST"] == place.environ["DB_HOST"] and given["GIT_TERMINAL_PROMPT"] == "0" and given["NEXY_STEP"] == "backup"
    assert not {name for name in given if name.startswith(("GH_TOKEN", "GITHUB", "AZURE_CLIENT", "NEXY_DATABASE", "KEYRING"))}

    before = {path.name for path in backups.glob("*")} if backups.exists() else set()
    mood("db_backup.sh", "echo Backup created: nexy_db_20990101T000000Z.tar.gz")
    stopped = go_on()
    assert "The script left no new archive in" in stopped.said and stopped.item("database.backup")["status"] == "failed"

    assert ({path.name for path in backups.glob("*")} if backups.exists() else set()) == before
    (place.home / "db_backup.sh").unlink()

    mood("publish_assets_and_sync.py", "print('RELEASE COMPLETE')")
    stopped = go_on()
    assert stopped.item("database.backup")["status"] == "passed"
    assert "\nRELEASE COMPLETE\n" in stopped.said
    assert "publish.asset" in failed(stopped) and stopped.item("gate.files")["status"] == "not_run"
    assert driving.outside(place).changed(begun) == {"tag", "branch"}, "the release commit and its tag, and nothing of what was claimed"
    (place.home / "publish_assets_and_sync.py").unlink()

    mood("deploy_azure_guarded.sh", "echo healthy")
    stopped = go_on()
    assert "deploy.head" in failed(stopped) and stopped.item("final.live")["status"] == "not_run"
    assert driving.outside(place).vm_head == begun.vm_head
    (place.home / "deploy_azure_guarded.sh").unlink()

    done = release(place, "--resume", run.id)
    assert done.exit == 0, done.said[-4000:]
    _released(place, done)


def _released(place: Inside, done: Run) -> None:
    now, records, layout = driving.outside(place), done.records, place.world.checkout_layout
    image = hashlib.sha256((layout.inbox / "Nexy.dmg").read_bytes()).hexdigest()
    manifest = json.loads(now.manifests[MANIFEST_DIRS[0]] or "")
    assert now.download == image == manifest["artifact"]["sha256"] and manifest["version"] == V
    assert set(now.assets) == {"Nexy.dmg"}, "the team's publisher clobbers: it keeps no previous one"
    assert now.vm_head == now.refs[f"refs/tags/v{V}^{{}}"] and now.lock is None
    assert all(f"SERVER_VERSION={V}\n" in text for text in now.vm_settings)
    intents = [record for record in records if record.kind == "progress-checkpoint" and record.message.startswith("run ")]
    assert intents[-1].message == f"run bash server/scripts/deploy_azure_guarded.sh v{V}"
    for record in intents:
        name = record.message.split(f"{FOLDER}/")[1].split()[0]
        script = hashlib.sha256((layout.scripts / name).read_bytes()).hexdigest()
        assert {"name": "script_sha256", "value": script}.items() <= dict(record.evidence[0]).items()
    text = done.log.read_bytes().decode()
    payloads = "".join(base64.b64decode(json.loads(line)["payload"]).decode() for line in text.splitlines())
    for secret in (place.environ["PG_SUPERUSER_PASSWORD"], place.environ["GH_TOKEN"], place.environ["AZURE_CLIENT_SECRET"]):
        assert secret not in payloads + done.said
    verified = place.run("nexy-tui", "verify", "--json", check=False)
    assert verified.returncode == 0, verified.stdout


def test_hardening_is_seen_in_the_catalog_whatever_the_script_says(place: Inside, mood: Callable[[str, str], None]) -> None:
    place.run("psql", "-qX", place.environ["NEXY_DATABASE_URL"], "-c", f'GRANT DELETE ON users TO "{place.environ["DB_USER"]}"')
    mood("harden_database_protection.sh", "echo hardened")
    lied = place.run("nexy-tui", "db", "harden", "--yes", check=False)
    assert lied.returncode == 1 and "harden_database_protection.sh: hardened" in lied.stdout
    assert "database.hardening is failed" in lied.stderr
    (place.home / "harden_database_protection.sh").unlink()
    assert place.run("nexy-tui", "db", "harden", "--yes").returncode == 0


@pytest.mark.exhaustive
def test_a_release_by_the_teams_scripts_in_a_nested_checkout(make_world: MakeWorld) -> None:
    place = prepared(make_world(layout="nested"))
    done = release(place, V)
    assert done.exit == 0, done.said[-4000:]
    print(f"\n{sum(record.kind == 'intent' for record in done.records)} actions, four of them by scripts, in a nested checkout")
    _released(place, done)


# --- scripts that cannot stand in are found out at the start ---


def _missing(path: Path) -> None:
    path.unlink()


def _outside(path: Path) -> None:
    target = path.parents[3] / "elsewhere.sh"
    target.write_text("#!/bin/sh\n")
    path.unlink()
    path.symlink_to(target)


def _thin(path: Path) -> None:
    from nexy_tui.core.target import Target
    from nexy_tui.services.team_scripts import text

    path.write_bytes(text(path.name, Target()) + b"# changed since\n")


@pytest.mark.parametrize(
    ("spoil", "what", "next_"),
    [
        (_missing, "server/scripts/db_backup.sh is not in this checkout.", 'Put the team\'s script there, or set backup = "builtin"'),
        (_outside, "leads out of the checkout", "Put the script itself there"),
        (_thin, "is the thin script that nexy-tui scaffold laid", 'Put the team\'s own script there, or set backup = "builtin"'),
        (lambda path: path.chmod(0o644), "is not executable.", "chmod +x"),
    ],
    ids=["missing", "outside", "thin", "not executable"],
)
def test_a_script_that_cannot_stand_in_is_refused_before_anything_begins(
    place: Inside, spoil: Callable[[Path], None], what: str, next_: str
) -> None:
    path = place.checkout / FOLDER / "db_backup.sh"
    kept, logs = path.read_bytes(), set((place.world.state / "runs").rglob("*.jsonl"))
    spoil(path)
    try:
        for command in (["db", "backup", "--yes"], ["release", "1.6.1.44", "--headless", "--yes"]):
            done = place.run("nexy-tui", *command, check=False)
            assert (done.returncode, done.stdout) == (1, ""), done.stderr
            assert what in done.stderr and next_ in done.stderr and str(place.world.config) in done.stderr
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(kept)
        path.chmod(0o755)
    assert set((place.world.state / "runs").rglob("*.jsonl")) == logs


def test_a_publisher_for_another_repository_is_not_given_the_token(place: Inside) -> None:
    path = place.checkout / FOLDER / "publish_assets_and_sync.py"
    kept = path.read_text()
    try:
        path.write_text(kept.replace("Seregawpn/Nexy_production", "Seregawpn/Nexy_server"))
        done = place.run("nexy-tui", "publish", "--yes", check=False)
        assert done.returncode == 1
        assert "names 'Seregawpn/Nexy_server' where 'Seregawpn/Nexy_production' is configured" in done.stderr
        path.write_text(kept.replace('TARGET_REPO = "', 'TARGET_REPO = str() + "'))
        done = place.run("nexy-tui", "publish", "--yes", check=False)
        assert done.returncode == 1 and "cannot be read" in done.stderr
    finally:
        path.write_text(kept)


# --- in this process: how a script is run, and what is made of the archive that it leaves ---


@pytest.fixture
def services(place: Inside) -> Services:
    return Services(load_settings(place.environ), place.checkout, environ=place.environ)


def script(place: Inside, mood: Callable[[str, str], None], text: str, minutes: int | float = 1) -> CheckoutScript:
    mood("db_backup.sh", text)
    return CheckoutScript("backup", "db_backup.sh", minutes=minutes)  # type: ignore[arg-type]


def test_a_script_past_its_time_limit_is_ended(place: Inside, services: Services, mood: Callable[[str, str], None]) -> None:
    waiting = script(place, mood, "sleep 300 & echo $! > $HOME/child; wait", minutes=0.01)
    with pytest.raises(CouldNotLook, match=r"^./server/scripts/db_backup.sh: .* was ended"):
        waiting.run(services, [], {}, silent, lambda: False)
    assert _gone(int((place.home / "child").read_text()))


def test_the_operator_can_stop_it_and_sees_its_lines_as_they_come(
    place: Inside, services: Services, mood: Callable[[str, str], None]
) -> None:
    seen: list[str] = []
    waiting = script(
        place, mood, r"printf 'working\033]0;title\007\033[2J 10%%\r\033[1mworking 20%%\n'; sleep 300 & echo $! > $HOME/child; wait"
    )
    with pytest.raises(Cancelled):
        waiting.run(services, [], {}, lambda event: seen.append(event.text) if isinstance(event, Line) else None, lambda: bool(seen))
    assert seen == ["working 20%"]
    child = place.home / "child"
    assert not child.exists() or _gone(int(child.read_text()))


def _gone(pid: int) -> bool:
    """Wait for the end of a process; what ends the test if it never comes is the test's own time limit."""
    try:
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(0.05)
    except psutil.NoSuchProcess:
        pass
    return True


def _rerun(place: Inside) -> str:
    """The team's own backup; the name of the archive that it leaves."""
    done = place.run("bash", f"{FOLDER}/db_backup.sh")
    return done.stdout.split("Backup created: ")[1].split("\x1b")[0]


def _repack(folder: Path, name: str, new: str, change: Callable[[Path], None]) -> None:
    work = folder / "work"
    work.mkdir()
    subprocess.run(["tar", "-xzf", str(folder / name), "-C", str(work)], check=True)
    inner = work / new.removesuffix(".tar.gz")
    (work / name.removesuffix(".tar.gz")).rename(inner)
    change(inner)
    lines = [f"{hashlib.sha256((inner / part).read_bytes()).hexdigest()}  {part}\n" for part in ("db.dump", "schema.sql", "metadata.env")]
    (inner / "SHA256SUMS").write_text("".join(lines))
    subprocess.run(["tar", "-czf", str(folder / new), "-C", str(work), inner.name], check=True)
    shutil.rmtree(work)
    (folder / f"{new}.sha256").write_text(f"{hashlib.sha256((folder / new).read_bytes()).hexdigest()}  {new}\n")


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ("old", "its dump was made at .*, not in this run"),
        ("torn", "cannot be read whole|pg_restore does not read its dump"),
        ("sum", "sha256 does not give the sha256"),
        ("other database", "its dump is of the database postgres, not"),
        ("empty", "its dump holds no data of users"),
    ],
)
def test_an_archive_that_is_no_backup_of_now_is_not_recorded(place: Inside, services: Services, lie: str, reason: str) -> None:
    folder, new = place.checkout / "server/backups/postgres", "nexy_db_20981231T235959Z.tar.gz"
    old = _rerun(place)
    before = look_before(services, silent)
    if lie == "old":  # As if the run had begun a minute after that dump.
        before = replace(before, moment=before.moment + timedelta(minutes=1))

    def dumped(*options: str) -> Callable[[Path], None]:
        def dump(inner: Path) -> None:
            role = {"PGPASSWORD": place.environ["PG_SUPERUSER_PASSWORD"]}
            address = ("-h", place.environ["DB_HOST"], "-p", place.environ["DB_PORT"], "-U", place.environ.get("PG_SUPERUSER", "postgres"))
            place.run("pg_dump", "--no-password", *address, "-Fc", "-f", inner / "db.dump", *options, env=role)

        return dump

    changes: dict[str, Callable[[Path], None]] = {
        "old": lambda inner: None,
        "torn": lambda inner: (inner / "db.dump").write_bytes((inner / "db.dump").read_bytes()[:2000]) and None,
        "sum": dumped(place.environ["DB_NAME"]),
        "other database": dumped("postgres"),
        "empty": dumped("--schema-only", place.environ["DB_NAME"]),
    }
    try:
        _repack(folder, old, new, changes[lie])
        if lie == "sum":
            (folder / f"{new}.sha256").write_text(f"{'0' * 64}  {new}\n")
        with pytest.raises(ActionFailed, match=reason):
            adopt(services, before, silent, lambda: False)
    finally:
        for path in folder.glob(f"{new}*"):
            path.unlink()
    assert not list(folder.glob(".nexy_db_*")) and not (folder / ".backup.lock").exists()


def test_what_the_honest_script_leaves_is_counted_in_the_dump_itself(place: Inside, services: Services) -> None:
    before = look_before(services, silent)
    name = _rerun(place)
    made = adopt(services, before, silent, lambda: False)
    assert made.record.archive.name == name
    rows = {table: count for table, count in before.rows.items() if count}
    assert {table: made.record.rows[table] for table in rows} == rows
    assert made.record.started <= made.record.finished and made.record.pg_dump_version
    assert place.git("status", "--porcelain", "--", "server/backups") == ""
