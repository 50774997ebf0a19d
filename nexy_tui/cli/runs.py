"""`nexy-tui runs`: the signed logs of runs, listed, shown, verified, reported and closed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common, streams

if TYPE_CHECKING:
    from nexy_tui.config import Settings
    from nexy_tui.runlog.verify import LogVerdict

app = typer.Typer(help="The signed logs of runs: list, show, verify, report, close.")

Named = Annotated[str, typer.Argument(metavar="RUN|FILE", help="A log file, a run's id, or the beginning of one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Signers = Annotated[
    Path | None, typer.Option("--allowed-signers", metavar="FILE", help="Trust the keys in this file alone, and no configured list.")
]


@app.command("list")
def list_runs(as_json: Json = False) -> None:
    """List the runs in the state directory, the newest first. `looks` is by form alone; `runs verify` judges."""
    from nexy_tui.runlog import read, show

    settings = _settings()
    found = read.list_runs(settings.state_dir)
    if as_json:
        common.print_json({"state_dir": str(settings.state_dir), "runs": [run.document() for run in found]})
        return
    if not found:
        common.show(f"There are no runs in {settings.state_dir / 'runs'} yet. Practise one: nexy-tui rehearse")
    for run in found:
        common.show(show.run_line(run))


@app.command("show")
def show_run(run: Named, as_json: Json = False) -> None:
    """Show a run's records, one a line, without judging them."""
    from nexy_tui.runlog import chain, read, show
    from nexy_tui.runlog.logfile import read_whole

    path = read.find_log(_settings().state_dir, run)
    if as_json:
        lines = chain.split(read_whole(path))[0]
        read.read_log(path)
        common.print_json({"log": str(path), "records": [json.loads(chain.read_line(line)[1].payload) for line in lines]})
        return
    for record in read.read_log(path):
        common.show(show.record_line(record))
    common.show(f"Judge it: nexy-tui runs verify {path}")


@app.command()
def verify(run: Named, allowed_signers: Signers = None, as_json: Json = False) -> None:
    """Judge a log: SEALED+ANCHORED (exit 0), SEALED (10), OPEN (11), TORN (12) or INVALID (1)."""
    from nexy_tui.runlog import read, show

    settings = _settings()
    verdict = _verdict(read.find_log(settings.state_dir, run), settings, allowed_signers)
    if as_json:
        common.print_json(show.verdict_document(verdict))
    else:
        common.show("\n".join(show.verdict_lines(verdict)))
    raise typer.Exit(verdict.state.exit_code)


@app.command("close")
def close_run(run: Named, as_json: Json = False) -> None:
    """Seal a run that was left open as aborted: nothing of it is gone on with. A sealed one stays as it is."""
    from nexy_tui.engine import close
    from nexy_tui.engine.document import ending
    from nexy_tui.runlog import read

    services = common.make_services()
    log = read.find_log(services.settings.state_dir, run)
    common.say_operator(services)
    closed = close.close_run(services, log)
    if as_json:
        common.print_json({**closed.document(), **ending(0)})
    else:
        common.show("\n".join(closed.lines()))


@app.command("report")
def report_run(
    run: Named,
    allowed_signers: Signers = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page there.")] = None,
) -> None:
    """Make one HTML page of a run for people: outcome, timeline, who did what, the gate, evidence, signatures and how to check them.

    In a terminal it is written beside the log; where the output is piped or redirected, it is printed.
    """
    from nexy_tui.report import page, write_page
    from nexy_tui.runlog import read

    settings = _settings()
    path = read.find_log(settings.state_dir, run)
    records, verdict = read.read_log(path), _verdict(path, settings, allowed_signers)
    if out is None and not sys.stdout.isatty():
        streams.put(page(records, verdict), end="")
    else:
        common.show(f"Written: {write_page(records, verdict, out)}")


def _verdict(path: Path, settings: Settings, explicit: Path | None) -> LogVerdict:
    from nexy_tui.config import find_checkout
    from nexy_tui.core.problem import Unusable
    from nexy_tui.runlog.verify import verify_file

    try:
        checkout = find_checkout(common.start_directory())
    except Unusable:
        checkout = None
    return verify_file(path, settings, explicit=explicit, checkout=checkout, anchored=True)


def _settings() -> Settings:
    from nexy_tui.config import load_settings

    return load_settings()
