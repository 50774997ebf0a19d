"""The engine: looks that break never pass, nothing acts without its intent on disk, and the log says what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from engine_kit import BROKEN, NOW, UNSEEN, Engine, Stage, engine

from checks.base import Check
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn
from nexy_tui.core.finding import Evidence, Finding, Status, Verdict, failed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Problem, Refused
from nexy_tui.engine import evaluate
from nexy_tui.engine.begin import checklist_digest
from nexy_tui.engine.document import document, outcome_of
from nexy_tui.engine.driver import drive
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Found, Looking, PhaseOpened, Sealed
from nexy_tui.engine.outcome import Outcome
from nexy_tui.release import Refusal
from nexy_tui.runlog.state import Checkpoint

WHY = "It is looked at."


def ready(does: Callable[[ActionContext], ActionResult] | None = None, action: str = "backup") -> Engine:
    """A session in which an action may run."""
    before = {"backup": ["bump", "commit"], "publish": ["bump", "commit", "backup", "push"]}[action]
    made = engine(Stage(ran=list(before)), does={action: does} if does else None)
    made.session.looks.at(made.session.checklist.items)
    made.journal.records.clear()
    made.notices.clear()
    return made


class TestLooking:
    @pytest.mark.parametrize("how", [UNSEEN, BROKEN])
    def test_a_look_that_fails_is_inconclusive_says_why_and_what_to_do(self, how: str) -> None:
        made = engine(Stage({"remotes.code": how}))
        found = made.session.looks.at_phase("remotes")
        assert [finding.status for finding in found] == [
            Status.INCONCLUSIVE,
            *[Status.PASSED] * (len(CHECKLIST.phase("remotes").items) - 1),
        ]
        assert "nobody foresaw" in found[0].summary or "could not be seen" in found[0].summary
        assert found[0].remedy

    def test_a_judge_that_breaks_is_inconclusive(self) -> None:
        made = engine()
        item = replace(CHECKLIST.item("remotes.code"), check=Check(lambda scope: None, lambda facts, plan: facts.nothing, WHY))
        assert made.session.looks.at([item])[0].status is Status.INCONCLUSIVE

    def test_what_breaks_does_not_carry_a_secret_out(self) -> None:
        def look(_: Any) -> None:
            raise OSError("https://me:hunter22@github.com/x?sig=abcdef and ghp_0123456789abcdef0123")

        item = replace(CHECKLIST.item("remotes.code"), check=Check(look, lambda facts, plan: Verdict(Status.PASSED, ""), WHY))
        [found] = engine().session.looks.at([item])
        assert not {"hunter22", "abcdef", "ghp_0123456789abcdef0123"} & set(found.summary.replace("@", " ").replace("=", " ").split())

    def test_a_look_that_never_ends_is_inconclusive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluate, "QUICK_LIMIT", 0.05)
        release = threading.Event()
        item = replace(
            CHECKLIST.item("remotes.code"), check=Check(lambda scope: release.wait(10), lambda facts, plan: Verdict(Status.PASSED, ""), WHY)
        )
        try:
            [found] = engine().session.looks.at([item])
        finally:
            release.set()
        assert found.status is Status.INCONCLUSIVE and "no answer" in found.summary and found.remedy

    def test_findings_come_in_the_checklists_order_and_are_journalled_with_evidence(self) -> None:
        made = engine()
        made.session.looks.at_phase("database")
        names = [item.id for item in CHECKLIST.phase("database").items]
        assert [record[1] for record in made.journal.records] == names
        assert {notice.item for notice in made.notices if isinstance(notice, Looking)} == set(names)
        assert {notice.finding.item for notice in made.notices if isinstance(notice, Found)} == set(names)

    def test_an_items_fixers_are_offered_only_when_it_does_not_hold(self) -> None:
        made = engine(Stage({"remotes.code": Status.FAILED}))
        assert made.session.looks.at_phase("remotes")[0].fixers == CHECKLIST.item("remotes.code").fixers != ()
        made.stage.forced.clear()
        assert made.session.looks.at_phase("remotes")[0].fixers == ()

    def test_a_judge_that_knows_the_cause_narrows_the_items_fixers(self) -> None:
        made, item = engine(), CHECKLIST.item("remotes.artifacts")
        assert len(item.fixers) == 2
        known = Check(lambda scope: None, lambda facts, plan: failed("A tag is gone.", "See it.", fixers=["target-repository"]), WHY)
        assert made.session.looks.at([replace(item, check=known)])[0].fixers == ("target-repository",)
        unknown = Check(lambda scope: None, lambda facts, plan: failed("It is not there.", "See it."), WHY)
        assert made.session.looks.at([replace(item, check=unknown)])[0].fixers == item.fixers

    def test_looking_ahead_leaves_out_long_looks_at_what_is_still_to_be_brought_about(self) -> None:
        made = engine()
        made.session.looks.ahead("publish")
        left = {item.id for item in CHECKLIST.phase("publish").items} - set(made.stage.looked)
        assert left == {item.id for item in CHECKLIST.phase("publish").items if item.action and item.check.slow} != set()

    def test_looking_after_an_action_stops_at_its_last_item(self) -> None:
        made = engine()
        made.session.looks.recheck_after("push")
        assert made.stage.looked == ["publish.pushed"]

    def test_one_pass_shares_what_it_saw(self) -> None:
        seen: list[int] = []
        shared = Check(lambda scope: scope.once("key", lambda: seen.append(1)), lambda facts, plan: Verdict(Status.PASSED, ""), WHY)
        items = [replace(item, check=shared) for item in CHECKLIST.phase("remotes").items]
        made = engine()
        made.session.looks.at(items)
        assert len(seen) == 1
        made.session.looks.at(items)
        assert len(seen) == 2


class TestActing:
    def test_the_intent_is_on_disk_before_it_begins_and_the_result_after(self) -> None:
        def does(context: ActionContext) -> ActionResult:
            assert [record[:2] for record in made.journal.records] == [("intent", "backup")]
            context.intent("dump the database", server="127.0.0.1")
            return ActionResult("It is done.", (Evidence("rows", "7", "dump"),), {"archive": "ab" * 32})

        made = ready(does)
        made.session.runner.perform("backup")
        assert [record[0] for record in made.journal.records] == ["intent", "progress-checkpoint", "result"]
        assert made.journal.records[0][3] == "backup would act"
        assert made.journal.results_of("backup") == [("done", "It is done.")]
        assert [type(notice) for notice in made.notices] == [ActionStarted, ActionEnded]

    def test_what_was_there_already_is_recorded_as_unchanged(self) -> None:
        made = ready(lambda context: ActionResult("All was there.", changed=False))
        made.session.runner.perform("backup")
        assert made.journal.results_of("backup")[0][0] == "unchanged"

    def test_while_another_process_writes_in_the_clone_nothing_acts(self) -> None:
        made = ready(lambda _: pytest.fail("it was done"))

        def taken(what: str) -> None:
            raise Refused(f"{what} of ada (process 7) is writing in this clone.")

        made.session.services.writing = taken  # type: ignore[method-assign, assignment]
        with pytest.raises(Refused, match="is writing in this clone"):
            made.session.runner.perform("backup")
        assert made.lock.held == 0 and made.journal.records == []

    def test_what_may_not_be_written_is_refused_under_the_lock_before_anything_is_done(self) -> None:
        made = ready(lambda _: pytest.fail("it was done"))

        def may_write(plan: Plan) -> None:
            assert made.lock.held == 1 and plan.run is not None
            raise Refused(f"{plan.version} is released already.")

        made.session.runner.may_write = may_write
        with pytest.raises(Refused, match="released already"):
            made.session.runner.perform("backup")
        assert made.journal.records == []

    def test_an_action_that_lost_the_lock_stops_before_its_irreversible_step(self) -> None:
        done: list[str] = []

        def does(context: ActionContext) -> ActionResult:
            made.lock.taken_by = "ben"
            context.intent("replace the download")
            done.append("replaced")
            return ActionResult("")

        made = ready(does)
        with pytest.raises(Refused, match="taken over by ben"):
            made.session.runner.perform("backup")
        assert done == [] and [record[0] for record in made.journal.records] == ["intent", "result"]
        assert made.journal.results_of("backup")[0][0] == "failed"

    @pytest.mark.parametrize("record", ["intent", "progress-checkpoint"])
    def test_without_a_journal_that_takes_the_intent_nothing_is_done(self, record: str) -> None:
        done: list[str] = []

        def does(context: ActionContext) -> ActionResult:
            context.intent("replace the download")
            done.append("replaced")
            return ActionResult("")

        made = ready(does)
        made.journal.fails_at = record
        with pytest.raises(CouldNotLook, match="disk is full"):
            made.session.runner.perform("backup")
        assert done == []

    @pytest.mark.parametrize(
        ("raised", "status", "code"),
        [
            (ActionFailed("No.", "Why.", "Do."), "failed", 1),
            (Cancelled("Stopped."), "cancelled", 130),
            (CouldNotLook("?", "", "Look."), "failed", 3),
        ],
    )
    def test_what_stops_an_action_is_journalled_and_told(self, raised: Problem, status: str, code: int) -> None:
        def does(_: ActionContext) -> ActionResult:
            raise raised

        made = ready(does)
        with pytest.raises(type(raised)):
            made.session.runner.perform("backup")
        assert made.journal.results_of("backup") == [(status, str(raised))]
        ended = made.notices[-1]
        assert isinstance(ended, ActionEnded) and ended.problem is raised and ended.result is None
        assert made.session.turn.acting is None

        made = ready(does)
        outcome = drive(made.session, confirm=lambda _: True, attestations={})
        assert (outcome.exit_code, outcome.problem) == (code, raised)
        assert set(made.stage.ran) == {"bump", "commit", "backup"}

    def test_an_action_that_breaks_is_a_failure_with_a_remedy_and_no_secret(self) -> None:
        def does(_: ActionContext) -> ActionResult:
            raise KeyError("ghp_0123456789abcdef0123")

        made = ready(does)
        with pytest.raises(Refused, match="broke: KeyError") as broken:
            made.session.runner.perform("backup")
        assert "ghp_" not in str(broken.value) and broken.value.remedy
        assert made.journal.results_of("backup")[0][0] == "failed"

    def test_what_writes_outside_holds_the_lock_first_and_the_rest_does_not(self) -> None:
        held: list[int] = []
        made = ready(lambda context: held.append(made.lock.held) or ActionResult(""))  # type: ignore[func-returns-value]
        made.session.runner.perform("backup")
        assert held == [1]
        bump = engine()
        bump.session.looks.at(bump.session.checklist.items)
        bump.session.runner.perform("bump")
        assert bump.lock.held == 0

    def test_a_lock_that_somebody_else_holds_stops_it_before_the_intent(self) -> None:
        made = ready()

        def taken() -> None:
            raise Refused("ada on workbench is releasing.", "Two releases undo each other.", "Wait.")

        made.lock.hold = taken  # type: ignore[method-assign]
        with pytest.raises(Refused, match="ada"):
            made.session.runner.perform("backup")
        assert "backup" not in made.stage.ran and made.journal.records == []

    def test_one_action_at_a_time(self) -> None:
        def does(_: ActionContext) -> ActionResult:
            with pytest.raises(Refused, match="backup is still running"):
                made.session.runner.perform("drill")
            return ActionResult("")

        made = ready(does)
        made.session.runner.perform("backup")
        made.session.runner.perform("drill")
        assert made.stage.ran[-2:] == ["backup", "drill"]

    def test_cancelling_reaches_the_action_until_the_point_of_no_return(self) -> None:
        seen: list[bool] = []

        def does(context: ActionContext) -> ActionResult:
            assert made.session.turn.cancel() is True
            seen.append(context.cancelled())
            context.emit(PointOfNoReturn("the swap"))
            seen.append(made.session.turn.cancel())
            return ActionResult("")

        made = ready(does)
        made.session.runner.perform("backup")
        assert seen == [True, False]
        assert made.session.turn.past_return is False, "the next action can be stopped again"

    def test_the_release_commit_becomes_the_logs_subject(self) -> None:
        made = ready(lambda context: ActionResult("", release_commit="c" * 40))
        made.session.runner.perform("backup")
        assert [record[1] for record in made.journal.records if record[0] == "subject"] == ["c" * 40]


class TestExposure:
    def test_it_is_closed_by_the_live_appcast_and_journalled(self) -> None:
        def does(context: ActionContext) -> ActionResult:
            context.emit(Exposure(0.0, True))
            return ActionResult("")

        made = ready(does, "publish")
        made.session.runner.perform("publish")
        assert made.session.exposure.since is not None
        made.stage.forced["final.live"] = Status.FAILED
        made.session.looks.at_phase("final")
        assert made.session.exposure.since is not None
        made.stage.forced.clear()
        made.session.looks.at_phase("final")
        assert made.session.exposure.since is None
        said = [record[3] for record in made.journal.records if record[0] == "progress-checkpoint"]
        assert [text.partition(":")[0].partition(" after")[0] for text in said] == ["Exposure opened", "Exposure closed"]
        assert [notice.event.open for notice in made.notices if isinstance(notice, ActionEvent)] == [True, False], "faces hear its end"

    def test_the_end_of_none_is_told_to_nobody(self) -> None:
        def does(context: ActionContext) -> ActionResult:
            context.emit(Exposure(0.0, False))
            return ActionResult("")

        made = ready(does, "publish")
        made.session.runner.perform("publish")
        assert not [notice for notice in made.notices if isinstance(notice, ActionEvent)]
        assert not [record for record in made.journal.records if record[0] == "progress-checkpoint"]

    def test_an_action_that_takes_the_swap_back_closes_it(self) -> None:
        def does(context: ActionContext) -> ActionResult:
            context.emit(Exposure(0.0, True))
            context.emit(Exposure(2.0, False))
            raise ActionFailed("Renamed back.")

        made = ready(does, "publish")
        with pytest.raises(ActionFailed):
            made.session.runner.perform("publish")
        assert made.session.exposure.since is None
        assert [record[2] for record in made.journal.records if record[0] == "progress-checkpoint"] == [
            Checkpoint.EXPOSED,
            Checkpoint.AGREED,
        ]

    @pytest.mark.parametrize(("status", "offered"), [(Status.FAILED, True), (Status.INCONCLUSIVE, True), (Status.NOT_RUN, False)])
    def test_a_gate_refused_meanwhile_offers_the_way_back(self, status: Status, offered: bool) -> None:
        made = ready()
        refusal = Refusal("gate.live", status, "")
        assert made.session.rollback_offered(refusal) is None, "nobody is exposed"
        made.session.exposure.restore(made.session.services.clock.now())
        assert made.session.rollback_offered(refusal) == ("rollback" if offered else None)
        assert made.session.rollback_offered(Refusal("database.drill", status, "")) is None

    def test_a_resumed_run_goes_on_counting_it(self) -> None:
        made = ready()
        made.session.exposure.restore(made.session.services.clock.now() - timedelta(seconds=90))
        assert made.session.exposure.since is not None
        assert 90 <= made.session.services.clock.monotonic() - made.session.exposure.since < 95
        made.session.looks.at_phase("final")
        assert made.session.exposure.since is None


class TestSealing:
    def test_complete_is_sealed_only_when_everything_holds(self) -> None:
        made = engine()
        with pytest.raises(Refused, match="cannot be sealed as complete"):
            made.session.seal("complete")
        assert (made.journal.sealed, made.lock.given_back) == (None, 0)
        drive(made.session, confirm=lambda _: True, attestations={})
        made.stage.forced["gate.live"] = Status.INCONCLUSIVE
        made.session.looks.at_phase("gate")
        with pytest.raises(Refused):
            made.session.seal("complete")
        made.session.seal("aborted")
        assert (made.journal.sealed, made.lock.given_back) == ("aborted", 1)
        assert isinstance(made.notices[-1], Sealed)

    def test_leaving_gives_the_lock_back_and_leaves_the_log_open(self) -> None:
        made = engine()
        made.session.close()
        assert (made.journal.sealed, made.journal.closed, made.lock.given_back) == (None, True, 1)


class TestResuming:
    def test_an_attestation_of_before_holds_only_while_the_item_is_merely_unseen(self) -> None:
        for status, holds in ((Status.INCONCLUSIVE, True), (Status.FAILED, False), (Status.PASSED, True)):
            made = engine(Stage({"inbox.apple": status}))
            made.session.looks.restore([("inbox.apple", "seen on a Mac")])
            made.session.looks.at_phase("inbox")
            assert made.session.state.satisfied(next(step for step in made.session.state.steps if step.item == "inbox.apple")) is holds

    def test_an_attestation_of_what_may_not_be_attested_holds_nothing(self) -> None:
        made = engine(Stage({"remotes.code": Status.INCONCLUSIVE}))
        made.session.looks.restore([("remotes.code", "trust me")])
        made.session.looks.at_phase("remotes")
        refusal = made.session.advance()
        assert refusal is not None and refusal.item == "remotes.code"


class TestDriving:
    def test_an_unconfirmed_action_stops_the_run(self) -> None:
        made = engine()
        outcome = drive(made.session, confirm=lambda action: action != "push", attestations={})
        assert made.stage.ran == ["bump", "commit", "backup"]
        assert (outcome.exit_code, outcome.refusal and outcome.refusal.item) == (1, "push")

    def test_what_is_there_already_is_not_done_again(self) -> None:
        made = engine(Stage({item.id: Status.PASSED for item in CHECKLIST.items if item.action in ("bump", "commit", "backup")}))
        assert drive(made.session, confirm=lambda _: True, attestations={}).outcome == "verified"
        assert made.stage.ran == ["push", "publish", "deploy"]

    def test_remedies_are_the_operators_choice(self) -> None:
        made = engine(Stage({"database.drill": Status.FAILED}))
        outcome = drive(made.session, confirm=lambda _: True, attestations={}, attest_all=True)
        assert "drill" not in made.stage.ran
        assert outcome.refusal is not None and outcome.refusal.item == "database.drill"

    def test_every_phase_is_opened_in_order_and_told(self) -> None:
        made = engine()
        drive(made.session, confirm=lambda _: True, attestations={})
        opened = [notice.phase for notice in made.notices if isinstance(notice, PhaseOpened)]
        assert opened == [*[phase.id for phase in CHECKLIST.phases][1:], None]

    def test_one_more_face_sees_it_too(self) -> None:
        made = engine()
        other: list[object] = []
        made.session.watch(other.append)
        made.session.looks.at_phase("remotes")
        assert len(other) == len(made.notices) == 2 * len(CHECKLIST.phase("remotes").items)

    @pytest.mark.parametrize(("status", "code"), [(Status.FAILED, 1), (Status.INCONCLUSIVE, 3), (Status.NOT_RUN, 3)])
    def test_an_end_says_whether_it_was_refused_or_unseen(self, status: Status, code: int) -> None:
        assert Outcome.from_refusal(Refusal("a.b", status, "")).exit_code == code


class TestDocuments:
    @pytest.mark.parametrize(
        ("statuses", "outcome"),
        [
            ([], "inconclusive"),
            ([Status.PASSED, Status.NOT_APPLICABLE, Status.ATTESTED], "verified"),
            ([Status.PASSED, Status.INCONCLUSIVE], "inconclusive"),
            ([Status.PASSED, Status.NOT_RUN], "inconclusive"),
            ([Status.INCONCLUSIVE, Status.FAILED], "refused"),
        ],
    )
    def test_the_outcome_is_the_worst_of_its_findings(self, statuses: list[Status], outcome: str) -> None:
        assert outcome_of([Finding("a.b", status, "") for status in statuses]) == outcome

    def test_an_item_nobody_looked_at_is_in_it_as_not_run(self) -> None:
        made = engine()
        made.session.looks.at_phase("remotes")
        shown = document(made.session, CHECKLIST.items, "inconclusive", 1.23456)
        assert [item["id"] for item in shown["items"]] == [item.id for item in CHECKLIST.items]
        seen = len(CHECKLIST.phase("remotes").items)
        assert {item["status"] for item in shown["items"][:seen]} == {"passed"}
        assert {item["status"] for item in shown["items"][seen:]} == {"not_run"}
        assert (shown["world"], shown["version"], shown["kind"], shown["run"], shown["duration_s"]) == (
            None,
            "1.6.1.43",
            "full",
            "r",
            1.235,
        )

    def test_evidence_without_a_time_of_its_own_has_the_findings(self) -> None:
        made = engine()
        check = Check(lambda scope: None, lambda facts, plan: Verdict(Status.PASSED, "Seen.", evidence=(Evidence("a", "b", "c"),)), WHY)
        item = replace(CHECKLIST.item("remotes.code"), check=check)
        made.session.looks.at([item])
        assert document(made.session, [item], "verified", 0)["items"][0]["evidence"][0]["time"].startswith(f"{NOW:%Y-%m-%dT%H:%M:%S}")


def test_the_checklists_digest_changes_with_what_a_run_is_held_to() -> None:
    items = CHECKLIST.phases[0].items
    changed = [
        replace(items[0], attestable=True),
        replace(items[0], action="bump"),
        replace(items[0], section="9"),
        replace(items[0], id="remotes.other"),
    ]
    digests = {checklist_digest(CHECKLIST)}
    for item in changed:
        phases = (replace(CHECKLIST.phases[0], items=(item, *items[1:])), *CHECKLIST.phases[1:])
        digests.add(checklist_digest(replace(CHECKLIST, phases=phases)))
    assert len(digests) == 5
    same = replace(CHECKLIST.phases[0], items=(replace(items[0], title="Another title"), *items[1:]))
    assert checklist_digest(replace(CHECKLIST, phases=(same, *CHECKLIST.phases[1:]))) == checklist_digest(CHECKLIST)


def test_lines_of_an_action_reach_the_faces() -> None:
    made = ready(lambda context: context.emit(OutputLine("half-way", "pg_dump")) or ActionResult(""))  # type: ignore[func-returns-value]
    made.session.runner.perform("backup")
    assert [notice.event for notice in made.notices if isinstance(notice, ActionEvent)] == [OutputLine("half-way", "pg_dump")]
