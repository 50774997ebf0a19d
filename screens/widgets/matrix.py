"""The gate's matrix: a row for every source, a column for every fact, from the findings' evidence alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from nexy_tui.checklist import Item
from nexy_tui.core.finding import Status
from nexy_tui.core.matrix import ROWS
from nexy_tui.release import Release
from screens.marks import STATUS
from screens.text import one_line

_VERDICT = re.compile(r"(?s)(.*) \((passed|failed|inconclusive|not_applicable)\)")


_SHORT = {"signature": "sign", "reachability": "reach"}


@dataclass
class Facts:
    """Cells by source and fact; each a value and its verdict."""

    cells: dict[str, dict[str, tuple[str, Status]]] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)


def facts(items: Sequence[Item], state: Release) -> Facts:
    """The compared facts of this phase, as a table. A value that carries its own verdict keeps it, else its item's counts."""
    found = Facts()
    for item in items:
        finding = state.findings.get(item.id)
        for one in () if finding is None else finding.evidence:
            source = one_line(one.source)
            name = one_line(one.name).removeprefix(one_line(one.source)).strip()
            if name not in ROWS:
                continue
            match = _VERDICT.fullmatch(one.value)
            status = Status(match[2]) if match else finding.status if finding is not None else Status.NOT_RUN
            found.names[name] = None
            row = found.cells.setdefault(source, {})
            if name not in row or row[name][1].satisfied:  # What did not pass is not covered up by another item's word.
                row[name] = (one_line(match[1] if match else one.value, 400), status)
    return found


def matrix(found: Facts, width: int, styles: Mapping[Status, str]) -> Table:
    """The table. Where the screen is narrow a cell is its symbol alone, and the legend says what it means."""
    wide = width >= 32 + 13 * len(found.names)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", caption=None if wide else _legend(), caption_justify="left")
    table.add_column("Source", overflow="fold", max_width=30 if wide else 27)
    names = [name for name in ROWS if name in found.names]
    for name in names:
        table.add_column(Text(name if wide else _SHORT.get(name, name)), overflow="fold", max_width=14 if wide else 8)
    for source, cells in found.cells.items():
        table.add_row(Text(source, "bold"), *(_cell(cells.get(name), wide, styles) for name in names))
    return table


def listing(found: Facts, styles: Mapping[Status, str], *, holding: bool) -> Text:
    """The cells that passed, or those that did not, in words with their whole values."""
    cells = [(source, name, *cell) for source, row in found.cells.items() for name, cell in row.items()]
    lines = Text()
    for source, name, value, status in cells:
        if status.satisfied is not holding:
            continue
        mark = STATUS[status]
        lines.append(f"{mark.symbol} {mark.word:<12} ", styles.get(status, ""))
        lines.append(f"{source} · {name}: ", "dim")
        lines.append(f"{value}\n")
    return lines


def _cell(cell: tuple[str, Status] | None, wide: bool, styles: Mapping[Status, str]) -> Text:
    if cell is None:
        return Text("")
    value, status = cell
    mark = STATUS[status]
    return Text.assemble((mark.symbol, styles.get(status, "")), f" {_short(value)}" if wide else "")


def _short(value: str) -> str:
    digest = len(value) == 64 and all(char in "0123456789abcdef" for char in value)
    if digest:
        return value[:8]
    return value.rsplit("/", 1)[-1] if value.startswith("https://") else value


def _legend() -> Text:
    shown = (STATUS[status] for status in (Status.PASSED, Status.FAILED, Status.INCONCLUSIVE, Status.NOT_APPLICABLE))
    return Text("   ".join(f"{mark.symbol} {mark.word}" for mark in shown), "dim")
