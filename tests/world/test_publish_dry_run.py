"""`publish --dry-run` on a checkout without credentials for writing: every byte, local and remote, is as it was."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Inside, seldom
from driving import outside

from nexy_tui.rehearsal import home
from nexy_tui.rehearsal.names import CODE

NEXT = "1.6.1.43"
SAID = (
    f"Current Version: {NEXT}",
    "Target Repo: Seregawpn/Nexy_production",
    "Uploaded. URL: https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg",
    "Verifying uploaded artifact from release URL...",
    "Remote size: ",
    "Remote SHA256: ",
    "RELEASE COMPLETE (dry run: nothing was written, and a publish would be refused)",
)
EXCLUDED = ("Manifest updated at", "Manifest changes pushed to remote")
OWN = ("state/runs/", "state/last-target.json")
"""What a dry run leaves of its own: its signed log, and the target to compare the next run's with."""

LIVING = ("log/", "vm/var/log/", "pg/", "state/")
"""What moves by itself while one looks: the accounts that the world and the VM's service keep of who asked them, and the running
database's files. `state` is looked at by name."""


def digests(folder: Path) -> dict[str, str]:
    """Everything below a folder: kind, mode, and the digest of its bytes or where it points to. Sockets and pipes by their names."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                content = str(path.readlink())
            elif stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = ""
            found[str(path.relative_to(folder)) + "/" * stat.S_ISDIR(status.st_mode)] = f"{status.st_mode:o} {content}"
    return found


def still(inside: Inside) -> dict[str, str]:
    """Every byte of the world but what moves by itself: checkout with its .git, bare repositories, release host, VM, home, CA."""
    return {path: what for path, what in digests(inside.world.dir).items() if not path.startswith(LIVING)}


AGENT = "vm/var/lib/waagent/"
"""Where Azure's agent keeps every command that the VM was sent, one that only looks too."""


@pytest.fixture(scope="module")
def bumped(module_world: Inside) -> Inside:
    """A release committed, tagged and pushed; and somebody has pushed since, so that this checkout has not every object."""
    inside = module_world
    inside.run("nexy-tui", "bump", NEXT)
    inside.commit(f"Release v{NEXT}")
    inside.git("tag", f"v{NEXT}")
    inside.git("push", "-q", "server_repo", "HEAD:main", f"v{NEXT}")
    return inside


@pytest.fixture
def moved(bumped: Inside, tmp_path: Path) -> Iterator[Inside]:
    """The branch as a colleague has moved it, to a commit that this checkout does not have."""
    bare = bumped.world.bare(CODE)
    tip = bumped.git("rev-parse", "main", cwd=bare)
    clone = tmp_path / "colleague"
    bumped.git("clone", "-q", f"https://github.com/{CODE}.git", clone)
    bumped.git("commit", "-q", "--allow-empty", "-m", "A change", cwd=clone)
    bumped.git("push", "-q", "origin", "HEAD:main", cwd=clone)
    yield bumped
    bumped.git("update-ref", "refs/heads/main", tip, cwd=bare)


def without_rights(inside: Inside, token: str, tmp_path: Path) -> Inside:
    """The world as entered by somebody whose token may write nowhere, or who has none; git gets that one or none."""
    config = tmp_path / "gitconfig"
    text = home.gitconfig(inside.world).read_text()
    own = "\n".join(line for line in text.splitlines() if not line.strip().startswith("helper = /"))
    helper = f'[credential]\n\thelper = "!f() {{ echo username=nexy-reader; echo password={token}; }}; f"\n'
    config.write_text(f"{own}\n{helper if token else ''}")
    return replace(inside, environ={**inside.environ, "GIT_CONFIG_GLOBAL": str(config), "GH_TOKEN": token})


@pytest.mark.parametrize("token", [seldom("readonly_token", id="a token that may only read"), pytest.param("", id="no token at all")])
def test_every_byte_is_as_it_was(bumped: Inside, token: str, tmp_path: Path) -> None:
    reader = without_rights(bumped, getattr(bumped.world.secrets, token) if token else "", tmp_path)
    push = reader.run("git", "push", "-q", "server_repo", "HEAD:refs/heads/mine", check=False)
    assert push.returncode != 0, "these credentials are not for writing"
    assert_unchanged_by_a_dry_run(reader)


def test_a_branch_that_moved_brings_no_object_into_the_checkout(moved: Inside, tmp_path: Path) -> None:
    said = assert_unchanged_by_a_dry_run(without_rights(moved, moved.world.secrets.readonly_token, tmp_path))
    assert "“A change” by" in said, "the commit that is not here was looked at all the same"


def assert_unchanged_by_a_dry_run(inside: Inside) -> str:
    before, state = still(inside), digests(inside.world.state)
    seen = outside(inside)
    done = inside.run("nexy-tui", "publish", "--dry-run", check=False)
    said: str = done.stdout + done.stderr
    assert done.returncode in (1, 3), said
    lines = iter(said.splitlines())
    for marker in SAID:
        assert any(line.startswith(marker) for line in lines), (marker, said)
    assert not [marker for marker in EXCLUDED if marker in said]
    assert "ghp_" not in said
    after = still(inside)
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not {path for path in differing if not path.startswith(AGENT)}
    assert outside(inside) == seen
    now = digests(inside.world.state)
    written = {f"state/{path}" for path in now if now[path] != state.get(path)}
    assert not [path for path in written if not path.startswith(OWN)], written
    assert state.keys() <= now.keys()
    return said
