"""Files in a place that others may write to: read only as plain files, so much and no more; written only where they seem to be."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path

from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import CouldNotLook, Refused

_VERSION_LIMIT = 1024


def read_plain(path: Path, limit: int, within: Path | None = None) -> bytes:
    """The first `limit` bytes of a file. Raises OSError with the reason, FileNotFoundError where nothing is there.

    A pipe or a device would hang or never end: it is refused without waiting for it. With `within`, so is a symbolic link
    that leaves that folder: what it leads to was not brought by whoever brought the folder.
    """
    if within is not None and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(within)):
        raise OSError(errno.ELOOP, "it is a symbolic link that leaves its folder", str(path))
    try:
        found = path.stat()
    except ValueError:
        raise OSError(errno.EINVAL, "its name cannot be the name of a file", repr(path)) from None
    _demand_plain(found, path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as stream:
        _demand_plain(os.fstat(stream.fileno()), path)  # Between the two looks it may have been exchanged.
        return stream.read(limit)


def look_plain(path: Path, limit: int, within: Path) -> bytes | None:
    """As `read_plain`, for a look: None where nothing is there. Raises CouldNotLook with the reason."""
    try:
        return read_plain(path, limit, within)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CouldNotLook(
            f"{path} cannot be read: {error.strerror}.", remedy="See what lies there, and put a plain file in its place; then look again."
        ) from None


def led_to(path: Path, checkout: Path) -> Path | None:
    """Where a link that somebody may have pushed leads: out of the checkout or into git's own folder; None for a place in the checkout."""
    real, root = Path(os.path.realpath(path)), Path(os.path.realpath(checkout))
    among = real.is_relative_to(root) and ".git" not in (part.lower() for part in real.relative_to(root).parts)
    return None if among else real


def require_inside(path: Path, checkout: Path) -> None:
    """Pass for a place that is really in the checkout. Raises Refused before anything is written elsewhere."""
    real = led_to(path, checkout)
    if real is not None:
        raise Refused(
            f"{path} leads out of the checkout's own files, to {real}.",
            "Whoever may push such a link would have files of this machine written.",
            f"Put a folder of its own in the link's place, and push that; who laid it: git log -- {shlex.quote(str(path))}",
        )


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path` in one step, keeping its mode. A link is replaced, not followed; its folder is the caller's."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_version_text(layout: Layout) -> str:
    """What `VERSION` says, an empty text where it is not there: one short line, blanks around it left out. Raises CouldNotLook."""
    raw = look_plain(layout.version_file, _VERSION_LIMIT + 1, layout.root) or b""
    if len(raw) > _VERSION_LIMIT:
        raise CouldNotLook(f"{layout.version_file} is larger than {_VERSION_LIMIT} bytes.", remedy="It should hold one short line.")
    return raw.decode("utf-8", "replace").strip(" \t\r\n")


def _demand_plain(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
