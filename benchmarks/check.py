"""How long all checks take together, beside the slowest of them alone, in a released rehearsal world whose run-command takes 20 s.

python benchmarks/check.py [--runs N] [--quick] [--json]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arena import HERE, Arena, arena
from kit import Row, machine, median, parser, rounds, say, show

from nexy_tui.checklist import CHECKLIST, Need
from nexy_tui.rehearsal.faults.switchboard import set_fault

RUN_COMMAND, QUICK = 20, 3
"""Seconds a run-command takes."""

SURVEY = "the VM's survey"
TOGETHER = "together"


def groups() -> dict[str, tuple[str, ...]]:
    """Every check alone; those that share the VM's one survey count as one."""
    alone = {item.id: (item.id,) for item in CHECKLIST.items if item.needs is not Need.VM}
    return {SURVEY: tuple(item.id for item in CHECKLIST.items if item.needs is Need.VM), **alone}


class Checker:
    """A process that looks, and how long each look took."""

    def __init__(self, child: subprocess.Popen[str], asking: IO[str], telling: IO[str]) -> None:
        self._child, self._asking, self._telling = child, asking, telling

    def look(self, names: Sequence[str]) -> float:
        """Seconds for these items together. Every one must hold: a look that is cut short would be a fast one."""
        self._asking.write(json.dumps(list(names)) + "\n")
        self._asking.flush()
        told = json.loads(self._telling.readline())
        if told["amiss"]:
            raise SystemExit(f"These items do not hold, so their figures say nothing: {', '.join(told['amiss'])}")
        return float(told["seconds"])


@contextmanager
def checker(place: Arena) -> Iterator[Checker]:
    """The measured process, in the world."""
    argv = [sys.executable, "-P", str(HERE / "checker.py")]
    with subprocess.Popen(
        argv, cwd=place.world.checkout, env=place.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        yield Checker(child, child.stdin, child.stdout)
        child.stdin.close()


def measure(looks: Checker, runs: int) -> Mapping[str, list[float]]:
    """Seconds of every check alone and of all together, in turns."""
    every = [item.id for item in CHECKLIST.items]

    def of(names: Sequence[str]) -> Callable[[int], float]:
        return lambda _: looks.look(names)

    measures = {name: of(names) for name, names in groups().items()}
    return rounds({TOGETHER: of(every), **measures}, runs, warm=lambda: looks.look(every))


def rows(found: Mapping[str, Sequence[float]]) -> list[Row]:
    """All together against the slowest alone."""
    alone = {name: median(times) for name, times in found.items() if name != TOGETHER}
    ranked = sorted(alone, key=lambda name: alone[name], reverse=True)
    together, slowest = median(found[TOGETHER]), alone[ranked[0]]
    goal = "≤ 1.3 × reference + 0.5 s"
    return [
        Row(
            f"all {len(CHECKLIST.items)} checks together (the slowest alone: {ranked[0]})",
            together,
            slowest,
            "s",
            goal,
            together <= 1.3 * slowest + 0.5,
        ),
        Row("  the longest of all rounds", max(found[TOGETHER]), slowest, "s"),
        *(Row(f"  the next slowest alone: {name}", alone[name], None, "s") for name in ranked[1:4]),
        Row("  one after the other", sum(alone.values()), None, "s"),
    ]


def main() -> int:
    """Release, measure, and print; 0 when the goal holds."""
    told = parser(__doc__ or "").parse_args()
    seconds, runs = (QUICK, 1) if told.quick else (RUN_COMMAND, told.runs)
    with arena() as place:
        say("a release, so that everything holds")
        place.run(["nexy-tui", "release", "--headless", "--auto"], cwd=place.world.checkout)
        set_fault(place.world, "run-command-slow", True, str(seconds))
        with checker(place) as looks:
            made = rows(measure(looks, runs))
    if told.quick:
        made = [replace(row, holds=None) for row in made]
    return show({**machine(), "rounds": runs, "run_command_s": seconds}, made, as_json=told.json)


if __name__ == "__main__":
    sys.exit(main())
