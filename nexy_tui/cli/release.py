"""`release`: the whole run, in the wizard or headless."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.core.version import Version
    from nexy_tui.engine.outcome import Outcome
    from nexy_tui.engine.session import Session
    from nexy_tui.services import Services


_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A run's whole id."""


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(release)


def release(
    version: Annotated[str | None, typer.Argument(help="X.Y.Z.Build (default: the next one).")] = None,
    *,
    kind: Annotated[Kind, typer.Option(help="What the run publishes and deploys.")] = Kind.FULL,
    with_artifact: Annotated[
        list[str] | None, typer.Option("--with", help="An optional artifact that belongs to this release: Nexy.pkg.")
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Take up a run that was left: its id, or its log.")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: plain lines.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer confirmations. Attests nothing.")] = False,
    attest: Annotated[list[str] | None, typer.Option(help="ITEM=REASON: attest one item that a machine cannot verify.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take over a release lock that somebody else has (typed confirmation).")
    ] = False,
    auto: Annotated[bool, typer.Option("--auto", help="In a rehearsal only: play the operator.", hidden=True)] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at everything up to the swap, tell what would be done, and change nothing anywhere.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --headless or --dry-run: one JSON document on standard output.")] = False,
) -> None:
    """Walk the release: check, act, verify, and refuse to go on until everything is verified."""
    services = common.make_services()
    if auto and services.target.world is None:
        raise Unusable("--auto plays the operator, and this is production.", remedy=Run("rehearse --auto", "Rehearse with it"))
    path = find_run(services, resume) if resume else None
    with_pkg = _announced(with_artifact or [])
    if dry_run:
        if path is not None:
            raise Unusable("A run that was left is not tried without a trace.", remedy="Give --resume or --dry-run, not both.")
        raise typer.Exit(_dry_run(services, version, kind, attestations_of(attest or []), with_pkg=with_pkg, as_json=json))
    if not headless:
        from nexy_tui.cli.wizard import open_wizard

        raise typer.Exit(open_wizard(services, auto=auto, new=True, resume=path, version=version, kind=kind, with_pkg=with_pkg))
    attestations = attestations_of(attest or [])
    session = common.begun(_session(services, path, version, kind, with_pkg, yes=yes or auto, take_over=take_over))
    raise typer.Exit(run_headless(session, attestations, yes=yes or auto, auto=auto, as_json=json))


def _dry_run(services: Services, version: str | None, kind: Kind, attestations: dict[str, str], *, with_pkg: bool, as_json: bool) -> int:
    """Everything up to the swap, looked at without a trace, and what would be done; the exit status."""
    from dataclasses import asdict

    from nexy_tui.cli.finish import finish
    from nexy_tui.engine.begin import RunRequest
    from nexy_tui.engine.dry import dry_session, look_dry, planned
    from nexy_tui.plain import PlainRenderer

    begun, checklist = time.monotonic(), common.the_checklist()
    services.require_checkout()
    with services.git.borrowing():
        wanted = RunRequest(release_version(services, version), kind, with_pkg)
        session = common.begun(dry_session(services, checklist, wanted, observer=PlainRenderer(checklist)))
        outcome = look_dry(session, attestations)
        would = planned(session)
    for one in would:
        common.say(f"-> {one.title}")
        for line in one.lines:
            common.say(f"   would: {line}")
    return finish(
        session,
        outcome,
        begun,
        as_json=as_json,
        verified=(f"Nothing stands in the way of {session.plan.version} ({session.plan.target.name}). Nothing was changed.",),
        stopped="A release would stop here. Nothing was changed.",
        besides={"dry_run": True, "would": [asdict(one) for one in would]},
    )


def run_headless(session: Session, attestations: dict[str, str], *, yes: bool, auto: bool, as_json: bool) -> int:
    """Drive a session to its end and print what became of it; the exit status."""
    from nexy_tui.cli.finish import finish
    from nexy_tui.cli.interrupt import interruptible
    from nexy_tui.engine.driver import drive
    from nexy_tui.engine.outcome import Outcome

    begun = time.monotonic()
    try:
        with interruptible(session):
            outcome = drive(session, confirm=lambda action: yes or confirmed(session, action), attestations=attestations, attest_all=auto)
        if outcome.outcome == "verified":
            session.seal("complete")
    except Problem as problem:
        outcome = Outcome.from_problem(problem)
    finally:
        session.close()
    log = "" if session.log is None else session.log.path
    return finish(
        session,
        outcome,
        begun,
        as_json=as_json,
        verified=(
            f"Released {session.plan.version} ({session.plan.target.name}). Log: {log}",
            f"Verify it: nexy-tui runs verify {log}",
        ),
        stopped=f"Stopped ({outcome.outcome}) in phase {session.state.phase}.",
        ways_on=_ways_on(session, outcome),
    )


def _ways_on(session: Session, outcome: Outcome) -> list[str]:
    """How a stopped run goes on, or is ended."""
    from nexy_tui.engine.released import AlreadyReleased

    if isinstance(outcome.problem, AlreadyReleased):
        return []
    run = session.plan.run
    lines = [f"Then go on: nexy-tui release --resume {run} --headless"]
    return lines if session.exposure.since is not None else [*lines, f"Or end it unfinished: nexy-tui runs close {run}"]


def confirmed(session: Session, action: str) -> bool:
    """Show exactly what an action will do, and have typed what must be typed."""
    for line in session.describe(action):
        common.say(f"   will: {line}")
    expected = session.to_be_typed(action)
    if expected is not None:
        return common.typed(expected, common.ask_terminal)
    return True


def _session(
    services: Services, path: Path | None, version: str | None, kind: Kind, with_pkg: bool, *, yes: bool, take_over: bool
) -> Session:
    from nexy_tui.engine.begin import RunRequest, start_run
    from nexy_tui.engine.resume import resume_run
    from nexy_tui.plain import PlainRenderer
    from nexy_tui.services.identity import proxy_in_force

    checklist = common.the_checklist()
    observer = PlainRenderer(checklist)
    settings = services.settings
    services.require_checkout()
    proxy = proxy_in_force(services.environ) or "none"
    common.say(f"{services.target.name.upper()}  world: {services.target.world or 'none'}  proxy: {proxy}  CA: {settings.ca or 'public'}")
    common.confirm_target(services, yes=yes)
    if take_over:
        common.confirm_take_over()
    if path is not None:
        return resume_run(services, checklist, path, take_over=take_over, observer=observer)
    wanted = release_version(services, version)
    return start_run(services, checklist, RunRequest(wanted, kind, with_pkg, take_over=take_over), observer=observer)


def release_version(services: Services, named: str | None) -> Version:
    """The version named, or the one to propose. Raises Unusable when there is neither."""
    from nexy_tui.core.version import NAME_VERSION, Version
    from nexy_tui.engine.before import look_before, propose_version
    from nexy_tui.services.identity import require_world

    if named is not None:
        try:
            return Version.parse(named.removeprefix("v"))
        except ValueError as error:
            raise Unusable(f"{error}.", remedy="Name it like 1.6.1.43.") from None
    require_world(services.settings)
    proposed = propose_version(services, look_before(services))
    if proposed is None:
        raise Unusable("Which version comes next could not be found out.", remedy=NAME_VERSION)
    return proposed


def find_run(services: Services, named: str) -> Path:
    """The log of a run, by id, id prefix or path. Raises Unusable when it is not there or not unique."""
    direct = Path(named)
    if direct.is_file():
        return direct
    found = [path for path in (services.settings.state_dir / "runs").glob("*/*.intoto.jsonl") if path.name.startswith(named)]
    if len(found) != 1:
        if not found and _RUN.fullmatch(named):
            raise Unusable(
                f"The run {named} is not on this machine.",
                "A run is gone on with where its log lies, and with the key that began it.",
                Run(
                    "release",
                    "Go on with it there (the release lock and the tag name its operator and host). "
                    "Where that machine is lost: see what is out (nexy-tui verify), then begin a new run",
                ),
            )
        what = "No run" if not found else f"{len(found)} runs"
        raise Unusable(f"{what} begins with {named!r}.", remedy=Run("runs list", "See them"))
    return found[0]


def _announced(artifacts: list[str]) -> bool:
    from nexy_tui.core.target import PKG

    strange = [name for name in artifacts if name != PKG]
    if strange:
        raise Unusable(f"{strange[0]!r} is no optional artifact.", remedy=f"Only {PKG} can be announced.")
    return bool(artifacts)


def attestations_of(pairs: list[str]) -> dict[str, str]:
    """`ITEM=REASON` arguments by item. Raises Unusable for an unknown item, or one that may not be attested."""
    found: dict[str, str] = {}
    checklist = common.the_checklist()
    known = {item.id: item for item in checklist.items}
    for pair in pairs:
        item, equals, reason = pair.partition("=")
        if not equals or not reason.strip() or item not in known:
            raise Unusable(f"--attest {pair[:60]!r} is not ITEM=REASON.", remedy=Run("check --list", "See the items"))
        if not known[item].attestable:
            raise Unusable(f"{item} can be verified by the tool, so it cannot be attested.", remedy="Put it right instead.")
        found[item] = reason
    return found
