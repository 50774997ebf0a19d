"""One reading child answers for the checkout's objects: what it says is what git says now, and its end is never taken for an absence."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
from pathlib import Path

import pytest

from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.target import Target
from nexy_tui.services import processes
from nexy_tui.services.git import Git, reading

WHO = ("-c", "user.name=a", "-c", "user.email=a@b")


def by_hand(folder: Path, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(["git", *WHO, *arguments], cwd=folder, check=True, env=env, capture_output=True, text=True).stdout.strip()


def committed(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "VERSION").write_text(text)
    by_hand(folder, "init", "--quiet")
    by_hand(folder, "add", ".")
    by_hand(folder, "commit", "--quiet", "--message", text)
    return by_hand(folder, "rev-parse", "HEAD")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every child that is started and talked with."""
    children: list[subprocess.Popen[bytes]] = []
    start = processes.start

    def watched(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        children.append(start(*arguments, **options))  # type: ignore[arg-type]
        return children[-1]

    monkeypatch.setattr(processes, "start", watched)
    return children


@pytest.fixture
def git(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> Git:
    committed(tmp_path / "work", "1")
    return Git(tmp_path / "work", Target(), {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull})


def readers(started: list[subprocess.Popen[bytes]]) -> list[subprocess.Popen[bytes]]:
    return [child for child in started if "--batch" in child.args]  # type: ignore[operator]


def test_what_moves_while_the_child_lives_is_seen(git: Git, started: list[subprocess.Popen[bytes]]) -> None:
    first = git.head()
    assert git.tag_commit("v2") is None and git.show("HEAD", "VERSION") == b"1"
    second = committed(git.checkout, "2")
    by_hand(git.checkout, "tag", "--annotate", "--message", "t", "v2")
    assert (git.head(), git.tag_commit("v2"), git.show("HEAD", "VERSION")) == (second, second, b"2") and first != second
    by_hand(git.checkout, "gc", "--quiet")
    by_hand(git.checkout, "update-ref", "refs/tags/v2", first)
    assert git.tag_commit("v2") == first and git.has_commit(second)
    assert len(readers(started)) == 1


def test_another_checkout_in_the_place_of_the_first_is_read_itself(git: Git, tmp_path: Path) -> None:
    first = git.head()
    git.checkout.rename(tmp_path / "old")
    second = committed(git.checkout, "2")
    assert git.head() == second != first and not git.has_commit("0" * 40)


def test_a_child_that_was_killed_is_no_file_that_is_not_there(git: Git, started: list[subprocess.Popen[bytes]]) -> None:
    head = git.head()
    readers(started)[0].send_signal(signal.SIGKILL)
    readers(started)[0].wait()
    with pytest.raises(CouldNotLook, match="no answer"):
        git.show(head, "VERSION")
    assert git.show(head, "VERSION") == b"1", "and the next look has a child of its own"
    readers(started)[-1].send_signal(signal.SIGKILL)
    assert git.head() == head


def test_a_child_that_gives_no_answer_is_ended(git: Git, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    head = git.head()
    monkeypatch.setattr(reading, "LOCAL_TIMEOUT", 0.05)
    readers(started)[0].send_signal(signal.SIGSTOP)
    with pytest.raises(CouldNotLook, match="no answer"):
        git.lookup(head)
    assert readers(started)[0].wait(5) == -signal.SIGKILL


def test_a_name_with_a_line_break_asks_one_question_or_none(git: Git) -> None:
    head = git.head()
    assert git.lookup(f"{head}\n{head}") is None and git.show(head, "VERSION\nVERSION") is None
    assert git.show(head, "no such file") is None and git.show(head, "") is None
    assert git.head() == head


def test_what_git_refuses_to_read_is_said_in_its_own_words(tmp_path: Path) -> None:
    committed(tmp_path / "work", "1")
    (tmp_path / "work/.git/HEAD").write_text("nonsense\n")
    with pytest.raises(CouldNotLook, match="not a git repository"):
        Git(tmp_path / "work", Target(), {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}).head()


def test_the_child_ends_with_whom_it_answers(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    committed(tmp_path / "work", "1")
    here = Git(tmp_path / "work", Target(), {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    here.head()
    child = readers(started)[0]
    assert child.poll() is None
    del here
    gc.collect()
    assert child.returncode is not None
