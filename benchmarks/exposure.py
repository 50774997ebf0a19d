"""How long customers cannot update in a headless release, as a bystander sees it who asks what their programs ask: 64 MB, and a
run-command that takes 20 s.

python benchmarks/exposure.py --reference CHECKOUT [--runs N] [--quick] [--json]
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kit import Row, machine, median, parser, rounds, say, show

from nexy_tui.core.target import DMG, Target

HERE = Path(__file__).parent
GOAL = 0.7
INTERVAL = 0.05
"""Seconds between two questions of the bystander's."""

WHOLE = "time in which customers cannot update"
PARTS = (
    "the swap, to the verified download",
    "the branch's ref, and looking at what was published",
    "the gate",
    "what is looked at before the deploy",
    "the deploy, to the new appcast",
)


@dataclass(frozen=True, slots=True)
class Size:
    """The artifact, and seconds that a run-command takes."""

    artifact: str
    run_command: int


@dataclass(frozen=True)
class Tool:
    """A checkout of this tool, run by the Python environment of its own where it has one."""

    root: Path

    def run(self, *words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
        """What a command printed. Raises SystemExit with what it said where it fails."""
        own = self.root / ".venv/bin/python"
        argv = [str(own) if own.exists() else sys.executable, "-m", "nexy_tui", *map(str, words)]
        environ = {**(os.environ if env is None else env), "PYTHONPATH": str(self.root)}
        done = subprocess.run(
            argv, env=environ, cwd=cwd or self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.root}: nexy-tui {words[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
        return done.stdout

    def release(self, size: Size) -> dict[str, float]:
        """One release in a new world: seconds of the whole exposure, and of each part."""
        with self._world(size) as environ:
            with _customer(environ) as seen:
                told = self.run("release", "--headless", "--auto", "--json", env=environ, cwd=Path(environ["NEXY_CHECKOUT"]))
            if seen[0] is None:
                raise SystemExit("The bystander did not see the download and the appcast change: the figure would say nothing.")
            return _parts(seen[0], _records(Path(json.loads(told)["log"])))

    @contextmanager
    def _world(self, size: Size) -> Iterator[dict[str, str]]:
        folder = Path(tempfile.mkdtemp(prefix="nexy-benchmark-"))
        world = folder / "world"
        try:
            self.run("world", "up", world, "--artifact-size", size.artifact)
            self.run("world", "fault", world, f"run-command-slow={size.run_command}", "on")
            table = json.loads(self.run("world", "env", world, "--json"))
            yield {**{name: value for name, value in os.environ.items() if name not in table["unset"]}, **table["set"]}
        finally:
            if world.exists():
                self.run("world", "down", world)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _customer(environ: Mapping[str, str]) -> Iterator[list[float | None]]:
    """The bystander meanwhile; what it saw is there at the end."""
    target, seen = Target(), list[float | None]()
    argv: list[str | Path] = [
        sys.executable,
        "-P",
        HERE / "customer.py",
        target.asset_url(DMG),
        f"{target.update_server.base_url}/updates/appcast.xml",
    ]
    with subprocess.Popen([*argv, str(INTERVAL)], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as customer:
        try:
            assert customer.stdout is not None
            customer.stdout.readline()
            yield seen
        finally:
            seen.append(json.loads(customer.communicate()[0] or "null"))


def _records(log: Path) -> list[dict[str, Any]]:
    envelopes = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return [json.loads(base64.b64decode(envelope["payload"]))["predicate"] for envelope in envelopes]


def _parts(whole: float, records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The parts by the log's monotonic clock, from the swap on; the last is what is left of what the bystander saw."""

    def first(**wanted: str) -> float:
        for record in records:
            if all(str(record.get(key, "")).startswith(value) for key, value in wanted.items()):
                return float(record["mono_us"]) / 1e6
        raise SystemExit(f"The release's log has no record of {wanted}.")

    gates = [float(record["mono_us"]) / 1e6 for record in records if str(record.get("item", "")).startswith("gate.")]
    published = first(kind="result", action="publish")
    passed = max(moment for moment in gates if moment > published and moment < first(kind="intent", action="deploy"))
    moments = [
        first(message="Exposure opened"),
        first(message="push the manifest commit", kind="progress-checkpoint"),
        next(moment for moment in gates if moment > published),
        passed,
        first(message="deploy ", kind="progress-checkpoint"),
    ]
    lengths = [later - earlier for earlier, later in itertools.pairwise(moments)]
    return {WHOLE: whole, **dict(zip(PARTS, [*lengths, max(0.0, whole - sum(lengths))], strict=True))}


def main() -> int:
    """Measure, and print; 0 when the goal holds."""
    options = parser(__doc__ or "")
    options.add_argument("--reference", type=Path, help="a checkout of the tool as it was (b628260), which takes turns with this one")
    told = options.parse_args()
    size = Size("1MB", 2) if told.quick else Size("64MB", 20)
    tools = {"ours": Tool(HERE.parent)} | ({"reference": Tool(told.reference.resolve())} if told.reference else {})

    def releasing(tool: Tool) -> Callable[[int], dict[str, float]]:
        return lambda _: tool.release(size)

    found = rounds({name: releasing(tool) for name, tool in tools.items()}, 1 if told.quick else told.runs)

    def row(name: str) -> Row:
        mine = median([figures[name] for figures in found["ours"]])
        theirs = median([figures[name] for figures in found["reference"]]) if "reference" in found else None
        if name != WHOLE or theirs is None:
            return Row(name if name == WHOLE else f"  {name}", mine, theirs, "s")
        return Row(name, mine, theirs, "s", f"ratio ≤ {GOAL}", None if told.quick else mine <= GOAL * theirs)

    described = {**machine(), "artifact": size.artifact, "run_command_s": size.run_command, "rounds": len(found["ours"])}
    say("done")
    return show(described, [row(WHOLE), *map(row, PARTS)], as_json=told.json)


if __name__ == "__main__":
    sys.exit(main())
