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
remotes.code         | unknown | Check again
remotes.push         | wrong   | Done as it says? Check again
remotes.push         | unknown | Check again
remotes.artifacts    | wrong   | Fix it: 4.3 Release host refuses the token
remotes.artifacts    | unknown | Check again
remotes.unmixed      | wrong   | Done as it says? Check again
remotes.unmixed      | unknown | Check again
remotes.tokens       | unknown | Check again
remotes.script       | wrong   | Fix it: 4.2 Script not found
remotes.script       | unknown | Check again
remotes.publisher    | wrong   | Fix it: 4.4 Wrong target repository
remotes.publisher    | unknown | Vouch for it yourself, with a reason
remotes.rulebook     | wrong   | Done as it says? Check again
remotes.rulebook     | unknown | Vouch for it yourself, with a reason
remotes.clock        | wrong   | Done as it says? Check again
remotes.clock        | unknown | Check again
remotes.disk         | wrong   | Done as it says? Check again
remotes.disk         | unknown | Check again
remotes.lock         | wrong   | Done as it says? Check again
remotes.lock         | unknown | Check again
ready.signing        | wrong   | Done as it says? Check again
ready.signing        | unknown | Check again
ready.sparkle        | wrong   | Done as it says? Check again
ready.sparkle        | unknown | Check again
ready.filters        | wrong   | Done as it says? Check again
ready.filters        | unknown | Check again
ready.commit         | wrong   | Done as it says? Check again
ready.commit         | unknown | Vouch for it yourself, with a reason
ready.rules          | wrong   | Done as it says? Check again
ready.rules          | unknown | Vouch for it yourself, with a reason
ready.database       | wrong   | Done as it says? Check again
ready.database       | unknown | Check again
ready.hardening      | wrong   | Apply database hardening | harden
ready.hardening      | unknown | Check again
ready.drill          | wrong   | Run a restore drill | drill
ready.drill          | unknown | Check again
ready.server         | wrong   | Done as it says? Check again
ready.server         | unknown | Vouch for it yourself, with a reason
ready.azure          | wrong   | Done as it says? Check again
ready.azure          | unknown | Check again
ready.vm             | wrong   | Done as it says? Check again
ready.vm             | unknown | Check again
ready.drift          | wrong   | Save the VM's drift aside | save-drift
ready.drift          | unknown | Check again
ready.start          | wrong   | Done as it says? Check again
ready.start          | unknown | Check again
ready.service        | wrong   | Fix it: 4.7 Gemini key invalid or expired
ready.service        | unknown | Vouch for it yourself, with a reason
version.manifests    | wrong   | Sync the manifests | sync-manifests
version.manifests    | unknown | Check again
version.branch       | wrong   | Done as it says? Check again
version.branch       | unknown | Check again
version.tree         | wrong   | Done as it says? Check again
version.tree         | unknown | Check again
version.secrets      | wrong   | Done as it says? Check again
version.secrets      | unknown | Check again
version.ignored      | wrong   | Done as it says? Check again
version.ignored      | unknown | Check again
version.number       | wrong   | Close this run, begin 1.6.1.45
version.number       | unknown | Check again
version.files        | to do   | Write version 1.6.1.43
version.files        | wrong   | Write version 1.6.1.43
version.files        | unknown | Check again
version.commit       | to do   | Commit and tag it
version.commit       | wrong   | Commit and tag it
version.commit       | unknown | Check again
version.tag          | to do   | Commit and tag it
version.tag          | wrong   | Close this run, begin 1.6.1.44
version.tag          | unknown | Check again
database.reachable   | wrong   | Done as it says? Check again
database.reachable   | unknown | Check again
database.tools       | wrong   | Done as it says? Check again
database.tools       | unknown | Check again
database.tables      | wrong   | Done as it says? Check again
database.tables      | unknown | Check again
database.runbooks    | unknown | Vouch for it yourself, with a reason
database.hardening   | wrong   | Apply database hardening | harden
database.hardening   | unknown | Check again
database.backup      | to do   | Back up the database
database.backup      | wrong   | Back up the database
database.backup      | unknown | Check again
database.drill       | wrong   | Run a restore drill | drill
database.drill       | unknown | Check again
inbox.exists         | wrong   | Done as it says? Check again
inbox.exists         | unknown | Check again
inbox.dmg            | wrong   | Done as it says? Check again
inbox.dmg            | unknown | Check again
inbox.pkg            | wrong   | Done as it says? Check again
inbox.pkg            | unknown | Check again
inbox.version        | wrong   | Done as it says? Check again
inbox.version        | unknown | Vouch for it yourself, with a reason
inbox.application    | wrong   | Done as it says? Check again
inbox.application    | unknown | Vouch for it yourself, with a reason
inbox.new            | wrong   | Done as it says? Check again
inbox.new            | unknown | Check again
inbox.signature      | wrong   | Done as it says? Check again
inbox.signature      | unknown | Check again
inbox.apple          | wrong   | Done as it says? Check again
inbox.apple          | unknown | Vouch for it yourself, with a reason
publish.pushed       | to do   | Push 1.6.1.43: commit and tag
publish.pushed       | wrong   | Push 1.6.1.43: commit and tag
publish.pushed       | unknown | Check again
publish.asset        | to do   | Publish 1.6.1.43
publish.asset        | wrong   | Publish 1.6.1.43
publish.asset        | unknown | Check again
publish.bytes        | to do   | Publish 1.6.1.43
publish.bytes        | wrong   | Publish 1.6.1.43
publish.bytes        | unknown | Check again
publish.manifests    | to do   | Publish 1.6.1.43
publish.manifests    | wrong   | Sync the manifests | sync-manifests
publish.manifests    | unknown | Check again
publish.commit       | to do   | Publish 1.6.1.43
publish.commit       | wrong   | Publish 1.6.1.43 | sync-manifests
publish.commit       | unknown | Check again
gate.files           | wrong   | Write version 1.6.1.43
gate.files           | unknown | Check again
gate.manifests       | wrong   | Publish 1.6.1.43
gate.manifests       | unknown | Check again
gate.asset           | wrong   | Publish 1.6.1.43
gate.asset           | unknown | Check again
gate.appcast         | wrong   | Publish 1.6.1.43
gate.appcast         | unknown | Check again
gate.live            | wrong   | Done as it says? Check again
gate.live            | unknown | Vouch for it yourself, with a reason
gate.certificate     | wrong   | Done as it says? Check again
gate.certificate     | unknown | Check again
deploy.vm            | wrong   | Done as it says? Check again
deploy.vm            | unknown | Check again
deploy.head          | to do   | Deploy 1.6.1.43 to the server
deploy.head          | wrong   | Deploy 1.6.1.43 to the server
deploy.head          | unknown | Check again
deploy.manifests     | to do   | Deploy 1.6.1.43 to the server
deploy.manifests     | wrong   | Deploy 1.6.1.43 to the server
deploy.manifests     | unknown | Check again
deploy.config        | to do   | Deploy 1.6.1.43 to the server
deploy.config        | wrong   | Deploy 1.6.1.43 to the server
deploy.config        | unknown | Check again
deploy.service       | wrong   | Done as it says? Check again
deploy.service       | unknown | Check again
deploy.health        | to do   | Deploy 1.6.1.43 to the server
deploy.health        | wrong   | Deploy 1.6.1.43 to the server
deploy.health        | unknown | Check again
final.inbox          | wrong   | Done as it says? Check again
final.inbox          | unknown | Check again
final.publication    | wrong   | Sync the manifests
final.publication    | unknown | Check again
final.assets         | wrong   | Publish 1.6.1.43
final.assets         | unknown | Check again
final.manifest       | wrong   | Sync the manifests
final.manifest       | unknown | Check again
final.live           | wrong   | Deploy 1.6.1.43 to the server
final.live           | unknown | Check again
final.backup         | wrong   | Back up the database
final.backup         | unknown | Check again
final.drill          | wrong   | Run a restore drill
final.drill          | unknown | Check again
"""
"""Item, its state, the emphasised choice, and repairs that are offered besides. All else in the run is done."""

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
    return [(item, state, choice, tuple(besides)) for item, state, choice, *besides in split]


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


def test_every_state_has_its_row() -> None:
    possible = {(item.id, "unknown") for item in CHECKLIST.items} | {(item, "to do") for item in TO_DO}
    assert {(item, state) for item, state, *_ in rows()} == possible | {(item, "wrong") for item in set(ROWS) - set(IMPOSSIBLE)}
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
