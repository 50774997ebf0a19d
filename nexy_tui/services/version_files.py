"""The files that carry the version in the checkout, as they are and as a version wants them (contracts: version).

What the team's `update_version.py` writes: `VERSION`, four fields of `unified_config.yaml`, and, where they are there, literal
defaults in `unified_config.py` and `SERVER_VERSION=`/`SERVER_BUILD=` in `config.env.example`. Whether a file says a version is
judged by the values it parses to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Refused
from nexy_tui.core.version import Version
from nexy_tui.services.plain_file import led_to, read_plain
from nexy_tui.services.version_fields import Field, Reader, env_fields, python_fields, rewritten, version_fields, yaml_fields

_LIMIT = 256 * 1024


@dataclass(frozen=True, slots=True)
class VersionFile:
    """One file: its rulebook path, how its fields are read, and whether the release needs it."""

    path: str
    read: Reader
    required: bool = False


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What a version means for one file: its text now and then (None: it is not there), its fields now, and why it cannot be written."""

    file: VersionFile
    before: str | None
    after: str | None
    fields: tuple[Field, ...] = ()
    problem: str = ""

    @property
    def differs(self) -> bool:
        """Whether the file must be written."""
        return self.before != self.after


FILES = (
    VersionFile("VERSION", version_fields, required=True),
    VersionFile("server/config/unified_config.yaml", yaml_fields),
    VersionFile("server/config/unified_config.py", python_fields),
    VersionFile("server/config.env.example", env_fields),
)


def look(layout: Layout, version: Version) -> tuple[Rewriting, ...]:
    """What every version file says and must say; what bars that stands with the file."""
    return tuple(_rewriting(layout, file, version) for file in FILES)


def rewritings(layout: Layout, version: Version) -> tuple[Rewriting, ...]:
    """As `look`, for writing. Raises Refused naming a file that cannot be rewritten."""
    changes = look(layout, version)
    for change in changes:
        if change.problem:
            raise Refused(
                f"{layout.relative(change.file.path)} cannot be given the version {version}: {change.problem}.",
                "The release commit would carry two versions.",
                "Mend that file and run again.",
            )
    return changes


def _rewriting(layout: Layout, file: VersionFile, version: Version) -> Rewriting:
    path = layout.path(file.path)
    before: str | None = None
    fields: tuple[Field, ...] = ()
    try:
        if path.is_symlink():
            raise ValueError("it is a symbolic link")
        if (real := led_to(path, layout.root)) is not None:
            raise ValueError(f"a link on its way leads out of the checkout's own files, to {real}")
        before = _text(path)
        if before is None:
            return Rewriting(file, None, rewritten("", file.read, version) if file.required else None)
        fields = file.read(before)
        return Rewriting(file, before, rewritten(before, file.read, version), fields)
    except (ValueError, OSError) as error:
        return Rewriting(file, before, before, fields, str((isinstance(error, OSError) and error.strerror) or error))


def _text(path: Path) -> str | None:
    """A file's text, or None where it is not there."""
    try:
        raw = read_plain(path, _LIMIT + 1)
    except FileNotFoundError:
        return None
    if len(raw) > _LIMIT:
        raise ValueError(f"it is larger than {_LIMIT} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
