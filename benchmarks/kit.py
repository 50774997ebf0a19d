"""What every benchmark shares: rounds that alternate with their reference, medians, the machine, a table or JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_HEADINGS = ("figure", "ours", "reference", "unit", "ratio", "goal", "holds")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its reference. `goal` says what must be true and `holds` whether it is; None for figures without one.

    A name that begins with blanks is a detail of the row above it.
    """

    name: str
    ours: float
    reference: float | None
    unit: str
    goal: str | None = None
    holds: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the reference."""
        return self.ours / self.reference if self.reference else None

    def document(self) -> dict[str, object]:
        """The row as JSON."""
        return {
            "name": self.name.strip(),
            "ours": _rounded(self.ours),
            "reference": _rounded(self.reference),
            "unit": self.unit,
            "ratio": _rounded(self.ratio),
            "goal": self.goal,
            "holds": self.holds,
        }


def parser(about: str) -> argparse.ArgumentParser:
    """The options of every benchmark."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--runs", type=int, default=5, help="measured rounds after the warm-up; each figure is their median (default 5)")
    made.add_argument("--quick", action="store_true", help="small files and one round: whether it works, not how fast it is")
    made.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return made


def rounds(measures: Mapping[str, Callable[[int], T]], runs: int, *, warm: Callable[[], object] | None = None) -> dict[str, list[T]]:
    """What each measure gave in every round. They take turns, and take turns in who goes first; `warm` goes before, unmeasured."""
    if warm is not None:
        say("  warm-up")
        warm()
    names = list(measures)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(runs):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            say(f"  round {number + 1} of {runs}: {name}")
            found[name].append(measures[name](number))
    return found


def median(values: Sequence[float]) -> float:
    """The median, as a float."""
    return float(statistics.median(values))


def say(text: str) -> None:
    """What is being measured now: on stderr, so that standard output is the result alone."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    """The machine the figures are of, and how busy it was before the first of them was taken."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def show(described: Mapping[str, object], rows: Sequence[Row], *, as_json: bool) -> int:
    """Print the rows; 0 when every goal holds, else 1."""
    if as_json:
        print(json.dumps({"machine": dict(described), "rows": [row.document() for row in rows]}, indent=2, ensure_ascii=False))
    else:
        print(", ".join(f"{key} {value}" for key, value in described.items()))
        _table([_HEADINGS, *(_cells(row) for row in rows)])
    return 0 if all(row.holds is not False for row in rows) else 1


def _table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = (
            cell.rjust(width) if 0 < column < 3 or column == 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: ""}[row.holds]
    return row.name, _text(row.ours), _text(row.reference), row.unit, _text(row.ratio), row.goal or "", holds


def _text(value: float | None) -> str:
    return "" if value is None else f"{_rounded(value):,}"


def _rounded(value: float | None) -> Any:
    """Four significant digits, and whole numbers as such."""
    if value is None:
        return None
    short = float(f"{value:.4g}")
    return int(short) if (short.is_integer() and abs(short) >= 10) or value == int(value) else short


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
