"""The gate as a table: what each source says of the release, and whether that is what it must say (contracts: kinds of run)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nexy_tui.core.finding import Status
from nexy_tui.core.text import printable

ROWS = ("version", "build", "url", "size", "sha256", "signature", "reachability", "tls")
"""The facts that are compared, in order."""


_VERDICT = re.compile(r"(?s)(.*) \((passed|failed|inconclusive|not_applicable)\)")


def compared(seen: Iterable[tuple[str, str, str, Status]]) -> dict[str, dict[str, tuple[str, Status]]]:
    """Evidence (name, value, source, its item's verdict) as a table again: by source and fact, value and verdict.

    A value that carries its own verdict keeps it. What did not pass is not covered up by another item's word.
    """
    cells: dict[str, dict[str, tuple[str, Status]]] = {}
    for named, value, source, status in seen:
        name = named.removeprefix(source).strip()
        if name not in ROWS:
            continue
        match = _VERDICT.fullmatch(value)
        row = cells.setdefault(source, {})
        if name not in row or row[name][1].satisfied:
            row[name] = (match[1], Status(match[2])) if match else (value, status)
    return cells


@dataclass(frozen=True, slots=True)
class Cell:
    """What one source says of one fact, what it was compared with, and the verdict."""

    value: str
    verdict: Status
    wanted: str = ""

    @classmethod
    def compared(cls, value: object, *wanted: object) -> Cell:
        """A value compared with what it may be; where `wanted` is only None there is nothing to compare it with."""
        shown = "missing" if value is None or value == "" else printable(str(value))
        allowed = [str(one) for one in wanted if one is not None]
        if value is None or value == "":
            return cls(shown, Status.FAILED, " or ".join(allowed))
        if not allowed:
            return cls(shown, Status.INCONCLUSIVE)
        return cls(shown, Status.PASSED if str(value) in allowed else Status.FAILED, " or ".join(allowed))

    @classmethod
    def said(cls, value: object, wanted: str, right: bool) -> Cell:
        """A value judged by the caller."""
        return cls(printable(str(value)) or "missing", Status.PASSED if right else Status.FAILED, wanted)

    @classmethod
    def shown(cls, value: object) -> Cell:
        """A value that this profile does not judge."""
        return cls(printable(str(value)) or "none", Status.NOT_APPLICABLE)

    @classmethod
    def unseen(cls, why: str) -> Cell:
        """A source that could not be looked at."""
        return cls(printable(why), Status.INCONCLUSIVE)


Column = Mapping[str, Cell]
"""One source's cells by row."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Sources in order, each with its cells."""

    columns: Mapping[str, Column]

    def of(self, sources: Iterable[str]) -> Matrix:
        """The same table with these sources only."""
        return Matrix({source: self.columns[source] for source in sources if source in self.columns})

    def wrong(self, status: Status = Status.FAILED) -> tuple[tuple[str, str, Cell], ...]:
        """`(source, row, cell)` of every cell with that verdict, in order."""
        cells = ((source, row, column[row]) for source, column in self.columns.items() for row in ROWS if row in column)
        return tuple(item for item in cells if item[2].verdict is status)

    def document(self) -> dict[str, dict[str, dict[str, str]]]:
        """As `gate --json` prints it: row, source, value and verdict."""
        return {
            row: {
                source: {"value": column[row].value, "verdict": column[row].verdict.value}
                for source, column in self.columns.items()
                if row in column
            }
            for row in ROWS
        }

    def text(self) -> str:
        """The table for a terminal, one line a cell: row, source, verdict, value, and what was wanted where it is wrong."""
        lines = []
        width = max(map(len, self.columns), default=0) + 2
        for row in ROWS:
            for source, column in self.columns.items():
                if row in column:
                    cell = column[row]
                    wanted = f"  (wanted {cell.wanted})" if cell.verdict is Status.FAILED and cell.wanted else ""
                    lines.append(f"{row:<14}{source:<{width}}{cell.verdict.value:<16}{cell.value}{wanted}")
        return "\n".join(lines)
