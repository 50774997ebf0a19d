"""Readiness in a world: what would stop a release later is named before anything is written, and looking leaves no trace."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, seldom

from nexy_tui.core.target import DMG
from nexy_tui.services.secrets import SPARKLE_KEY

Undo = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """Something that is amiss: how it is made (with what takes it back), and what the item says of it."""

    name: str
    item: str
    said: str
    remedy: str
    make: Callable[[Inside], Undo] = lambda inside: lambda: None
    env: dict[str, str] = field(default_factory=dict)
    status: str = "failed"


def git(inside: Inside, *words: str) -> str:
    return inside.run("git", *words).stdout.strip()


def configured(**settings: str) -> Callable[[Inside], Undo]:
    """Settings of git in the checkout alone; a dot is written as two underscores."""
    names = {name.replace("__", "."): value for name, value in settings.items()}

    def make(inside: Inside) -> Undo:
        for name, value in names.items():
            git(inside, "config", "--local", name, value)
        return lambda: [git(inside, "config", "--local", "--unset-all", name) for name in names] and None

    return make


def hook(name: str, script: str, folder: str = ".git/hooks", **settings: str) -> Callable[[Inside], Undo]:
    """A hook of the operator's, in `.git/hooks` or where core.hooksPath says."""
    before = configured(**settings)

    def make(inside: Inside) -> Undo:
        path = inside.checkout / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        undo = before(inside)

        def away() -> None:
            undo()
            path.unlink()
            if folder != ".git/hooks":
                shutil.rmtree(inside.checkout / folder)

        return away

    return make


def untracked(name: str, script: str) -> Callable[[Inside], Undo]:
    """A program of the operator's in the checkout that git is told to overlook."""

    def make(inside: Inside) -> Undo:
        path, exclude = inside.checkout / name, inside.checkout / ".git/info/exclude"
        before = exclude.read_text("utf-8") if exclude.exists() else ""
        path.parent.mkdir()
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(f"{before}/{name.partition('/')[0]}/\n", encoding="utf-8")

        def away() -> None:
            shutil.rmtree(path.parent)
            exclude.write_text(before, encoding="utf-8")

        return away

    return make


def both(*makes: Callable[[Inside], Undo]) -> Callable[[Inside], Undo]:
    def make(inside: Inside) -> Undo:
        undone = [one(inside) for one in makes]
        return lambda: [undo() for undo in undone] and None

    return make


def attributes(line: str) -> Callable[[Inside], Undo]:
    def make(inside: Inside) -> Undo:
        path = inside.checkout / ".git/info/attributes"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{line}\n", encoding="utf-8")
        return path.unlink

    return make


def fault(name: str, param: str | None = None) -> Callable[[Inside], Undo]:
    def make(inside: Inside) -> Undo:
        inside.fault(name, param=param)
        return lambda: inside.fault(name, False)

    return make


def moved(path: Callable[[Inside], Path], text: str | None = None) -> Callable[[Inside], Undo]:
    """A file that is away, or says something else."""

    def make(inside: Inside) -> Undo:
        file = path(inside)
        before = file.read_bytes()
        file.unlink() if text is None else file.write_text(text, encoding="utf-8")
        return lambda: file.write_bytes(before) and None

    return make


def named_otherwise(name: str) -> Callable[[Inside], Undo]:
    """The image of the inbox under another name."""

    def make(inside: Inside) -> Undo:
        image = inside.world.checkout_layout.inbox / DMG
        other = image.rename(image.with_name(name))
        return lambda: other.rename(image)

    return make


def shallow(inside: Inside) -> Undo:
    (inside.checkout / ".git/shallow").write_text(f"{git(inside, 'rev-parse', 'HEAD')}\n", encoding="utf-8")
    return (inside.checkout / ".git/shallow").unlink


def of_somebody_else(inside: Inside) -> Undo:
    """A git that takes every folder for another user's."""
    program, own = inside.world.home / "bin/git", shutil.which("git", path=inside.environ["PATH"])
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {own} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.unlink


def left_locked(inside: Inside) -> Undo:
    lock = inside.checkout / ".git/index.lock"
    lock.touch()
    return lock.unlink


def configuration(text: str) -> Callable[[Inside], Undo]:
    """A table more in the operator's own configuration."""

    def make(inside: Inside) -> Undo:
        file = Path(inside.environ["NEXY_CONFIG"])
        before = file.read_text("utf-8")
        file.write_text(f"{before}\n{text}\n", encoding="utf-8")
        return lambda: file.write_text(before, encoding="utf-8") and None

    return make


def another_key(inside: Inside) -> Undo:
    file = Path(inside.environ["NEXY_CONFIG"])
    before = file.read_text("utf-8")
    file.write_text(before.replace('sparkle_public_key = "', f'sparkle_public_key = "{OTHER_KEY}" # "'), encoding="utf-8")
    return lambda: file.write_text(before, encoding="utf-8") and None


def signers(inside: Inside) -> Path:
    return Path(inside.environ["NEXY_ALLOWED_SIGNERS"])


def keyring_of(inside: Inside) -> Path:
    return Path(inside.environ["KEYRING_PROPERTY_FILE_PATH"])


OTHER_KEY = base64.b64encode(bytes(range(32))).decode()
REFORMATS = "for f in $(git diff --cached --name-only | grep json); do printf '{}' > $f; git add $f; done"

CASES = (
    Case("a key that no list names", "ready.signing", "is not trusted", "nexy-tui keys use", moved(signers, "")),
    Case("no list of signers", "ready.signing", "not in the list of trusted keys", "nexy-tui keys use", moved(signers)),
    Case(
        "another public key",
        "ready.sparkle",
        "not the private half",
        "sign_update",
        another_key,
    ),
    Case("no private key", "ready.sparkle", f"there is no {SPARKLE_KEY} here", f"nexy-tui secrets set {SPARKLE_KEY}", moved(keyring_of)),
    Case("gpg fails", "ready.commit", "gpg failed to sign", "signing key", configured(commit__gpgsign="true", gpg__program="false")),
    seldom(
        Case(
            "a tag cannot be signed",
            "ready.commit",
            "gpg failed to sign",
            "signing key",
            configured(tag__gpgsign="true", gpg__program="false"),
        )
    ),
    seldom(
        Case(
            "an ssh key that is gone",
            "ready.commit",
            "/nowhere/key.pub",
            "signing key",
            configured(commit__gpgsign="true", gpg__format="ssh", user__signingkey="/nowhere/key.pub"),
        )
    ),
    seldom(Case("nobody's name", "ready.commit", "empty ident", "git config", configured(user__name=""))),
    Case(
        "a hook rejects",
        "ready.commit",
        "no releases; on Mondays",
        "Read what git said",
        hook("pre-commit", "echo 'no releases'; echo 'on Mondays' >&2; exit 1"),
    ),
    Case(
        "a hook whose tools git does not track",
        "ready.commit",
        "node_modules/ is not there",
        "attest",
        both(hook("pre-commit", "node_modules/linter"), untracked("node_modules/linter", "#!/bin/sh\n")),
        status="inconclusive",
    ),
    Case(
        "a hook of another folder",
        "ready.commit",
        "not like this",
        "Read what git said",
        hook("commit-msg", "echo not like this; exit 1", "hooks-of-ours", core__hooksPath="hooks-of-ours"),
    ),
    Case(
        "a hook rewrites the manifests", "ready.commit", "does not have server/", "leave those files alone", hook("pre-commit", REFORMATS)
    ),
    seldom(
        Case(
            "a hook words the subject anew",
            "ready.commit",
            "“NEXY-7: Release v",
            "leave the subject",
            hook("commit-msg", 'sed -i.was "1s/^/NEXY-7: /" "$1"'),
        )
    ),
    Case("a hook rejects the push", "remotes.push", "not on Fridays", "pre-push", hook("pre-push", "echo not on Fridays >&2; exit 1")),
    Case("a lock of the index", "ready.commit", "index.lock is there", "rm ", left_locked),
    Case("line ends", "ready.filters", "eol=crlf", ".gitattributes", attributes("*.json text eol=crlf")),
    seldom(Case("a filter", "ready.filters", "filter=lfs", ".gitattributes", attributes("*.json filter=lfs"))),
    Case("a branch rule", "ready.rules", "pull_request", "bypass the rule", fault("branch-rule")),
    Case(
        "no such host",
        "ready.server",
        "the proxy refuses that host",
        "target.update_server",
        configuration('[target.update_server]\nhost = "staging.nexy.example"'),
    ),
    Case(
        "a server that is down",
        "ready.server",
        "gives no answer",
        "attest that this release is its cure",
        fault("server-down"),
        status="inconclusive",
    ),
    Case("a backup's password", "ready.database", "did not let postgres in", "PG_SUPERUSER", env={"PG_SUPERUSER_PASSWORD": "changed"}),
    Case("no such VM", "ready.azure", "was not found", "target.vm.name", configuration('[target.vm]\nname = "Nexy2"')),
    seldom(
        Case(
            "no such group",
            "ready.azure",
            "could not be found",
            "target.vm.resource_group",
            configuration('[target.vm]\nresource_group = "AnotherRG"'),
        )
    ),
    Case("an expired secret", "ready.azure", "AADSTS", "AZURE_CLIENT_SECRET", env={"AZURE_CLIENT_SECRET": "expired"}),
    seldom(
        Case(
            "another subscription",
            "ready.azure",
            "could not be found",
            "subscription",
            env={"AZURE_SUBSCRIPTION_ID": "0" * 8 + "-0000-0000-0000-" + "0" * 12},
        )
    ),
    Case("no credential", "ready.azure", "half set", "az login", env={"AZURE_CLIENT_ID": "", "AZURE_CLIENT_SECRET": ""}),
    Case("an image that iCloud took", "inbox.dmg", ".Nexy.dmg.icloud", "brctl download", named_otherwise(".Nexy.dmg.icloud")),
    Case("a second image", "inbox.dmg", "Nexy 2.dmg", "mv 'Nexy 2.dmg' Nexy.dmg", named_otherwise("Nexy 2.dmg")),
    seldom(Case("an unfinished image", "inbox.dmg", "Nexy.dmg.download", "Lay Nexy.dmg into", named_otherwise("Nexy.dmg.download"))),
    Case("a clone of depth 1", "version.branch", "shallow", "git fetch --unshallow", shallow),
)


@contextlib.contextmanager
def amiss(inside: Inside, case: Case) -> Iterator[None]:
    undo = case.make(inside)
    try:
        yield
    finally:
        undo()


def check(inside: Inside, *words: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    done = inside.run("nexy-tui", "check", *words, "--json", check=False, env=env)
    assert done.stdout, done.stderr
    return done.returncode, {item["id"]: item for item in json.loads(done.stdout)["items"]}


def traces(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_would_stop_a_release_later_is_named_before(module_world: Inside, case: Case) -> None:
    with amiss(module_world, case):
        before = traces(module_world.checkout)
        exit_code, items = check(module_world, case.item, env=case.env)
        assert traces(module_world.checkout) == before
    found = items[case.item]
    assert found["status"] == case.status, found
    assert exit_code == (1 if case.status == "failed" else 3)
    assert case.said in found["summary"] and case.remedy in found["remedy"], found


HOLDS = (
    Case("a hook that pushes afterwards", "ready.commit", "", "", hook("post-commit", "git push origin HEAD:refs/heads/by-a-hook")),
    Case("a rule that this account may bypass", "ready.rules", "", "", fault("branch-rule", "bypass")),
    Case("line ends that git leaves alone", "ready.filters", "", "", attributes("*.json text eol=lf")),
)


@pytest.mark.parametrize("case", HOLDS, ids=lambda case: case.name)
def test_what_stops_no_release_passes_without_a_trace(module_world: Inside, case: Case) -> None:
    bare = module_world.world.git
    with amiss(module_world, case):
        before = traces(module_world.checkout), traces(bare)
        exit_code, items = check(module_world, case.item)
        assert (traces(module_world.checkout), traces(bare)) == before
    assert (exit_code, items[case.item]["status"]) == (0, "passed"), items


def test_a_world_as_it_is_made_is_ready(module_world: Inside) -> None:
    names = [item["id"] for item in json.loads(module_world.run("nexy-tui", "check", "--list", "--json").stdout)["items"]]
    ready = [name for name in names if name.startswith("ready.")]
    exit_code, items = check(module_world, *ready, "--vm")
    assert len(ready) > 8 and exit_code == 0
    assert {name: items[name]["status"] for name in ready} == dict.fromkeys(ready, "passed")


def on_vm(inside: Inside, *words: str) -> str:
    return inside.run("git", "-C", inside.world.vm_clone, *words).stdout.strip()


def test_drift_on_the_vm_is_saved_aside_and_then_it_is_ready(module_world: Inside) -> None:
    clone = module_world.world.vm_clone
    changed, settings = clone / "server/main.py", clone / "server/config.env"
    kept = settings.read_bytes()
    changed.write_text("# mended by hand at night\n", encoding="utf-8")
    exit_code, items = check(module_world, "ready.drift", "--vm")
    assert (exit_code, items["ready.drift"]["status"]) == (1, "failed")
    assert "server/main.py" in items["ready.drift"]["summary"] and "nexy-tui save-drift" in items["ready.drift"]["remedy"]
    done = module_world.run("nexy-tui", "save-drift", "--yes", "--json", check=False)
    assert done.returncode == 0, done.stderr
    [reference] = on_vm(module_world, "for-each-ref", "--format=%(refname)", "refs/nexy/drift").splitlines()
    assert on_vm(module_world, "show", f"{reference}:server/main.py") == "# mended by hand at night"
    assert reference in Path(json.loads(done.stdout)["log"]).read_text("utf-8") or reference in done.stderr
    assert settings.read_bytes() == kept
    assert check(module_world, "ready.drift", "--vm")[0] == 0
    again = module_world.run("nexy-tui", "save-drift", "--yes", check=False)
    assert again.returncode == 0 and len(on_vm(module_world, "for-each-ref", "refs/nexy/drift").splitlines()) == 1


def no_proxy(value: str) -> dict[str, str]:
    return {"NO_PROXY": value, "no_proxy": value}


AT_ALL = (
    Case("no proxy in brackets", "remotes.artifacts", "(HTTPS_PROXY, ALL_PROXY", "without brackets (::1)", env=no_proxy("[::1]")),
    seldom(Case("the same in a list", "remotes.artifacts", "(HTTPS_PROXY, ALL_PROXY", "(::1)", env=no_proxy("localhost,[fe80::1]"))),
    Case(
        "a checkout of another user", "version.branch", "dubious", "git config --global --add safe.directory", of_somebody_else, status="3"
    ),
)
"""Before the item is reached: `status` has the exit code."""


@pytest.mark.parametrize("case", AT_ALL, ids=lambda case: case.name)
def test_where_nothing_can_be_looked_at_the_document_has_the_cure(module_world: Inside, case: Case) -> None:
    with amiss(module_world, case):
        done = module_world.run("nexy-tui", "check", case.item, "--json", check=False, env=case.env)
    document = json.loads(done.stdout)
    exit_code, outcome = (3, "inconclusive") if case.status == "3" else (2, "refused")
    assert (done.returncode, document["exit"], document["outcome"]) == (exit_code, exit_code, outcome), document
    assert case.said in document["problem"]["what"] and case.remedy in document["problem"]["remedy"], document
    assert "Traceback" not in done.stderr


def test_its_key_listed_as_told_is_trusted(module_world: Inside) -> None:
    with amiss(module_world, CASES[0]):
        _, items = check(module_world, "ready.signing")
        module_world.run("sh", "-c", items["ready.signing"]["remedy"].partition(": ")[2])
        assert check(module_world, "ready.signing")[0] == 0
