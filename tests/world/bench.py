"""A world that many rows of a table use one after the other: put back as it was before each, made anew where that cannot be."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conftest import Inside, MakeWorld

from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import ARTIFACTS, CODE

Stamp = dict[str, tuple[int, int, int]]


@dataclass
class Snapshot:
    """What a world's files were: checkout, repositories, the VM's clone, the operator's own; not its release host and database."""

    inside: Inside
    kept: Path
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    host: object = None

    @classmethod
    def take(cls, inside: Inside) -> Snapshot:
        """Copy it, beside the world."""
        made = cls(inside, inside.world.dir.with_name(f"{inside.world.dir.name}-kept"), environ=dict(inside.environ), host=_host(inside))
        for number, part in enumerate(made._parts()):
            shutil.copytree(part, made.kept / str(number), symlinks=True)
            made.stamps[part] = _stamp(part)
        return made

    def restore(self) -> bool:
        """Put back what is different; False where the release host's is, which only a new world has as it was."""
        world = self.inside.world
        self.inside.environ.clear()
        self.inside.environ.update(self.environ)
        for name in json.loads(world.faults.read_text()) if world.faults.exists() else ():
            self.inside.fault(name, on=False)
        changed = [(number, part) for number, part in enumerate(self._parts()) if _stamp(part) != self.stamps[part]]
        for number, part in changed:
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(self.kept / str(number), part, symlinks=True)
        if any(part == world.vm_clone for _, part in changed):
            restarted(self.inside)
        return bool(_host(self.inside) == self.host)

    def _parts(self) -> tuple[Path, ...]:
        world = self.inside.world
        return (world.checkout, world.bare(CODE), world.bare(ARTIFACTS), world.vm_clone, world.home, world.state, self.inside.home)


def restarted(inside: Inside) -> None:
    """The VM's service, started again, and its answer awaited."""
    world = inside.world
    inside.run(world.vm / "bin" / "systemctl", "restart", world.target.vm.service, check=False)
    for _ in range(100):
        for path in ("health", "updates/health"):
            if inside.run("curl", "-fsS", f"https://{world.update_host}/{path}", check=False).returncode:
                time.sleep(0.1)
                break
        else:
            return


def _stamp(folder: Path) -> Stamp:
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {
        path: (stat.st_size if not Path(path).is_dir() else 0, stat.st_mtime_ns if Path(path).is_file() else 0, stat.st_mode)
        for path, stat in found.items()
    }


def _host(inside: Inside) -> object:
    """The releases with their assets, but for how often they were downloaded."""
    state = json.loads((inside.world.releases / "state.json").read_text())
    return [
        (release["repository"], release["tag"], sorted((one["name"], one["state"], one["blob"]) for one in release["assets"].values()))
        for release in state["releases"]
    ]


class Bench:
    """One world, prepared once; each row has it as it was prepared."""

    def __init__(self, make_world: MakeWorld, prepare: Callable[[Inside], object]) -> None:
        self._make, self._prepare = make_world, prepare
        self._snapshot: Snapshot | None = None

    def take(self) -> Inside:
        """The world as it was prepared."""
        if self._snapshot is not None and self._snapshot.restore():
            return self._snapshot.inside
        if self._snapshot is not None:
            worlds.stop(self._snapshot.inside.world.dir)
        inside = self._make()
        self._prepare(inside)
        self._snapshot = Snapshot.take(inside)
        return inside
