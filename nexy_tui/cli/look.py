"""`check` and `verify`: looking without touching."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common

if TYPE_CHECKING:
    from nexy_tui.checklist import Item
    from nexy_tui.services import Services

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command()(check)
    app.command()(verify)


def check(
    items: Annotated[list[str] | None, typer.Argument(help="Item ids; see --list.")] = None,
    all_items: Annotated[bool, typer.Option("--all", help="Every item.")] = False,
    vm: Annotated[bool, typer.Option("--vm", help="Ask the VM too (one read-only survey).")] = False,
    json: Json = False,
    list_items: Annotated[bool, typer.Option("--list", help="Show every item with its rulebook section and leave.")] = False,
) -> None:
    """Look at any items, read-only."""
    from nexy_tui.config import load_settings
    from nexy_tui.core.problem import Unusable

    checklist = common.the_checklist()
    if list_items:
        _list(json)
        return
    known = {item.id: item for item in checklist.items}
    unknown = [name for name in items or [] if name not in known]
    if unknown:
        raise Unusable(f"There is no item {unknown[0]!r}.", remedy="nexy-tui check --list shows them all.")
    if not items and not all_items:
        raise Unusable("No item is named.", remedy="Name items, or --all; nexy-tui check --list shows them.")
    wanted = list(checklist.items) if all_items else [known[name] for name in items or []]
    if not vm:
        target = load_settings().target
        wanted = [item for item in wanted if item.id in (items or []) or not item.asks_vm(target)]
    raise typer.Exit(look_at(wanted, json, asks_vm=vm))


def verify(
    json: Json = False,
    save: Annotated[bool, typer.Option("--save", help="Keep what was found as a signed record: `runs report` shows it to others.")] = False,
) -> None:
    """The final verification checklist (rulebook section 6), every item anew and from outside."""
    raise typer.Exit(look_at(common.the_checklist().phase("final").items, json, released=True, save=save))


def look_at(
    items: Sequence[Item],
    as_json: bool,
    *,
    services: Services | None = None,
    released: bool = False,
    as_it_is: bool = False,
    save: bool = False,
    asks_vm: bool = True,
) -> int:
    """Look at items in a session of its own and print what was found; the exit status."""
    from nexy_tui.engine import save as keeping
    from nexy_tui.engine.document import document, outcome_of
    from nexy_tui.engine.notice import unobserved
    from nexy_tui.engine.opening import look_session
    from nexy_tui.engine.outcome import EXIT
    from nexy_tui.plain import PlainRenderer

    begun = time.monotonic()
    checklist = common.the_checklist()
    made = services or common.make_services()
    observer = unobserved if as_json else PlainRenderer(checklist, sys.stdout)
    session = common.begun(look_session(made, checklist, released=released, as_it_is=as_it_is, observer=observer))
    session.looks.asks_vm = asks_vm
    if save:
        keeping.require_signer(session)
    found = session.looks.at(items)
    outcome, saved = outcome_of(found), keeping.save(session, found) if save else None
    kept = {"run": saved.run, "log": str(saved.log)} if saved is not None else {}
    if as_json:
        common.print_json({**document(session, items, outcome, time.monotonic() - begun), **kept})
    else:
        common.show(f"{outcome}: {sum(f.status.satisfied for f in session.state.findings.values())} of {len(items)} items are verified.")
        if saved is not None:
            common.show(f"Saved and signed: {saved.log}\nShow it to others: nexy-tui runs report {saved.run} > page.html")
    return EXIT[outcome]


def _list(as_json: bool) -> None:
    from nexy_tui.core.rulebook import SECTIONS, WITHOUT_ITEM

    checklist = common.the_checklist()
    rows = [
        {
            "id": item.id,
            "section": item.section,
            "phase": phase.id,
            "title": item.title,
            "action": item.action,
            "attestable": item.attestable,
        }
        for phase in checklist.phases
        for item in phase.items
    ]
    without = [{"section": number, "title": SECTIONS[number], "reason": reason} for number, reason in WITHOUT_ITEM.items()]
    if as_json:
        common.print_json({"items": rows, "sections_without_item": without})
        return
    for row in rows:
        common.show(f"{row['id']:<19} {row['section']:<13} {row['title']}")
    common.show("Sections of the rulebook without an item:")
    for entry in without:
        common.show(f"{entry['section']:<17} {entry['title']}. {entry['reason']}")
