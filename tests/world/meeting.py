"""What a commit or a push can meet on the operator's machine: hooks, signing, attributes, and a colleague who pushes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from conftest import Inside

from nexy_tui.core.event import Event, PointOfNoReturn

Trouble = Callable[[Inside, Path], AbstractContextManager[None]]


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
def configured(inside: Inside, *pairs: tuple[str, str]) -> Iterator[None]:
    for key, value in pairs:
        inside.git("config", key, value)
    try:
        yield
    finally:
        for key, _ in pairs:
            inside.git("config", "--unset-all", key)


def program(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


@contextmanager
def gpg_that_fails(inside: Inside, folder: Path) -> Iterator[None]:
    gpg = program(folder, "gpg", "echo 'gpg: signing failed: No pinentry' >&2; exit 2")
    with configured(inside, ("commit.gpgSign", "true"), ("gpg.program", str(gpg)), ("user.signingKey", "0xABCD")):
        yield


@contextmanager
def hook(inside: Inside, folder: Path, name: str, body: str) -> Iterator[None]:
    program(folder / "hooks", name, body)
    with configured(inside, ("core.hooksPath", str(folder / "hooks"))):
        yield


def says_no(name: str) -> Trouble:
    return lambda inside, folder: hook(inside, folder, name, f"echo 'the {name} of the team says no' >&2; exit 1")


@contextmanager
def attributes(inside: Inside, line: str) -> Iterator[None]:
    """As a commit of the team's on the branch."""
    file = inside.checkout / ".gitattributes"
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}{line}\n")
    inside.git("add", "--", ".gitattributes")
    inside.git("commit", "-qm", "Attributes")
    inside.git("push", "-q", "origin", "HEAD:main")
    try:
        yield
    finally:
        file.write_text(before or "")
        inside.git("commit", "-qm", "No attributes", "--", ".gitattributes")
        inside.git("push", "-q", "origin", "HEAD:main")


def colleague(inside: Inside, folder: Path, path: str, text: str) -> None:
    """Somebody else's commit on the branch, by a clone of their own."""
    clone = folder / "colleague"
    inside.git("clone", "--quiet", "https://github.com/Seregawpn/Nexy_server.git", clone)
    (clone / path).write_text(text)
    inside.git("add", "--", path, cwd=clone)
    inside.git("-c", "user.name=Colleague", "-c", "user.email=c@x", "commit", "-qm", "A change", cwd=clone)
    inside.git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
