"""The swap: two renames, as close together as two requests can be, and every way back (contracts: GitHub releases)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from checks.publish import previous_name
from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, OutputLine
from nexy_tui.core.problem import ActionFailed, Problem
from nexy_tui.core.remedy import Act
from nexy_tui.services.github import Asset, GitHubRelease, ReleaseHost
from nexy_tui.services.github_api import HostRefused
from nexy_tui.services.swap_guard import Move, SwapGuard

ROOM = 30
"""Requests that the swap of one artifact and every way back from it may take: so many must be left before it begins."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """A swap that was made: what is in place now and the name it came from, what stands aside, and how long neither was in place."""

    name: str
    new: Asset
    came_from: str
    old: Asset | None
    gap_s: float


def heal(host: ReleaseHost, name: str, assets: dict[str, Asset], emit: Emit) -> bool:
    """Put back the bytes that a swap, cut off between its renames, left aside. True when that was needed.

    Backwards, always: the old bytes are those that the live appcast still speaks of.
    """
    current, previous = assets.get(name), assets.get(previous_name(name))
    if current is not None or previous is None or not previous.ready:
        return False
    try:
        host.rename(previous, name)
    except HostRefused as refusal:
        if not refusal.answer.has_error("already_exists"):
            raise
        return False  # The guard of the swap that was cut off was quicker.
    emit(OutputLine(f"An earlier swap of {name} was cut off between its renames: the bytes from before are back in place.", "publish"))
    return True


def swap(host: ReleaseHost, release: GitHubRelease, name: str, incoming: Asset, *, aside: str, guard: SwapGuard, clock: Clock) -> Swapped:
    """Rename the current asset of this name to `aside`, whose older holder is deleted, and `incoming` into place.

    When the second rename fails for good, the first is taken back; `guard` does so when this process is killed between
    them, and without it nothing is renamed. `host` must not be one that a cancel can stop.
    """
    assets = host.assets(release)
    current, older = assets.get(name), assets.get(aside)
    if current is None:
        return Swapped(name, host.rename(incoming, name), incoming.name, None, 0.0)
    guard.watch(Move(name, release.tag, release.id, current.id, aside, incoming.id))
    if older is not None:
        host.delete(older)
    old = host.rename(current, aside)
    since = clock.monotonic()
    try:
        new = host.rename(incoming, name, urgent=True)
    except Problem as error:
        new = _look_or_undo(host, release, name, old, incoming, error=error)
    except BaseException:
        with contextlib.suppress(Problem):
            host.rename(old, name)
        raise
    return Swapped(name, new, incoming.name, old, clock.monotonic() - since)


def take_back(host: ReleaseHost, swaps: Sequence[Swapped]) -> str:
    """Undo swaps, the last first, each whatever became of the others; what is to be done about those that stay, empty when none does.

    The bytes from before have their name again, and the others the one that they came from.
    """
    troubles = []
    for one in reversed(swaps):
        try:
            host.rename(one.new, one.came_from)
            if one.old is not None:
                host.rename(one.old, one.name)
        except Problem as error:
            then = "where nothing is at its address, at once `nexy-tui publish --recover`, else `nexy-tui rollback`"
            troubles.append(f"Putting {one.name} back failed too ({error.what.rstrip('.')}): {then}.")
    return " ".join(troubles)


def _look_or_undo(host: ReleaseHost, release: GitHubRelease, name: str, old: Asset, incoming: Asset, *, error: Problem) -> Asset:
    """The second rename failed, or its answer was lost: look, and where it did not happen take the first one back."""
    try:
        there = host.assets(release).get(name)
        if there is not None and there.id == incoming.id:
            return there
        host.rename(old, name)  # Patiently: nothing else is left to be tried.
    except Problem as second:
        raise ActionFailed(
            f"{name} may be missing at its address: {error.what} Taking the swap back failed too: {second.what}",
            "Clients get 404 until it is put back.",
            Act("recover", "publish --recover", "At once"),
        ) from None
    why = "The release before is back in place; no manifest was pushed."
    raise ActionFailed(f"{name} was not put in place: {error.what}", why, error.remedy) from None
