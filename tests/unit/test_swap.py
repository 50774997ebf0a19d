"""Taking swaps back: each whatever became of the others, and what stays is said with the way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from nexy_tui.actions.swap import Swapped, swap, take_back
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.target import DMG, PKG
from nexy_tui.services.github import Asset, GitHubRelease, ReleaseHost
from nexy_tui.services.swap_guard import Move, SwapGuard

INCOMING = f"incoming-0123456789abcdef-{DMG}"


class Host:
    """Names by asset id; renaming what is listed in `stuck` fails."""

    def __init__(self, *stuck: str) -> None:
        self.stuck, self.renames, self.urgent = stuck, list[tuple[str, str]](), list[str]()
        self.there = {name: Asset(number, name, "uploaded", 1, None) for number, name in enumerate((DMG, f"previous-{DMG}", INCOMING), 1)}

    def assets(self, _: GitHubRelease) -> dict[str, Asset]:
        return self.there

    def delete(self, asset: Asset) -> None:
        del self.there[asset.name]

    def rename(self, asset: Asset, name: str, *, urgent: bool = False) -> Asset:
        if asset.name in self.stuck:
            raise ActionFailed(f"Renaming {asset.name} failed.")
        self.renames.append((asset.name, name))
        self.urgent += [name] if urgent else []
        self.there[name] = replace(self.there.pop(asset.name, asset), name=name)
        return self.there[name]


class Guard:
    """Watches what it is told to."""

    def __init__(self) -> None:
        self.moves: list[Move] = []

    def watch(self, move: Move) -> None:
        self.moves.append(move)


def swapped(host: Host) -> Swapped:
    """The image's swap, with a guard."""
    guard, aside = Guard(), f"previous-{DMG}"
    known, watcher = cast(ReleaseHost, cast(Any, host)), cast(SwapGuard, cast(Any, guard))
    release = GitHubRelease(9, "Update", immutable=False)
    done = swap(known, release, DMG, host.there[INCOMING], aside=aside, guard=watcher, clock=SystemClock())
    assert [(move.old, move.new) for move in guard.moves] == [(1, 3)], "watched before the first rename"
    return done


def made(name: str, *, first: bool = False) -> Swapped:
    """A swap of `name`; `first` when nothing was there before."""
    old = None if first else Asset(1, f"previous-{name}", "uploaded", 1, None)
    return Swapped(name, Asset(2, name, "uploaded", 1, None), f"incoming-{name}", old, 0.01)


def back(host: Host, *swaps: Swapped) -> str:
    return take_back(cast(ReleaseHost, cast(Any, host)), swaps)


def test_the_rename_that_clients_wait_for_is_the_urgent_one() -> None:
    host = Host()
    assert swapped(host).name == DMG
    assert host.renames == [(DMG, f"previous-{DMG}"), (INCOMING, DMG)] and host.urgent == [DMG]


def test_a_second_rename_that_fails_is_undone_patiently() -> None:
    host = Host(INCOMING)
    with pytest.raises(ActionFailed, match="was not put in place") as raised:
        swapped(host)
    assert host.renames == [(DMG, f"previous-{DMG}"), (f"previous-{DMG}", DMG)] and host.urgent == []
    assert "The release before is back in place" in raised.value.why


def test_the_last_swap_is_undone_first_and_the_old_bytes_come_last() -> None:
    host = Host()
    assert back(host, made(DMG), made(PKG)) == ""
    assert host.renames == [(PKG, f"incoming-{PKG}"), (f"previous-{PKG}", PKG), (DMG, f"incoming-{DMG}"), (f"previous-{DMG}", DMG)]


def test_where_nothing_was_before_nothing_comes_back() -> None:
    host = Host()
    assert back(host, made(DMG, first=True)) == ""
    assert host.renames == [(DMG, f"incoming-{DMG}")]


@pytest.mark.parametrize("stuck", [PKG, f"previous-{PKG}"])
def test_one_that_stays_does_not_keep_the_other_from_coming_back(stuck: str) -> None:
    host = Host(stuck)
    said = back(host, made(DMG), made(PKG))
    assert host.renames[-2:] == [(DMG, f"incoming-{DMG}"), (f"previous-{DMG}", DMG)]
    assert said == (
        f"Putting {PKG} back failed too (Renaming {stuck} failed): "
        "where nothing is at its address, at once `nexy-tui publish --recover`, else `nexy-tui rollback`."
    )
