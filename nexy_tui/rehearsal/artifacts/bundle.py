"""The application that both artifacts carry: a macOS bundle with the version in its `Info.plist` (contracts: artifacts)."""

from __future__ import annotations

import plistlib
from dataclasses import dataclass

IDENTIFIER = "com.nexy.assistant"
APP = "Nexy.app"
INFO_PLIST = f"{APP}/Contents/Info.plist"
PROGRAM = f"{APP}/Contents/MacOS/Nexy"
RESOURCES = f"{APP}/Contents/Resources/nexy.bin"
"""The file that gives an artifact its size."""

FOLDERS = (APP, f"{APP}/Contents", f"{APP}/Contents/MacOS", f"{APP}/Contents/Resources")


@dataclass(frozen=True, slots=True)
class Updater:
    """What the application knows of updates: whose signatures it takes, where it asks, and the macOS it needs."""

    public_key: str = ""
    feed: str = ""
    minimum: str = "11.0"

    def keys(self) -> dict[str, str]:
        """As they stand in `Info.plist`."""
        known = {"SUPublicEDKey": self.public_key, "SUFeedURL": self.feed, "LSMinimumSystemVersion": self.minimum}
        return {key: value for key, value in known.items() if value}


def info_plist(version: str, updater: Updater) -> bytes:
    """The application's `Info.plist`: the version a Mac shows and the build an updater compares."""
    return plistlib.dumps(
        {
            "CFBundleExecutable": "Nexy",
            "CFBundleIdentifier": IDENTIFIER,
            "CFBundleName": "Nexy",
            "CFBundlePackageType": "APPL",
            "CFBundleShortVersionString": version,
            "CFBundleVersion": version,
            **updater.keys(),
        }
    )


def small_files(version: str, updater: Updater) -> list[tuple[str, bytes, int]]:
    """Every file but the big one: path, content, permissions."""
    return [
        (INFO_PLIST, info_plist(version, updater), 0o644),
        (PROGRAM, f"#!/bin/sh\necho 'Nexy {version}'\n".encode(), 0o755),
    ]
