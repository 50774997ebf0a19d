"""To do is not wrong: a judge tells what this run's own action is still to make from what contradicts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import test_database_judges as database
import test_deploy_judges as deploy
import test_publish_judges as publish
from verdict_rows import ROWS

from checks.version import NumberFacts, PushedFacts
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Finding, Status, Verdict
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import DMG
from nexy_tui.engine.document import outcome_of
from nexy_tui.engine.outcome import Outcome
from nexy_tui.plain import finding_line
from nexy_tui.release import Release, Step

NEW, OLD = publish.raw_manifest(), publish.raw_manifest("1.6.1.42")
_MADE = dict(zip(publish.PATHS, (OLD, None, OLD, None), strict=True))
_HALF = dict(zip(publish.PATHS, (NEW, NEW, OLD, None), strict=True))


def _manifests(files: dict[str, bytes | None]) -> Any:
    return replace(publish.manifests(), files=files)


def _committed(files: dict[str, bytes | None]) -> Any:
    return replace(publish.commit(), there=files, here=files)


TO_DO: dict[str, Any] = {
    "version.files": ROWS["version.files"].bad,
    "version.commit": ROWS["version.commit"].bad,
    "version.tag": NumberFacts((), None, None, "a" * 40),
    "database.backup": database.backup(None),
    "publish.pushed": ROWS["publish.pushed"].bad,
    "publish.asset": ROWS["publish.asset"].bad,
    "publish.bytes": replace(ROWS["publish.bytes"].good, downloads={DMG: publish.download(sha256=publish.OTHER)}),
    "publish.manifests": _manifests(_MADE),
    "publish.commit": _committed(_MADE),
    "deploy.head": ROWS["deploy.head"].bad,
    "deploy.manifests": ROWS["deploy.manifests"].bad,
    "deploy.config": ROWS["deploy.config"].bad,
    "deploy.health": replace(ROWS["deploy.health"].good, vm=deploy.vm(health_body=deploy.health(version=deploy.OLD))),
}
"""What each action of the main path finds before it has run. A service that is down is wrong, whoever restarts it."""

WRONG: dict[str, Any] = {
    "version.tag": ROWS["version.tag"].bad,
    "publish.pushed": PushedFacts("a" * 40, "b" * 40, "main", contained=False),
    "publish.asset": replace(ROWS["publish.asset"].bad, places=(publish.place(publish.asset(state="open")),)),
    "publish.manifests": _manifests(_HALF),
    "deploy.service": ROWS["deploy.service"].bad,
    "deploy.health": ROWS["deploy.health"].bad,
}
"""What contradicts it: another's tag, a cut-off upload, half of the manifests, a server that is down."""


def judged(item: str, facts: Any, **changed: Any) -> Verdict:
    plan: Plan = replace(ROWS[item].plan, **{"run": "r", "standalone": False, "tried": frozenset(), **changed})
    return CHECKLIST.item(item).check.judge(facts, plan)


def test_every_item_with_an_action_has_a_row_but_the_service() -> None:
    assert set(TO_DO) == {item.id for item in CHECKLIST.items if item.action} - {"deploy.service"}


@pytest.mark.parametrize("item", TO_DO)
def test_what_its_action_is_still_to_make_is_to_do(item: str) -> None:
    verdict = judged(item, TO_DO[item])
    assert verdict.status is Status.PENDING and verdict.remedy and not verdict.fixers, verdict


@pytest.mark.parametrize("item", TO_DO)
def test_after_its_action_began_and_outside_a_release_it_is_wrong(item: str) -> None:
    action, plan = CHECKLIST.item(item).action, ROWS[item].plan
    begun = judged(item, TO_DO[item], begun=frozenset({str(action)}))
    tried = judged(item, TO_DO[item], tried=frozenset({str(action)}))
    alone = CHECKLIST.item(item).check.judge(TO_DO[item], replace(plan, run="r", standalone=True))
    look = CHECKLIST.item(item).check.judge(TO_DO[item], replace(plan, run=None))
    assert {begun.status, tried.status, alone.status, look.status} == {Status.FAILED}


@pytest.mark.parametrize("item", WRONG)
def test_what_contradicts_it_is_wrong_from_the_start(item: str) -> None:
    assert judged(item, WRONG[item]).status is Status.FAILED


def test_to_do_bars_the_way_like_wrong_is_refused_and_is_shown_in_words() -> None:
    finding = Finding("a", Status.PENDING, "Not made yet.", "Make it.")
    refusal = Release((Step("a", "one", "make"), Step("b", "two"))).record(finding).may_advance()
    assert refusal is not None and Outcome.from_refusal(refusal).exit_code == 1
    assert outcome_of([finding]) == "refused"
    assert finding_line(finding).split("a:")[0].strip() == "○ to do"
