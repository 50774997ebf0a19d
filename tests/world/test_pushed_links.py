"""A link that somebody pushed leads none of our writing out of the checkout's own files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import Inside

from nexy_tui.actions import manifests
from nexy_tui.core.event import silent
from nexy_tui.core.problem import Refused
from nexy_tui.services.plain_file import led_to, require_inside

PROFILE = b"export MY-EDITOR=vi\nalias ll='ls -l'\n"
"""A shell's settings: as a `config.env` they have two names that no server takes."""


@pytest.fixture
def inside(module_world: Inside) -> Iterator[Inside]:
    yield module_world
    module_world.reset("HEAD~1")
    module_world.git("push", "--quiet", "--force", "origin", "HEAD:main")


def push_link(inside: Inside, name: str, target: Path) -> None:
    """What any teammate may do: a commit that puts a link in the place of a file or folder."""
    inside.git("rm", "-r", "--quiet", "--ignore-unmatch", name)
    (inside.checkout / name).symlink_to(target)
    inside.git("add", "--force", name)
    inside.git("commit", "--quiet", "--message", "Tidy up")
    inside.git("push", "--quiet", "origin", "HEAD:main")


def held(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_settings_that_are_a_link_are_not_mended_where_it_leads(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "profile").write_bytes(PROFILE)
    kept = inside.checkout / "server/config.env"
    before = kept.read_bytes() if kept.exists() else None
    kept.unlink(missing_ok=True)
    push_link(inside, "server/config.env", tmp_path / "profile")
    done = inside.run("nexy-tui", "fix", "config-env", "--yes", check=False)
    assert done.returncode == 3 and "put a plain file in the link's place" in done.stderr
    assert "MY-EDITOR" not in done.stdout + done.stderr
    assert held(tmp_path) == {str(tmp_path / "profile"): PROFILE}
    kept.unlink()
    if before is not None:
        kept.write_bytes(before)
    again = inside.run("nexy-tui", "fix", "config-env", "--dry-run", check=False)
    assert again.returncode == 0


def test_a_version_is_not_written_where_a_linked_folder_leads(inside: Inside, tmp_path: Path) -> None:
    for file in (inside.checkout / "server/config").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = held(tmp_path)
    push_link(inside, "server/config", tmp_path)
    done = inside.run("nexy-tui", "bump", "1.6.1.43", check=False)
    assert done.returncode == 1 and "leads out of the checkout" in done.stderr
    assert held(tmp_path) == before and not inside.changes()


@pytest.mark.parametrize("place", ["outside", "inside/.git/hooks"])
def test_nor_are_the_manifests_and_none_of_them_then(place: str, tmp_path: Path) -> None:
    checkout, target = tmp_path / "inside", tmp_path / place
    (checkout / ".git/hooks").mkdir(parents=True)
    target.mkdir(exist_ok=True)
    (checkout / "real").mkdir()
    (checkout / "linked").symlink_to(target)
    context = cast(Any, SimpleNamespace(services=SimpleNamespace(checkout=checkout), emit=silent))
    with pytest.raises(Refused, match="leads out of the checkout") as refused:
        manifests.lay(context, {"real/manifest.json": b"{}", "linked/manifest.json": b"{}"})
    assert "git log --" in str(refused.value.remedy)
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.parametrize(
    ("target", "stays"),
    [("other", True), ("new/below", True), (".", True), ("..", False), ("/", False), (".git", False), ("other/../.GIT/x", False)],
)
def test_where_a_link_leads(target: str, stays: bool, tmp_path: Path) -> None:
    checkout = tmp_path / "clone"
    (checkout / "other").mkdir(parents=True)
    (checkout / "link").symlink_to(target)
    assert (led_to(checkout / "link/file", checkout) is None) == stays
    if stays:
        require_inside(checkout / "link", checkout)
