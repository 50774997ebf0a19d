"""Every command of README and docs that acts, run as the page has it: in one world, in an order in which a person could type them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from attended import attended
from conftest import Inside, MakeWorld
from leaving import left
from test_documented_commands import DOCUMENTED
from tmux import terminal

from nexy_tui.core.version import Version
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import CODE

pytestmark = pytest.mark.exhaustive


@dataclass
class Pages:
    """Who types what the pages have: one after another, each line once, with what its capital words stand for."""

    inside: Inside
    means: dict[str, str] = field(default_factory=dict)

    def types(self, *lines: str, ends: tuple[int, ...] = (0,), own: dict[str, str] | None = None, folder: Path | None = None) -> str:
        said = ""
        for line in lines:
            assert line in DOCUMENTED, f"no page has: nexy-tui {line}"
            hidden = {"github-token": self.inside.world.secrets.world_token, "sparkle-private-key": self.inside.world.secrets.sparkle_seed}
            environ = own if own is not None else self.inside.environ
            status, said = attended(f"nexy-tui {self.filled(line)}", folder or self.inside.checkout, environ, hidden)
            print(f"{status} nexy-tui {line}")
            assert status in ends and "Traceback" not in said, f"nexy-tui {line}: {status}\n{said}"
        return said

    def filled(self, line: str) -> str:
        for word, meaning in self.means.items():
            line = re.sub(rf"(?<![\w~/]){re.escape(word)}(?![\w])", meaning, line)
        return line


@pytest.fixture(scope="module")
def pages(make_module_world: MakeWorld) -> Pages:
    return Pages(make_module_world())


def somebody(inside: Inside, name: str, **more: str) -> dict[str, str]:
    """The surroundings of a person with a home, a keyring and a list of trusted keys of his own."""
    home = inside.home / name
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    own = {
        "HOME": str(home),
        "NEXY_OPERATOR": f"{name}@example.com",
        "NEXY_CONFIG": "",
        "NEXY_ALLOWED_SIGNERS": str(home / "allowed_signers"),
        "KEYRING_PROPERTY_FILE_PATH": str(home / "keyring.cfg"),
    }
    return {**inside.environ, **own, **more}


def free(inside: Inside) -> Version:
    """A version above every tag."""
    tags = inside.git("tag", "--list", "v*", cwd=inside.world.bare(CODE)).split()
    return max([Version.parse(inside.world.previous), *map(Version.parse_tag, tags)]).next_build()


def key(environ: dict[str, str], name: str) -> str:
    path = Path(environ["HOME"]) / ".ssh" / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, stdin=subprocess.DEVNULL)
    return str(path)


@contextmanager
def agent(environ: dict[str, str], path: str) -> Iterator[dict[str, str]]:
    socket = Path(environ["HOME"]) / "s"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            assert process.poll() is None
        within = {**environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", path], env=within, check=True, stderr=subprocess.DEVNULL)
        yield within
        process.terminate()


def test_keys_and_secrets(pages: Pages) -> None:
    ada = somebody(pages.inside, "ada")
    home = Path(ada["HOME"])
    pages.types("keys create", "keys list", "keys use", own=ada)
    (home / "ada.pub").write_text(pages.types("keys export", own=ada))
    key(ada, "nexy-release-2")
    pages.types("keys rotate", "keys rotate --file ~/.ssh/nexy-release-2", own=ada)
    pages.means = {"FILE": key(ada, "another"), "NAME": "sparkle-private-key"}
    pages.types("keys rotate --file FILE", own=ada)
    bob = somebody(pages.inside, "bob", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    key(bob, "nexy-release")
    pages.types("keys use --file ~/.ssh/nexy-release", own=bob)
    pages.types("keys trust ada.pub", own=bob, folder=home)
    pages.means["FILE"] = str(home / "ada.pub")
    pages.types("keys trust FILE", own=bob)
    eve = somebody(pages.inside, "eve", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    pages.means["FILE"] = key(eve, "a-key")
    pages.types("keys use --file FILE", own=eve)
    ida = somebody(pages.inside, "ida", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    with agent(ida, key(ida, "in-the-agent")) as within:
        pages.types("keys use --agent", own=within)
    (home / "exported.txt").write_text(pages.inside.world.secrets.sparkle_seed + "\n")
    pages.types("secrets set github-token", "secrets set sparkle-private-key", "secrets list", own=ada)
    pages.types("secrets set sparkle-private-key < exported.txt", own=ada, folder=home)
    pages.types("secrets delete github-token", "secrets delete NAME", own=ada)


def test_a_world_by_itself(pages: Pages, tmp_path: Path) -> None:
    own = {**os.environ, "HOME": str(tmp_path), "PATH": pages.inside.environ["PATH"]}
    pages.means = {"DIR": f"{tmp_path}/other", "NAME": "no-publisher"}
    try:
        pages.types("world up DIR --seed NAME", own=own)
        pages.means["NAME"] = "token-invalid"
        pages.types("world fault DIR --list", "world fault DIR NAME on", "world status DIR --json", own=own)
    finally:
        attended(f"nexy-tui world down {tmp_path}/other", tmp_path, own)
    for up in ("world up ~/rehearsal", "world up ~/rehearsal --layout nested"):
        home = tmp_path / up.rpartition(" ")[2].strip("~/")
        home.mkdir()
        own["HOME"] = str(home)
        try:
            pages.types(up, "world status ~/rehearsal", "world env ~/rehearsal", own=own)
            pages.types("world fault ~/rehearsal --list", "world fault ~/rehearsal token-invalid on", own=own)
            pages.types("world build ~/rehearsal 1.6.1.44", own=own)
        finally:
            pages.types("world down ~/rehearsal", own=own)


def test_a_rehearsal_that_plays_the_operator(pages: Pages, tmp_path: Path) -> None:
    own = {**os.environ, "HOME": str(tmp_path), "PATH": pages.inside.environ["PATH"]}
    pages.types("rehearse --headless --auto", own=own, folder=tmp_path)


def test_a_release_and_what_comes_after(pages: Pages, tmp_path: Path) -> None:
    inside = pages.inside
    pages.types("fix", "fix --list", "fix inbox --dry-run", "fix azure-busy", "fix config-env", "fix stale-appcast")
    pages.types("fix github-auth", "fix gemini-key")
    pages.types("scaffold --dry-run", "release 1.6.1.43 --dry-run")
    pages.types("bump 1.6.1.43")
    inside.git("checkout", "--quiet", "--", ".")
    inside.fault("vm-drift")
    pages.types("save-drift")
    inside.fault("vm-drift", on=False)
    pages.types("db backup", "db backup --yes", "db drill", "db drill --yes", "db harden")
    log = left(inside, "1.6.1.43", "full", "between the swap and the branch", tmp_path / "said")
    pages.means = {"RUN": log.name.partition(".")[0]}
    pages.types("release --resume RUN --headless --yes")
    pages.types("runs show RUN", "runs report RUN")
    pages.means["FILE"] = str(log)
    pages.types("runs verify RUN", "runs verify FILE", ends=(0,))
    pages.means = {"FILE.intoto.jsonl": str(log), **pages.means}
    pages.types("runs verify FILE.intoto.jsonl --json", ends=(0,))
    pages.types("runs close RUN")
    pages.types("verify", "verify --json", "verify --save", "sync-manifests --check", "sync-manifests", "sync-manifests --yes")
    pages.types("deploy v1.6.1.43", "publish --dry-run")


def test_the_next_release_and_the_way_back(pages: Pages) -> None:
    worlds.build(pages.inside.world, str(free(pages.inside)), ("Nexy.dmg",))
    pages.types("release --headless --yes", "publish --recover", "rollback")


def test_a_release_named_by_its_version(make_world: MakeWorld) -> None:
    Pages(make_world()).types("release 1.6.1.43 --headless --yes")


def said_of(process: psutil.Process) -> str:
    """A process's command line and folder; nothing where it has ended."""
    try:
        return " ".join([*process.cmdline(), process.cwd()])
    except psutil.Error:
        return ""


def wizard(pages: Pages, line: str, shows: str, own: dict[str, str], folder: Path, keys: tuple[str, ...] = ("Escape", "q")) -> None:
    """The wizard in a terminal: it shows what it should, and ends at its keys; without keys the terminal is closed."""
    assert line in DOCUMENTED, f"no page has: nexy-tui {line}"
    with terminal(f"nexy-tui {pages.filled(line)}; echo ENDED $?; exec cat", folder, own) as hand:
        hand.until(shows, lambda screen: shows in screen)
        for key in keys:
            hand.rest("")
            hand.type(key)
        hand.until("the end", lambda screen: not keys or "ENDED" in screen)


def test_the_wizard_opens_as_the_pages_have_it(pages: Pages, tmp_path: Path) -> None:
    inside = pages.inside
    (tmp_path / "Nexy_server").symlink_to(inside.checkout)
    own = {**inside.environ, "HOME": str(tmp_path)}
    wizard(pages, "", "Start a release", own, inside.checkout)
    wizard(pages, "release", "X.Y.Z.Build", own, inside.checkout)
    wizard(pages, "--checkout ~/Nexy_server release", "X.Y.Z.Build", own, tmp_path)
    version = free(inside)
    worlds.build(inside.world, str(version), ("Nexy.dmg",))
    log = left(inside, str(version), "full", "between the swap and the branch", tmp_path / "said")
    pages.means = {"RUN": log.name.partition(".")[0]}
    wizard(pages, "release --resume RUN", "Remotes", own, inside.checkout, keys=())
    end = time.monotonic() + 60
    while at_work := [one for one in psutil.process_iter() if "--resume" in said_of(one) and str(inside.world.dir) in said_of(one)]:
        assert time.monotonic() < end, f"the terminal is closed, and these stay: {at_work}"
        time.sleep(0.2)


def test_a_rehearsal_opens_the_wizard(pages: Pages, tmp_path: Path) -> None:
    own = {**os.environ, "HOME": str(tmp_path), "PATH": pages.inside.environ["PATH"]}
    pages.means = {"NAME": "no-publisher"}
    for line in ("rehearse", "rehearse --seed NAME"):
        wizard(pages, line, "REHEARSAL", own, tmp_path)
