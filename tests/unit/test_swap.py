"""Taking swaps back: each whatever became of the others, and what stays is said with the way out."""

from __future__ import annotations

from typing import Any, cast

import pytest

from nexy_tui.actions.swap import Swapped, take_back
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.target import DMG, PKG
from nexy_tui.services.github import Asset, ReleaseHost


class Host:
    """Names by asset id; renaming what is listed in `stuck` fails."""

    def __init__(self, *stuck: str) -> None:
        self.stuck, self.renames = stuck, list[tuple[str, str]]()

    def rename(self, asset: Asset, name: str) -> Asset:
        if asset.name in self.stuck:
            raise ActionFailed(f"Renaming {asset.name} failed.")
        self.renames.append((asset.name, name))
        return asset


def made(name: str, *, first: bool = False) -> Swapped:
    """A swap of `name`; `first` when nothing was there before."""
    old = None if first else Asset(1, f"previous-{name}", "uploaded", 1, None)
    return Swapped(name, Asset(2, name, "uploaded", 1, None), f"incoming-{name}", old, 0.01)


def back(host: Host, *swaps: Swapped) -> str:
    return take_back(cast(ReleaseHost, cast(Any, host)), swaps)


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
