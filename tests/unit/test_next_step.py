"""State by state, the one choice that is emphasised, and what is offered besides: the table is what a careful colleague would say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import test_deploy_judges as deploy
import test_gate as gate
from pilot.fakes import VERSION, FakeBackend
from test_pending import TO_DO
from verdict_rows import IMPOSSIBLE, ROWS

from checks.gate_cells import UnseenSource
from checks.live import Live
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.remedy import Mend
from nexy_tui.core.vm_facts import SettingsFile
from nexy_tui.engine.next_step import next_step, offered
from nexy_tui.engine.session import Session

TABLE = """
remotes.code         | wrong   | Fix it: 4.5 Manifest pushed to the wrong code repository
remotes.artifacts    | wrong   | Fix it: 4.3 Release host refuses the token
remotes.script       | wrong   | Fix it: 4.2 Script not found
remotes.publisher    | wrong   | Fix it: 4.4 Wrong target repository
remotes.publisher    | unknown | Vouch for it yourself, with a reason
remotes.rulebook     | unknown | Vouch for it yourself, with a reason
ready.commit         | unknown | Vouch for it yourself, with a reason
ready.rules          | unknown | Vouch for it yourself, with a reason
ready.hardening      | wrong   | Apply database hardening | harden
ready.drill          | wrong   | Run a restore drill | drill
ready.server         | unknown | Vouch for it yourself, with a reason
ready.drift          | wrong   | Save the VM's drift aside | save-drift
ready.service        | wrong   | Fix it: 4.7 Gemini key invalid or expired
ready.service        | unknown | Vouch for it yourself, with a reason
version.manifests    | wrong   | Sync the manifests | sync-manifests
version.number       | wrong   | Close this run, begin 1.6.1.45
version.files        | to do   | Write version 1.6.1.43
version.files        | wrong   | Write version 1.6.1.43
version.commit       | to do   | Commit and tag it
version.commit       | wrong   | Commit and tag it
version.tag          | to do   | Commit and tag it
version.tag          | wrong   | Close this run, begin 1.6.1.44
database.runbooks    | unknown | Vouch for it yourself, with a reason
database.hardening   | wrong   | Apply database hardening | harden
database.backup      | to do   | Back up the database
database.backup      | wrong   | Back up the database
database.drill       | wrong   | Run a restore drill | drill
inbox.version        | unknown | Vouch for it yourself, with a reason
inbox.application    | unknown | Vouch for it yourself, with a reason
inbox.apple          | unknown | Vouch for it yourself, with a reason
publish.pushed       | to do   | Push 1.6.1.43: commit and tag
publish.pushed       | wrong   | Push 1.6.1.43: commit and tag
publish.asset        | to do   | Publish 1.6.1.43
publish.asset        | wrong   | Publish 1.6.1.43
publish.bytes        | to do   | Publish 1.6.1.43
publish.bytes        | wrong   | Publish 1.6.1.43
publish.manifests    | to do   | Publish 1.6.1.43
publish.manifests    | wrong   | Sync the manifests | sync-manifests
publish.commit       | to do   | Publish 1.6.1.43
publish.commit       | wrong   | Publish 1.6.1.43 | sync-manifests
gate.files           | wrong   | Write version 1.6.1.43
gate.manifests       | wrong   | Publish 1.6.1.43
gate.asset           | wrong   | Publish 1.6.1.43
gate.appcast         | wrong   | Publish 1.6.1.43
gate.live            | unknown | Vouch for it yourself, with a reason
gate.certificate     | unknown | Vouch for it yourself, with a reason
deploy.head          | to do   | Deploy 1.6.1.43 to the server
deploy.head          | wrong   | Deploy 1.6.1.43 to the server
deploy.manifests     | to do   | Deploy 1.6.1.43 to the server
deploy.manifests     | wrong   | Deploy 1.6.1.43 to the server
deploy.config        | to do   | Deploy 1.6.1.43 to the server
deploy.config        | wrong   | Deploy 1.6.1.43 to the server
deploy.health        | to do   | Deploy 1.6.1.43 to the server
deploy.health        | wrong   | Deploy 1.6.1.43 to the server
final.publication    | wrong   | Sync the manifests
final.assets         | wrong   | Publish 1.6.1.43
final.manifest       | wrong   | Sync the manifests
final.live           | wrong   | Deploy 1.6.1.43 to the server
final.backup         | wrong   | Back up the database
final.drill          | wrong   | Run a restore drill
"""
"""Item, its state, the emphasised choice, and repairs that are offered besides. All else in the run is done."""

USUAL = {"wrong": "Done as it says? Check again", "unknown": "Check again"}
"""The choice in every state that has no row."""

DONE = {
    "remotes": "Go on to Ready",
    "ready": "Go on to Version",
    "version": "Go on to Database",
    "database": "Go on to Inbox",
    "inbox": "Go on to Publish",
    "publish": "Go on to Gate",
    "gate": "Go on to Deploy",
    "deploy": "Go on to Final verification",
    "final": "Finish: seal the log",
}
"""Phase, and the choice when all of its items are done."""

STATES = {"to do": Status.PENDING, "wrong": Status.FAILED, "unknown": Status.INCONCLUSIVE}


def rows() -> list[tuple[str, str, str, tuple[str, ...]]]:
    split = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
    told = {(item, state): (choice, tuple(besides)) for item, state, choice, *besides in split}
    every = sorted(possible() | set(told))
    return [(item, state, *(told[item, state] if (item, state) in told else (USUAL[state], ()))) for item, state in every]


def possible() -> set[tuple[str, str]]:
    """Every item in each state that it can be in."""
    states = {(item.id, "unknown") for item in CHECKLIST.items} | {(item, "to do") for item in TO_DO}
    return states | {(item, "wrong") for item in set(ROWS) - set(IMPOSSIBLE)}


def run(phase: str, **options: Any) -> tuple[FakeBackend, Session]:
    """A run that has come to a phase, all of which is done."""
    backend = FakeBackend(at=phase, **options)
    session = backend.open_run(VERSION, Kind.FULL, False)
    session.looks.at_phase(phase)
    return backend, session


def in_state(item: str, state: str, **options: Any) -> Session:
    """That run with one item in a state; what is wrong is so although every action has run."""
    backend, session = run(CHECKLIST.phase_of(item).id, **options)
    match state:
        case "to do":
            backend.play.sees(item, TO_DO[item])
        case "wrong":
            backend.play.sees(item, ROWS[item].bad)
            session.context.planned = replace(session.context.planned, tried=frozenset(CHECKLIST.actions))
        case _:
            backend.play.unseen(item, "It could not be seen.")
    session.looks.at([session.checklist.item(item)])
    return session


def test_the_table_has_no_state_that_cannot_be() -> None:
    assert {(item, state) for item, state, *_ in rows()} == possible()
    assert set(DONE) == {phase.id for phase in CHECKLIST.phases}


@pytest.mark.parametrize(("item", "state", "choice", "besides"), rows())
def test_the_emphasised_choice_is_the_tables(item: str, state: str, choice: str, besides: tuple[str, ...]) -> None:
    session = in_state(item, state)
    assert session.state.status(item) is STATES[state]
    assert (next_step(session).words, offered(session, CHECKLIST.phase_of(item).id)) == (choice, besides)


@pytest.mark.parametrize("phase", DONE)
def test_a_phase_that_is_done_leads_on(phase: str) -> None:
    _, session = run(phase)
    assert (next_step(session).words, offered(session, phase)) == (DONE[phase], ())


def test_the_way_back_is_offered_only_while_customers_are_affected_and_is_never_emphasised() -> None:
    session = in_state("gate.appcast", "wrong", exposed=192)
    assert offered(session, "gate") == ("rollback",) and next_step(session).subject != "rollback"
    assert offered(in_state("publish.asset", "to do", exposed=192), "publish") == ()


def test_an_item_that_shows_a_symptom_names_the_cause_and_its_fixer() -> None:
    bad = SettingsFile(there=True, versions=(deploy.OLD,), builds=(deploy.OLD,), bad_names=("line 13: FEATURE-FLAGS",))
    crashed = deploy.vm(service="failed", health_status=502, settings=dict.fromkeys(deploy.vm().settings, bad))
    silent = UnseenSource("it gives no answer")
    facts = gate.facts(serving=Live(silent, silent, silent), vm=crashed)
    for item, seen in {
        "ready.server": replace(ROWS["ready.server"].good, live=facts.live, vm=crashed),
        "gate.live": facts,
        "deploy.service": crashed,
        "deploy.health": replace(ROWS["deploy.health"].good, vm=crashed),
    }.items():
        verdict = CHECKLIST.item(item).check.judge(seen, ROWS[item].plan)
        assert verdict.status is Status.FAILED and "FEATURE-FLAGS" in verdict.summary, item
        assert isinstance(verdict.remedy, Mend) and verdict.remedy.fixer == "config-env", item
