"""Histories of releases, kills, rollbacks and faults, made up by hypothesis: at each end what clients download, the four manifests, the
remote branch and what the live server offers agree, or what was tried last says what differs, and one command that is named ends it."""

from __future__ import annotations

import pytest
from conftest import Inside
from histories import Step, Story, histories
from hypothesis import HealthCheck, Phase, example, given, settings

_UNTOUCHED = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
"""The world goes on from history to history: none can be made smaller by trying parts of it again."""


@pytest.fixture(scope="module")
def story(module_world: Inside) -> Story:
    return Story(module_world)


def told(story: Story) -> None:
    print(f"\n{story.counts.pop('histories', 0)} histories:")
    for what, count in sorted(story.counts.items()):
        print(f"  {count:4} {what}")


@pytest.mark.exhaustive
def test_many_histories_end_in_agreement_by_one_command_that_is_named(story: Story) -> None:
    @example((Step("release"), Step("rollback"), Step("publish", "late branch-rule"), Step("rollback")))
    @example((Step("release", "late push-rejected"), Step("resume"), Step("rollback", "meets gpg")))
    @example((Step("release", "late deploy-exit-123=checkout", "full"), Step("deploy"), Step("resume")))
    @example((Step("release", "late service-down", "full"), Step("rollback"), Step("release", "reader stops", "full")))
    @example((Step("release", "late deploy-exit-123=manifests"), Step("rollback", "reader leaves")))
    @example((Step("release", "late server-down"), Step("rollback", "late token-invalid")))
    @example((Step("release", "signal INT later"), Step("release", "kill 37 hold-late")))
    @example((Step("release", "kill PATCH2 hold-after alone"), Step("release", "signal HUP")))
    @settings(_UNTOUCHED, max_examples=95)
    @given(histories)
    def many(history: tuple[Step, ...]) -> None:
        story.tell(history)

    try:
        many()
    finally:
        told(story)
