"""What the code repository keeps of a run's log: its head before what cannot be taken back, and the whole of it once it is sealed.

A head is a commit under `refs/nexy/runs/<run>`, its parent the head before it, its tree one file; a sealed log is the blob that the
signed tag `release-log/<version>/<run>` names. Both are only ever created or fast-forwarded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nexy_tui.core import strict_json
from nexy_tui.core.event import Emit, silent
from nexy_tui.services.git.commands import REMOTE_TIMEOUT
from nexy_tui.services.git.fixed import FETCH
from nexy_tui.services.git.reading import GitReader, message_of_tag
from nexy_tui.services.git.remote import GitRemote
from nexy_tui.services.git.writing import Git

SIGNED_AS = "git"
"""The namespace of a tag's signature."""

_FILE = "head.json"
_MOST = 10_000
"""Heads that are followed back; a release makes a handful."""
_LARGEST = 4096


def heads_ref(run: str) -> str:
    """Where a run's heads stand."""
    return f"refs/nexy/runs/{run}"


def log_tag(version: str, run: str) -> str:
    """The tag on a sealed log."""
    return f"release-log/{version}/{run}"


@dataclass(frozen=True, slots=True)
class Head:
    """The log's last record as it then stood: its number, from 0, and the SHA-256 (hex) of its line; -1 and empty where unreadable."""

    seq: int
    head: str


def push_head(git: Git, run: str, head: Head, *, parent: str | None, who: str, at: datetime, emit: Emit = silent) -> str:
    """Push a head on top of `parent`; its commit. Raises Problem where it is not taken."""
    blob = _object(git, "blob", json.dumps({"head": head.head, "seq": head.seq}).encode() + b"\n")
    tree = _object(git, "tree", f"100644 {_FILE}\0".encode() + bytes.fromhex(blob))
    above = f"parent {parent}\n" if parent else ""
    person = _person(who, at)
    text = f"tree {tree}\n{above}author {person}\ncommitter {person}\n\nRun log {run}, record {head.seq}\n"
    commit = _object(git, "commit", text.encode())
    git.push([f"{commit}:{heads_ref(run)}"], aside=True, emit=emit)
    return commit


def last_head(git: Git, run: str) -> str | None:
    """The commit of a run's last head on the code repository, brought here; None where it has none. Raises CouldNotLook."""
    oid = git.remote_refs(heads_ref(run)).get(heads_ref(run))
    if oid is not None and not git.has_commit(oid):
        git.read(*FETCH, git.code_source(), heads_ref(run), timeout=REMOTE_TIMEOUT)
    return oid


def push_log(git: Git, tag: str, log: bytes, *, who: str, at: datetime, sign: Callable[[bytes], bytes], emit: Emit = silent) -> None:
    """Push the tag on a sealed log, signed by `sign`. Raises Problem where it is not taken."""
    blob = _object(git, "blob", log)
    text = f"object {blob}\ntype blob\ntag {tag}\ntagger {_person(who, at)}\n\nThe sealed log of a run.\n".encode()
    made = _object(git, "tag", text + sign(text))
    git.push([f"{made}:refs/tags/{tag}"], aside=True, emit=emit)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the code repository has of a run's log. `log` is what the tag names, `signed` the tag's text, `signature` the one over it."""

    heads: tuple[Head, ...] | None = None
    log: bytes | None = None
    signed: bytes = b""
    signature: bytes = b""
    release_tag: str | None = None
    """The message of the release tag."""


def kept_of(git: GitRemote, version: str, run: str, largest: int) -> Kept:
    """Ask the code repository; nothing of the checkout changes but that objects may come. Raises Problem; Refused where no remote is it."""
    remote, heads, log, release = git.code_remote(), heads_ref(run), f"refs/tags/{log_tag(version, run)}", f"refs/tags/v{version}"
    refs = git.remote_refs(heads, log, release)
    missing = [ref for ref in (heads, log, release) if ref in refs and git.lookup(refs[ref], _LARGEST) is None]
    if missing:
        git.read(*FETCH, remote, *missing, timeout=REMOTE_TIMEOUT)
    signed = signature = b""
    blob = None
    if log in refs:
        tag = git.lookup(refs[log], _LARGEST)
        signed, begins, rest = ((tag.data or b"") if tag is not None else b"").partition(b"-----BEGIN SSH SIGNATURE-----")
        signature = begins + rest
        blob = git.lookup(f"{refs[log]}^{{blob}}", largest)
    released = git.lookup(refs[release]) if release in refs else None
    return Kept(
        tuple(_heads(git, refs[heads])) if heads in refs else None,
        None if log not in refs else b"" if blob is None or blob.data is None else blob.data,
        signed,
        signature,
        None if released is None else message_of_tag(released),
    )


def _heads(git: GitReader, tip: str) -> Iterator[Head]:
    """The heads from the last to the first; one that cannot be read is none of ours."""
    commit: str | None = tip
    for _ in range(_MOST):
        if commit is None:
            return
        found = git.lookup(f"{commit}:{_FILE}", _LARGEST)
        try:
            said = strict_json.load_object((found.data or b"") if found is not None else b"")
            yield Head(int(said["seq"]), str(said["head"]))
        except (ValueError, KeyError, TypeError):
            yield Head(-1, "")
            return
        above = git.lookup(f"{commit}^")
        commit = None if above is None else above.oid


def _object(git: Git, kind: str, data: bytes) -> str:
    """Write an object into the checkout's store; no ref names it."""
    with tempfile.TemporaryDirectory(prefix="nexy-object-") as folder:
        file = Path(folder) / "object"
        file.write_bytes(data)
        return git.write("hash-object", "-w", "-t", kind, "--no-filters", str(file))


def _person(who: str, at: datetime) -> str:
    """An operator as git names people: its id is one word of letters, digits and `._@+-`."""
    return f"{who} <{who}> {int(at.timestamp())} +0000"
