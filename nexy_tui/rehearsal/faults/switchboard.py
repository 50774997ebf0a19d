"""Every fault and every other edition a world knows, and the switching of them."""

from __future__ import annotations

from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import World

BANDWIDTH = Fault("bandwidth", "publish", "Every connection is slowed down.", parameter="bits per second")


def registry() -> dict[str, Fault]:
    """Every fault by name, about in the order of the phases they concern."""
    from nexy_tui.rehearsal.cloud import server as cloud
    from nexy_tui.rehearsal.database import server as database
    from nexy_tui.rehearsal.faults import code as codefaults
    from nexy_tui.rehearsal.faults import inbox as inboxfaults
    from nexy_tui.rehearsal.faults import vm as vmfaults
    from nexy_tui.rehearsal.release_host import server as releasehost
    from nexy_tui.rehearsal.vm import machine as vm
    from nexy_tui.rehearsal.vm import package_index as index
    from nexy_tui.rehearsal.vm import update_server as updateserver

    modules = (codefaults, inboxfaults, releasehost, database, updateserver, cloud, index, vm, vmfaults)
    return {fault.name: fault for fault in (*(fault for module in modules for fault in module.FAULTS), BANDWIDTH)}


def switches() -> dict[str, Fault]:
    """By name, what a world can be otherwise without anything being wrong: other editions of the team's programs."""
    from nexy_tui.rehearsal.vm import update_server as updateserver

    return {switch.name: switch for switch in updateserver.SWITCHES}


def set_fault(world: World, name: str, on: bool, param: str | None = None) -> None:
    """Switch a fault, or another edition. Raises Unusable for a name no world knows."""
    known = registry() | switches()
    fault = known.get(name)
    if fault is None:
        why, remedy = f"Known: {', '.join(known)}.", f"Read what they do: nexy-tui world fault {world.dir} --list"
        raise Unusable(f"There is no fault {name!r}.", why, remedy)
    faults = Faults(world.faults)
    if on and fault.parameter == "bits per second" and not (param or "").isdigit():
        raise Unusable("bandwidth needs a number of bits per second.", remedy=f"nexy-tui world fault {world.dir} bandwidth=80000000 on")
    faults.switch(name, on, param)
    hook = fault.on if on else fault.off
    if hook is not None:
        hook(world, param)
