"""The checkout's remotes: read once a pass of looking, and anew wherever they may have changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from nexy_tui.core.problem import ActionFailed, CouldNotLook
from nexy_tui.core.target import Target
from nexy_tui.services import processes
from nexy_tui.services.git import Git
from nexy_tui.services.remotes import RemoteConfig

OURS, OTHER = Target().code_url(), "https://github.com/someone/else"


class Counted(Git):
    """Counts how often git is asked for the remotes, and for what was committed."""

    asked = logged = 0

    def read(self, *arguments: str, timeout: float = 60.0, told: Mapping[str, str] | None = None) -> str:
        self.asked += arguments == ("remote", "--verbose")
        self.logged += arguments[0] == "log"
        return super().read(*arguments, timeout=timeout, told=told)


@pytest.fixture
def git(tmp_path: Path) -> Counted:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": "none"}
    for line in ("init --quiet", f"remote add origin {OURS}"):
        subprocess.run(["git", *line.split()], cwd=tmp_path, env=environ, check=True)
    return Counted(tmp_path, Target(), environ)


def by_hand(git: Git, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=git.checkout, check=True, env={"PATH": os.environ["PATH"], "HOME": str(git.checkout)})


def test_a_pass_reads_the_remotes_once_and_the_next_pass_anew(git: Counted) -> None:
    with git.one_pass():
        assert [git.code_remote(), git.code_source(), git.code_remote()] == ["origin"] * 3
        assert git.asked == 1
    by_hand(git, "remote", "set-url", "origin", OTHER)
    with git.one_pass():
        assert git.code_source() == OURS and git.remotes()[0].fetch_urls == (OTHER,)
        assert git.asked == 2


def test_looks_inside_an_action_read_them_anew_and_what_follows_knows_it(git: Counted) -> None:
    with git.one_pass():
        git.remotes()
        with git.one_pass():
            assert git.remotes() and git.asked == 2
        assert git.remotes() and git.asked == 2


def test_a_commit_that_was_fetched_for_a_look_alone_is_not_here_afterwards(git: Counted, tmp_path: Path) -> None:
    by_hand(git, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", "x")
    kept = git.head()
    with git.borrowing():
        tree = git.write("hash-object", "-t", "tree", "-w", "/dev/null")
        lent = git.write("-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", tree, "-m", "y")
        assert git.has_commit(kept) and git.has_commit(lent)
    assert git.has_commit(kept) and not git.has_commit(lent)
    assert not git.has_commit("0" * 40) and git.has_commit("HEAD")


def committed(git: Git, message: str) -> str:
    by_hand(git, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", message)
    return git.head()


def test_the_past_of_a_commit_is_asked_for_once_and_a_new_commit_is_seen(git: Counted) -> None:
    first = committed(git, "Release v1.6.1.43")
    for _ in range(3):
        assert git.release_commit("v1.6.1.43") == first and git.release_commit("v1.6.1.44") is None
    assert git.logged == 1
    second = committed(git, "Release v1.6.1.44")
    assert git.release_commit("v1.6.1.44") == second and git.release_commit("v1.6.1.43", first) == first
    assert git.commits_between(first, "HEAD") == git.commits_between(first, second) == ("Release v1.6.1.44",)
    assert git.logged == 3


def test_the_past_of_a_shallow_clone_is_asked_for_anew(git: Counted) -> None:
    first, second = committed(git, "x"), committed(git, "Release v1.6.1.44")
    shallow = git.checkout / ".git/shallow"
    shallow.write_text(f"{second}\n")
    assert git.last_commit_of(second, ["."]) is None and git.commits_between(first, second) == ("Release v1.6.1.44",)
    assert git.release_commit("v1.6.1.44") == second and git.logged == 3
    shallow.unlink()
    assert git.commits_between(first, second) == ("Release v1.6.1.44",) and git.logged == 4


def test_outside_a_pass_they_are_read_whenever_they_are_needed(git: Counted) -> None:
    with git.one_pass():
        git.remotes()
    assert git.remotes() == git.remotes() and git.asked == 3


def test_what_is_written_in_a_pass_is_seen_in_it(git: Counted, tmp_path: Path) -> None:
    with git.one_pass():
        assert len(git.remotes()) == 1
        git.write("remote", "add", "more", OTHER)
        assert len(git.remotes()) == 2
        config = RemoteConfig(git, Target(), tmp_path / "scratch")
        before = config.path.read_bytes()
        config.write(before, before.replace(OTHER.encode(), OURS.encode()))
        assert [remote.fetch_urls for remote in git.remotes()] == [(OURS,), (OURS,)]


def test_a_push_goes_where_the_remotes_lead_now(git: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[str] = []
    run = processes.run

    def watched(argv: list[str], **options: object) -> processes.Completed:
        pushed.extend(word for word in argv if "push" in argv and word in ("origin", "server_repo"))
        return run(argv, **options)  # type: ignore[arg-type]

    with git.one_pass():
        assert git.code_remote() == "origin"
        by_hand(git, "remote", "rename", "origin", "server_repo")
        monkeypatch.setattr(processes, "run", watched)
        with pytest.raises(ActionFailed):
            git.push(["HEAD:refs/heads/main"])
    assert pushed == ["server_repo"]


def test_a_past_manifest_that_cannot_be_read_is_no_manifest_that_is_not_there(git: Counted) -> None:
    path = git.checkout / "manifest.json"
    for text in ("{}", '{"version": "1.6.1.42"}'):
        path.write_text(text)
        by_hand(git, "add", path.name)
        by_hand(git, "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message=m")
    assert [raw for _, _, raw in git.past_of([git.head()], [path.name], 10, 100)] == [b"{}", b'{"version": "1.6.1.42"}']
    blob = git.read("rev-parse", "HEAD~1:manifest.json")
    (git.checkout / ".git/objects" / blob[:2] / blob[2:]).unlink()
    damaged = Git(git.checkout, git.target, {"PATH": os.environ["PATH"], "HOME": str(git.checkout)})
    with pytest.raises(CouldNotLook, match="cannot be read"):
        list(damaged.past_of([damaged.head()], [path.name], 10, 100))
