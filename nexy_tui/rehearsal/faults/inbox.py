"""Faults of the inbox: what is wrong with the artifacts the operator laid there. Switched off, the inbox is as it was."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.fault import Fault, Hook
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.seed import updater
from nexy_tui.services import dmg

HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n"
"""What a download without a login often is, whatever the file is called."""

_SMALL = 1 << 20
_STRANGERS_KEY = base64.b64encode(bytes(range(32))).decode()


def _missing(world: World, inbox: Path, parameter: str | None) -> None:
    shutil.rmtree(inbox)


def _empty(world: World, inbox: Path, parameter: str | None) -> None:
    for path in inbox.iterdir():
        if path.suffix in (".dmg", ".pkg"):
            path.unlink()


def _truncated(world: World, inbox: Path, parameter: str | None) -> None:
    whole, part = inbox / DMG, inbox / f".{DMG}.part"
    if not whole.exists():
        artifacts.build_dmg(whole, world.next, _SMALL)
    artifacts.truncate(whole, part)
    part.replace(whole)


def _html(world: World, inbox: Path, parameter: str | None) -> None:
    page = inbox / f".{DMG}.page"
    page.write_bytes(HTML_PAGE)
    page.replace(inbox / DMG)


def _other_version(world: World, inbox: Path, parameter: str | None) -> None:
    artifacts.build_dmg(inbox / DMG, parameter or world.previous, _SMALL)


def _application(world: World, inbox: Path, **changed: str) -> None:
    """The image that lies there, built again with an application that knows something else of updates."""
    try:
        version = dmg.application(inbox / DMG, os.environ).versions.get("CFBundleVersion", world.next)
    except dmg.UnreadableImage:
        version = world.next
    artifacts.build_dmg(inbox / DMG, version, _SMALL, updater=replace(updater(world), **changed))


def _other_key(world: World, inbox: Path, parameter: str | None) -> None:
    _application(world, inbox, public_key=parameter or _STRANGERS_KEY)


def _other_feed(world: World, inbox: Path, parameter: str | None) -> None:
    _application(world, inbox, feed=parameter or f"https://staging.{world.update_host}/updates/appcast.xml")


def _newer_macos(world: World, inbox: Path, parameter: str | None) -> None:
    _application(world, inbox, minimum=parameter or "13.0")


_Apply = Callable[[World, Path, str | None], None]
_APPLY: dict[str, _Apply] = {
    "inbox-missing": _missing,
    "inbox-empty": _empty,
    "dmg-truncated": _truncated,
    "dmg-html": _html,
    "dmg-other-version": _other_version,
    "dmg-other-key": _other_key,
    "dmg-other-feed": _other_feed,
    "dmg-newer-macos": _newer_macos,
}


class _Stash:
    """What was in the inbox before the first of these faults, and which of them are on, in the order they came."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inbox = world.checkout_layout.inbox
        self._folder = world.artifacts / "inbox-before-faults"
        self._record = self._folder / "on.json"
        self._files = self._folder / "files"

    def switch(self, name: str, on: bool, parameter: str | None) -> None:
        """Restore the inbox, then apply what is on now."""
        active = self._active()
        if on and not active:
            self._keep()
        active.pop(name, None)
        if on:
            active[name] = parameter
        if not self._folder.exists():
            return
        self._record.write_text(json.dumps(active), encoding="utf-8")
        self._restore()
        for each, its_parameter in active.items():
            self._inbox.mkdir(parents=True, exist_ok=True)
            _APPLY[each](self._world, self._inbox, its_parameter)
        if not active:
            shutil.rmtree(self._folder)

    def _active(self) -> dict[str, str | None]:
        if not self._record.exists():
            return {}
        found: dict[str, str | None] = json.loads(self._record.read_text(encoding="utf-8"))
        return found

    def _keep(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._files.mkdir(parents=True)
        if self._inbox.is_dir():
            for path in self._inbox.iterdir():
                if path.is_file() and not path.is_symlink():
                    artifacts.copy(path, self._files / path.name)

    def _restore(self) -> None:
        self._inbox.mkdir(parents=True, exist_ok=True)
        for path in self._inbox.iterdir():
            if path.suffix in (".dmg", ".pkg") and path.is_file():
                path.unlink()
        for path in self._files.iterdir():
            artifacts.copy(path, self._inbox / path.name)


def _hook(name: str, on: bool) -> Hook:
    return lambda world, parameter: _Stash(world).switch(name, on, parameter)


def _fault(name: str, description: str, parameter: str = "") -> Fault:
    return Fault(name, "inbox", description, on=_hook(name, True), off=_hook(name, False), parameter=parameter)


FAULTS: tuple[Fault, ...] = (
    _fault("inbox-missing", "The folder release_inbox is not there."),
    _fault("inbox-empty", "The inbox has no artifact."),
    _fault("dmg-truncated", "Nexy.dmg ends in the middle: its trailer is missing."),
    _fault("dmg-html", "Nexy.dmg is an HTML page, as a download without a login leaves."),
    _fault("dmg-other-version", "Nexy.dmg contains the application of another version.", "that version (default: the release before)"),
    _fault("dmg-other-key", "The application in Nexy.dmg takes updates signed with another Sparkle key.", "that key in base64"),
    _fault(
        "dmg-other-feed", "The application in Nexy.dmg asks another server for updates.", "that appcast's address (default: a staging one)"
    ),
    _fault("dmg-newer-macos", "The application in Nexy.dmg needs a newer macOS than the manifest says.", "that macOS (default: 13.0)"),
)
