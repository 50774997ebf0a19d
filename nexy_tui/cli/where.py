"""`where`: every place a release leaves something at (rulebook section 5)."""

from __future__ import annotations

import typer

from nexy_tui.cli import common
from nexy_tui.cli.look import Json


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(where)


def where(json: Json = False) -> None:
    """Where to look: inbox, manifests, run logs, script output, release pages, backups, drill records, the VM's journal."""
    from nexy_tui.core.text import age, printable
    from nexy_tui.engine.places import places

    services = common.make_services()
    found = places(services)
    if json:
        target = services.target
        head = {"world": target.world, "target": target.name, "checkout": str(services.checkout)}
        common.print_json({**head, "places": [place.document() for place in found]})
        return
    for place in found:
        state = place.state if place.age_s is None else f"{place.state}, {age(place.age_s)} old"
        common.show(f"{place.name:<14}{state:<22}{printable(place.where, 400)}")
        for more in (place.note, place.how):
            if more:
                common.show(f"{'':<36}{printable(more, 400)}")
