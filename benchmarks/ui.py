"""How soon the first screen is there, beside a bare Textual application; and how soon a key is seen during a publish, beside idle.

python benchmarks/ui.py [--runs N] [--quick] [--json]
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arena import HERE, Arena, arena
from bare import MARK
from kit import Row, machine, median, parser, rounds, say, show

WHOLE, QUICK = 316_000_000, 8_000_000
"""Bytes of the published image."""

FIRST, BARE = "the wizard", "a bare Textual application"
COLUMNS, ROWS = 120, 40
PATIENCE = 1200.0
"""Seconds until a program that does not end is given up."""


@contextmanager
def in_terminal(argv: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program in a terminal of its own: the process, and our end of the terminal. It is ended afterwards."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    told = {**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    child = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=told, cwd=folder, start_new_session=True)
    os.close(theirs)
    try:
        yield child, ours
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        os.close(ours)


def read(ours: int, until: float) -> bytes:
    """What the program printed next; empty when it ended or the time is over."""
    if not select.select([ours], [], [], max(0.0, until - time.monotonic()))[0]:
        return b""
    try:
        return os.read(ours, 1 << 16)
    except OSError:  # The other end is closed.
        return b""


def first_paint(argv: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> float:
    """Seconds from starting a program to its screen. Raises SystemExit when it never came."""
    begun = time.monotonic()
    with in_terminal(argv, environ, folder) as (_, ours):
        seen = b""
        while MARK.encode() not in seen:
            more = read(ours, begun + 60)
            if not more:
                raise SystemExit(f"{argv[1:]} drew no screen: {seen[-400:]!r}")
            seen += more
        return time.monotonic() - begun


def widgets(environ: Mapping[str, str], folder: Path) -> int:
    """How many widgets the wizard's first screen has."""
    code = (
        "import asyncio\nfrom pathlib import Path\nfrom nexy_tui.app import NexyApp\nfrom nexy_tui.cli.backend import RealBackend\n"
        "from nexy_tui.config import load_settings\nfrom nexy_tui.services import Services\n"
        "async def count():\n app = NexyApp(RealBackend(Services(load_settings(), Path.cwd())))\n"
        " async with app.run_test(size=(120, 40)) as pilot:\n  await pilot.pause(0.5)\n  print(len(app.screen.query('*')))\n"
        "asyncio.run(count())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], env=dict(environ), cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def keys(place: Arena, mode: str) -> list[float]:
    """Seconds from each key to its paint, in the wizard in the world: at `idle`, or during the `publish` of a release that it drives."""
    file = place.folder / "keys.json"
    file.unlink(missing_ok=True)
    argv: list[str | Path] = [sys.executable, "-P", HERE / "typist.py", mode, file]
    with in_terminal(argv, place.environ, place.world.checkout) as (child, ours):
        until = time.monotonic() + PATIENCE
        while read(ours, until):
            pass
        child.wait(timeout=60)
    taken = [float(seconds) for seconds in json.loads(file.read_text(encoding="utf-8"))]
    if not taken:
        raise SystemExit(f"No key was seen ({mode}): the figure would say nothing.")
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def starts(folder: Path, runs: int) -> list[Row]:
    """The first screens, in turns."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "NEXY_STATE_DIR": str(folder / "state")}
    count = widgets(environ, folder)
    ours: list[str | Path] = [sys.executable, "-P", "-m", "nexy_tui"]
    bare: list[str | Path] = [sys.executable, "-P", HERE / "bare.py", str(count)]

    def of(argv: Sequence[str | Path]) -> Callable[[int], float]:
        return lambda _: first_paint(argv, environ, folder)

    found = rounds(
        {FIRST: of(ours), BARE: of(bare)}, runs, warm=lambda: (first_paint(ours, environ, folder), first_paint(bare, environ, folder))
    )
    first, reference = median(found[FIRST]), median(found[BARE])
    name = f"first screen, from the start of the process ({BARE} with {count} widgets)"
    return [
        Row(name, first, reference, "s", "≤ 1.5 × reference", first <= 1.5 * reference),
        Row("  the longest of all rounds", max(found[FIRST]), max(found[BARE]), "s"),
    ]


def presses(size: int, runs: int) -> list[Row]:
    """Keys at idle and during a publish, in turns; every round in a world of its own, since a version is published once."""
    idle: list[float] = []
    busy: list[float] = []
    for number in range(runs):
        with arena() as place:
            place.lay(size)
            measures: list[tuple[str, list[float]]] = [("idle", idle), ("publish", busy)]
            for mode, into in measures if number % 2 == 0 else reversed(measures):
                say(f"  round {number + 1} of {runs}: keys, {mode}")
                into.extend(keys(place, mode))
    tail, reference = percentile(busy, 0.99), percentile(idle, 0.99)
    name = f"key to paint during a publish of {size // 1_000_000} MB, 99th percentile of {len(busy)} (at idle, of {len(idle)})"
    return [
        Row(name, tail * 1000, reference * 1000, "ms", "≤ 2 × reference", tail <= 2 * reference),
        Row("  the median", median(busy) * 1000, median(idle) * 1000, "ms"),
    ]


def main() -> int:
    """Measure and print; 0 when both goals are met."""
    told = parser(__doc__ or "").parse_args()
    size, runs = (QUICK, 1) if told.quick else (WHOLE, told.runs)
    with tempfile.TemporaryDirectory(prefix="nexy-benchmark-") as folder:
        made = starts(Path(folder), 3 if told.quick else 4 * runs)
    made += presses(size, 1 if told.quick else max(1, runs // 2))
    if told.quick:
        made = [replace(row, holds=None) for row in made]
    return show({**machine(), "rounds": runs}, made, as_json=told.json)


if __name__ == "__main__":
    sys.exit(main())
