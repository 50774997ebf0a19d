"""Changes to the server's settings files and their reader, as pure functions on bytes, and writing them all or none.

Imported for the checkout, and sent to the VM as a program of its own: the standard library alone, Python 3.8 or newer.
Nothing it says carries a value: a settings file is full of secrets.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile

SETTINGS = ("server/config.env", "server/server/config.env")
READERS = ("server/config/unified_config.py", "server/server/config/unified_config.py")
KEY = "GEMINI_API_KEY"

_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_BOM = b"\xef\xbb\xbf"
_EXPORT = re.compile(rb"([ \t]*)export[ \t]+(?=[A-Za-z_][A-Za-z0-9_]*[ \t]*=)")
_RSPLIT = re.compile(rb"""\.rsplit(?=\(\s*(?P<quote>['"])=(?P=quote)\s*,\s*(?:maxsplit\s*=\s*)?1\s*\))""")


def with_key(data: bytes, key: str, value: str) -> tuple[bytes, list[str]]:
    """The file with a key set wherever it stands, or added at its end; every other byte stays. And what that is, in words."""
    name, wanted = key.encode(), f"{key}={value}".encode()
    lines, said = data.split(b"\n"), []
    found = False
    for index, line in enumerate(lines):
        if _name_of(line) == name:
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
        name = _name_of(line)
        if name is None or _NAME.fullmatch(name):
            continue
        exported = _EXPORT.match(line)
        shown = name[:40].decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii") or "no name"
        if exported is not None:
            lines[index] = exported[1] + line[exported.end() :]
            said.append(f"line {index + 1}: {shown} → without export")
        else:
            lines[index] = b"# " + line
            said.append(f"line {index + 1}: {shown} → a comment")
    return b"\n".join(lines), said


def split_at_first(source: bytes) -> tuple[bytes, list[str]]:
    """The reader's source with `rsplit('=', 1)` made `split('=', 1)`: only the first `=` separates name and value."""
    said = [f"line {source.count(b'%c' % 10, 0, found.start()) + 1}: rsplit → split" for found in _RSPLIT.finditer(source)]
    return _RSPLIT.sub(b".split", source), said


def _name_of(line: bytes) -> bytes | None:
    """What stands before the first `=`; empty where there is none, None for a comment or an empty line."""
    text = line.strip()
    if not text or text.startswith(b"#"):
        return None
    name, separator, _ = text.partition(b"=")
    return name.strip() if separator else b""


def write_all(contents: dict[str, bytes]) -> None:
    """Put new bytes in the place of files that are there, each in one step, mode and owner kept; on a failure none stays changed."""
    done: dict[str, bytes] = {}
    staged: dict[str, str] = {}
    try:
        for path, data in contents.items():
            real = os.path.realpath(path)
            staged[real] = _staged(real, data)
        for real in list(staged):
            with open(real, "rb") as stream:  # noqa: PTH123
                before = stream.read()
            os.replace(staged[real], real)  # noqa: PTH105
            done[real] = before
            del staged[real]
    except BaseException:
        for real, before in done.items():
            os.replace(_staged(real, before), real)  # noqa: PTH105
        raise
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108


def _staged(real: str, data: bytes) -> str:
    status = os.stat(real)  # noqa: PTH116
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(real), prefix=".nexy-mend.")  # noqa: PTH120
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(stream.fileno(), status.st_mode & 0o7777)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(stream.fileno(), status.st_uid, status.st_gid)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary


def _mended(what: str, path: str, data: bytes, value: str) -> tuple[bytes, list[str]]:
    if what == "gemini-key":
        return with_key(data, KEY, value) if path in SETTINGS else (data, [])
    return without_bad_names(data) if path in SETTINGS else split_at_first(data)


def main() -> int:
    """`what` and `write` or `look`, in the clone's root: mend the files that are there, or say what would be done."""
    what, writing = sys.argv[1], sys.argv[2] == "write"
    changed: dict[str, bytes] = {}
    for path in SETTINGS + READERS:
        try:
            with open(path, "rb") as stream:  # noqa: PTH123
                data = stream.read()
        except FileNotFoundError:
            continue
        after, said = _mended(what, path, data, os.environ.get("NEXY_GEMINI_KEY", ""))
        for line in said:
            print(f"nexy: change {path} {line}")
        if after != data:
            changed[path] = after
    if writing and changed:
        write_all(changed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
