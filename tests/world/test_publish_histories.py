"""Histories of releases, kills, rollbacks and faults, made up by hypothesis: at each end what clients download, the four manifests, the
remote branch and what the live server offers agree, or what was tried last says what differs, and one command that is named ends it."""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import MakeWorld
from histories import Step, Story, histories
from hypothesis import HealthCheck, Phase, given, seed, settings

_UNTOUCHED = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
    max_examples=23,
)
"""The world goes on from history to history: none can be made smaller by trying parts of it again."""

MET = (
    (Step("release"), Step("rollback"), Step("publish", "late branch-rule"), Step("rollback")),
    (Step("release", "late push-rejected"), Step("resume"), Step("rollback", "meets gpg")),
    (Step("release", "late deploy-exit-123=checkout", "full"), Step("deploy"), Step("resume")),
    (Step("release", "late service-down", "full"), Step("rollback"), Step("release", "reader stops", "full")),
    (Step("release", "late deploy-exit-123=manifests"), Step("rollback", "reader leaves")),
    (Step("release", "late server-down"), Step("recover"), Step("rollback", "late token-invalid")),
    (Step("release", "late service-down"), Step("rollback", "late service-down"), Step("release", "late service-down")),
    (Step("release", "signal INT later"), Step("release", "kill 37 hold-late")),
    (Step("release", "kill PATCH2 hold-after alone"), Step("release", "signal HUP")),
)
"""Histories that no way led out of once, and one of each sort that are to be among them always."""


class Telling:
    """Histories told one after the other in a world; one that fails is kept with what it failed by, the next begins in another world."""

    def __init__(self, make_world: MakeWorld) -> None:
        self._make_world = make_world
        self._story = Story(make_world())
        self._told: Counter[str] = Counter()
        self._failed: list[Exception] = []

    def tell(self, history: tuple[Step, ...]) -> None:
        try:
            self._story.tell(history)
        except Exception as failure:
            failure.add_note(f"the history: {history}")
            self._failed.append(failure)
            self._told += self._story.counts
            self._story = Story(self._make_world())

    def end(self) -> None:
        """Print what was told, and raise what failed."""
        self._told += self._story.counts
        print(f"\n{self._told.pop('histories', 0)} histories:")
        for what, count in sorted(self._told.items()):
            print(f"  {count:4} {what}")
        if self._failed:
            raise ExceptionGroup("histories that do not end in agreement", self._failed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", range(4))
def test_many_histories_end_in_agreement_by_one_command_that_is_named(make_module_world: MakeWorld, number: int) -> None:
    telling = Telling(make_module_world)

    @seed(number)
    @_UNTOUCHED
    @given(histories)
    def many(history: tuple[Step, ...]) -> None:
        telling.tell(history)

    for history in MET[number::4]:
        telling.tell(history)
    many()
    telling.end()
