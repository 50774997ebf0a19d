"""The fixers in a rehearsal world: each finds its trouble and no other, shows it, mends it, and leaves a sealed log and no secret."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import witnesses
from conftest import Inside, MakeWorld, seldom
from driving import verified_as
from leaving import at_rest
from mending import (
    MANIFEST,
    NEW_KEY,
    SECOND,
    Killed,
    Mortal,
    change,
    edit_manifest,
    everything,
    fix,
    holding,
    inside_of,
    keyring_says,
    mended,
    stray_manifest,
)

from nexy_tui.checklist import CHECKLIST
from nexy_tui.cli.backend import RealBackend
from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version
from nexy_tui.engine.begin import RunRequest, start_run
from nexy_tui.engine.mend import FixPreview
from nexy_tui.fixers import FIXERS, fixer
from nexy_tui.rehearsal.faults.vm import EXPIRED_KEY
from nexy_tui.rehearsal.home import WAITING_SPEED
from nexy_tui.rehearsal.names import ARTIFACTS, CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS
from nexy_tui.runlog.read import read_log

SEALED = 10


OLD_STYLE = ("no-publisher", "no-tracked-config", "ignored-config", "ignored-backups")
"""A tree whose checkout is clean, without a publisher script: the cases lay one of their own."""


@pytest.fixture(scope="module")
def module_world(make_module_world: MakeWorld) -> Inside:
    return make_module_world(seed=OLD_STYLE)


@dataclass(frozen=True)
class Case:
    """One trouble: how it is brought about, which parts must say so, and with what it is mended. `then` looks at the mended world."""

    id: str
    fixer: str
    break_it: Callable[[Inside], None]
    parts: tuple[str, ...]
    then: Callable[[Inside], None]
    env: Mapping[str, str | None] = field(default_factory=dict)
    secret: str = ""
    shown: str = ""


def _no_inbox(inside: Inside) -> None:
    for path in (inside.checkout / "release_inbox").iterdir():
        path.unlink()
    (inside.checkout / "release_inbox").rmdir()


def _inbox_there(inside: Inside) -> None:
    assert (inside.checkout / "release_inbox" / ".gitkeep").is_file()
    assert not inside.git("status", "--porcelain")


def _lost_script(inside: Inside) -> None:
    (inside.checkout / "server/scripts/update_server_version.sh").unlink()


def _script_there(inside: Inside) -> None:
    path = inside.checkout / "server/scripts/update_server_version.sh"
    assert path.stat().st_mode & 0o100 and not inside.git("status", "--porcelain")


def _token_kept(inside: Inside) -> None:
    assert keyring_says(inside, "get") == inside.world.secrets.artifacts_token
    keyring_says(inside, "del")


def _wrong_script(inside: Inside) -> None:
    inside.run("nexy-tui", "scaffold")
    change(inside.checkout / "server/scripts/publish_assets_and_sync.py", '"Seregawpn/Nexy_production"', "'Somebody/Nexy'")
    change(inside.checkout / "server/scripts/publish_assets_and_sync.py", '{"tag": "Update"}', '{"tag": "v1.6.1.42"}')


def _right_script(inside: Inside) -> None:
    text = (inside.checkout / "server/scripts/publish_assets_and_sync.py").read_text()
    assert "TARGET_REPO = 'Seregawpn/Nexy_production'" in text and '{"tag": "Update"}' in text
    inside.git("clean", "-qfd", "server/scripts")


CONSTANTS = "TARGET_REPO = 'Somebody/Nexy'\nDMG_TAG = \"UpdateBeta\"  # theirs\nPKG_TAG = 'App'\nraise SystemExit('executed')\n"


def _wrong_constants(inside: Inside) -> None:
    (inside.checkout / "server/scripts/publish_assets_and_sync.py").write_text(CONSTANTS)


def _right_constants(inside: Inside) -> None:
    script = inside.checkout / "server/scripts/publish_assets_and_sync.py"
    assert script.read_text() == CONSTANTS.replace("Somebody/Nexy", "Seregawpn/Nexy_production").replace("UpdateBeta", "Update")
    script.unlink()


def _wrong_configuration(inside: Inside) -> None:
    change(inside.world.config, "[target]\n", '[target]\nartifacts_repository = "Seregawpn/Nexy_elsewhere"  # moved?\n')


def _right_configuration(inside: Inside) -> None:
    change(inside.world.config, 'artifacts_repository = "Seregawpn/Nexy_production"  # moved?\n', "")


def _stray(inside: Inside) -> None:
    stray_manifest(inside)


def _manifest_home(inside: Inside) -> None:
    head = inside.git("rev-parse", "HEAD")
    assert inside.git("rev-parse", "main", cwd=inside.world.bare(CODE)) == head
    assert inside.git("remote", "get-url", "--push", "--all", "origin") == f"https://github.com/{CODE}.git"
    assert inside.git("rev-parse", "manifests", cwd=inside.world.bare(ARTIFACTS)) == head  # nobody's history was rewritten
    inside.git("update-ref", "-d", "refs/heads/manifests", cwd=inside.world.bare(ARTIFACTS))
    inside.git("config", "--unset-all", "remote.origin.pushurl")
    inside.git("revert", "--no-edit", "HEAD")
    inside.git("push", "-q", "origin", "HEAD:main")


def _rule(inside: Inside) -> None:
    """A rule of the checkout's own that leads pushes for the code repository into the artifacts."""
    inside.git("config", f"url.https://github.com/{ARTIFACTS}.git.pushInsteadOf", f"https://github.com/{CODE}.git")


def _no_rule(inside: Inside) -> None:
    assert "insteadof" not in inside.git("config", "--list").lower()


def _busy(inside: Inside) -> None:
    inside.fault("run-command-busy", param="8")


def _nothing(_: Inside) -> None:
    return None


def _vm(inside: Inside, name: str) -> Path:
    return inside.world.vm_clone / name


def _expired(inside: Inside) -> None:
    inside.fault("gemini-key-invalid")
    _vm(inside, CONFIGS[1]).write_text("# no newline at the end\r\nA==b=\r\nSERVER_VERSION=1.6.1.42\nSERVER_BUILD=1.6.1.42")


def _key_set(inside: Inside) -> None:
    assert f"GEMINI_API_KEY={NEW_KEY}\n" in _vm(inside, CONFIGS[0]).read_text()
    tail = f"# no newline at the end\r\nA==b=\r\nSERVER_VERSION=1.6.1.42\nSERVER_BUILD=1.6.1.42\nGEMINI_API_KEY={NEW_KEY}\n"
    assert _vm(inside, CONFIGS[1]).read_bytes().decode() == tail
    assert _vm(inside, CONFIGS[0]).stat().st_mode & 0o777 == 0o600
    _vm(inside, CONFIGS[1]).write_text(_vm(inside, CONFIGS[0]).read_text())


def _crash(inside: Inside) -> None:
    inside.fault("config-env-broken")
    change(inside.checkout / "server/config/unified_config.py", ".split('=', 1)", ".rsplit('=', 1)")
    path = inside.checkout / "server/config.env"
    path.write_text(path.read_text() + "MY-SECRET=hunter22\n")


def _up(inside: Inside) -> None:
    assert inside.run("curl", "-fsS", f"https://{inside.world.update_host}/health").stdout
    assert "# FEATURE-FLAGS=voice\n" in _vm(inside, CONFIGS[0]).read_text()
    assert (inside.checkout / "server/config.env").read_text().endswith("# MY-SECRET=hunter22\n")
    assert not inside.git("status", "--porcelain")


def _stale(inside: Inside) -> None:
    edit_manifest(inside.checkout, SECOND, "size", 7)
    for name in (MANIFEST, SECOND):
        edit_manifest(inside.world.vm_clone, name, "url", f"https://github.com/{ARTIFACTS}/releases/download/UpdateBeta/Nexy.dmg")


def _fresh(inside: Inside) -> None:
    appcast = inside.run("curl", "-fsS", f"https://{inside.world.update_host}/updates/appcast.xml").stdout
    assert "/releases/download/Update/Nexy.dmg" in appcast
    assert not inside.git("status", "--porcelain")


CASES = (
    Case("inbox", "4.1", _no_inbox, ("fix.inbox",), _inbox_there, shown="mkdir -p"),
    Case("script", "script-paths", _lost_script, ("fix.script-paths",), _script_there, shown="git checkout HEAD -- server/scripts/"),
    Case(
        "token",
        "github-auth",
        _nothing,
        ("fix.github-auth",),
        _token_kept,
        env={"GH_TOKEN": None},
        secret="token",
        shown="prove it at api.github.com",
    ),
    Case(
        "publisher",
        "target-repository",
        _wrong_script,
        ("fix.target-repository.script",),
        _right_script,
        shown="-TARGET_REPO = 'Somebody/Nexy'",
    ),
    Case(
        "constants",
        "target-repository",
        _wrong_constants,
        ("fix.target-repository.script",),
        _right_constants,
        shown='-DMG_TAG = "UpdateBeta"',
    ),
    Case(
        "configuration", "4.4", _wrong_configuration, ("fix.target-repository.configuration",), _right_configuration, shown="Nexy_elsewhere"
    ),
    Case(
        "stray",
        "manifest-repository",
        _stray,
        ("fix.manifest-repository.remotes", "fix.manifest-repository.commit"),
        _manifest_home,
        shown=f"pushurl = https://github.com/{ARTIFACTS}.git",
    ),
    Case(
        "rule",
        "manifest-repository",
        _rule,
        ("fix.manifest-repository.remotes",),
        _no_rule,
        shown="pushInsteadOf",
    ),
    Case("key", "gemini-key", _expired, ("fix.gemini-key",), _key_set, secret="key", shown="set wherever it stands, or added at the end"),
    Case("crash", "config-env", _crash, ("fix.config-env.checkout", "fix.config-env.vm"), _up, shown="line 13: FEATURE-FLAGS → a comment"),
    Case(
        "stale",
        "stale-appcast",
        _stale,
        ("fix.stale-appcast.manifests", "fix.stale-appcast.live"),
        _fresh,
        shown="sudo systemctl restart voice-assistant.service",
    ),
)


SELDOM = {"constants", "configuration", "rule", "crash", "stale", "token", "inbox", "key"}
"""Another fault of a fixer that the ordinary run sees at work on one, here or in `test_breakages`."""


@pytest.mark.parametrize("case", [seldom(case) if case.id in SELDOM else case for case in CASES], ids=lambda case: case.id)
def test_a_trouble_is_found_shown_mended_and_then_is_no_more(module_world: Inside, case: Case) -> None:
    inside = module_world
    given = {"token": inside.world.secrets.artifacts_token, "key": NEW_KEY}.get(case.secret, "")
    variable = {"token": "NEXY_NEW_GITHUB_TOKEN", "key": "NEXY_NEW_GEMINI_KEY"}.get(case.secret)
    secret = {} if variable is None else {variable: given}
    case.break_it(inside)
    broken = everything(inside)

    dry = fix(inside, case.fixer, "--dry-run", env=case.env)
    assert dry.exit == 1, dry.err
    assert {dry.status(part) for part in case.parts} <= {"failed", "inconclusive"} and dry.status(case.parts[0]) == "failed"
    assert case.shown in "\n".join(dry.document["plan"]), dry.document["plan"]
    assert everything(inside) == broken

    done = fix(inside, case.fixer, "--yes", env={**case.env, **secret})
    assert done.exit == 0, done.err
    assert done.document["outcome"] == "verified"
    assert {one["status"] for one in done.document["items"]} == {"passed"}
    assert verified_as(inside, done.log) == SEALED
    records = read_log(done.log)
    chosen = fixer(case.fixer)
    assert chosen is not None and records[0].details["facts"]["purpose"] == f"fix {chosen.name}"
    assert [record.kind for record in records if record.kind in ("intent", "result")][:2] == ["intent", "result"]
    assert records[-1].details["outcome"] == "complete"
    assert not inside.run("git", "show-ref", "refs/nexy/lock", cwd=inside.world.bare(CODE), check=False).stdout
    if given:
        assert holding(inside, given) == ([] if case.secret == "key" else sorted(_keepers_of_the_token(inside)))
        assert given not in done.out + done.err

    mended_world = everything(inside)
    again = fix(inside, case.fixer, "--yes", env=case.env)
    assert again.exit == 0 and again.document["log"] is None, again.err
    assert everything(inside) == mended_world
    case.then(inside)


def _keepers_of_the_token(inside: Inside) -> set[str]:
    """Where a world keeps the tokens it made itself."""
    return {str(inside.world.file)}


def test_the_doctor_finds_nothing_in_a_world_that_is_well(module_world: Inside) -> None:
    before = everything(module_world)
    said = fix(module_world)
    assert said.exit == 0, said.out
    assert {one["id"] for one in said.document["items"]} == {part.id for one in FIXERS for part in one.parts}
    assert {one["status"] for one in said.document["items"]} == {"passed"}
    assert said.document["log"] is None and everything(module_world) == before


def test_the_doctor_names_what_is_here_first_and_what_it_could_not_see_next(module_world: Inside) -> None:
    (module_world.checkout / "server/scripts/update_server_version.sh").unlink()
    said = fix(module_world, env={"AZURE_CLIENT_SECRET": "wrong"})
    module_world.git("checkout", "--", "server/scripts")
    statuses = [one["status"] for one in said.document["items"]]
    assert said.exit == 1 and said.document["outcome"] == "refused"
    assert statuses == sorted(statuses, key=["failed", "inconclusive", "passed"].index)
    assert [one["id"] for one in said.document["items"] if one["status"] == "failed"] == ["fix.script-paths"]
    unseen = {one["id"] for one in said.document["items"] if one["status"] == "inconclusive"}
    assert unseen == {"fix.azure-busy", "fix.gemini-key", "fix.config-env.vm", "fix.stale-appcast.live"}
    blind = fix(module_world, "gemini-key", "--yes", env={"AZURE_CLIENT_SECRET": "wrong"})
    assert blind.exit == 3 and blind.document["stopped_by"] == "fix.gemini-key"


def test_a_busy_vm_is_waited_for_with_a_countdown(module_world: Inside) -> None:
    module_world.fault("run-command-busy", param="8")
    done = fix(module_world, "azure-busy", "--yes")
    assert done.exit == 0, done.err
    assert "minutes left at most" in done.err or done.document["log"] is None
    assert fix(module_world, "azure-busy", "--yes").document["log"] is None


@pytest.mark.exhaustive
def test_a_vm_that_stays_busy_is_found_and_other_looks_are_inconclusive(module_world: Inside) -> None:
    module_world.fault("run-command-busy")
    try:
        said = fix(module_world)
        assert said.status("fix.azure-busy") == "failed" and said.status("fix.config-env.vm") == "inconclusive"
        dry = fix(module_world, "4.6", "--dry-run")
        assert dry.exit == 1 and "90 minutes" in "\n".join(dry.document["plan"])
    finally:
        module_world.fault("run-command-busy", on=False)


@pytest.mark.exhaustive
def test_without_a_terminal_a_fix_needs_yes_and_a_secret_from_elsewhere(module_world: Inside) -> None:
    before = everything(module_world)
    assert fix(module_world, "inbox").exit == 2
    assert fix(module_world, "nonsense", "--yes").exit == 2
    refused = fix(module_world, "github-auth", "--yes", env={"GH_TOKEN": None})
    assert refused.exit == 1 and "a secret is needed" in refused.document["message"]
    bad = fix(module_world, "github-auth", "--yes", env={"GH_TOKEN": None}, stdin="ghp_0123456789abcdef0123456789abcdef0123\n")
    assert bad.exit == 1 and "HTTP 401" in bad.document["message"] and "ghp_0123" not in bad.out + bad.err
    readonly = fix(module_world, "github-auth", "--yes", env={"GH_TOKEN": None}, stdin=module_world.world.secrets.readonly_token + "\n")
    assert readonly.exit == 1 and "may not write" in readonly.document["message"]
    assert {name: digest for name, digest in everything(module_world).items() if "/runs/" not in name} == {
        name: digest for name, digest in before.items() if "/runs/" not in name
    }


def test_a_good_token_behind_a_bad_one_in_the_environment_is_told_apart(module_world: Inside) -> None:
    bad = {"GH_TOKEN": "ghp_0123456789abcdef0123456789abcdef0123"}
    done = fix(module_world, "github-auth", "--yes", env=bad, stdin=module_world.world.secrets.artifacts_token + "\n")
    assert done.exit == 1 and "unset GH_TOKEN" in done.document["problem"]["remedy"]
    assert fix(module_world, "github-auth", "--yes", env={"GH_TOKEN": None}).exit == 0
    keyring_says(module_world, "del")


def test_a_token_that_gh_has_is_taken_without_asking(module_world: Inside) -> None:
    witnesses.program("gh")
    hosts = module_world.world.home / "gh" / "hosts.yml"
    hosts.write_text(f"github.com:\n    user: nexy-operator\n    oauth_token: {module_world.world.secrets.artifacts_token}\n")
    try:
        with inside_of(module_world, GH_TOKEN=None) as services:
            made = services()
            made.secrets.store("github-token", "ghp_0123456789abcdef0123456789abcdef0123")
            outcome, _, log = mended(made, "github-auth")
        assert outcome.outcome == "verified" and verified_as(module_world, log) == SEALED
        assert keyring_says(module_world, "get") == module_world.world.secrets.artifacts_token
    finally:
        hosts.unlink()
        keyring_says(module_world, "del")


@pytest.mark.exhaustive
def test_a_key_that_the_server_refuses_is_taken_back(module_world: Inside) -> None:
    before = everything(module_world)
    refused = fix(module_world, "gemini-key", "--yes", env={"NEXY_NEW_GEMINI_KEY": EXPIRED_KEY})
    assert refused.exit == 1 and "its old state" in refused.document["message"], refused.err
    kept = {name: digest for name, digest in everything(module_world).items() if "/runs/" not in name and name != "pid"}
    assert kept == {name: digest for name, digest in before.items() if name in kept}
    assert verified_as(module_world, refused.log) == SEALED and read_log(refused.log)[-1].details["outcome"] == "failed"
    assert fix(module_world, "gemini-key", "--yes", env={"NEXY_NEW_GEMINI_KEY": "x y"}).exit == 1


def test_a_server_that_does_not_come_up_with_the_new_key_gets_its_old_one_back(module_world: Inside) -> None:
    before = {name: _vm(module_world, name).read_bytes() for name in CONFIGS}
    module_world.fault("service-down")
    refused = fix(module_world, "gemini-key", "--yes", env={"NEXY_NEW_GEMINI_KEY": NEW_KEY[:-1] + "2"})
    module_world.fault("service-down", on=False)
    module_world.run(module_world.world.vm / "bin" / "systemctl", "restart", "voice-assistant.service")
    assert refused.exit == 1 and "its old state" in refused.document["message"], refused.err
    assert {name: _vm(module_world, name).read_bytes() for name in CONFIGS} == before


def test_another_commit_is_not_pushed_along_with_a_manifest(module_world: Inside) -> None:
    inside = module_world
    (inside.checkout / "notes.txt").write_text("mine\n")
    inside.git("add", "notes.txt")
    inside.git("commit", "-qm", "My work")
    commit = stray_manifest(inside)
    tip = inside.git("rev-parse", "main", cwd=inside.world.bare(CODE))
    said = fix(inside, "manifest-repository", "--yes")
    assert said.exit == 1 and "My work" in said.document["message"]
    assert said.status("fix.manifest-repository.remotes") == "passed" and said.status("fix.manifest-repository.commit") == "failed"
    assert inside.git("rev-parse", "main", cwd=inside.world.bare(CODE)) == tip
    assert commit in json.dumps(said.document) and "git -C stray revert --no-edit" in json.dumps(said.document)
    inside.reset(tip)
    inside.git("update-ref", "-d", "refs/heads/manifests", cwd=inside.world.bare(ARTIFACTS))


@pytest.mark.exhaustive
def test_an_appcast_before_its_deploy_is_not_mended_by_the_fixer(make_world: MakeWorld) -> None:
    inside = make_world(seed=OLD_STYLE)
    for name in CONFIGS:
        path = inside.world.vm_clone / name
        path.write_text(path.read_text().replace("1.6.1.42", "1.6.1.41"))
    edit_manifest(inside.world.vm_clone, MANIFEST, "size", 7)
    edit_manifest(inside.world.vm_clone, SECOND, "size", 7)
    said = fix(inside, "4.9", "--yes")
    assert said.exit == 1 and "nexy-tui deploy v1.6.1.42" in said.document["message"], said.err


# --- interrupted ---


def newest(inside: Inside) -> Path:
    """The log that was written last."""
    return max(Path(inside.environ["NEXY_STATE_DIR"]).rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


@dataclass(frozen=True)
class Fragile:
    """A trouble whose mending is cut off at each of its steps."""

    fixer: str
    break_it: Callable[[Inside], None]
    steps: tuple[str, ...]
    secret: str | None = None


def _script_and_configuration(inside: Inside) -> None:
    if "# moved?" in inside.world.config.read_text():
        _right_configuration(inside)
    inside.git("clean", "-qfd", "server/scripts")
    _wrong_script(inside)
    _wrong_configuration(inside)


def _crash_again(inside: Inside) -> None:
    inside.git("checkout", "-q", "--", "server/config/unified_config.py")
    _crash(inside)


def _stray_again(inside: Inside) -> None:
    inside.run("git", "update-ref", "-d", "refs/heads/manifests", cwd=inside.world.bare(ARTIFACTS), check=False)
    stray_manifest(inside)


FRAGILE = (
    Fragile("target-repository", _script_and_configuration, ("replace_file", "replace_file")),
    Fragile("manifest-repository", _stray_again, ("write", *("push",) * 4)),
    Fragile("gemini-key", _expired, ("push", "_send", "push", "push"), NEW_KEY),
    Fragile("config-env", _crash_again, ("write_all", "push", "_send", "_send", "push", "push")),
    Fragile("stale-appcast", _stale, ("push", "_send", "_send", "push", "push")),
)


@pytest.mark.parametrize("lost", ["before", seldom("after")])
@pytest.mark.parametrize(
    "fragile", [pytest.param(one, id=one.fixer, marks=[pytest.mark.exhaustive] if "push" in one.steps else []) for one in FRAGILE]
)
def test_cut_off_at_any_step_it_says_what_it_left_and_ends_right_when_run_again(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, fragile: Fragile, lost: str
) -> None:
    inside = make_world(seed=OLD_STYLE)
    at = 0
    with inside_of(inside) as services:
        while True:
            at += 1
            fragile.break_it(inside)
            mortal = Mortal(at, lost)
            with monkeypatch.context() as patch:
                mortal.patch(patch)
                try:
                    outcome, _, log = mended(services(), fragile.fixer, fragile.secret)
                except Killed:
                    pass
                else:
                    assert outcome.outcome == "verified" and verified_as(inside, log) == SEALED
                    break
            sealed = read_log(newest(inside))[-1].kind == "seal"  # Then only its anchor, or its lock, was left to be pushed.
            outcome, said, log = mended(services(), fragile.fixer, fragile.secret)
            assert outcome.outcome == "verified", (mortal.seen, said, outcome)
            assert ["the old state" in one or "the new state" in one or "could not be seen" in one for one in said] == [True] * (not sealed)
            assert verified_as(inside, log) == SEALED
            assert [record.kind for record in read_log(log)].count("resume") == (not sealed)
            lock = inside.run("git", "show-ref", "refs/nexy/lock", cwd=inside.world.bare(CODE), check=False).stdout
            assert sealed or not lock, "one that a sealed run left expires by itself"
    looks = ("_send",)
    assert tuple(step for step in mortal.seen if step not in looks) == tuple(step for step in fragile.steps if step not in looks)
    assert at > len(fragile.steps)


@pytest.mark.exhaustive
def test_killed_while_the_vm_is_at_work_it_goes_on_with_what_the_vm_did(make_world: MakeWorld) -> None:
    inside = make_world(speed=WAITING_SPEED, seed=OLD_STYLE)
    inside.fault("config-env-broken")
    begun = subprocess.Popen(
        ["nexy-tui", "fix", "config-env", "--yes"],
        cwd=inside.checkout,
        env=inside.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert begun.stdout is not None
    for line in begun.stdout:
        if "point of no return" in line:
            begun.send_signal(signal.SIGKILL)
            break
    begun.wait()
    begun.stdout.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and inside.run("curl", "-fsS", f"https://{inside.world.update_host}/health", check=False).returncode:
        time.sleep(0.2)
    at_rest(inside)
    again = fix(inside, "config-env", "--yes")
    assert again.exit == 0, again.err
    assert "was cut off and goes on now" in again.err and "the new state" in again.err
    assert verified_as(inside, again.log) == SEALED
    logs = list((inside.world.state / "runs").rglob("*.intoto.jsonl"))
    assert [path for path in logs if verified_as(inside, path) == 11] == []


def test_the_key_is_asked_for_hidden_and_stands_in_no_command_line(make_world: MakeWorld) -> None:
    inside = make_world("nested", seed=OLD_STYLE)
    inside.fault("gemini-key-invalid")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(inside.checkout)
        os.execvpe("nexy-tui", ["nexy-tui", "fix", "gemini-key"], inside.environ)
    shown, seen = b"", set()
    answers = {b"(it is not shown): ": NEW_KEY, b"to go on: ": "rehearsal fix gemini-key"}
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        seen |= {word for line in _command_lines() for word in line if NEW_KEY in word}
        try:
            shown += os.read(terminal, 4096) if ready else b""
        except OSError:  # Linux's way of saying that the other end is closed
            break
        for question in [question for question in answers if question in shown]:
            os.write(terminal, answers.pop(question).encode() + b"\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown.decode()
    os.close(terminal)
    assert NEW_KEY not in shown.decode() and not seen and not answers
    assert all(f"GEMINI_API_KEY={NEW_KEY}" in _vm(inside, name).read_text() for name in CONFIGS)
    assert holding(inside, NEW_KEY) == []
    assert fix(inside).exit == 0


def _command_lines() -> list[list[str]]:
    """The arguments of every process of this machine."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found.append(process.cmdline())
    return found


@pytest.mark.exhaustive
def test_a_fix_that_was_cut_off_is_no_release_to_resume(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = make_world(seed=OLD_STYLE)
    _no_inbox(inside)
    with inside_of(inside) as services, monkeypatch.context() as patch:
        Mortal(1).patch(patch)
        with pytest.raises(Killed):
            mended(services(), "inbox")
    log = next((inside.world.state / "runs").rglob("*.intoto.jsonl"))
    done = inside.run("nexy-tui", "release", "--resume", log, "--headless", "--yes", check=False)
    assert done.returncode == 1 and "nexy-tui fix inbox" in done.stderr
    assert fix(inside, "inbox", "--yes").exit == 0 and verified_as(inside, log) == SEALED


def test_the_wizard_can_ask_what_is_wrong_and_what_would_change(module_world: Inside) -> None:
    _lost_script(module_world)
    with inside_of(module_world) as services:
        backend = RealBackend(services())
        findings = backend.diagnose(["script-paths", "inbox"])
        plan = backend.plan_fix("4.2")
        assert backend.plan_fix("inbox") == FixPreview()
        key = backend.plan_fix("gemini-key")
    with inside_of(module_world, AZURE_CLIENT_SECRET="wrong") as services:
        hidden = RealBackend(services()).plan_fix("gemini-key")
    module_world.git("checkout", "--", "server/scripts")
    assert [(finding.item, finding.status.value, finding.fixers) for finding in findings] == [
        ("fix.script-paths", "failed", ("script-paths",)),
        ("fix.inbox", "passed", ("inbox",)),
    ]
    assert plan.lines[0] == "git checkout HEAD -- server/scripts/update_server_version.sh"
    assert (plan.typed, plan.secret) == (None, "")
    assert (key.lines, key.typed, key.secret, key.unseen) == ((), "rehearsal fix gemini-key", "", ())
    assert hidden.lines == () and len(hidden.unseen) == 1


@pytest.mark.exhaustive
def test_the_wizard_mends_as_the_command_does(module_world: Inside) -> None:
    given = module_world.world.secrets.artifacts_token
    _lost_script(module_world)
    with inside_of(module_world, GH_TOKEN=None) as services:
        backend = RealBackend(services())
        end = backend.fix("4.2", "")
        assert backend.plan_fix("github-auth").secret.startswith("New GitHub token")
        kept = backend.fix("github-auth", given)
        refused = backend.fix("github-auth", "")
    assert (end.outcome, kept.outcome, refused.outcome) == ("verified", "verified", "verified")
    assert end.lines[0].startswith("✓ done: ")
    assert {verified_as(module_world, one.log) for one in (end, kept, refused)} == {SEALED}
    assert keyring_says(module_world, "get") == given
    assert given not in repr((end, kept)) and holding(module_world, given) == sorted(_keepers_of_the_token(module_world))
    keyring_says(module_world, "del")


def test_the_list_names_every_section(module_world: Inside) -> None:
    shown = module_world.run("nexy-tui", "fix", "--list").stdout.splitlines()
    assert [line.split()[:2] for line in shown] == [[one.trouble.section, one.name] for one in FIXERS]
    assert [one["name"] for one in fix(module_world, "--list").document["fixers"]] == [one.name for one in FIXERS]


@pytest.mark.exhaustive
def test_a_stray_commit_of_somebody_elses_clone_is_found_where_the_remote_led(make_world: MakeWorld) -> None:
    inside = make_world(seed=OLD_STYLE)
    other = inside.home / "other"
    inside.git("clone", "-q", f"https://github.com/{CODE}.git", other)
    edit_manifest(other, MANIFEST, "critical", True)
    inside.git("commit", "-qam", "Update manifest for 1.6.1.42 (Production)", cwd=other)
    stray = inside.git("rev-parse", "HEAD", cwd=other)
    inside.git("init", "-q", "--bare", inside.home / "elsewhere.git")
    elsewhere = {"GIT_ALLOW_PROTOCOL": "https:file"}
    inside.run("git", "push", "-q", inside.home / "elsewhere.git", "HEAD:main", cwd=other, env=elsewhere)
    inside.git("remote", "set-url", "origin", inside.home / "elsewhere.git")
    dry = fix(inside, "4.5", "--dry-run", env=elsewhere)
    assert dry.exit == 1 and stray[:12] in json.dumps(dry.document) and f"git -C stray revert --no-edit {stray}" in json.dumps(dry.document)
    assert fix(inside, "4.5", "--yes", env=elsewhere).exit == 0
    inside.run("git", "revert", "--no-edit", stray, cwd=other)
    inside.run("git", "push", "-q", inside.home / "elsewhere.git", "HEAD:main", cwd=other, env=elsewhere)
    inside.git("remote", "set-url", "origin", inside.home / "elsewhere.git")
    assert "git -C stray revert" not in json.dumps(fix(inside, "4.5", "--dry-run", env=elsewhere).document)


def test_a_fixer_begun_inside_a_run_is_an_action_of_that_run(module_world: Inside) -> None:
    """The run holds the lock, and the fixer writes outside: the same lock, the same log, and the run goes on."""
    module_world.fault("config-env-broken")
    with inside_of(module_world) as services:
        mine = services()
        run = start_run(mine, CHECKLIST, RunRequest(Version.parse(module_world.world.next), Kind.FULL))
        run.take_over_lock()
        held = module_world.git("ls-remote", "origin", "refs/nexy/lock")
        backend = RealBackend(mine)
        plan = backend.plan_fix("config-env", run)
        end = backend.fix("config-env", "", run)
        still_held = module_world.git("ls-remote", "origin", "refs/nexy/lock")
        log = run.seal("aborted")
        run.close()
        mine.github.close()
    assert plan.lines and plan.typed and end.outcome == "verified" and end.log == log
    assert held and still_held, "the run keeps its lock"
    records = read_log(log)
    mended = [(record.kind, record.status) for record in records if record.action and record.action.startswith("fix config-env")]
    assert mended[0] == ("intent", None) and mended[-1] == ("result", "done")
    assert [record.kind for record in records].count("genesis") == 1 and verified_as(module_world, log) == SEALED
    assert not module_world.git("ls-remote", "origin", "refs/nexy/lock")
    assert fix(module_world, "config-env", "--dry-run").exit == 0
