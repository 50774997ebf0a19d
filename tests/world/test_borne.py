"""What goes wrong on the way and holds up nothing: the release goes on to its end, and says so."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from conftest import MakeWorld
from driving import NEXY, SEALED, assert_released, release, verified_as
from leaving import agreed

from nexy_tui.rehearsal.names import CODE

OF_THE_RELEASE = r"refs/heads/main$|refs/tags/v"


@pytest.mark.exhaustive
@pytest.mark.parametrize("refs", [OF_THE_RELEASE, "refs/nexy/prepared", "."])
def test_a_push_whose_answer_is_lost_after_the_host_took_it_is_pushed(make_world: MakeWorld, refs: str) -> None:
    inside = make_world()
    hook = inside.world.bare(CODE) / "hooks/post-receive"
    hook.write_text(f"#!/bin/sh\ngrep -qE '{refs}' && kill -9 $PPID\nexit 0\n")
    hook.chmod(0o755)
    ended = release(inside, inside.world.next)
    hook.unlink()
    assert (ended.exit, ended.document["outcome"]) == (0, "verified"), ended.said
    assert "the push was taken, though git could not say so" in ended.said
    assert_released(inside, inside.world.next)


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_release_ends_verified_though_what_it_says_finds_no_room(make_world: MakeWorld) -> None:
    inside = make_world()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [NEXY, "release", "--kind", "update-only", "--headless", "--auto"],
            cwd=inside.checkout,
            env=inside.environ,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=full,
            timeout=180,
            check=False,
        )
    (log,) = Path(inside.environ["NEXY_STATE_DIR"]).rglob("*.jsonl")
    assert (done.returncode, verified_as(inside, log)) == (0, SEALED)


SILENT = """
import threading
from keyring.backend import KeyringBackend


class Keyring(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        threading.Event().wait()

    set_password = delete_password = get_password
"""


@pytest.mark.exhaustive
def test_a_keyring_that_never_answers_leaves_the_item_unknown_with_the_way_round(make_world: MakeWorld, tmp_path: Path) -> None:
    """It is given a minute, in which a person could unlock it."""
    inside = make_world()
    (tmp_path / "silent_ring.py").write_text(SILENT)
    program = "import sys; sys.argv[0] = 'nexy-tui'; from nexy_tui.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "check", "ready.sparkle", "--json"],
        cwd=inside.checkout,
        env={**inside.environ, "PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "silent_ring.Keyring"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    (item,) = json.loads(done.stdout)["items"]
    assert (done.returncode, item["id"], item["status"]) == (3, "ready.sparkle", "inconclusive"), done.stderr
    assert "gave no answer" in item["summary"] and "NEXY_SPARKLE_PRIVATE_KEY" in item["remedy"]


URL = f"https://github.com/{CODE}.git"
SORTS = {
    "a linked work tree": ("worktree", "add", "-q", "--force", "another", "main"),
    "a partial clone": ("clone", "-q", "--filter=blob:none", URL, "another"),
    "a clone of one branch": ("clone", "-q", "--single-branch", URL, "another"),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("sort", SORTS)
def test_a_checkout_of_another_sort_releases_and_goes_back(make_world: MakeWorld, sort: str) -> None:
    inside = make_world()
    layout, another = inside.world.checkout_layout, inside.world.dir / "another"
    inside.git("switch", "-q", "--detach")
    inside.git(*(str(another) if word == "another" else word for word in SORTS[sort]))
    laid = (layout.inbox, layout.backups, *(layout.root / path for path in layout.settings))
    for path in filter(Path.exists, laid):
        copy = shutil.copy if path.is_file() else partial(shutil.copytree, dirs_exist_ok=True)
        copy(path, another / path.relative_to(layout.root))
    for words in (("release", "--headless", "--auto"), ("rollback", "--yes")):
        done = inside.run(NEXY, *words, cwd=another, env={"NEXY_CHECKOUT": str(another)}, check=False, timeout=200)
        assert done.returncode == 0, done.stderr
    assert agreed(inside) == inside.world.previous


@pytest.mark.exhaustive
def test_a_hook_with_tools_that_git_does_not_track_is_attested_and_the_release_goes_on(make_world: MakeWorld) -> None:
    inside = make_world()
    hook, exclude, tool = (inside.checkout / name for name in (".git/hooks/pre-commit", ".git/info/exclude", "node_modules/linter"))
    tool.parent.mkdir()
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("/node_modules/\n")
    for script, text in ((hook, "#!/bin/sh\nexec node_modules/linter\n"), (tool, "#!/bin/sh\n")):
        script.write_text(text)
        script.chmod(0o755)
    ended = release(inside, inside.world.next)  # `--auto` attests as the operator does.
    assert (ended.exit, ended.item("ready.commit")["status"]) == (0, "attested"), ended.said
    assert_released(inside, inside.world.next)
