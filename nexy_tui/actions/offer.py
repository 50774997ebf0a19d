"""What the live server offers to clients, and whether that is what a manifest states."""

from __future__ import annotations

from dataclasses import dataclass

from nexy_tui.core.appcast import Appcast
from nexy_tui.core.manifest import Manifest
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.services import Services


@dataclass(frozen=True, slots=True)
class Offer:
    """What the live appcast offers; None where that could not be seen, with the reason."""

    appcast: Appcast | None
    problem: str = ""

    def is_of(self, stated: Manifest) -> bool:
        """Whether clients that follow it accept the bytes of this manifest."""
        found = self.appcast
        return found is not None and (found.build, found.size, found.url) == (stated.version, stated.size, stated.url)


def look_offer(services: Services) -> Offer:
    """Ask the live server. An answer that does not come or cannot be read is an unseen offer."""
    try:
        facts = services.update_server.appcast()
    except CouldNotLook as error:
        return Offer(None, error.what)
    return Offer(facts.appcast, "" if facts.appcast is not None else f"{facts.url}: {facts.problem}.")
