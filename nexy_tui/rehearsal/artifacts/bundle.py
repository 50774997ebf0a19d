"""The application that both artifacts carry: a macOS bundle with the version in its `Info.plist` (contracts: artifacts)."""

from __future__ import annotations

import plistlib

IDENTIFIER = "com.nexy.assistant"
APP = "Nexy.app"
INFO_PLIST = f"{APP}/Contents/Info.plist"
PROGRAM = f"{APP}/Contents/MacOS/Nexy"
RESOURCES = f"{APP}/Contents/Resources/nexy.bin"
"""The file that gives an artifact its size."""

FOLDERS = (APP, f"{APP}/Contents", f"{APP}/Contents/MacOS", f"{APP}/Contents/Resources")


def info_plist(version: str) -> bytes:
    """The application's `Info.plist`: the version a Mac shows and the build an updater compares."""
    return plistlib.dumps(
        {
            "CFBundleExecutable": "Nexy",
            "CFBundleIdentifier": IDENTIFIER,
            "CFBundleName": "Nexy",
            "CFBundlePackageType": "APPL",
            "CFBundleShortVersionString": version,
            "CFBundleVersion": version,
            "LSMinimumSystemVersion": "11.0",
        }
    )


def small_files(version: str) -> list[tuple[str, bytes, int]]:
    """Every file but the big one: path, content, permissions."""
    return [
        (INFO_PLIST, info_plist(version), 0o644),
        (PROGRAM, f"#!/bin/sh\necho 'Nexy {version}'\n".encode(), 0o755),
    ]
