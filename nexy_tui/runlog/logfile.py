"""The log's file: appended to a whole line at a time, on disk before the call returns, locked for as long as it is open."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.runlog.record import SUFFIX
from nexy_tui.services.plain_file import read_plain

LARGEST = 64 * 1024 * 1024
"""Bytes; a run's log is a few hundred kilobytes."""

_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LogFile:
    """A locked, append-only file. CPython ignores SIGXFSZ, so a file-size limit arrives here as EFBIG, like a full disk.

    After a failed fsync nothing can be known of what is on disk (the kernel forgets the error), so nothing more is written.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor
        self._broken = False

    @classmethod
    def create(cls, path: Path) -> LogFile:
        """Make a new file of mode 0600 and put its name on disk. Missing folders are made, readable by their owner alone."""
        try:
            _make_folders(path.parent)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from None
        file = cls(path, descriptor)
        file._lock()
        sync_folder(path.parent)
        return file

    @classmethod
    def reopen(cls, path: Path) -> LogFile:
        """Open a file that is there, to go on with it. Raises Refused while another process holds it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _unwritable(path, error) from None
        file = cls(path, descriptor)
        file._lock()
        return file

    def read(self) -> bytes:
        """The whole file."""
        return read_whole(self.path)

    def append(self, line: bytes) -> None:
        """Write one line and its newline, durably. On failure nothing of it stays, and Problem says so."""
        descriptor = self._usable()
        size = os.fstat(descriptor).st_size
        try:
            _write_all(descriptor, line + b"\n")
        except OSError as error:
            self._take_back(descriptor, size)
            raise _unwritable(self.path, error) from None
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._take_back(descriptor, size)
            self._broken = True
            raise _unwritable(self.path, error) from None

    def cut_tail(self, size: int) -> None:
        """Shorten the file to `size` bytes, durably: the torn last line has been put aside."""
        descriptor = self._usable()
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)

    def close(self) -> None:
        """Release the lock. Closing twice is allowed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _usable(self) -> int:
        if self._descriptor is None or self._broken:
            raise Refused(
                f"The run log {self.path} takes no more records.",
                "It was closed, or its last write failed in a way that leaves its end unknown.",
                "Resume the run: what is on disk decides.",
            )
        return self._descriptor

    def _lock(self) -> None:
        try:
            fcntl.flock(self._usable(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise Refused(
                f"Another process is writing the run log {self.path}.",
                "Two writers would break its chain.",
                "Go on in the window in which the run is open, or close that one first.",
            ) from None

    def _take_back(self, descriptor: int, size: int) -> None:
        """Remove what a failed append left; where that fails too, what was left is a torn line for the resume."""
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        except OSError:
            self._broken = True


def was_cut_off(state_dir: Path, run: str) -> bool:
    """True when the run's log is here and free. A run that lives holds its log until its end; one of another machine has none here."""
    if _RUN.fullmatch(run) is None:
        return False
    for path in (state_dir / "runs").glob(f"*/{run}{SUFFIX}"):
        try:
            with path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
        except OSError:
            return False
    return False


def read_whole(path: Path) -> bytes:
    """A log's bytes. Raises Unusable when it cannot be read or is far too large to be one."""
    try:
        data = read_plain(path, LARGEST + 1)
    except OSError as error:
        raise Unusable(
            f"The run log {path} cannot be read: {error.strerror}.",
            "Nothing can be said of it.",
            Run("runs list", "See which runs there are"),
        ) from None
    if len(data) > LARGEST:
        raise Unusable(f"{path} is larger than {LARGEST} bytes.", "No run's log is.", Run("runs list", "Name a run log"))
    return data


def write_whole(path: Path, data: bytes) -> None:
    """Put a small file in place in one step, mode 0600, durably."""
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def sync_folder(folder: Path) -> None:
    """Put a folder's names on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    """One write; what a short write left over is continued."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        f"The run log {path} cannot be written: {error.strerror or error}.",
        "An action whose record is not on disk is not started.",
        "Make room or mend the permissions there (or name another folder in NEXY_STATE_DIR), then resume the run.",
    )
