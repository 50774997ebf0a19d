"""A swap that was cut off between its renames is healed once, whoever is quicker: the next run or the guard of the one that died."""

from __future__ import annotations

from typing import Any

import pytest

from nexy_tui.actions.swap import heal
from nexy_tui.core.target import DMG
from nexy_tui.services.github import Asset
from nexy_tui.services.github_api import ApiResponse, HostRefused

LEFT = {f"previous-{DMG}": Asset(7, f"previous-{DMG}", "uploaded", 5, None)}


class Refusing:
    """A release host that takes no rename."""

    def __init__(self, code: str) -> None:
        self._answer = ApiResponse(422, {}, {"message": "Validation Failed", "errors": [{"code": code}]})

    def rename(self, asset: Asset, name: str) -> Asset:
        raise HostRefused(self._answer, f"Renaming {asset.name} to {name} failed", "", "")


def test_what_the_guard_has_healed_meanwhile_is_no_failure() -> None:
    host: Any = Refusing("already_exists")
    said: list[object] = []
    assert heal(host, DMG, LEFT, said.append) is False
    assert said == []


def test_another_refusal_of_the_host_stays_a_failure() -> None:
    host: Any = Refusing("custom")
    with pytest.raises(HostRefused):
        heal(host, DMG, LEFT, lambda _: None)
