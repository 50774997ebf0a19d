"""The code repository's past: a history of releases as the team's own, written with `git fast-import` in one go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nexy_tui.core.finding import rfc3339
from nexy_tui.core.layout import Layout, manifest_names
from nexy_tui.core.target import Target
from nexy_tui.rehearsal import trees
from nexy_tui.rehearsal.names import EARLIER, OPERATOR, PREVIOUS

REQUIREMENTS_BEFORE = "nexy-wire==1.0\n"
REQUIREMENTS_NEXT = "nexy-wire==1.1\nnexy-voice==2.0\n"
"""What the release before needs, and what the branch needs since: a deploy has something to install."""

COLLEAGUE = "Colleague <colleague@rehearsal>"
_KEY = b"-----BEGIN PRIVATE KEY-----\nMADE+UP+FOR+A+REHEARSAL+OPENS+NOTHING==\n-----END PRIVATE KEY-----\n"
_OPERATOR = f"Operator <{OPERATOR}>"


@dataclass(frozen=True, slots=True)
class ImportedCommit:
    """One commit to import: who, when, why, the files it writes (None: deletes), and the tag it gets."""

    author: str
    when: datetime
    message: str
    files: Mapping[str, bytes | None]
    tag: str = ""


def manifest(target: Target, version: str, released: datetime, *, size: int, sha256: str, signature: str = "") -> bytes:
    """A manifest file's bytes (contracts: manifest); no signature, no field."""
    artifact = {
        "type": "dmg",
        "url": target.asset_url("Nexy.dmg"),
        "size": size,
        "sha256": sha256,
        "arch": "universal2",
        "min_os": "11.0",
        "ed25519": signature,
    }
    document = {
        "version": version,
        "build": version,
        "release_date": rfc3339(released)[:19] + "Z",
        "artifact": {key: value for key, value in artifact.items() if value != ""},
        "critical": False,
        "auto_install": True,
        "notes_url": target.notes_url("Nexy.dmg"),
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def manifest_files(version: str, content: bytes, has: frozenset[str]) -> dict[str, bytes]:
    """The manifest files of a version, by path from the git root."""
    return {str(directory / name): content for directory in trees.manifest_directories(has) for name in manifest_names(version)}


def past(target: Target, layout: str, has: frozenset[str], *, current: bytes, signers: bytes, now: datetime) -> list[ImportedCommit]:
    """The history up to the previous release, whose manifest is `current`, and the work done since.

    `signers` is the list of those whose release logs the repository vouches for (`.nexy/allowed_signers`).
    """
    day = timedelta(days=1)
    start = now - 60 * day
    first = {**trees.source(layout, "1.6.1.39", REQUIREMENTS_BEFORE, has), ".nexy/allowed_signers": signers}
    commits = [ImportedCommit(COLLEAGUE, start, "Nexy server", first)]
    if "old-keys" in has:
        key = str(Layout(layout, Path()).relative("server/keys/private_key.pem"))
        commits.append(ImportedCommit(COLLEAGUE, start + day, "Add keys", {key: _KEY}))
        commits.append(ImportedCommit(COLLEAGUE, start + 2 * day, "Remove keys from the repository", {key: None}))
    for number, version in enumerate((*EARLIER, PREVIOUS)):
        when = start + (10 + 15 * number) * day
        work = str(Layout(layout, Path()).relative(f"server/Docs/CHANGES_{version}.md"))
        commits.append(ImportedCommit(COLLEAGUE, when - day, f"Prepare {version}", {work: f"# {version}\n\nFixes.\n".encode()}))
        files = trees.source(layout, version, REQUIREMENTS_BEFORE, has)
        commits.append(ImportedCommit(_OPERATOR, when, f"Release v{version}", files, tag=f"v{version}"))
        content = current if version == PREVIOUS else _old_manifest(target, version, when, has)
        manifests = manifest_files(version, content, has)
        commits.append(ImportedCommit(_OPERATOR, when + day / 24, f"Update manifest for {version} (Production)", manifests))
    notes = trees.source(layout, PREVIOUS, REQUIREMENTS_NEXT, has)
    commits.append(ImportedCommit(COLLEAGUE, now - 2 * day, "Speak with nexy-voice", notes))
    return commits


def stream(commits: list[ImportedCommit], branch: str) -> Iterator[bytes]:
    """The commits as input for `git fast-import`."""
    for mark, commit in enumerate(commits, start=1):
        stamp = f"{int(commit.when.timestamp())} +0000"
        yield f"commit refs/heads/{branch}\nmark :{mark}\nauthor {commit.author} {stamp}\ncommitter {commit.author} {stamp}\n".encode()
        yield _data(commit.message.encode())
        for path, content in commit.files.items():
            if content is None:
                yield f"D {path}\n".encode()
                continue
            mode = "100755" if path.endswith((".sh", ".py")) and "/scripts/" in path else "100644"
            yield f"M {mode} inline {path}\n".encode()
            yield _data(content)
        if commit.tag:
            yield f"reset refs/tags/{commit.tag}\nfrom :{mark}\n\n".encode()
    yield b"done\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _old_manifest(target: Target, version: str, when: datetime, has: frozenset[str]) -> bytes:
    """A manifest of a release whose artifact is long gone: its facts only have to look like facts."""
    digest = hashlib.sha256(version.encode()).hexdigest()
    raw = manifest(target, version, when, size=315_000_000 + int(digest[:6], 16), sha256=digest)
    return as_the_team(raw, version) if "team-manifests" in has else raw


def as_the_team(raw: bytes, version: str) -> bytes:
    """A manifest as the team's own programs have written it: dates with an offset, no newline at the end, a signature that is none."""
    document = json.loads(raw)
    document["release_date"] = document["release_date"].removesuffix("Z") + ".512817+00:00"
    document["notes_url"] = document["artifact"]["url"]
    document["artifact"].setdefault("ed25519", "")
    if version == EARLIER[0]:
        document["build"] = int(version.rpartition(".")[2])
    return json.dumps(document, indent=2).encode()
