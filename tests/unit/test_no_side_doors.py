"""No side doors: for every action and every item of an earlier phase, that item not holding means that the action does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import seldom
from engine_kit import BROKEN, PLAN, UNSEEN, Engine, Stage, engine
from typer.testing import CliRunner

from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.cli import act, commands, database
from nexy_tui.core.finding import Status
from nexy_tui.core.problem import Refused
from nexy_tui.engine.alone import perform_alone
from nexy_tui.engine.driver import drive

ROOT = Path(__file__).resolve().parents[2]

PHASES = ("remotes", "ready", "version", "database", "inbox", "publish", "gate", "deploy", "final")
STANDS_IN = {
    "bump": "version",
    "commit": "version",
    "backup": "database",
    "drill": "ready",
    "harden": "ready",
    "push": "publish",
    "publish": "publish",
    "sync-manifests": "version",
    "rollback": "publish",
    "recover": "remotes",
    "save-drift": "ready",
    "deploy": "deploy",
}
"""Every action and the phase it belongs to, by the rulebook; written out here so that the checklist cannot move one unseen."""

ORDINARY = (Status.FAILED, Status.INCONCLUSIVE, UNSEEN)
ACTIONS = tuple(STANDS_IN)


MENDS = ("backup", "drill", "harden", "sync-manifests", "rollback", "recover", "save-drift")
"""What mends or takes back, and so needs nothing of what a release needs later."""


FOR_PUBLISHING = ("ready", "database", "inbox")


def earlier(action: str) -> list[Item]:
    """Every item of the phases before the action's; for what mends without those for publishing alone, which ready looks ahead to."""
    phases = [phase for phase in PHASES[: PHASES.index(STANDS_IN[action])] if not (action in MENDS and phase in FOR_PUBLISHING)]
    return [item for phase in phases for item in CHECKLIST.phase(phase).items if not (action == "deploy" and item.serves == "publish")]


def every_item() -> list[Item]:
    return [item for phase in PHASES for item in CHECKLIST.phase(phase).items]


def everything_before(action: str) -> Stage:
    """A stage on which all that precedes an action is done."""
    done = list(ACTIONS[: ACTIONS.index(action)]) if action in ("commit", "publish", "deploy") else []
    return Stage(ran=[*done, *(name for name in ACTIONS if STANDS_IN[name] != STANDS_IN[action])])


def test_the_table_above_is_the_whole_checklist() -> None:
    assert tuple(phase.id for phase in CHECKLIST.phases) == PHASES
    assert set(CHECKLIST.actions) == set(STANDS_IN)
    for action, phase in STANDS_IN.items():
        assert next(one.id for one in CHECKLIST.phases if action in CHECKLIST.actions_of(one)) == phase


@pytest.mark.parametrize("action", ["commit", "backup", "push", "publish", "deploy"])
def test_an_item_of_its_own_phase_that_stands_before_an_action_bars_it(action: str) -> None:
    own = CHECKLIST.phase(STANDS_IN[action]).items
    for item in own[: next(number for number, item in enumerate(own) if item.action == action)]:
        stage = everything_before(action)
        stage.forced[item.id] = Status.FAILED
        made = engine(stage)
        made.session.looks.at(made.session.checklist.items)
        refusal = made.session.looks.in_the_way_of(action)
        assert refusal is not None and refusal.item == item.id


@pytest.mark.parametrize("begun", [False, True])
def test_what_publishing_alone_needs_bars_a_deploy_until_it_was_begun(begun: bool) -> None:
    for item in (item for phase in ("database", "inbox") for item in CHECKLIST.phase(phase).items):
        stage = everything_before("deploy")
        stage.forced[item.id] = Status.FAILED
        made = engine(stage)
        context = made.session.context
        context.planned = replace(context.planned, begun=frozenset({"publish"} if begun else ()))
        made.session.looks.at(made.session.checklist.items)
        refusal = made.session.looks.in_the_way_of("deploy")
        assert (None if refusal is None else refusal.item) == (None if begun else item.id)


def test_a_second_publish_of_a_run_is_asked_again_what_publishing_needs() -> None:
    items = [item for phase in ("database", "inbox") for item in CHECKLIST.phase(phase).items]
    for item in (item for item in items if not (item.check.slow or item.asks_vm(PLAN.target))):
        stage = everything_before("publish")
        made = engine(stage)
        context = made.session.context
        context.planned = replace(context.planned, begun=frozenset({"publish"}), out=True)
        stage.forced[item.id] = Status.FAILED
        made.session.looks.at(made.session.checklist.items)
        assert made.session.looks.in_the_way_of("publish") is None, "nobody publishes yet"
        with pytest.raises(Refused, match=re.escape(item.id)):
            made.session.runner.perform("publish")


OTHERWISE = (("publish", Status.INCONCLUSIVE), ("deploy", UNSEEN))
"""What the ordinary run tries besides failures."""

SHARE = 4
"""The ordinary run takes every fourth item: another fourth for each action, or each way of not holding."""


def share(items: list[Item], turn: int) -> list[Item]:
    return items[turn % SHARE :: SHARE]


def spelt(value: object) -> str | None:
    """A list of items by its length, anything else as pytest spells it."""
    return f"{len(value)} items" if isinstance(value, list) else None


BEFORE_ACTIONS = [
    one
    for turn, action in enumerate(ACTIONS)
    for other, status in enumerate((*ORDINARY, Status.NOT_RUN, BROKEN))
    for one in (
        *([(action, status, share(earlier(action), turn + other))] if status is Status.FAILED or (action, status) in OTHERWISE else []),
        seldom(action, status, earlier(action)),
    )
]


@pytest.mark.parametrize(
    ("action", "status", "items"), BEFORE_ACTIONS, ids=lambda one: f"{len(one)} items" if isinstance(one, list) else None
)
class TestAnEarlierItemDoesNotHold:
    def test_alone(self, action: str, status: Status | str, items: list[Item]) -> None:
        """`bump`, `publish`, `deploy` and the others from the command line, with `--yes`."""
        for item in items:
            made = engine(self.stage(action, item, status))
            outcome = perform_alone(made.session, [action], confirm=made.stage.confirm, attestations={})
            self.nothing_ran(made, action, item)
            assert outcome.refusal is not None and outcome.refusal.item == item.id
            assert outcome.exit_code == (1 if status is Status.FAILED else 3)
            assert made.stage.confirmed == [], "nothing is confirmed that is not going to happen"
            assert made.journal.sealed == "failed" and made.journal.closed

    def test_dry_it_is_refused_too_and_only_shows(self, action: str, status: Status | str, items: list[Item]) -> None:
        """A dry run tells what would refuse the action, and goes on to show the rest; it writes nothing and takes no lock."""
        for item in items:
            made = engine(self.stage(action, item, status))
            before = list(made.stage.ran)
            outcome = perform_alone(made.session, [action], confirm=made.stage.confirm, attestations={}, dry_run=True)
            assert (made.stage.ran, made.lock.held, made.stage.confirmed) == (before, 0, [])
            assert outcome.refusal is not None and outcome.refusal.item == item.id
            assert outcome.exit_code == (1 if status is Status.FAILED else 3)
            assert made.journal.results_of(action)[0][0] == "refused"

    def test_in_a_session_as_the_wizard_drives_it(self, action: str, status: Status | str, items: list[Item]) -> None:
        for item in items:
            made = engine(self.stage(action, item, status))
            made.session.looks.at(made.session.checklist.items)
            with pytest.raises(Refused, match=re.escape(item.id)) as refused:
                made.session.runner.perform(action)
            assert refused.value.remedy
            self.nothing_ran(made, action, item)

    def test_in_a_session_that_saw_it_hold_an_hour_ago(self, action: str, status: Status | str, items: list[Item]) -> None:
        """What cannot be taken back is preceded by another look at everything but long downloads and the VM."""
        for item in items:
            if not CHECKLIST.release_action(action).irreversible or item.check.slow or item.asks_vm(PLAN.target):
                continue
            made = engine(everything_before(action))
            made.session.looks.at(made.session.checklist.items)
            assert made.session.looks.in_the_way_of(action) is None
            made.stage.forced[item.id] = status
            with pytest.raises(Refused, match=re.escape(item.id)):
                made.session.runner.perform(action)
            self.nothing_ran(made, action, item)

    def stage(self, action: str, item: Item, status: Status | str) -> Stage:
        stage = everything_before(action)
        stage.forced[item.id] = status
        return stage

    def nothing_ran(self, made: Engine, action: str, item: Item) -> None:
        assert action not in made.stage.ran[len(everything_before(action).ran) :]
        assert made.lock.held == 0
        assert not [record for record in made.journal.records if record[0] == "intent"]
        [(status, message)] = made.journal.results_of(action)
        assert status == "refused" and message.startswith(f"{item.id} is ")


WHOLE_RUN = [
    *((status, share(every_item(), turn)) for turn, status in enumerate(ORDINARY)),
    *(seldom(status, every_item()) for status in (*ORDINARY, Status.NOT_RUN, BROKEN)),
]


@pytest.mark.parametrize(("status", "items"), WHOLE_RUN, ids=spelt)
def test_a_whole_run_never_acts_past_an_item_that_does_not_hold(status: Status | str, items: list[Item]) -> None:
    for item in items:
        made = engine(Stage({item.id: status}))
        outcome = drive(made.session, confirm=made.stage.confirm, attestations={})
        phase = CHECKLIST.phase_of(item.id).id
        later = {action for action, stands in STANDS_IN.items() if PHASES.index(stands) > PHASES.index(phase)}
        assert not later & set(made.stage.ran), (item.id, made.stage.ran)
        assert made.session.state.phase == phase
        assert outcome.outcome == ("refused" if status is Status.FAILED else "inconclusive")
        assert outcome.refusal is not None and outcome.refusal.item == item.id
        assert made.journal.sealed is None, "a run that stopped is left to be resumed"
        refusals = [message for kind, _, result, message in made.journal.records if (kind, result) == ("result", "refused")]
        assert refusals and refusals[-1].startswith(f"{item.id} is ")


@pytest.mark.parametrize("action", ACTIONS)
class TestEverythingEarlierHolds:
    def test_alone(self, action: str) -> None:
        made = engine(everything_before(action))
        before = len(made.stage.ran)
        outcome = perform_alone(made.session, [action], confirm=made.stage.confirm, attestations={})
        assert made.stage.ran[before:] == [action]
        assert (outcome.outcome, outcome.exit_code) == ("verified", 0)
        assert {item.id for item in earlier(action)} <= set(made.stage.looked)
        assert made.journal.sealed == "complete"

    def test_what_stands_later_does_not_matter(self, action: str) -> None:
        stage = everything_before(action)
        later = PHASES[PHASES.index(STANDS_IN[action]) + 1 :]
        stage.forced = {item.id: Status.FAILED for phase in later for item in CHECKLIST.phase(phase).items}
        made = engine(stage)
        made.session.looks.at(made.session.checklist.items)
        made.session.runner.perform(action)
        assert stage.ran[-1] == action

    def test_a_session_without_a_journal_only_looks(self, action: str) -> None:
        made = engine(everything_before(action), looks_only=True)
        before = list(made.stage.ran)
        made.session.looks.at(made.session.checklist.items)
        with pytest.raises(Refused, match="only looks"):
            made.session.runner.perform(action)
        assert made.stage.ran == before

    def test_unconfirmed_it_does_not_run(self, action: str) -> None:
        made = engine(everything_before(action))
        before = list(made.stage.ran)
        outcome = perform_alone(made.session, [action], confirm=lambda _: False, attestations={})
        assert made.stage.ran == before
        assert (outcome.exit_code, made.journal.sealed) == (1, "failed")

    def test_a_dry_run_does_nothing_and_is_sealed(self, action: str) -> None:
        made = engine(everything_before(action))
        before = list(made.stage.ran)
        outcome = perform_alone(made.session, [action], confirm=made.stage.confirm, attestations={}, dry_run=True)
        assert made.stage.ran == before
        assert made.stage.dry_ran == [
            one.dry_run.name for one in CHECKLIST.release_actions if one.name == action and one.dry_run is not None
        ]
        assert made.stage.confirmed == []
        assert (outcome.exit_code, made.journal.sealed) == (0, "complete")


def test_a_whole_run_with_nothing_in_the_way_acts_once_each() -> None:
    made = engine()
    assert drive(made.session, confirm=made.stage.confirm, attestations={}).outcome == "verified"
    assert made.stage.ran == ["bump", "commit", "backup", "push", "publish", "deploy"] == made.stage.confirmed
    made.session.seal("complete")


ATTESTABLE = [item.id for item in CHECKLIST.items if item.attestable]


def next_action(item: str) -> str:
    """What replaces the download after the item, or, where that is done, deploys."""
    return "deploy" if CHECKLIST.phase_of(item).id == "gate" else "publish"


@pytest.mark.parametrize("item", ATTESTABLE)
class TestAttesting:
    def test_yes_attests_nothing(self, item: str) -> None:
        made = engine(Stage({item: Status.INCONCLUSIVE}))
        assert drive(made.session, confirm=lambda _: True, attestations={}).outcome == "inconclusive"
        assert next_action(item) not in made.stage.ran

    def test_attested_with_a_reason_it_holds(self, item: str) -> None:
        stage = everything_before(next_action(item))
        stage.forced[item] = Status.INCONCLUSIVE
        made = engine(stage)
        outcome = perform_alone(
            made.session, [next_action(item)], confirm=made.stage.confirm, attestations={item: "read it on a Mac by hand"}
        )
        assert outcome.outcome == "verified" and made.stage.ran[-1] == next_action(item)
        assert ("attestation", item, "attested", "read it on a Mac by hand") in made.journal.records

    @pytest.mark.parametrize("status", [Status.FAILED, Status.NOT_RUN])
    def test_what_failed_is_not_attested(self, item: str, status: Status) -> None:
        stage = everything_before(next_action(item))
        stage.forced[item] = status
        made = engine(stage)
        perform_alone(made.session, [next_action(item)], confirm=made.stage.confirm, attestations={item: "read it on a Mac by hand"})
        assert made.stage.confirmed == []
        assert not [record for record in made.journal.records if record[0] == "attestation"]

    def test_the_rehearsals_operator_attests_it_and_only_it(self, item: str) -> None:
        made = engine(Stage({item: Status.INCONCLUSIVE}))
        assert drive(made.session, confirm=lambda _: True, attestations={}, attest_all=True).outcome == "verified"
        assert [record[1] for record in made.journal.records if record[0] == "attestation"] == [item]


def test_the_rehearsals_operator_attests_nothing_that_may_not_be() -> None:
    for item in every_item():
        if item.attestable:
            continue
        made = engine(Stage({item.id: Status.INCONCLUSIVE}))
        outcome = drive(made.session, confirm=lambda _: True, attestations={item.id: "I say so"}, attest_all=True)
        assert outcome.refusal is not None and outcome.refusal.item == item.id
        assert not [record for record in made.journal.records if record[0] == "attestation"]


# --- the command line has no other way in ---


ACTING = {
    "bump": (["1.6.1.43"], "bump"),
    "publish": ([], "publish"),
    "publish --recover": ([], "recover"),
    "rollback": ([], "rollback"),
    "save-drift": ([], "save-drift"),
    "sync-manifests": ([], "sync-manifests"),
    "deploy": (["v1.6.1.43"], "deploy"),
    "db backup": ([], "backup"),
    "db drill": ([], "drill"),
    "db harden": ([], "harden"),
}
"""Every command that changes the release's world, the arguments it needs, and its action."""

LOOKING = {
    "scaffold",
    "where",
    "check",
    "verify",
    "gate",
    "db status",
    "runs list",
    "runs show",
    "runs verify",
    "runs report",
    "config path",
    "config check",
    "config show",
    "config template",
    "doctor",
    "completion",
}
"""Commands that change nothing of the release's world; `scaffold` adds scripts to the checkout where there are none."""

WHOLE_RUNS = {"release", "rehearse"}
ENDING = {"runs close"}
"""Seals what was left open, and gives back its lock; it acts on nothing else."""

MENDING = {"fix"}
"""Runs of their own over a checklist of their own, one phase for each trouble: through the same session all the same."""

OWN = {
    "keys create",
    "keys list",
    "keys export",
    "keys rotate",
    "keys use",
    "keys trust",
    "secrets set",
    "secrets list",
    "secrets delete",
    "setup",
    "world up",
    "world status",
    "world env",
    "world down",
    "world fault",
    "world build",
}
"""Commands about this operator's own keys, secrets and configuration, or about a rehearsal world as such."""

HARMLESS = {"adopt", "sha256", "version", "tag", "yes", "attest", "take_over", "json", "dry_run", "check", "recover"}
"""What an acting command takes: what to act on, confirmations (that of the lock is typed each time), attestations, and ways to do less."""


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    commands.mount(made)
    return made


def leaves(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def test_what_the_checklist_says_of_standing_alone_is_what_the_commands_do() -> None:
    assert {one.command: one.name for one in CHECKLIST.release_actions if one.command} == {
        name: action for name, (_, action) in ACTING.items()
    }


def test_every_command_is_known_for_what_it_does(app: typer.Typer) -> None:
    named = {name for name, _ in leaves(typer.main.get_command(app))}
    assert named == {*(name for name in ACTING if "--" not in name), *LOOKING, *WHOLE_RUNS, *MENDING, *ENDING, *OWN}


def test_no_flag_overrides(app: typer.Typer) -> None:
    for name, command in leaves(typer.main.get_command(app)):
        if name in ACTING:
            assert {param.name for param in command.params} - {"help"} <= HARMLESS, name


@dataclass
class Calls:
    made: list[tuple[list[str], dict[str, Any]]] = field(default_factory=list)

    def __call__(self, actions: list[str], **options: Any) -> None:
        self.made.append((list(actions), options))
        raise typer.Exit(0)


@pytest.mark.parametrize("name", ACTING)
def test_every_acting_command_goes_through_the_one_door(name: str, app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    monkeypatch.setattr(act, "run_alone", calls)
    monkeypatch.setattr(database, "run_alone", calls)
    arguments, action = ACTING[name]
    assert CliRunner().invoke(app, [*name.split(), *arguments, "--attest", "ITEM=REASON"]).exit_code == 0
    [(actions, options)] = calls.made
    assert (actions, options["attest"]) == ([action], ["ITEM=REASON"])
    assert options["yes"] is (name == "bump"), "bump changes files of the checkout alone, which git gives back"


def test_actions_are_run_by_the_runner_alone() -> None:
    """An action needs a context to run, and one place makes it."""
    sources = [path for folder in ("nexy_tui", "screens", "checks") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    makers = [path.relative_to(ROOT).as_posix() for path in sources if re.search(r"\bActionContext\(", path.read_text("utf-8"))]
    assert makers == ["nexy_tui/engine/runner.py"]


@pytest.mark.parametrize("pair", ["remotes.code=I looked", "inbox.apple", "inbox.apple= ", "no.such=reason"])
def test_attesting_on_the_command_line_is_refused_before_anything_is_touched(pair: str) -> None:
    from nexy_tui.cli.release import attestations_of
    from nexy_tui.core.problem import Unusable

    with pytest.raises(Unusable):
        attestations_of([pair])
