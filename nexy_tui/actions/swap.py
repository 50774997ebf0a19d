"""The swap: two renames, as close together as two requests can be, and every way back (contracts: GitHub releases)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from checks.publish import previous_name, temporary_name
from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, Line
from nexy_tui.core.problem import ActionFailed, Problem
from nexy_tui.services.artifact import Inspected
from nexy_tui.services.github import Asset, Release, ReleaseHost


@dataclass(frozen=True, slots=True)
class Swapped:
    """A swap that was made: what is in place now, what stands aside (None where nothing was there), and how long neither was in place."""

    release: Release
    name: str
    sha256: str
    new: Asset
    old: Asset | None
    gap_s: float


def heal(host: ReleaseHost, release: Release, name: str, assets: dict[str, Asset], emit: Emit) -> bool:
    """Put back the bytes that a swap, cut off between its renames, left aside. True when that was needed.

    Backwards, always: the old bytes are those that the live appcast still speaks of.
    """
    current, previous = assets.get(name), assets.get(previous_name(name))
    if current is not None or previous is None or not previous.ready:
        return False
    host.rename(previous, name)
    emit(Line(f"An earlier swap of {name} was cut off between its renames: the bytes from before are back in place.", "publish"))
    return True


def swap(host: ReleaseHost, release: Release, local: Inspected, incoming: Asset, clock: Clock) -> Swapped:
    """Delete an older `previous-`, rename the current asset to that, rename the new one into place.

    When the second rename fails for good, the first is taken back. `host` must not be one that a cancel can stop.
    """
    name, sha256, assets = local.name, local.sha256, host.assets(release)
    current, older = assets.get(name), assets.get(previous_name(name))
    if current is None:
        return Swapped(release, name, sha256, host.rename(incoming, name), None, 0.0)
    if older is not None:
        host.delete(older)
    aside = host.rename(current, previous_name(name))
    since = clock.monotonic()
    try:
        new = host.rename(incoming, name)
    except Problem as error:
        new = _look_or_undo(host, release, aside, incoming, error=error)
    except BaseException:
        with contextlib.suppress(Problem):
            host.rename(aside, name)
        raise
    return Swapped(release, name, sha256, new, aside, clock.monotonic() - since)


def swap_back(host: ReleaseHost, swapped: Swapped) -> None:
    """Put the bytes from before back into place; the new ones stand under their temporary name again."""
    host.rename(swapped.new, temporary_name(swapped.name, swapped.sha256))
    if swapped.old is not None:
        host.rename(swapped.old, swapped.name)


def _look_or_undo(host: ReleaseHost, release: Release, aside: Asset, incoming: Asset, *, error: Problem) -> Asset:
    """The second rename failed, or its answer was lost: look, and where it did not happen take the first one back."""
    name = aside.name.removeprefix(previous_name(""))
    try:
        there = host.assets(release).get(name)
        if there is not None and there.id == incoming.id:
            return there
        host.rename(aside, name)
    except Problem as second:
        raise ActionFailed(
            f"{name} may be missing at its address: {error.what} Taking the swap back failed too: {second.what}",
            "Clients get 404 until it is put back.",
            "At once: nexy-tui publish --recover",
        ) from None
    why = "The release before is back in place; no manifest was pushed."
    raise ActionFailed(f"{name} was not put in place: {error.what}", why, error.remedy) from None
