"""The whole release on one page: phases in order, an item a line, then the actions.

An item must be satisfied before any action of a later item runs, in a release or by itself. Before an irreversible action, which is
confirmed by typing, all of them are looked at again but for long looks (a whole download, the VM); `publish` replaces the download, and
just before asks the VM too. What is seen ahead of the main path bars nothing once the action that it serves was begun.
Why an item matters, and how it is looked at and judged, stands with its check in `checks/`.
"""

from checks import (
    apple,
    application,
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
    ready,
    ready_git,
    ready_vm,
    remotes,
    version,
    working_tree,
)
from checks.gate_cells import Profile
from nexy_tui.actions.backup import Backup
from nexy_tui.actions.bump import Bump
from nexy_tui.actions.commit import CommitRelease
from nexy_tui.actions.deploy import Deploy
from nexy_tui.actions.drill import Drill
from nexy_tui.actions.harden import Harden
from nexy_tui.actions.publish import Publish
from nexy_tui.actions.push import Push
from nexy_tui.actions.rollback import Recover, Rollback
from nexy_tui.actions.save_drift import SaveDrift
from nexy_tui.actions.sync import SyncManifests
from nexy_tui.checklist import words
from nexy_tui.checklist.model import ActionRole, Checklist, Item, Need, Phase, ReleaseAction

VM, DATABASE = Need.VM, Need.DATABASE
PRE, POST, BOTH = (Profile.PRE_DEPLOY,), (Profile.POST_DEPLOY,), (Profile.PRE_DEPLOY, Profile.POST_DEPLOY)

# A table, laid out by hand: an item is a line or two.
# fmt: off
PHASES = (
    Phase("remotes", "Remotes", "0.1", "Two pipelines, two repositories: code goes to one, artifacts to the other, never mixed.",
          offers=("recover",), items=(
        Item("remotes.code", "0.1", "A remote pushes to the code repository", remotes.CODE, fixers=("manifest-repository",)),
        Item("remotes.push", "0.1", "This account may push there", remotes.PUSH),
        Item("remotes.artifacts", "1.3", "The fixed tags are there and may be written", publish.TARGET,
             fixers=("github-auth", "target-repository")),
        Item("remotes.unmixed", "1.2", "The pipelines are not mixed", remotes.UNMIXED),
        Item("remotes.tokens", "0", "One token for each pipeline", remotes.TOKENS, fixers=("github-auth",)),
        Item("remotes.script", "4.2", "The publisher script is at its path", checkout.SCRIPT, fixers=("script-paths",)),
        Item("remotes.publisher", "4.4", "The publisher script names this target", checkout.TARGET,
             fixers=("target-repository",), attestable=True),
        Item("remotes.rulebook", "3", "The rulebook is the edition mirrored here", checkout.RULEBOOK, attestable=True),
        Item("remotes.clock", "1.1", "This machine's clock is right", hosts.CLOCK),
        Item("remotes.disk", "1.1", "This machine has room", hosts.DISK),
        Item("remotes.lock", "0", "Nobody else is releasing", remotes.LOCK),
    )),
    Phase("ready", "Ready", "3", "All that the rest of the release will need, seen before anything is written: nothing is asked too late.",
          ahead=True, items=(
        Item("ready.signing", "3", "The run log's key signs and is trusted", ready.SIGNING),
        Item("ready.sparkle", "3 Phase 2.4", "A Sparkle signature is at hand", ready.SPARKLE, serves="publish"),
        Item("ready.filters", "3 Phase 2.6", "What is committed arrives byte for byte", ready_git.FILTERS, serves="publish"),
        Item("ready.commit", "3 Phase 2.6", "Its commits can be made", ready_git.COMMIT, attestable=True, serves="publish"),
        Item("ready.rules", "3 Phase 2.6", "No rule bars a push to the branch", ready_git.RULES, attestable=True, serves="publish"),
        Item("ready.database", "3 Phase 1.1", "A backup can be made", database.READY, needs=DATABASE, serves="publish"),
        Item("ready.hardening", "3 Phase 1.1.3", "The database is hardened", database.HARDENING,
             repair="harden", needs=DATABASE, serves="publish"),
        Item("ready.drill", "3 Phase 1.1.2", "A restore drill is recent", backups.DRILL,
             repair="drill", needs=DATABASE, serves="publish"),
        Item("ready.server", "3 Phase 2.7", "The update server answers", ready.SERVER,
             fixers=("stale-appcast", "config-env"), attestable=True, serves="deploy"),
        Item("ready.azure", "3 Phase 3", "Azure lets us at the VM", ready_vm.AZURE, serves="deploy"),
        Item("ready.vm", "3 Phase 3", "The VM answers and can take a deploy", ready_vm.READY, needs=VM, serves="deploy"),
        Item("ready.drift", "3 Phase 3", "Nobody changed the VM's clone by hand", ready_vm.DRIFT,
             repair="save-drift", needs=VM, serves="deploy"),
        Item("ready.start", "3 Phase 3", "The release has what the unit starts", ready_vm.START, needs=VM, serves="deploy"),
        Item("ready.service", "3 Phase 3", "Its service stays up", ready_vm.SERVICE,
             fixers=("gemini-key", "config-env"), attestable=True, needs=VM, serves="deploy"),
    )),
    Phase("version", "Version", "3 Phase 1", "The number, the files that carry it, the release commit and its tag. Nothing is pushed yet.",
          items=(
        Item("version.manifests", "1.1", "The manifest directories agree", manifests.PAIR,
             repair="sync-manifests", fixers=("stale-appcast",)),
        Item("version.branch", "3 Phase 1", "On the release branch, up to date", working_tree.BRANCH),
        Item("version.tree", "3 Phase 1", "The checkout is clean", working_tree.TREE),
        Item("version.secrets", "0.1", "No secret or artifact is about to be pushed", outgoing.OUTGOING),
        Item("version.ignored", "1.2", "Artifacts and settings are ignored by git", checkout.IGNORED),
        Item("version.number", "3 Phase 1 (1)", "The version is higher, its tag unused", version.NUMBER),
        Item("version.files", "3 Phase 1.2", "Every version file says it", working_tree.FILES_SAY, action="bump"),
        Item("version.commit", "3 Phase 1.3", "The release commit is made", version.COMMIT, action="commit"),
        Item("version.tag", "3 Phase 1.3", "The tag names it", version.TAG, action="commit"),
    )),
    Phase("database", "Database", "3 Phase 1.1", short="Data", until_out=True,
          intro="The durability gate: a fresh backup, a recent restore drill, and hardening, before anything is published.", items=(
        Item("database.reachable", "3 Phase 1.1", "The database answers", database.REACHABLE, needs=DATABASE),
        Item("database.tools", "3 Phase 1.1", "pg_dump is new enough", database.TOOLS, needs=DATABASE),
        Item("database.tables", "3 Phase 1.1", "Its tables are there", database.TABLES, needs=DATABASE),
        Item("database.runbooks", "3 Phase 1.1.4", "Both runbooks are in the checkout", database.RUNBOOKS_HERE, attestable=True),
        Item("database.hardening", "3 Phase 1.1.3", "The database is hardened", database.HARDENING, repair="harden", needs=DATABASE),
        Item("database.backup", "3 Phase 1.1.1", "A backup of this run is made", backups.BACKUP, action="backup", needs=DATABASE),
        Item("database.drill", "3 Phase 1.1.2", "A restore drill is recent", backups.DRILL, repair="drill", needs=DATABASE),
    )),
    Phase("inbox", "Inbox", "3 Phase 2.1", "The artifacts as they lie in release_inbox: whole, of this version, new, and signed.",
          until_out=True, items=(
        Item("inbox.exists", "3 Phase 2.2", "The inbox is there", inbox.EXISTS, fixers=("inbox",)),
        Item("inbox.dmg", "3 Phase 2.1", "Nexy.dmg is whole", inbox.IMAGE),
        Item("inbox.pkg", "3 Phase 2.1", "Nexy.pkg is as announced", inbox.PACKAGE),
        Item("inbox.version", "2", "The artifacts say this version", inbox.VERSION, attestable=True),
        Item("inbox.application", "2", "Clients can take it and the next", application.UPDATABLE, attestable=True),
        Item("inbox.new", "3 Phase 2.1", "The bytes are new", inbox.NEW),
        Item("inbox.signature", "3 Phase 2.4", "There can be a valid Sparkle signature", inbox.SIGNATURE),
        Item("inbox.apple", "3 Phase 2.1", "Apple's signatures are valid", apple.APPLE, attestable=True),
    )),
    Phase("publish", "Publish", "3 Phase 2.4",
          "Push the tag, replace the download without taking it away, write the manifests from the downloaded bytes.",
          offers=("rollback",), items=(
        Item("publish.pushed", "3 Phase 1.3", "Tag and commit are on the code repository", version.PUSHED, action="push"),
        Item("publish.asset", "3 Phase 2.5", "The release host lists the new asset", publish.ASSET,
             action="publish", fixers=("target-repository",)),
        Item("publish.bytes", "3 Phase 2.4.1", "The release URL gives the artifact's bytes", publish.BYTES, action="publish"),
        Item("publish.manifests", "3 Phase 2.6", "All manifest files agree with those bytes", manifests.MANIFESTS,
             action="publish", repair="sync-manifests", fixers=("stale-appcast",)),
        Item("publish.commit", "3 Phase 2.6", "The manifest commit is on the code repository", manifests.COMMIT,
             action="publish", repair="sync-manifests", fixers=("stale-appcast", "manifest-repository")),
    )),
    Phase("gate", "Gate", "3 Phase 2.7",
          "Everything that was published agrees with everything else, and the live server is sound: only then is deployed.",
          offers=("rollback",), items=(
        Item("gate.files", "2", "The repository says the version", gate.FILES, profiles=BOTH),
        Item("gate.manifests", "3 Phase 2.7", "The manifests agree with the release host", gate.MANIFESTS,
             fixers=("stale-appcast",), profiles=BOTH),
        Item("gate.asset", "3 Phase 2.7", "The asset agrees with the download", gate.ASSET, fixers=("target-repository",), profiles=BOTH),
        Item("gate.appcast", "3 Phase 2.7", "The appcast to come is sound", gate.FUTURE_APPCAST, fixers=("stale-appcast",), profiles=PRE),
        Item("gate.live", "3 Phase 2.7", "The live server is up, on one of two releases", gate.LIVE,
             fixers=("stale-appcast", "config-env"), attestable=True, profiles=PRE),
        Item("gate.certificate", "3 Phase 2.7", "The update server's certificate is good", hosts.CERTIFICATE,
             attestable=True, profiles=PRE),
    )),
    Phase("deploy", "Deploy", "3 Phase 3", "One guarded script on the VM: code, manifests, settings, restart; every step's status checked.",
          offers=("rollback",), items=(
        Item("deploy.vm", "3 Phase 3", "The VM answers and can take it", deploy.VM, needs=VM),
        Item("deploy.head", "3 Phase 3", "It runs the tagged code", deploy.HEAD, action="deploy", needs=VM),
        Item("deploy.manifests", "3 Phase 3", "It serves the published manifests", deploy.MANIFESTS,
             action="deploy", fixers=("stale-appcast",), needs=VM),
        Item("deploy.config", "2", "Its settings say the version", deploy.CONFIG, action="deploy", fixers=("config-env",), needs=VM),
        Item("deploy.service", "3 Phase 3", "The service is up", deploy.SERVICE,
             action="deploy", fixers=("gemini-key", "config-env"), needs=VM),
        Item("deploy.health", "3 Phase 3", "It answers with the version", deploy.HEALTH, action="deploy", needs=VM),
    )),
    Phase("final", "Final verification", "6", short="Final",
          intro="The rulebook's seven items, each seen anew from outside. Opens without a run too.",
          offers=("rollback",), items=(
        Item("final.inbox", "6.1", "The inbox has the expected artifacts", final.INBOX),
        Item("final.publication", "6.2", "The publication is complete", final.PUBLICATION, fixers=("stale-appcast",), profiles=POST),
        Item("final.assets", "6.3", "The artifacts are under the fixed tags", final.ASSETS, fixers=("target-repository",), profiles=POST),
        Item("final.manifest", "6.4", "The manifest is updated and pushed", final.MANIFEST, fixers=("stale-appcast",), profiles=POST),
        Item("final.live", "6.5", "/health and the appcast show the version", final.LIVE,
             fixers=("stale-appcast",), profiles=POST, closes_exposure=True),
        Item("final.backup", "6.6", "The pre-release backup is there", pre_release_backup.BACKUP, needs=DATABASE),
        Item("final.drill", "6.7", "The last restore drill is recent", final.DRILL, needs=DATABASE),
    )),
)
# fmt: on

ACTIONS = (
    ReleaseAction(Bump(), command="bump", words=words.BUMP),
    ReleaseAction(CommitRelease(), words=words.COMMIT_RELEASE),
    ReleaseAction(Backup(), command="db backup", role=ActionRole.REPAIR, words=words.BACKUP),
    ReleaseAction(Drill(), command="db drill", role=ActionRole.REPAIR, words=words.DRILL),
    ReleaseAction(Harden(), command="db harden", role=ActionRole.REPAIR, words=words.HARDEN),
    ReleaseAction(SaveDrift(), command="save-drift", role=ActionRole.REPAIR, words=words.SAVE_DRIFT),
    ReleaseAction(Push(), irreversible=True, words=words.PUSH),
    ReleaseAction(
        Publish(), command="publish", irreversible=True, role=ActionRole.PUBLISHER, dry_run=Publish(dry_run=True), words=words.PUBLISH
    ),
    ReleaseAction(
        SyncManifests(),
        command="sync-manifests",
        role=ActionRole.REPAIR,
        as_it_is=True,
        compares=("version.manifests", "publish.manifests"),
        words=words.SYNC_MANIFESTS,
    ),
    ReleaseAction(Rollback(), command="rollback", irreversible=True, role=ActionRole.ROLLBACK, words=words.ROLLBACK),
    ReleaseAction(Recover(), command="publish --recover", role=ActionRole.HEALER, words=words.RECOVER),
    ReleaseAction(Deploy(), command="deploy", irreversible=True, words=words.DEPLOY),
)

CHECKLIST = Checklist(PHASES, ACTIONS)
