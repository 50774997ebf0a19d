"""`doctor`: whether this machine and its operator are ready for a release."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.cli.look import Json

if TYPE_CHECKING:
    from nexy_tui.engine.doctor import Diagnosis

Offline = Annotated[bool, typer.Option("--offline", help="Ask no other machine: only what can be seen here.")]


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(doctor)


def doctor(offline: Offline = False, json: Json = False) -> None:
    """Is everything ready for a release? Fourteen lines, each a verdict with the exact next step. Changes nothing."""
    from nexy_tui.engine.doctor import examine
    from nexy_tui.engine.outcome import EXIT

    begun = time.monotonic()
    diagnosis = examine(common.make_services, offline=offline)
    if json:
        common.print_json(diagnosis.document(time.monotonic() - begun))
    else:
        common.show("\n".join(lines(diagnosis)))
    raise typer.Exit(EXIT[diagnosis.outcome])


def lines(diagnosis: Diagnosis) -> list[str]:
    """The diagnosis for the terminal: a line each, and below what is not right the next step."""
    from nexy_tui.engine.doctor import LINES

    out = []
    for line, finding in zip(LINES, diagnosis.findings, strict=True):
        symbol, word = finding.shown
        out.append(f"{symbol} {line.title:<16} {word:<11} {finding.summary}")
        if not finding.status.satisfied and finding.remedy:
            out.append(f"{'':<18} next:      {finding.remedy}")
    return [*out, diagnosis.summary + "."]
