"""Every check of the checklist passes, fails, and says when it could not look; and what could not be looked at opens nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from verdict_rows import IMPOSSIBLE, PLAN, ROWS, TEAM

from checks.base import Scope
from checks.version import NumberFacts, judge_number, judge_tag
from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.version import NAME_VERSION, Version
from nexy_tui.engine.evaluate import verdict_on
from nexy_tui.release import Refusal, Release

ITEMS = CHECKLIST.items
DARK = "nothing can be seen"


class Dark:
    """The outside world in darkness: whatever is asked for, nothing of it can be looked at; and who asked for what."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.clock = SystemClock()
        self.environ: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        raise CouldNotLook(f"{DARK} of {name}.", "It is dark.", "Make light.")


def test_every_item_has_its_row_and_no_row_is_left_over() -> None:
    assert set(ROWS) == {item.id for item in ITEMS}
    assert {name for name, row in ROWS.items() if row.bad is None} == set(IMPOSSIBLE)
    assert all(len(reason.split()) > 8 and reason.endswith(".") for reason in IMPOSSIBLE.values())


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
class TestThreeVerdicts:
    def test_it_passes_where_it_holds(self, item: Item) -> None:
        row = ROWS[item.id]
        verdict = item.check.judge(row.good, row.plan)
        assert verdict.status is Status.PASSED, verdict
        assert verdict.summary and verdict.evidence, "what was looked at, and which value"

    def test_it_fails_where_it_does_not(self, item: Item) -> None:
        row = ROWS[item.id]
        if item.id in IMPOSSIBLE:
            return
        verdict = item.check.judge(row.bad, replace(row.plan, run=None))  # Outside a run, where nothing is still to do.
        assert verdict.status is Status.FAILED, verdict
        assert verdict.summary and verdict.remedy and verdict.evidence
        assert not verdict.fixers or set(verdict.fixers) != set(item.fixers), "the item names them: a judge names others or none"

    def test_in_the_dark_it_is_inconclusive_and_says_of_what(self, item: Item) -> None:
        dark = Dark()
        scope = Scope(dark, TEAM, lambda: dark.trusted)  # type: ignore[arg-type]
        verdict = verdict_on(item, scope)
        assert verdict.status is Status.INCONCLUSIVE, verdict
        assert verdict.remedy and "broke" not in verdict.summary
        if item.id != "inbox.apple":  # A machine without Apple's programs sees that by itself.
            assert dark.asked and f"{DARK} of {dark.asked[0]}." in verdict.summary

    def test_inconclusive_it_opens_nothing(self, item: Item) -> None:
        steps = CHECKLIST.steps()
        state = Release(steps, {step.item: _finding(step.item, Status.PASSED) for step in steps}).record(
            _finding(item.id, Status.INCONCLUSIVE)
        )
        own = state.phases.index(CHECKLIST.phase_of(item.id).id)
        for position in range(own, len(state.phases)):
            refused = Release(steps, state.findings, position).advance()
            assert isinstance(refused, Refusal) and (refused.item, refused.status) == (item.id, Status.INCONCLUSIVE)
        for action in {step.action for step in steps if step.action}:
            before = state.before_action(action)
            assert (state.first_in_the_way(before) is not None) == (item.id in {step.item for step in before})
        assert not Release(steps, state.findings, len(state.phases)).complete


def _finding(item: str, status: Status) -> Finding:
    return Finding(item, status, "seen" if status is Status.PASSED else "not seen", "" if status is Status.PASSED else "look again")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/c/VERSION"), "/c/VERSION could not be read: Permission denied"),
        (OSError(5, "Input/output error"), "could not be read: Input/output error"),
    ],
)
def test_what_the_disk_refuses_is_named_with_a_remedy(error: OSError, said: str) -> None:
    def look(_: Scope) -> None:
        raise error

    item: Any = SimpleNamespace(check=SimpleNamespace(look=look, judge=None))
    verdict = verdict_on(item, Scope(Dark(), TEAM, lambda: None))  # type: ignore[arg-type, return-value]
    assert verdict.status is Status.INCONCLUSIVE and said in verdict.summary
    assert "permissions" in str(verdict.remedy)


@pytest.mark.parametrize(("written", "said"), [("", "names none"), ("v1.6.1.43", '"v1.6.1.43"'), ("\ufeff1.6.1.43", r"\ufeff1.6.1.43")])
def test_what_version_says_is_shown_where_it_is_no_version(written: str, said: str) -> None:
    verdict = judge_number(NumberFacts((), None, None, None, written=written), replace(PLAN, version=None))
    assert (verdict.status, verdict.remedy) == (Status.FAILED, NAME_VERSION) and said in verdict.summary


@pytest.mark.parametrize(("standalone", "status"), [(True, Status.PASSED), (False, Status.FAILED)])
def test_a_published_update_only_version_is_taken_back_but_not_released_anew(standalone: bool, status: Status) -> None:
    number = Version.parse("1.6.1.43")
    plan = replace(PLAN, version=number, kind=Kind.UPDATE_ONLY, served_before=number, published_before=number, standalone=standalone)
    assert judge_number(NumberFacts((Version.parse("1.6.1.42"),), None, None, None), plan).status is status


@pytest.mark.parametrize(
    ("tagged_by", "number", "tag"), [("this-run", Status.PASSED, "nexy-tui"), ("", Status.FAILED, "git tag -d v1.6.1.43")]
)
def test_a_tag_that_is_here_alone_follows_a_rebase_or_is_told_to_be_deleted(tagged_by: str, number: Status, tag: str) -> None:
    plan = replace(PLAN, version=Version.parse("1.6.1.43"), run="this-run", served_before=None, published_before=None)
    facts = NumberFacts((), None, "a" * 40, "b" * 40, tagged_by=tagged_by)
    seen = judge_number(facts, plan)
    assert seen.status is number and not judge_tag(facts, plan).status.satisfied
    assert tag in str(judge_tag(facts, plan).remedy if tagged_by else seen.remedy)
    pushed = replace(facts, remote_tag="a" * 40, tagged_by="")
    assert judge_number(pushed, plan).status is Status.FAILED and "already used" in judge_number(pushed, plan).summary
