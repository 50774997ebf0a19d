"""What a commit or a push can meet on the operator's machine: hooks, signing, attributes, and a colleague who pushes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from publishing import Publisher

from nexy_tui.core.event import Event, PointOfNoReturn

Trouble = Callable[[Publisher, Path], AbstractContextManager[None]]


class Listening(list[Event]):
    """What is said, and what happens at the point of no return."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, PointOfNoReturn):
            self._then()


@contextmanager
def configured(work: Publisher, *pairs: tuple[str, str]) -> Iterator[None]:
    for key, value in pairs:
        work.inside.git("config", key, value)
    try:
        yield
    finally:
        for key, _ in pairs:
            work.inside.git("config", "--unset-all", key)


def program(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


@contextmanager
def gpg_that_fails(work: Publisher, folder: Path) -> Iterator[None]:
    gpg = program(folder, "gpg", "echo 'gpg: signing failed: No pinentry' >&2; exit 2")
    with configured(work, ("commit.gpgSign", "true"), ("gpg.program", str(gpg)), ("user.signingKey", "0xABCD")):
        yield


@contextmanager
def hook(work: Publisher, folder: Path, name: str, body: str) -> Iterator[None]:
    program(folder / "hooks", name, body)
    with configured(work, ("core.hooksPath", str(folder / "hooks"))):
        yield


def says_no(name: str) -> Trouble:
    return lambda work, folder: hook(work, folder, name, f"echo 'the {name} of the team says no' >&2; exit 1")


@contextmanager
def attributes(work: Publisher, line: str) -> Iterator[None]:
    """As a commit of the team's on the branch."""
    file = work.inside.checkout / ".gitattributes"
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}{line}\n")
    work.inside.git("add", "--", ".gitattributes")
    work.inside.git("commit", "-qm", "Attributes")
    work.inside.git("push", "-q", "origin", "HEAD:main")
    try:
        yield
    finally:
        file.write_text(before or "")
        work.inside.git("commit", "-qm", "No attributes", "--", ".gitattributes")
        work.inside.git("push", "-q", "origin", "HEAD:main")


def colleague(work: Publisher, folder: Path, path: str, text: str) -> None:
    """Somebody else's commit on the branch, by a clone of their own."""
    clone = folder / "colleague"
    work.inside.git("clone", "--quiet", "https://github.com/Seregawpn/Nexy_server.git", clone)
    (clone / path).write_text(text)
    work.inside.git("add", "--", path, cwd=clone)
    work.inside.git("-c", "user.name=Colleague", "-c", "user.email=c@x", "commit", "-qm", "A change", cwd=clone)
    work.inside.git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
