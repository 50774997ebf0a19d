"""The server's settings files and their reader: changes as pure functions on bytes, writing all or none, and copies kept aside.

Nothing said of them carries a value: a settings file is full of secrets.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

SETTINGS = ("config.env", "server/config.env", "server/server/config.env")
"""Where a clone's settings files stand, the outer before the inner; a tree has one or two of them."""

READERS = ("server/config/unified_config.py", "server/server/config/unified_config.py")
KEY = "GEMINI_API_KEY"

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_BOM = b"\xef\xbb\xbf"
_EXPORT = re.compile(rb"([ \t]*)export[ \t]+(?=[A-Za-z_][A-Za-z0-9_]*[ \t]*=)")
_RSPLIT = re.compile(rb"""\.rsplit(?=\(\s*(?P<quote>['"])=(?P=quote)\s*,\s*(?:maxsplit\s*=\s*)?1\s*\))""")


# --- changes ---


def with_key(data: bytes, key: str, value: str) -> tuple[bytes, list[str]]:
    """The file with a key set wherever it stands, or added at its end; every other byte stays. And what that is, in words."""
    name, wanted = key.encode(), f"{key}={value}".encode()
    lines, said = data.split(b"\n"), []
    found = False
    for index, line in enumerate(lines):
        if name_of(line) == name:
            found = True
            new = wanted + (b"\r" if line.endswith(b"\r") else b"")
            if line != new:
                lines[index] = new
                said.append(f"line {index + 1}: {key} set")
    if not found:
        ending = b"\r" if data.endswith(b"\r\n") else b""
        if lines[-1]:
            lines.append(b"")
        lines[-1:] = [wanted + ending, b""]
        said.append(f"line {len(lines) - 1}: {key} added")
    return b"\n".join(lines), said


def without_bad_names(data: bytes) -> tuple[bytes, list[str]]:
    """The file without names the server crashes on: a byte order mark and `export` are dropped, other such lines become comments."""
    said = []
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
        said.append("line 1: the byte order mark before the first name is dropped")
    lines = data.split(b"\n")
    for index, line in enumerate(lines):
        name = name_of(line)
        if name is None or _NAME.fullmatch(name):
            continue
        exported = _EXPORT.match(line)
        shown = shown_name(name) or "no name"
        if exported is not None:
            lines[index] = exported[1] + line[exported.end() :]
            said.append(f"line {index + 1}: {shown} → without export")
        else:
            lines[index] = b"# " + line
            said.append(f"line {index + 1}: {shown} → a comment")
    return b"\n".join(lines), said


def split_at_first(source: bytes) -> tuple[bytes, list[str]]:
    """The reader's source with `rsplit('=', 1)` made `split('=', 1)`: only the first `=` separates name and value."""
    return _RSPLIT.sub(b".split", source), [f"line {line}: rsplit → split" for line in lines_split_at_last(source)]


def lines_split_at_last(source: bytes) -> list[int]:
    """The lines of a reader's source that split at the last `=`."""
    return [source.count(b"\n", 0, found.start()) + 1 for found in _RSPLIT.finditer(source)]


# --- reading ---


def name_of(line: bytes) -> bytes | None:
    """What stands before the first `=`; empty where there is none, None for a comment or an empty line."""
    text = line.strip()
    if not text or text.startswith(b"#"):
        return None
    name, separator, _ = text.partition(b"=")
    return name.strip() if separator else b""


def shown_name(name: bytes) -> str:
    """A name fit for a report."""
    return name[:40].decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")


def entries(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Line number, name and value of every line that is no comment."""
    found = []
    for number, line in enumerate(data.split(b"\n"), 1):
        name = name_of(line)
        if name is not None:
            found.append((number, name, line.partition(b"=")[2].strip()))
    return found


def is_name(name: bytes) -> bool:
    """Whether the server takes it as a name."""
    return _NAME.fullmatch(name) is not None


def names(data: bytes) -> set[str]:
    """The names a settings file sets."""
    return {name.decode() for _, name, _ in entries(data) if is_name(name)}


def read(path: str) -> bytes | None:
    """A file's bytes; None where it is not there, or is no file."""
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as stream:
        return stream.read()


# --- writing ---


def write_all(contents: dict[str, bytes]) -> None:
    """Put new bytes in the place of files that are there, each in one step, mode and owner kept; on a failure none stays changed."""
    done: dict[str, bytes] = {}
    staged: dict[str, str] = {}
    try:
        for path, data in contents.items():
            real = os.path.realpath(path)
            staged[real] = _staged(real, data, _mode_of(real))
        for real in list(staged):
            with open(real, "rb") as stream:
                before = stream.read()
            os.replace(staged[real], real)
            done[real] = before
            del staged[real]
    except BaseException:
        for real, before in done.items():
            os.replace(_staged(real, before, _mode_of(real)), real)
        raise
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _mode_of(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mode & 0o7777, status.st_uid, status.st_gid


def _staged(path: str, data: bytes, mode: tuple[int, int, int]) -> str:
    """A file beside its later place, complete on the disk, with mode, owner and group."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".nexy-mend.")
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(stream.fileno(), mode[0])
        if mode[1:] != (os.geteuid(), os.getegid()):
            os.fchown(stream.fileno(), *mode[1:])
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary


# --- copies aside ---


@dataclass(frozen=True)
class Aside:
    """Copies of a clone's settings files in its git directory, while a checkout may lay the release's own over them.

    `pending` is there from before the checkout until everything is back: a deploy that was killed in between leaves it, and
    the next one puts back from it before it copies anything. `kept` is the last deploy's, for people.
    """

    app: str
    folder: str
    settings: tuple[str, ...]

    @property
    def pending(self) -> str:
        """The copies of a deploy that is under way, or was killed."""
        return os.path.join(self.folder, "nexy-settings-pending")

    @property
    def kept(self) -> str:
        """The copies of the last deploy that put them back."""
        return os.path.join(self.folder, "nexy-settings-kept")

    def keep(self, commit: str) -> None:
        """Copy every file that is there, before `commit` is checked out; the copies are complete or not there at all."""
        part = self.pending + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.mkdir(part, 0o700)
        index: dict[str, Any] = {}
        for number, path in enumerate(self.settings):
            full = os.path.join(self.app, path)
            data = read(full)
            if data is None:
                index[path] = None
                continue
            _write_private(os.path.join(part, str(number)), data)
            index[path] = {"copy": str(number), "mode": _mode_of(full), "link": os.readlink(full) if os.path.islink(full) else None}
        _write_private(os.path.join(part, "index.json"), json.dumps({"commit": commit, "files": index}).encode())
        os.rename(part, self.pending)
        _sync(self.folder)

    def put_back(self, is_the_commits: Callable[[str, str], bool] = lambda path, commit: True) -> list[str]:
        """Lay every copy in its place, byte for byte; what was found different there, in words.

        `is_the_commits` says whether what stands at a path now comes from git: a file somebody wrote since is left alone.
        """
        if not os.path.isdir(self.pending):
            return []
        with open(os.path.join(self.pending, "index.json"), "rb") as stream:
            document = json.loads(stream.read())
        said = []
        for path, entry in document["files"].items():
            full = os.path.join(self.app, path)
            found = read(full)
            copy = None if entry is None else read(os.path.join(self.pending, entry["copy"]))
            if found == copy and not self._was_link(full, entry):
                continue
            if found is not None and found != copy and not is_the_commits(path, document["commit"]):
                said.append(f"{path} was written since it was copied aside, and is left as it is; the copy is in {self.kept}")
                continue
            if entry is None or copy is None:
                os.unlink(full)
                said.append(f"{path} is the release's alone, and is not taken")
                continue
            self._lay(full, copy, entry)
            only = sorted(names(found or b"") - names(copy))
            if only:
                said.append(f"{path}: only the release's file has {_some(only)}; not taken")
        shutil.rmtree(self.kept, ignore_errors=True)
        os.rename(self.pending, self.kept)
        _sync(self.folder)
        return said

    def _was_link(self, full: str, entry: Any) -> bool:
        return entry is not None and entry["link"] is not None and not os.path.islink(full)

    def _lay(self, full: str, copy: bytes, entry: Any) -> None:
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if entry["link"] is None:
            mode, owner, group = entry["mode"]
            os.replace(_staged(full, copy, (mode, owner, group)), full)
            return
        temporary = tempfile.mktemp(dir=os.path.dirname(full), prefix=".nexy-mend.")
        os.symlink(entry["link"], temporary)
        os.replace(temporary, full)


def _write_private(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _some(found: Iterable[str], most: int = 20) -> str:
    every = list(found)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
