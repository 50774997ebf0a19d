"""What stands between this tool and the rulebook's own words: a tag pushed without its branch, scripts beside a release, markers."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from checks.version import PushedFacts, judge_pushed
from checks.working_tree import TreeFacts, judge_tree
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.notice import ActionEvent
from nexy_tui.plain import PlainRenderer

PLAN = Plan(Target(), Version.parse("1.6.1.43"), Kind.FULL, datetime(2026, 2, 14, tzinfo=UTC))
ALONE = replace(PLAN, standalone=True)
TAG_ALONE = PushedFacts("a" * 40, "a" * 40, "main", contained=False, next=True)
"""As the rulebook's Phase 1.3 leaves it: the tag is pushed, and the branch can take its commit."""


@pytest.mark.parametrize(
    ("plan", "facts", "status"),
    [
        (ALONE, TAG_ALONE, Status.PASSED),
        (PLAN, TAG_ALONE, Status.FAILED),
        (replace(ALONE, kind=Kind.CODE_ONLY), TAG_ALONE, Status.FAILED),
        (ALONE, replace(TAG_ALONE, next=False), Status.FAILED),
        (ALONE, replace(TAG_ALONE, remote_tag=None), Status.FAILED),
        (ALONE, replace(TAG_ALONE, local_tag="b" * 40), Status.FAILED),
        (PLAN, replace(TAG_ALONE, contained=True, next=False), Status.PASSED),
    ],
)
def test_a_tag_pushed_without_its_branch(plan: Plan, facts: PushedFacts, status: Status) -> None:
    """Enough where the publisher's manifest commit follows and takes it there; a run of the wizard's pushes both."""
    assert judge_pushed(facts, plan).status is status


def test_files_that_this_program_wrote_are_no_strangers() -> None:
    ours = frozenset(("VERSION", "server/scripts/db_backup.sh"))
    changes = (("??", "server/scripts/db_backup.sh"), (" M", "VERSION"))
    assert judge_tree(TreeFacts(changes, ours, "release_inbox/"), PLAN).status is Status.PASSED
    stranger = judge_tree(TreeFacts((*changes, ("??", "server/scripts/mine.sh")), ours, "release_inbox/"), PLAN)
    assert stranger.status is Status.FAILED and "mine.sh" in stranger.summary


def shown(*lines: OutputLine) -> list[str]:
    out = io.StringIO()
    renderer = PlainRenderer(CHECKLIST, out)
    for line in lines:
        renderer(ActionEvent("publish", line))
    return out.getvalue().splitlines()


def test_markers_stand_on_lines_of_their_own() -> None:
    path = "/srv/" + "a-long-folder/" * 30 + "server/updates/manifests/manifest.json"
    markers = ["RELEASE COMPLETE", f"Manifest updated at {path}"]
    assert shown(*(OutputLine(text, "publish") for text in markers)) == markers
    assert shown(OutputLine("a1b2c3 Update manifest", "git")) == ["   git: a1b2c3 Update manifest"]
    assert shown(OutputLine("RELEASE\x1b[2J COMPLETE", "publish")) == ["RELEASE\\x1b[2J COMPLETE"]
