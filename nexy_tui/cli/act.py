"""`bump`, `publish`, `sync-manifests`, `deploy` and `save-drift` standing alone: each a run of its own, with no side door."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nexy_tui.cli import common
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.checklist import Checklist
    from nexy_tui.engine.session import Session
    from nexy_tui.services import Services

Yes = Annotated[bool, typer.Option("--yes", help="Answer the confirmation. Attests nothing.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Take over a release lock that somebody else has (typed confirmation).")]
Attest = Annotated[list[str] | None, typer.Option(help="ITEM=REASON: attest one item that a machine cannot verify.")]


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command()(bump)
    app.command()(publish)
    app.command()(rollback)
    app.command(name="sync-manifests")(sync_manifests)
    app.command()(deploy)
    app.command(name="save-drift")(save_drift)


def bump(version: Annotated[str, typer.Argument(help="X.Y.Z.Build")], attest: Attest = None, json: Json = False) -> None:
    """Write the version into the checkout's files (rulebook section 3, Phase 1)."""
    run_alone(["bump"], version=version, yes=True, as_json=json, attest=attest)


def publish(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Everything up to the first write, and nothing written.")] = False,
    recover: Annotated[bool, typer.Option("--recover", help="Only heal a swap that was cut off between its renames.")] = False,
    yes: Yes = False,
    attest: Attest = None,
    take_over: TakeOver = False,
    json: Json = False,
) -> None:
    """Replace the download and write the manifests (rulebook section 3, Phase 2)."""
    if recover:
        run_alone(["recover"], yes=yes, as_json=json, attest=attest, take_over=take_over)
    run_alone(["publish"], yes=yes, as_json=json, dry_run=dry_run, attest=attest, take_over=take_over)


def rollback(yes: Yes = False, attest: Attest = None, take_over: TakeOver = False, json: Json = False) -> None:
    """Put the release before back: the download by two renames, then its manifests."""
    run_alone(["rollback"], yes=yes, as_json=json, attest=attest, take_over=take_over)


def sync_manifests(
    check: Annotated[bool, typer.Option("--check", help="Only look whether the manifest files agree with the download.")] = False,
    yes: Yes = False,
    attest: Attest = None,
    take_over: TakeOver = False,
    json: Json = False,
) -> None:
    """Make all manifest files agree with the bytes at the release URL (rulebook section 3, Phase 2.4)."""
    if check:
        from nexy_tui.cli.look import look_at

        checklist = common.the_checklist()
        action = checklist.release_action("sync-manifests")
        raise typer.Exit(look_at([checklist.item(name) for name in action.compares], json, as_it_is=action.as_it_is))
    run_alone(["sync-manifests"], yes=yes, as_json=json, attest=attest, take_over=take_over)


def deploy(
    tag: Annotated[str, typer.Argument(help="The release tag, vX.Y.Z.Build.")],
    yes: Yes = False,
    attest: Attest = None,
    take_over: TakeOver = False,
    json: Json = False,
) -> None:
    """Deploy a release to the VM (rulebook section 3, Phase 3)."""
    if not tag.startswith("v"):
        raise Unusable(f"{tag!r} is not a release tag.", remedy=Run(f"deploy v{tag}", "Name it with its v"))
    run_alone(["deploy"], version=tag.removeprefix("v"), yes=yes, as_json=json, attest=attest, take_over=take_over)


def save_drift(yes: Yes = False, attest: Attest = None, take_over: TakeOver = False, json: Json = False) -> None:
    """Keep what was changed on the VM by hand under refs/nexy/drift/ there, and lay the clone's own files again."""
    run_alone(["save-drift"], yes=yes, as_json=json, attest=attest, take_over=take_over)


def run_alone(
    actions: Sequence[str],
    *,
    checklist: Checklist | None = None,
    version: str | None = None,
    yes: bool,
    as_json: bool,
    dry_run: bool = False,
    attest: list[str] | None = None,
    take_over: bool = False,
) -> NoReturn:
    """A run of one purpose: every item that stands before the actions is looked at, then they act, then their items are."""
    from nexy_tui.cli.finish import finish
    from nexy_tui.cli.interrupt import interruptible
    from nexy_tui.cli.release import attestations_of, confirmed
    from nexy_tui.engine.alone import open_alone, perform_alone
    from nexy_tui.plain import PlainRenderer

    begun = time.monotonic()
    services, checklist = common.make_services(), checklist or common.the_checklist()
    services.require_checkout()
    attested = attestations_of(attest or [])
    take_over = take_over and not dry_run
    common.confirm_target(services, yes=yes or dry_run)
    if take_over:
        common.confirm_take_over()
    observer = PlainRenderer(checklist, sys.stderr if as_json else sys.stdout)
    with services.git.borrowing() if dry_run else nullcontext():
        meant = not dry_run and actions != ["bump"]  # Neither asks for the confirmation, so neither takes the target for confirmed.
        begin = partial(open_alone, services, checklist, actions, version=version, take_over=take_over, observer=observer)
        session = common.begun(begin(remember=meant))
        with interruptible(session):
            outcome = perform_alone(
                session, actions, confirm=lambda action: yes or confirmed(session, action), attestations=attested, dry_run=dry_run
            )
    verified = _unfinished(services) if actions == ["recover"] and outcome.outcome == "verified" else []
    again = () if dry_run else _again(session, actions)
    raise typer.Exit(finish(session, outcome, begun, as_json=as_json, verified=verified, ways_on=again))


def _unfinished(services: Services) -> list[str]:
    """What is still to be done once a swap is healed: first aid finishes no release."""
    from nexy_tui.engine.left import left_run

    if (left := left_run(services)) is None:
        return ["Whether customers can update: nexy-tui verify"]
    return [f"The release of {left.version} is not finished. Finish it: nexy-tui release --resume {left.run}"]


def _again(session: Session, actions: Sequence[str]) -> list[str]:
    """The command that is run again once what it says is done: after a publish that was begun, customers may be waiting for it."""
    from nexy_tui.checklist import ActionRole

    checklist, plan = session.checklist, session.plan
    command = checklist.release_action(actions[-1]).command if actions[-1] in checklist.actions else None
    if command is None or plan.version is None or not {one.name for one in checklist.of_role(ActionRole.PUBLISHER)} & plan.begun:
        return []
    return [f"Then again: nexy-tui {command}{f' {plan.version.tag}' if command == 'deploy' else ''}"]
