"""The whole release on one page: phases, their items, each with rulebook section, check, action and fixers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from checks import (
    apple,
    backups,
    checkout,
    database,
    deploy,
    final,
    gate,
    hosts,
    inbox,
    manifests,
    outgoing,
    pre_release_backup,
    publish,
    remotes,
    version,
)
from checks.base import Check
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.base import Action
from nexy_tui.actions.bump import Bump
from nexy_tui.actions.commit import Commit
from nexy_tui.actions.deploy import Deploy
from nexy_tui.actions.drill import Drill
from nexy_tui.actions.harden import Harden
from nexy_tui.actions.manifests import SyncManifests
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.push import Push
from nexy_tui.actions.rollback import Recover, Rollback
from nexy_tui.release import Step

_T = TypeVar("_T")


@dataclass(frozen=True)
class Item:
    """One line of the checklist. `action` is the main path's; `remedy` an action the operator may choose when it fails."""

    id: str
    section: str
    title: str
    why: str
    check: Check
    action: str | None = None
    remedy: str | None = None
    fixers: tuple[str, ...] = ()
    attestable: bool = False


@dataclass(frozen=True)
class Phase:
    """A stage of the release with its items in order; what stands earlier must hold before what acts later.

    `offers` are actions the operator may choose here that bring about no item: going back, healing.
    """

    id: str
    title: str
    section: str
    intro: str
    items: tuple[Item, ...]
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checklist:
    """All phases, the actions their items name, and what of an action can be done without writing anything."""

    phases: tuple[Phase, ...]
    actions: dict[str, Action]
    dry_runs: Mapping[str, Action] = field(default_factory=dict)

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item in order."""
        return tuple(item for phase in self.phases for item in phase.items)

    def item(self, name: str) -> Item:
        """An item by id. Raises KeyError."""
        return _only(name, [item for item in self.items if item.id == name])

    def phase(self, name: str) -> Phase:
        """A phase by id. Raises KeyError."""
        return _only(name, [phase for phase in self.phases if phase.id == name])

    def phase_of(self, item: str) -> Phase:
        """The phase an item stands in. Raises KeyError."""
        return _only(item, [phase for phase in self.phases if any(i.id == item for i in phase.items)])

    def main_actions(self, phase: Phase) -> tuple[str, ...]:
        """The main path's actions of a phase, in order."""
        return tuple(dict.fromkeys(item.action for item in phase.items if item.action is not None))

    def remedies(self, phase: Phase) -> tuple[str, ...]:
        """Actions of a phase that repair a state and are the operator's choice."""
        named = [item.remedy for item in phase.items if item.remedy is not None]
        return tuple(dict.fromkeys([*named, *phase.offers]))

    def actions_of(self, phase: Phase) -> tuple[str, ...]:
        """Every action a phase shows: the main path's, then the operator's choices."""
        return self.main_actions(phase) + self.remedies(phase)

    def steps(self) -> tuple[Step, ...]:
        """The checklist as the state machine takes it."""
        return tuple(Step(item.id, phase.id, item.action, item.attestable) for phase in self.phases for item in phase.items)


def _only(name: str, found: list[_T]) -> _T:
    if not found:
        raise KeyError(name)
    return found[0]


def _phases() -> tuple[Phase, ...]:
    return (
        Phase(
            "remotes",
            "Remotes",
            "0.1",
            "Two pipelines, two repositories: code goes to one, artifacts to the other, never mixed.",
            (
                Item(
                    "remotes.code",
                    "0.1",
                    "A remote pushes to the code repository",
                    "A tag or manifest pushed elsewhere releases nothing, and may reach people who must not see it.",
                    remotes.CODE,
                    fixers=("manifest-repository",),
                ),
                Item(
                    "remotes.push",
                    "0.1",
                    "This account may push there",
                    "Better refused now than after the download was replaced.",
                    remotes.PUSH,
                ),
                Item(
                    "remotes.artifacts",
                    "1.3",
                    "The fixed tags are there and may be written",
                    "Clients follow two fixed tags; a token without rights or an immutable release stops the swap half-way.",
                    publish.TARGET,
                    fixers=("github-auth", "target-repository"),
                ),
                Item(
                    "remotes.unmixed",
                    "1.2",
                    "The pipelines are not mixed",
                    "A release in the code repository, or a version's own tag among the artifacts, sends clients astray.",
                    remotes.UNMIXED,
                ),
                Item(
                    "remotes.tokens",
                    "0",
                    "One token for each pipeline",
                    "The pipelines have different owners: what may write to both can mix them.",
                    remotes.TOKENS,
                    fixers=("github-auth",),
                ),
                Item(
                    "remotes.script",
                    "4.2",
                    "The publisher script is at its path",
                    "Whoever types the rulebook's command finds it there and nowhere else.",
                    checkout.SCRIPT,
                    fixers=("script-paths",),
                ),
                Item(
                    "remotes.publisher",
                    "4.4",
                    "The publisher script names this target",
                    "TARGET_REPO and the tags in ARTIFACT_MAPPING decide where whoever runs it publishes.",
                    checkout.TARGET,
                    fixers=("target-repository",),
                    attestable=True,
                ),
                Item(
                    "remotes.rulebook",
                    "3",
                    "The rulebook is the edition mirrored here",
                    "This checklist is one edition of the team's rulebook; a newer one may ask for more.",
                    checkout.RULEBOOK,
                    attestable=True,
                ),
                Item(
                    "remotes.clock",
                    "1.1",
                    "This machine's clock is right",
                    "Signatures, tokens and the ages of backups and drills are told by it.",
                    hosts.CLOCK,
                ),
                Item(
                    "remotes.disk",
                    "1.1",
                    "This machine has room",
                    "A disk that fills up half-way stops the log, and with it the release.",
                    hosts.DISK,
                ),
                Item("remotes.lock", "0", "Nobody else is releasing", "Two releases at once undo each other.", remotes.LOCK),
            ),
            offers=("recover",),
        ),
        Phase(
            "version",
            "Version",
            "3 Phase 1",
            "The number, the files that carry it, the release commit and its tag. Nothing is pushed yet.",
            (
                Item(
                    "version.manifests",
                    "1.1",
                    "Both manifest directories agree",
                    "The server reads one, people read the other: a difference is a release that half the world does not see.",
                    version.MANIFESTS,
                    fixers=("stale-appcast",),
                ),
                Item(
                    "version.branch",
                    "3 Phase 1",
                    "On the release branch, up to date",
                    "What was pushed meanwhile would be left out, or the push refused at the worst moment.",
                    version.BRANCH,
                ),
                Item("version.tree", "3 Phase 1", "The checkout is clean", "Stray changes must not ride along in a release.", version.TREE),
                Item(
                    "version.secrets",
                    "0.1",
                    "No secret or artifact is about to be pushed",
                    "What was pushed once is known for ever.",
                    outgoing.OUTGOING,
                ),
                Item(
                    "version.ignored",
                    "1.2",
                    "Artifacts and settings are ignored by git",
                    "What lies in the inbox belongs to the other pipeline, and config.env holds secrets.",
                    checkout.IGNORED,
                ),
                Item(
                    "version.number",
                    "3 Phase 1 (1)",
                    "The version is higher, its tag unused",
                    "Clients ignore a version that is not higher, and a tag names one commit for ever.",
                    version.NUMBER,
                ),
                Item(
                    "version.files",
                    "3 Phase 1.2",
                    "Every version file says it",
                    "VERSION is the server's last resort; a stale one shows the old version after everything else failed.",
                    version.FILES_SAY,
                    action="bump",
                ),
                Item(
                    "version.commit",
                    "3 Phase 1.3",
                    "The release commit is made",
                    "The tag needs a commit of its own.",
                    version.COMMIT,
                    action="commit",
                ),
                Item("version.tag", "3 Phase 1.3", "The tag names it", "The deploy checks this tag out.", version.TAG, action="commit"),
            ),
        ),
        Phase(
            "database",
            "Database",
            "3 Phase 1.1",
            "The durability gate: a fresh backup, a recent restore drill, and hardening, before anything is published.",
            (
                Item(
                    "database.reachable",
                    "3 Phase 1.1",
                    "The database answers",
                    "Nothing about it can be said otherwise.",
                    database.REACHABLE,
                ),
                Item(
                    "database.tools",
                    "3 Phase 1.1",
                    "pg_dump is new enough",
                    "An older pg_dump refuses or loses what a newer server holds.",
                    database.TOOLS,
                ),
                Item(
                    "database.tables", "3 Phase 1.1", "Its tables are there", "A backup of an empty database is no backup.", database.TABLES
                ),
                Item(
                    "database.runbooks",
                    "3 Phase 1.1.4",
                    "Both runbooks are in the checkout",
                    "In the hour of need they are what people read.",
                    database.RUNBOOKS_HERE,
                ),
                Item(
                    "database.hardening",
                    "3 Phase 1.1.3",
                    "The database is hardened",
                    "The app user must not be able to delete; a restore quietly takes this protection away.",
                    database.HARDENING,
                    remedy="harden",
                ),
                Item(
                    "database.backup",
                    "3 Phase 1.1.1",
                    "A backup of this run is made",
                    "It is the way back if the release harms the data.",
                    backups.BACKUP,
                    action="backup",
                ),
                Item(
                    "database.drill",
                    "3 Phase 1.1.2",
                    "A restore drill is recent",
                    "A backup that was never restored is a hope.",
                    backups.DRILL,
                    remedy="drill",
                ),
            ),
        ),
        Phase(
            "inbox",
            "Inbox",
            "3 Phase 2.1",
            "The artifacts as they lie in release_inbox: whole, of this version, new, and signed.",
            (
                Item(
                    "inbox.exists",
                    "3 Phase 2.2",
                    "The inbox is there",
                    "The publisher takes artifacts from nowhere else.",
                    inbox.EXISTS,
                    fixers=("inbox",),
                ),
                Item(
                    "inbox.dmg",
                    "3 Phase 2.1",
                    "Nexy.dmg is whole",
                    "A truncated image or an error page under its name breaks every client.",
                    inbox.IMAGE,
                ),
                Item(
                    "inbox.pkg", "3 Phase 2.1", "Nexy.pkg is as announced", "An unannounced package is somebody's accident.", inbox.PACKAGE
                ),
                Item(
                    "inbox.version",
                    "2",
                    "The artifacts say this version",
                    "A client that installs another version is offered the update again without end.",
                    inbox.VERSION,
                    attestable=True,
                ),
                Item(
                    "inbox.new",
                    "3 Phase 2.1",
                    "The bytes are new",
                    "Old bytes under a new version are the same endless update.",
                    inbox.NEW,
                ),
                Item(
                    "inbox.signature",
                    "3 Phase 2.4",
                    "A valid Sparkle signature can be had",
                    "Clients that hold the public key reject anything else.",
                    inbox.SIGNATURE,
                ),
                Item(
                    "inbox.apple",
                    "3 Phase 2.1",
                    "Apple's signatures hold",
                    "Gatekeeper refuses what is not signed and notarised.",
                    apple.APPLE,
                    attestable=True,
                ),
            ),
        ),
        Phase(
            "publish",
            "Publish",
            "3 Phase 2.4",
            "Push the tag, replace the download without taking it away, write the manifests from the downloaded bytes.",
            (
                Item(
                    "publish.pushed",
                    "3 Phase 1.3",
                    "Tag and commit are on the code repository",
                    "The deploy fetches them from there.",
                    version.PUSHED,
                    action="push",
                ),
                Item(
                    "publish.asset",
                    "3 Phase 2.5",
                    "The release host lists the new asset",
                    "State, size and digest as the host itself says them.",
                    publish.ASSET,
                    action="publish",
                ),
                Item(
                    "publish.bytes",
                    "3 Phase 2.4.1",
                    "The release URL gives the artifact's bytes",
                    "What clients download is what counts, not what was sent.",
                    publish.BYTES,
                    action="publish",
                ),
                Item(
                    "publish.manifests",
                    "3 Phase 2.6",
                    "All four manifest files agree with those bytes",
                    "Size, digest and signature are what a client checks before it installs.",
                    manifests.MANIFESTS,
                    action="publish",
                    remedy="sync-manifests",
                    fixers=("stale-appcast",),
                ),
                Item(
                    "publish.commit",
                    "3 Phase 2.6",
                    "The manifest commit is on the code repository",
                    "The VM takes the four files from exactly that commit.",
                    manifests.COMMIT,
                    action="publish",
                    remedy="sync-manifests",
                    fixers=("manifest-repository",),
                ),
            ),
            offers=("rollback",),
        ),
        Phase(
            "gate",
            "Gate",
            "3 Phase 2.7",
            "Everything that was published agrees with everything else, and the live server is sound: only then is deployed.",
            (
                Item("gate.files", "2", "The repository says the version", "Files, tag and manifests from one release.", gate.FILES),
                Item(
                    "gate.manifests",
                    "3 Phase 2.7",
                    "The manifests agree with the release host",
                    "Four files, the API and the bytes.",
                    gate.MANIFESTS,
                ),
                Item("gate.asset", "3 Phase 2.7", "The asset agrees with the download", "API and release URL tell one story.", gate.ASSET),
                Item(
                    "gate.appcast",
                    "3 Phase 2.7",
                    "The appcast to come is sound",
                    "What the server will say after the deploy.",
                    gate.FUTURE_APPCAST,
                ),
                Item(
                    "gate.live",
                    "3 Phase 2.7",
                    "The live server is up, on one of two releases",
                    "The one before or this one; anything else means somebody else is at work.",
                    gate.LIVE,
                    fixers=("stale-appcast", "config-env"),
                ),
                Item(
                    "gate.certificate",
                    "3 Phase 2.7",
                    "The update server's certificate is good",
                    "Once it has ended, no client gets anything, neither old nor new.",
                    hosts.CERTIFICATE,
                ),
            ),
            offers=("rollback",),
        ),
        Phase(
            "deploy",
            "Deploy",
            "3 Phase 3",
            "One guarded script on the VM: code, manifests, settings, restart; every step's status checked.",
            (
                Item(
                    "deploy.vm",
                    "3 Phase 3",
                    "The VM answers and can take it",
                    "A busy or broken VM is better found first.",
                    deploy.VM,
                    fixers=("azure-busy",),
                ),
                Item(
                    "deploy.head",
                    "3 Phase 3",
                    "It runs the tagged code",
                    "A deploy that “succeeded” and did nothing is found here.",
                    deploy.HEAD,
                    action="deploy",
                ),
                Item(
                    "deploy.manifests",
                    "3 Phase 3",
                    "It serves the published manifests",
                    "The tag is older than the manifest commit: without this the appcast stays stale.",
                    deploy.MANIFESTS,
                    action="deploy",
                    fixers=("stale-appcast",),
                ),
                Item(
                    "deploy.config",
                    "2",
                    "Its settings say the version",
                    "They win over everything else: stale ones show the old version.",
                    deploy.CONFIG,
                    action="deploy",
                    fixers=("config-env",),
                ),
                Item(
                    "deploy.service",
                    "3 Phase 3",
                    "The service is up",
                    "systemd's own word.",
                    deploy.SERVICE,
                    action="deploy",
                    fixers=("gemini-key", "config-env"),
                ),
                Item(
                    "deploy.health",
                    "3 Phase 3",
                    "It answers with the version",
                    "The server's own word, on the VM.",
                    deploy.HEALTH,
                    action="deploy",
                ),
            ),
            offers=("rollback",),
        ),
        Phase(
            "final",
            "Final verification",
            "6",
            "The rulebook's seven items, each seen anew from outside. Opens without a run too.",
            (
                Item(
                    "final.inbox",
                    "6.1",
                    "The inbox holds the expected artifacts",
                    "So that what was released can be held in hand.",
                    final.INBOX,
                ),
                Item(
                    "final.publication",
                    "6.2",
                    "The publication is complete",
                    "Manifest, bytes and commit agree as the publisher claimed.",
                    final.PUBLICATION,
                ),
                Item(
                    "final.assets", "6.3", "The artifacts are under the fixed tags", "Where clients and people look for them.", final.ASSETS
                ),
                Item(
                    "final.manifest",
                    "6.4",
                    "The manifest is updated and pushed",
                    "Four files on the code repository's branch.",
                    final.MANIFEST,
                ),
                Item(
                    "final.live",
                    "6.5",
                    "/health and the appcast show the version",
                    "What every client sees.",
                    final.LIVE,
                    fixers=("stale-appcast",),
                ),
                Item("final.backup", "6.6", "The pre-release backup is there", "The way back.", pre_release_backup.BACKUP),
                Item("final.drill", "6.7", "The last restore drill is recent", "At most as old as the target allows.", backups.DRILL),
            ),
            offers=("rollback",),
        ),
    )


_ACTIONS: tuple[Action, ...] = (
    Bump(),
    Commit(),
    Backup(),
    Drill(),
    Harden(),
    Push(),
    Publish(),
    SyncManifests(),
    Rollback(),
    Recover(),
    Deploy(),
)

CHECKLIST = Checklist(_phases(), {action.name: action for action in _ACTIONS}, {"publish": Publish(dry_run=True)})
