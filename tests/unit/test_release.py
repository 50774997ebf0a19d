"""The state machine: every way to advance, and every refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexy_tui.core.finding import Finding, Status
from nexy_tui.release import Refusal, Release, Step

STEPS = (
    Step("a.pre", "a"),
    Step("a.done", "a", action="do-a"),
    Step("b.pre", "b", attestable=True),
    Step("b.done", "b", action="do-b"),
    Step("b.after", "b"),
    Step("c.seen", "c"),
)


def finding(item: str, status: Status) -> Finding:
    return Finding(item, status, f"{item} was looked at")


def release(**statuses: Status) -> Release:
    state = Release(STEPS)
    for item, status in statuses.items():
        state = state.record(finding(item.replace("_", ".", 1), status))
    return state


statuses = st.sampled_from(list(Status))
any_release = st.fixed_dictionaries({step.item: statuses for step in STEPS}).map(
    lambda found: Release(STEPS, {item: finding(item, status) for item, status in found.items()})
)


@given(any_release)
def test_nothing_advances_past_an_item_that_does_not_hold(state: Release) -> None:
    while not isinstance(state, Refusal) and state.phase is not None:
        phase = state.phase
        outcome = state.advance()
        holds = all(state.satisfied(step) for step in STEPS if state.phases.index(step.phase) <= state.phases.index(phase))
        assert isinstance(outcome, Release) == holds
        state = outcome  # type: ignore[assignment]


@given(any_release)
def test_complete_means_that_every_item_holds(state: Release) -> None:
    done = Release(STEPS, state.findings, position=3)
    assert done.complete == all(done.satisfied(step) for step in STEPS)


@given(any_release, st.sampled_from(["do-a", "do-b"]))
def test_an_action_needs_all_that_stands_before_it_and_nothing_more(state: Release, action: str) -> None:
    index = next(i for i, step in enumerate(STEPS) if step.action == action)
    assert (state.first_in_the_way(state.before_action(action)) is None) == all(state.satisfied(step) for step in STEPS[:index])


@given(any_release)
def test_inconclusive_and_unseen_items_never_hold(state: Release) -> None:
    for step in STEPS:
        if state.status(step.item) in (Status.INCONCLUSIVE, Status.NOT_RUN, Status.FAILED):
            assert not state.satisfied(step)


def test_a_refusal_names_the_first_item_in_the_way() -> None:
    state = release(a_pre=Status.PASSED, a_done=Status.FAILED)
    refusal = state.may_advance()
    assert refusal is not None
    assert (refusal.item, refusal.status) == ("a.done", Status.FAILED)
    assert "a.done was looked at" in refusal.reason


def test_a_later_failure_of_an_earlier_phase_stands_in_the_way_again() -> None:
    state = release(a_pre=Status.PASSED, a_done=Status.PASSED).advance()
    assert isinstance(state, Release)
    state = state.record(finding("b.pre", Status.PASSED)).record(finding("b.done", Status.PASSED)).record(finding("b.after", Status.PASSED))
    state = state.record(finding("a.pre", Status.FAILED))
    outcome = state.advance()
    assert isinstance(outcome, Refusal)
    assert outcome.item == "a.pre"


class TestAttesting:
    def test_only_what_is_marked(self) -> None:
        state = release(a_pre=Status.INCONCLUSIVE)
        assert isinstance(state.attest("a.pre", "I looked myself"), Refusal)

    @pytest.mark.parametrize("status", [s for s in Status if s is not Status.INCONCLUSIVE])
    def test_only_what_could_not_be_verified(self, status: Status) -> None:
        assert isinstance(release(b_pre=status).attest("b.pre", "I looked myself"), Refusal)

    @pytest.mark.parametrize("reason", ["", "  ", "ok"])
    def test_never_without_a_reason(self, reason: str) -> None:
        assert isinstance(release(b_pre=Status.INCONCLUSIVE).attest("b.pre", reason), Refusal)

    def test_an_attested_item_holds_until_it_fails(self) -> None:
        state = release(b_pre=Status.INCONCLUSIVE).attest("b.pre", "read it in the image by hand")
        assert isinstance(state, Release)
        assert state.status("b.pre") is Status.ATTESTED
        assert state.record(finding("b.pre", Status.INCONCLUSIVE)).status("b.pre") is Status.ATTESTED
        assert state.record(finding("b.pre", Status.FAILED)).status("b.pre") is Status.FAILED

    def test_an_attested_finding_does_not_open_an_item_that_may_not_be_attested(self) -> None:
        state = release(a_pre=Status.ATTESTED, a_done=Status.PASSED)
        assert isinstance(state.advance(), Refusal)


def test_an_item_stands_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Release((Step("x", "a"), Step("x", "b")))


def test_only_opened_phases_can_be_gone_back_to() -> None:
    with pytest.raises(ValueError, match="not open"):
        Release(STEPS).go_back("b")
