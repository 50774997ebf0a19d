"""Every program that is started gets what it needs: recorded by stand-ins in a world, with secrets planted all around."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import forked
import pytest
from command_tree import EVERY
from conftest import Inside, MakeWorld, seldom
from driving import assert_released
from recording import POSTGRESQL, Call, Recorder

from nexy_tui.fixers import TROUBLES
from nexy_tui.services import apple, dmg

NEXT = "1.6.1.43"
PLANTED = {
    name: f"planted-{name.lower()}"
    for name in (
        *("GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "FOO_SECRET", "FOO", "SENTRY_DSN"),
        *("AZURE_CLIENT_CERTIFICATE_PASSWORD", "NEXY_NEW_GITHUB_TOKEN", "NEXY_NEW_GEMINI_KEY", "PGPASSWORD", "GEMINI_API_KEY"),
    )
}
OWN = ("GH_TOKEN", "AZURE_CLIENT_SECRET", "DB_PASSWORD", "PG_SUPERUSER_PASSWORD", "NEXY_DATABASE_URL")
"""Secrets that a world's environment holds."""

SERVED = {"rehearse", "world up no-world"}
"""Bring worlds up; they are walked elsewhere."""


def secrets_of(inside: Inside) -> dict[str, str]:
    return {**PLANTED, **{name: inside.environ[name] for name in OWN}}


def leaks(inside: Inside, calls: list[Call]) -> list[str]:
    """Where a secret stands that is not needed: in any argument, and in any variable but the password that PostgreSQL's programs use."""
    secrets = secrets_of(inside)
    found = []
    for call in calls:
        if call.program == "python" and str(inside.world.home) in "".join(call.argv):
            continue  # The command itself, as it is typed.
        told = {name: value for name, value in call.environ.items() if not (name == "PGPASSWORD" and call.program in POSTGRESQL)}
        ourselves = call.label == "python: nexy_tui"
        for name, secret in secrets.items():
            if ourselves and (name in OWN or name.startswith("NEXY_NEW_")):
                continue  # The same command again inside a world: that world's secrets, and those for this one call.
            if name in told or any(secret in value for value in (*told.values(), *call.argv)):
                found.append(f"{call.label} {call.argv[:4]}: {name}")
    return found


def table(calls: list[Call]) -> str:
    """program → names of the variables that it got."""
    names: dict[str, set[str]] = {}
    for call in calls:
        names.setdefault(call.label, set()).update(call.environ)
    times = {label: sum(call.label == label for call in calls) for label in names}
    rows = (f"| {label} | {times[label]} | {', '.join(sorted(got))} |" for label, got in sorted(names.items()))
    return "\n".join(["| program | started | variables it got |", "| --- | --- | --- |", *rows])


def run(inside: Inside, recorder: Recorder, line: str, **env: str) -> int:
    """A command, every program of it recorded."""
    environ = {**inside.environ, **PLANTED, **recorder.environ(inside), **env}
    return forked.run(line.split(), cwd=inside.checkout, env=environ, timeout=240).returncode


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder.made(tmp_path / "recorder")


def test_no_program_of_a_look_or_a_backup_is_handed_a_secret(module_world: Inside, recorder: Recorder) -> None:
    environ = {**PLANTED, **recorder.environ(module_world)}
    assert module_world.run("env", "nexy-tui", "check", "--all", "--vm", env=environ, check=False).returncode in (0, 1, 3)
    assert run(module_world, recorder, "db backup --yes") == 0
    assert run(module_world, recorder, f"--world {module_world.world.dir} verify") in (0, 1, 3)
    calls = list(recorder.calls())
    assert {call.program for call in calls} >= {"git", "pg_dump", "pg_restore", "python"}
    assert leaks(module_world, calls) == []
    assert {"HTTPS_PROXY", "GIT_SSL_CAINFO"} <= {name for call in calls if "ls-remote" in call.argv for name in call.environ}
    assert all("PGPASSWORD" in call.environ for call in calls if call.program == "pg_dump" and "--version" not in call.argv)


def test_gh_is_asked_without_a_token_of_the_environment(module_world: Inside, recorder: Recorder) -> None:
    recorder.put(recorder.programs / "gh", Path("/bin/false"))
    environ = {**module_world.environ, **PLANTED, **recorder.environ(module_world)}
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        del environ[name]
    forked.run(["check", "token"], cwd=module_world.checkout, env=environ)
    forked.run(["publish", "--dry-run"], cwd=module_world.checkout, env=environ)
    (call, *_) = [call for call in recorder.calls() if call.program == "gh"]
    assert call.argv[:2] == ("auth", "token") and "GH_CONFIG_DIR" in call.environ and leaks(module_world, [call]) == []


def test_git_s_helper_gh_is_handed_the_token_where_no_hook_would_be(module_world: Inside, recorder: Recorder, tmp_path: Path) -> None:
    """An operator with GH_TOKEN alone: what talks to the remote gets it; a push does not, once a hook of it would."""
    module_world.git("config", "--add", "credential.helper", "!true auth git-credential gh; gh auth git-credential")

    def told() -> dict[str, bool]:
        assert run(module_world, recorder, "check --all") in (0, 1, 3)
        calls = [call for call in recorder.calls() if call.program == "git"]
        assert not any("GH_TOKEN" in call.environ for call in calls if not {"push", "ls-remote", "fetch"} & {*call.argv})
        return {word: any("GH_TOKEN" in call.environ for call in calls if word in call.argv) for word in ("ls-remote", "push")}

    try:
        assert told() == {"ls-remote": True, "push": True}
        for record in recorder.records.iterdir():
            record.unlink()
        hook(module_world, tmp_path)
        assert told() == {"ls-remote": True, "push": False}
    finally:
        module_world.git("config", "--unset-all", "credential.helper")
        module_world.git("config", "--unset-all", "core.hooksPath")


def test_apple_s_programs_get_a_path_and_a_home(tmp_path: Path, recorder: Recorder) -> None:
    for name in ("hdiutil", "codesign", "spctl", "xcrun", "pkgutil"):
        recorder.put(recorder.programs / name, Path("/bin/false"))
    environ = {**PLANTED, "PATH": str(recorder.programs), "HOME": str(tmp_path), "GH_TOKEN": "planted"}
    image = tmp_path / "Nexy.dmg"
    image.write_bytes(b"x" * 2048)
    apple.assess(image, environ)
    apple.assess(tmp_path / "Nexy.pkg", environ)
    with pytest.raises(dmg.UnreadableImage):
        dmg.application(image, environ, platform="darwin")
    calls = list(recorder.calls())
    assert {call.program for call in calls} == {"hdiutil", "codesign", "spctl", "xcrun", "pkgutil"}
    assert {name for call in calls for name in call.environ} == {"PATH", "HOME"}


def test_an_archive_reader_gets_no_more(tmp_path: Path, recorder: Recorder) -> None:
    image = tmp_path / "Nexy.dmg"
    image.write_bytes(b"x" * 2048)
    with pytest.raises(dmg.UnreadableImage):
        dmg.application(image, {**PLANTED, "PATH": f"{recorder.programs}:/bin:/usr/bin"}, platform="linux")
    (*calls,) = recorder.calls()
    assert calls and {name for call in calls for name in call.environ} == {"PATH"}


HOOKS = ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction", "pre-push", "post-index-change")
REDIRECTIONS = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")


def hook(inside: Inside, folder: Path) -> Path:
    """The operator's own git configuration names a folder of hooks; each records what it is handed, there."""
    record = folder / "heard"
    for name in HOOKS:
        (folder / name).write_text(f'#!/bin/sh\necho "hook {name}" >> "{record}"\nenv >> "{record}"\n')
        (folder / name).chmod(0o755)
    inside.git("config", "core.hooksPath", str(folder))
    return record


@pytest.mark.parametrize(
    "redirections",
    [seldom(REDIRECTIONS, id="all"), *(seldom((name,), id=name) for name in REDIRECTIONS)],
)
def test_a_release_amid_hooks_and_redirections(make_world: MakeWorld, tmp_path: Path, redirections: tuple[str, ...]) -> None:
    """No hook is handed a secret; commit and tag land in the checkout, and the repository that git is led to stays as it was."""
    inside = make_world()
    other, hooks = tmp_path / "other", tmp_path / "hooks"
    shutil.copytree(inside.checkout, other, symlinks=True)
    hooks.mkdir()
    heard = hook(inside, hooks)
    before = as_it_is(inside, other)
    elsewhere = {
        "GIT_DIR": other / ".git",
        "GIT_INDEX_FILE": other / ".git" / "index",
        "GIT_WORK_TREE": other,
        "GIT_OBJECT_DIRECTORY": other / ".git" / "objects",
        "GIT_COMMON_DIR": other / ".git",
        "GIT_NAMESPACE": "elsewhere",
    }
    environ = {**PLANTED, **{name: str(elsewhere[name]) for name in redirections}}
    done = inside.run("nexy-tui", "release", NEXT, "--headless", "--auto", "--json", env=environ, check=False, timeout=240)
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "verified"), done.stderr[-2000:]
    said = heard.read_text().splitlines()
    ran = {line.removeprefix("hook ") for line in said if line.startswith("hook ")}
    assert ran >= {"pre-commit", "commit-msg", "post-commit", "reference-transaction", "pre-push"}
    assert {name for name, secret in secrets_of(inside).items() for line in said if secret in line or line.startswith(f"{name}=")} == set()
    assert_released(inside, NEXT)
    assert inside.git("rev-parse", f"v{NEXT}^{{commit}}") == inside.git("rev-parse", "HEAD~1")
    assert as_it_is(inside, other) == before


def as_it_is(inside: Inside, repository: Path) -> list[str]:
    return [inside.git("-C", repository, *words) for words in (("for-each-ref",), ("count-objects", "-v"), ("status", "--porcelain"))]


@pytest.mark.exhaustive
def test_everything_recorded(make_world: MakeWorld, recorder: Recorder) -> None:
    """A release, a rollback, every fixer and every command: the table of programs and of the names of the variables each got."""
    inside = make_world()
    for line in EVERY:
        if line not in SERVED:
            run(inside, recorder, line)
    assert run(inside, recorder, f"release {NEXT} --headless --auto") == 0
    fixes = (f"fix {trouble.name} --yes" for trouble in TROUBLES)
    for line in ("verify --json", "rollback --yes", *fixes, "check --all --vm", "db drill --yes"):
        run(inside, recorder, line)
    calls = list(recorder.calls())
    print(table(calls))
    assert leaks(inside, calls) == []
    assert {call.label for call in calls} >= {"git", "git (talks to the remote)", "pg_dump", "pg_restore"}
