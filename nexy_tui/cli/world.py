"""`nexy-tui world`: a rehearsal world by itself, to be entered by hand or by other people's programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common, streams
from nexy_tui.cli.extra import require_rehearsal
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.rehearsal.names import World

app = typer.Typer(help="The rehearsal world by itself: up, status, env, down, fault, build.")

SEED_HELP = "What the code repository's tree has: NAME switches it on, no-NAME off (docs/rehearsal.md)."
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The world's directory.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@app.command()
def up(
    directory: Directory,
    *,
    layout: Annotated[str | None, typer.Option(help="Layout of the checkout: flat (default) or nested.")] = None,
    artifact_size: Annotated[str | None, typer.Option(help="Size of the artifacts (default: 64MB).")] = None,
    seed: Annotated[list[str] | None, typer.Option(metavar="NAME", help=SEED_HELP)] = None,
    owner: Annotated[int | None, typer.Option(metavar="PID", help="End the world when this process ends.")] = None,
    json: Json = False,
) -> None:
    """Bring a world up: a new one in an empty DIR, else the one that is there, as it was."""
    require_rehearsal()
    from nexy_tui.rehearsal import world as worlds
    from nexy_tui.rehearsal.artifacts.sizes import parse_size

    size = parse_size(artifact_size) if artifact_size else None
    world = worlds.create_or_start(directory, layout, size, owner, say=lambda step: common.say(f"   {step}"), seed=seed or ())
    if json:
        common.print_json(worlds.status(world.dir).document())
        return
    where = shlex.quote(str(world.dir))
    common.show(
        f"The rehearsal world {world.id} is up: {world.previous} is published, deployed and served; {world.next} lies in the inbox."
    )
    common.show(f'  enter it:      eval "$(nexy-tui world env {where})" && cd "$NEXY_CHECKOUT"')
    common.show(f"  look at it:    nexy-tui world status {where}")
    common.show(f"  break it:      nexy-tui world fault {where} --list")
    common.show(f"  bring it down: nexy-tui world down {where}")


@app.command()
def status(directory: Directory, json: Json = False) -> None:
    """Say whether a world is up, and what is broken in it."""
    require_rehearsal()
    from nexy_tui.rehearsal import world as worlds

    found = worlds.status(directory)
    if json:
        common.print_json(found.document())
        return
    world = found.world
    common.show(f"World {world.id} in {world.dir} is {f'up (supervisor {found.pid})' if found.running else 'down'}.")
    common.show(f"  layout {world.layout}, artifacts of {world.artifact_size} bytes, front door {world.proxy}")
    common.show(f"  checkout {world.checkout}")
    for name, parameter in found.faults.items():
        common.show(f"  fault {name}{'' if parameter is None else f'={parameter}'} is on")
    if not found.running:
        common.show(f"  bring it up: nexy-tui world up {shlex.quote(str(world.dir))}")


@app.command()
def env(directory: Directory, json: Json = False) -> None:
    """Print shell code that takes a terminal into a world: eval "$(nexy-tui world env DIR)"."""
    require_rehearsal()
    from nexy_tui.rehearsal import world as worlds
    from nexy_tui.rehearsal.environment import environment

    table = environment(worlds.load(directory))
    if json:
        common.print_json({"set": dict(table.set), "unset": list(table.unset)})
    else:
        streams.put(table.shell(), end="")


@app.command()
def down(directory: Directory, json: Json = False) -> None:
    """Bring a world down: every process of it ends, its directory stays."""
    require_rehearsal()
    from nexy_tui.rehearsal import world as worlds

    was_up = worlds.stop(directory)
    if json:
        common.print_json(worlds.status(directory).document())
        return
    common.show("The world is down." if was_up else "The world was not up.")
    common.show(f"  as it was: nexy-tui world up {shlex.quote(str(directory))}")
    common.show(f"  away with it: rm -r {shlex.quote(str(directory))}")


@app.command()
def fault(
    directory: Directory,
    name: Annotated[str | None, typer.Argument(metavar="[NAME[=PARAMETER]]", help="Which fault.", show_default=False)] = None,
    switch: Annotated[str | None, typer.Argument(metavar="[on|off]", show_default=False)] = None,
    listing: Annotated[bool, typer.Option("--list", help="List every fault and whether it is on.")] = False,
    json: Json = False,
) -> None:
    """Break something in a world, or mend it; also while it runs."""
    require_rehearsal()
    from nexy_tui.rehearsal import world as worlds
    from nexy_tui.rehearsal.faults.switchboard import set_fault

    world = worlds.status(directory).world
    if listing or name is None:
        _list_faults(world, json=json)
        return
    if switch not in ("on", "off"):
        raise Unusable(f"Say whether {name} is to be on or off.", remedy=Run(shlex.join(["world", "fault", str(directory), name, "on"])))
    bare, equals, parameter = name.partition("=")
    set_fault(world, bare, switch == "on", parameter if equals else None)
    if json:
        common.print_json(worlds.status(directory).document())
    else:
        common.show(f"{bare} is {switch}.")


@app.command()
def build(
    directory: Directory,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="X.Y.Z.Build")],
    extra: Annotated[list[str] | None, typer.Option("--with", metavar="Nexy.pkg", help="Also this artifact.")] = None,
    json: Json = False,
) -> None:
    """Build the artifacts of a version into the inbox, as the build machine would."""
    require_rehearsal()
    from nexy_tui.core.target import DMG, PKG
    from nexy_tui.core.version import Version
    from nexy_tui.rehearsal import world as worlds

    try:
        wanted = Version.parse(version)
    except ValueError as error:
        raise Unusable(f"{error}.", remedy="Give a version as 1.6.1.44.") from None
    if unknown := [name for name in extra or [] if name != PKG]:
        raise Unusable(f"{unknown[0]!r} is not an optional artifact.", remedy=f"--with {PKG}")
    built = worlds.build(worlds.status(directory).world, str(wanted), (DMG, *(extra or [])))
    if json:
        common.print_json([{"path": str(each.path), "version": each.version, "size": each.size, "sha256": each.sha256} for each in built])
        return
    for each in built:
        common.show(f"{each.path}: {each.version}, {each.size} bytes, sha256 {each.sha256}")


def _list_faults(world: World, *, json: bool) -> None:
    from nexy_tui.rehearsal.fault import Faults
    from nexy_tui.rehearsal.faults.switchboard import registry, switches

    active = Faults(world.faults).all()
    if json:
        rows = [
            {
                "name": each.name,
                "phase": each.phase,
                "description": each.description,
                "parameter": each.parameter or None,
                "on": each.name in active,
                "value": active.get(each.name),
            }
            for each in (registry() | switches()).values()
        ]
        common.print_json(rows)
        return
    for each in (registry() | switches()).values():
        common.show(f"{'on ' if each.name in active else 'off'}  {each.name:22} {each.phase:9} {each.description}")
        if each.parameter:
            common.show(f"{'':38}={each.parameter}")
