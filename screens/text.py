"""Text and figures made fit for the screen. Whatever came from outside passes through `clean` or `one_line` first."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC, DCS and their kin: titles, clipboard
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI as one C1 character
    r"|\x1b[ -/]*[0-~]"  # two-character escapes
)


def clean(text: str) -> str:
    """Text without anything a terminal would obey: escape sequences and control characters gone, line breaks kept."""
    plain = _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    return "".join(char for char in plain if char == "\n" or char.isprintable())


def one_line(text: str, limit: int = 400) -> str:
    """The text as one line of at most `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def span(seconds: float) -> str:
    """A span of time: `0:07`, `12:34`, `1:02:03`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


def amount(count: float, unit: str) -> str:
    """A count in its unit; bytes in decimal kB, MB and GB as the release host shows them."""
    if unit != "B":
        return f"{count:.0f} {unit}".strip()
    for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.1f} {name}"
    return f"{count:.0f} B"
