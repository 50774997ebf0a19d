"""For every item of the checklist: facts with which it holds, and facts with which it does not. Whoever adds an item adds its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import test_database_judges as database
import test_deploy_judges as deploy
import test_gate as gate
import test_publish_judges as publish

from checks.apple import AppleLook
from checks.checkout import Copy, IgnoredFacts, PublisherFacts, RulebookCopies, ScriptFacts, Standing
from checks.database import RUNBOOKS, ToolFacts
from checks.deploy import DeployFacts
from checks.final import FinalAssetFacts, FinalInboxFacts
from checks.gate_cells import Earlier
from checks.hosts import MIB, ClockFacts, Room
from checks.inbox import NewFacts, SignatureFacts
from checks.manifests import PairFacts
from checks.outgoing import OutgoingFacts
from checks.pre_release_backup import PreReleaseFacts
from checks.publish import AssetFacts, ByteFacts, TargetFacts
from checks.ready import ServerFacts, SigningFacts, SparkleFacts
from checks.ready_git import CommitTrial
from checks.ready_vm import AzureFacts, StartFacts
from checks.remotes import LockFacts, Mixing, TokenFacts
from checks.version import NumberFacts, PushedFacts
from checks.working_tree import BranchFacts, TreeFacts
from nexy_tui.core.layout import PUBLISHER
from nexy_tui.core.plan import Plan
from nexy_tui.core.rulebook_edition import DIGESTS, UPDATED, Drift
from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.services.apple import AppleFacts, Assessment
from nexy_tui.services.azure import Machine
from nexy_tui.services.branch_rules import BranchRules
from nexy_tui.services.database.facts import Tool
from nexy_tui.services.git import GitFailure, Remote
from nexy_tui.services.greeting import Greeting
from nexy_tui.services.lock import Holder
from nexy_tui.services.sparkle import Signature
from nexy_tui.services.version_files import FILES, Rewriting

PLAN = publish.PLAN
TEAM = replace(PLAN, target=replace(PLAN.target, team_id="TEAM123456"))
COMMIT, OTHER = deploy.COMMIT, "b" * 40
SERVER = "https://nexy-server.canadacentral.cloudapp.azure.com/health"
STATE = "/home/olga/.local/state/nexy-tui"
CODE, ARTIFACTS = (f"https://github.com/Seregawpn/{name}.git" for name in ("Nexy_server", "Nexy_production"))


@dataclass(frozen=True)
class Row:
    """Facts that hold, facts that do not (None: there are none, and `IMPOSSIBLE` says why), and what they are held against."""

    good: Any
    bad: Any
    plan: Plan = PLAN


IMPOSSIBLE: Mapping[str, str] = {
    "remotes.tokens": "A token that may write to both repositories is a warning by decision, and stands in nobody's way.",
    "database.runbooks": "A tree may be without its runbooks by decision: what is missing is inconclusive, and a person attests it.",
}
"""Items that never fail, and why."""


def _remote(url: str) -> Remote:
    return Remote("origin", (url,), (url,))


def _greeting(off: timedelta = timedelta(0), left: timedelta = timedelta(days=60)) -> Greeting:
    return Greeting(SERVER, PLAN.now, PLAN.now, PLAN.now + off, PLAN.now + left, "CA")


def _pair(canonical: bytes, second: bytes) -> PairFacts:
    return PairFacts({publish.PATHS[0]: canonical, publish.PATHS[2]: second})


def _copy(**changed: str) -> Copy:
    return Copy(UPDATED, {**DIGESTS, **changed}, Drift(changed=tuple(changed)))


_WANTED = {"artifacts_repository": "Seregawpn/Nexy_production", "dmg_tag": "Update", "pkg_tag": "App"}
_NUMBERS = NumberFacts((Version.parse("1.6.1.42"),), None, None, None)
_TAGGED = NumberFacts((), COMMIT, COMMIT, COMMIT)
_BRANCH = BranchFacts("main", "main", COMMIT, COMMIT, (), (), ())
_HOLDER = Holder(COMMIT, "pavel", "pavels-laptop", "01950470-aaaa-7000-8000-000000000002", "2026-02-14T10:40:00Z")
_APPLE = AppleFacts(DMG, "TEAM123456", (Assessment("spctl", True, "accepted"),))
_DEPLOY = deploy.plan()
_OTHERS_TREE = TreeFacts(((" M", "server/main.py"),), frozenset(), "release_inbox/")

_REMOTES = {
    "remotes.code": Row((_remote(CODE),), (_remote(ARTIFACTS),)),
    "remotes.push": Row(None, GitFailure(128, "remote: Permission denied")),
    "remotes.artifacts": Row(
        TargetFacts(publish.RIGHTS, (publish.place(publish.asset()),)), TargetFacts(replace(publish.RIGHTS, push=False), ())
    ),
    "remotes.unmixed": Row(Mixing((), ("Update", "App")), Mixing((), ("Update", "v1.6.1.42"))),
    "remotes.tokens": Row(TokenFacts(publish.RIGHTS, publish.RIGHTS), None),
    "remotes.script": Row(ScriptFacts(PUBLISHER, there=True), ScriptFacts(PUBLISHER, there=False, committed=True)),
    "remotes.publisher": Row(
        PublisherFacts(PUBLISHER, _WANTED, ("Seregawpn/Nexy_production", "Update", None)),
        PublisherFacts(PUBLISHER, _WANTED, ("Seregawpn/Nexy_production", "UpdateBeta", "App")),
    ),
    "remotes.rulebook": Row(
        RulebookCopies({"server/Docs/SERVER_RELEASE_GUIDE.md": _copy()}),
        RulebookCopies({"server/Docs/SERVER_RELEASE_GUIDE.md": _copy(), "docs/SERVER_RELEASE_GUIDE.md": _copy(**{"1.3": "x"})}),
    ),
    "remotes.clock": Row(ClockFacts((_greeting(),)), ClockFacts((_greeting(timedelta(minutes=4)),))),
    "remotes.disk": Row((Room("run logs", STATE, 90_112 * MIB, 1024 * MIB),), (Room("run logs", STATE, 311 * MIB, 1024 * MIB),)),
    "remotes.lock": Row(LockFacts(None), LockFacts(_HOLDER)),
}
_READY = {
    "ready.signing": Row(
        SigningFacts("SHA256:abc", "keyring"), SigningFacts("SHA256:abc", "keyring", "It is not in the list of trusted keys.", "List it.")
    ),
    "ready.sparkle": Row(SparkleFacts("the key from keyring"), SparkleFacts("", "There is no key.", "Keep the key here.")),
    "ready.filters": Row({"VERSION": {}}, {"m/manifest.json": {"text": "set", "eol": "crlf"}}),
    "ready.commit": Row(CommitTrial(("Release v1.6.1.43",)), CommitTrial(("Release v1.6.1.43",), "no spaces, please", "Mend that.")),
    "ready.rules": Row(BranchRules((), protected=False), BranchRules(("pull_request",), protected=True)),
    "ready.database": Row(database.SURVEY, replace(database.SURVEY, dumper=database.UNSEEN)),
    "ready.hardening": Row(database.CATALOG, replace(database.CATALOG, guards=())),
    "ready.drill": Row(database.drills(database.drill()), database.drills(database.drill(database.NOW - timedelta(days=8))), database.PLAN),
    "ready.server": Row(ServerFacts(gate.live(gate.OLD), Earlier()), ServerFacts(gate.live("1.6.0.7"), Earlier()), gate.plan()),
    "ready.azure": Row(AzureFacts(Machine("sub", "canadacentral", "running")), AzureFacts(Machine("sub", "canadacentral", "deallocated"))),
    "ready.vm": Row(deploy.vm(), replace(deploy.vm(), index_lock=True), _DEPLOY),
    "ready.drift": Row(deploy.vm(), deploy.vm(drift=1, changed=("server/main.py",)), _DEPLOY),
    "ready.start": Row(
        StartFacts(deploy.vm(started=("server/main.py",)), frozenset({"server/main.py"}), COMMIT),
        StartFacts(deploy.vm(started=("server/main.py",)), frozenset(), COMMIT),
        _DEPLOY,
    ),
    "ready.service": Row(deploy.vm(), deploy.vm(signs={"gemini-key": 2}), _DEPLOY),
}
_VERSION = {
    "version.manifests": Row(_pair(publish.GOOD, publish.GOOD), _pair(publish.GOOD, b"{}")),
    "version.branch": Row(_BRANCH, replace(_BRANCH, unfinished=("a merge",))),
    "version.tree": Row(TreeFacts((), frozenset(), "release_inbox/"), _OTHERS_TREE),
    "version.secrets": Row(OutgoingFacts(("server/main.py",), ()), OutgoingFacts(("server/config.env",), ())),
    "version.ignored": Row(
        IgnoredFacts({"release_inbox/Nexy.dmg": Standing.IGNORED}), IgnoredFacts({"release_inbox/Nexy.dmg": Standing.OPEN})
    ),
    "version.number": Row(_NUMBERS, replace(_NUMBERS, released=(Version.parse("1.6.1.44"),))),
    "version.files": Row(
        (Rewriting(FILES[0], "1.6.1.43\n", "1.6.1.43\n"),),
        (Rewriting(FILES[0], "1.6.1.42\n", "1.6.1.43\n"),),
    ),
    "version.commit": Row(_TAGGED, replace(_TAGGED, release_commit=None)),
    "version.tag": Row(_TAGGED, replace(_TAGGED, local_tag=OTHER)),
}
_DATABASE = {
    "database.reachable": Row(database.SURVEY, replace(database.SURVEY, catalog=database.UNSEEN)),
    "database.tools": Row(ToolFacts(Tool("/usr/bin/pg_dump", "16.4"), "16.4", 16), ToolFacts(Tool("/usr/bin/pg_dump", "15.2"), "16.4", 16)),
    "database.tables": Row(database.CATALOG, replace(database.CATALOG, tables=frozenset())),
    "database.runbooks": Row(dict.fromkeys(RUNBOOKS, True), None),
    "database.hardening": Row(database.CATALOG, replace(database.CATALOG, guards=())),
    "database.backup": Row(database.backup(database.record()), database.backup(None), database.PLAN),
    "database.drill": Row(
        database.drills(database.drill()), database.drills(database.drill(database.NOW - timedelta(days=8))), database.PLAN
    ),
}
_INBOX = {
    "inbox.exists": Row(publish.inbox(), publish.inbox(there=False)),
    "inbox.dmg": Row(publish.inbox(publish.IMAGE), publish.inbox(dmg="is empty")),
    "inbox.pkg": Row(publish.inbox(publish.IMAGE, publish.PACKAGE), publish.inbox(publish.IMAGE), replace(PLAN, with_pkg=True)),
    "inbox.version": Row(
        publish.inbox(publish.IMAGE),
        publish.inbox(replace(publish.IMAGE, contents=replace(publish.IMAGE.contents, versions={"Info.plist": "1.6.1.42"}))),
    ),
    "inbox.application": Row(publish.application(), publish.application(SUFeedURL="https://staging.example.com/appcast.xml")),
    "inbox.new": Row(NewFacts((100, publish.SHA), publish.named("1.6.1.42", publish.OTHER)), NewFacts(None, ())),
    "inbox.signature": Row(
        SignatureFacts(True, Signature(publish.SIGNATURE, publish.SHA, 100, "keyring")),
        SignatureFacts(True, refused="The signature is another file's.", remedy="Sign anew."),
    ),
    "inbox.apple": Row(AppleLook(True, (_APPLE,)), AppleLook(True, (replace(_APPLE, team="OTHER"),)), TEAM),
}
_PUBLISH = {
    "publish.pushed": Row(PushedFacts(COMMIT, COMMIT, "main", True), PushedFacts(COMMIT, None, "main", False)),
    "publish.asset": Row(
        AssetFacts((publish.place(publish.asset()),), publish.inbox(publish.IMAGE)),
        AssetFacts((publish.place(publish.asset(size=314_102_996, sha256=publish.OTHER)),), publish.inbox(publish.IMAGE)),
    ),
    "publish.bytes": Row(
        ByteFacts({DMG: publish.download()}, publish.inbox(publish.IMAGE)), ByteFacts({DMG: None}, publish.inbox(publish.IMAGE))
    ),
    "publish.manifests": Row(publish.manifests(), publish.manifests(n2=None)),
    "publish.commit": Row(publish.commit(), publish.commit(None)),
}
_GATE = {
    "gate.files": _VERSION["version.files"],
    "gate.manifests": Row(gate.published(gate.facts()), gate.published(gate.facts(), manifest_sha256="0" * 64), gate.plan()),
    "gate.asset": Row(gate.facts(), gate.facts(asset=None), gate.plan()),
    "gate.appcast": Row(gate.facts(), gate.facts(manifests=gate.all_four(b"{")), gate.plan()),
    "gate.live": Row(gate.facts(), gate.facts(serving=gate.live("1.6.0.7")), gate.plan()),
    "gate.certificate": Row(_greeting(), _greeting(left=timedelta(days=6))),
}


def _deployed(facts: Any) -> DeployFacts:
    return DeployFacts(facts, deploy.deployment())


_FILES_AWAY = dict.fromkeys(deploy.FILES, "")
_STALE = {path: replace(file, versions=(deploy.OLD,)) for path, file in deploy.vm().settings.items()}
_DEPLOYED = {
    "deploy.vm": Row(deploy.vm(), deploy.vm(python=""), _DEPLOY),
    "deploy.head": Row(_deployed(deploy.vm()), _deployed(deploy.vm(head=OTHER, tags=("v1.6.1.42",))), _DEPLOY),
    "deploy.manifests": Row(_deployed(deploy.vm()), _deployed(deploy.vm(manifests=_FILES_AWAY)), _DEPLOY),
    "deploy.config": Row(_deployed(deploy.vm()), _deployed(deploy.vm(settings=_STALE)), _DEPLOY),
    "deploy.service": Row(deploy.vm(), deploy.vm(service="failed"), _DEPLOY),
    "deploy.health": Row(_deployed(deploy.vm()), _deployed(deploy.vm(health_status=502)), _DEPLOY),
}


_RELEASED = gate.final(gate.facts(serving=gate.live(gate.NEW)))
_UNDEPLOYED = gate.final(gate.facts(serving=gate.live(gate.OLD)))
_NOTHING_THERE = gate.final(gate.facts(), there=dict.fromkeys(gate.paths()))
_BACKUP, _ANOTHER = database.backup(database.record()), database.backup(None)


def _kept(newest: Any) -> PreReleaseFacts:
    return PreReleaseFacts(newest, (), frozenset(), None, None)


_FINAL = {
    "final.inbox": Row(
        FinalInboxFacts(gate.inbox(), _RELEASED.witnesses), FinalInboxFacts(gate.inbox(version=gate.OLD), _RELEASED.witnesses), gate.plan()
    ),
    "final.publication": Row(_RELEASED, _NOTHING_THERE, gate.plan()),
    "final.assets": Row(
        FinalAssetFacts(gate.places(), _RELEASED.gate, _RELEASED.witnesses),
        FinalAssetFacts(gate.places(release=None), _RELEASED.gate, _RELEASED.witnesses),
        gate.plan(),
    ),
    "final.manifest": Row(_RELEASED, _NOTHING_THERE, gate.plan()),
    "final.live": Row(_RELEASED, _UNDEPLOYED, gate.plan()),
    "final.backup": Row(_kept(_BACKUP), _kept(_ANOTHER), database.PLAN),
    "final.drill": _DATABASE["database.drill"],
}

ROWS: Mapping[str, Row] = {**_REMOTES, **_READY, **_VERSION, **_DATABASE, **_INBOX, **_PUBLISH, **_GATE, **_DEPLOYED, **_FINAL}
"""By item."""
