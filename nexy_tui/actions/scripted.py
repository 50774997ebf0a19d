"""A step done by the checkout's own script where the operator's configuration says so (`[steps]`); the same checks judge the result.

What a script says of itself is no evidence: its exit status can only fail the step, never pass it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nexy_tui.actions.backup import keep
from nexy_tui.actions.base import Action, ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.core import publisher_script
from nexy_tui.core.event import PointOfNoReturn
from nexy_tui.core.finding import Evidence
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Refused, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.steps import BUILTIN, INSIDE
from nexy_tui.core.text import last_lines
from nexy_tui.services import Services
from nexy_tui.services.checkout_script import CheckoutScript, digest
from nexy_tui.services.database.adopt import adopt, look_before
from nexy_tui.services.processes import Completed
from nexy_tui.services.team_scripts import place

_DATABASE = re.compile(
    r"DB_[A-Z_]+|PG_SUPERUSER(_PASSWORD)?|BACKUP_[A-Z_]+|AZURE_(STORAGE_[A-Z_]+|CONFIG_DIR)|AWS_[A-Z0-9_]+|PGPASSFILE|PGSERVICEFILE"
)
_RELEASES = re.compile(r"GH_(CONFIG_DIR|HOST)|PYTHON_KEYRING_BACKEND|KEYRING_PROPERTY_FILE_PATH|DBUS_SESSION_BUS_ADDRESS")
_AZURE = re.compile(r"AZURE_[A-Z_]+")

SCRIPTS = {
    "bump": CheckoutScript("bump", "update_version.py", "python3", minutes=5),
    "backup": CheckoutScript("backup", "db_backup.sh", minutes=360, variables=_DATABASE),
    "harden": CheckoutScript("harden", "harden_database_protection.sh", minutes=30, variables=_DATABASE),
    "publish": CheckoutScript("publish", "publish_assets_and_sync.py", "python3", minutes=180, variables=_RELEASES),
    "sync-manifests": CheckoutScript("sync_manifests", "sync_update_manifests.py", "python3", minutes=60, variables=_RELEASES),
    "deploy": CheckoutScript("deploy", "deploy_azure_guarded.sh", "bash", minutes=90, variables=_AZURE),
}
"""The script of each action that may be done by one."""

_SAID_LINES = 5


@dataclass(frozen=True)
class Scripted:
    """An action that is done by itself (`builtin`) or by its script; everything but the doing is the builtin's."""

    builtin: Action
    script: CheckoutScript

    @property
    def name(self) -> str:
        """The builtin's."""
        return self.builtin.name

    @property
    def title(self) -> str:
        """The builtin's."""
        return self.builtin.title

    @property
    def irreversible(self) -> bool:
        """The builtin's."""
        return self.builtin.irreversible

    @property
    def writes_outside(self) -> bool:
        """The builtin's."""
        return self.builtin.writes_outside

    def applies(self, plan: Plan) -> bool:
        """Whether this kind of run has the step."""
        return self.builtin.applies(plan)

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The command and where it runs; what keeps the script from it is said here too."""
        if not services.settings.steps.by_script(self.script.key):
            return self.builtin.describe(services, plan)
        try:
            self.ready(services)
        except Refused as refusal:
            return [refusal.what, refusal.remedy]
        return [
            f"run the checkout's own script in {services.layout.root / services.layout.base}, without a terminal:",
            " ".join(self.script.command(services, self._arguments(plan))),
            f"sha256 {digest(self.script.path(services))}, at most {self.script.minutes} minutes",
            "then look at what it left: the same items judge it as judge nexy-tui's own work",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """The builtin's: what is done is the same."""
        return self.builtin.confirmation(services, plan)

    def ready(self, services: Services) -> None:
        """Pass where the script can stand in. Raises Refused saying why not."""
        path = self.script.find(services)
        setting = f'{self.script.key} = "{BUILTIN}" under [steps] in {services.settings.config_path}'
        if self.name == "backup" and services.target.database.where != "local":
            raise Refused(
                "The backup is to be made by a script, and the database is on the VM.", "The script would run here.", f"Set {setting}."
            )
        if self.name == "publish":
            _require_target(path.read_bytes(), services, setting)

    def run(self, context: ActionContext) -> ActionResult:
        """Do it. Raises Refused before the script runs, ActionFailed where it fails or what it left is not what it should be."""
        services = context.services
        if not services.settings.steps.by_script(self.script.key):
            return self.builtin.run(context)
        self.ready(services)
        if self.name != "backup":
            return self._ran(context)
        before = look_before(services, context.emit)
        ran = self._ran(context)
        kept = keep(context, adopt(services, before, context.emit, context.cancelled))
        return ActionResult(kept.summary, (*ran.evidence, *kept.evidence), {**ran.digests, **kept.digests})

    def _ran(self, context: ActionContext) -> ActionResult:
        services, arguments = context.services, self._arguments(context.plan)
        command = " ".join(self.script.command(services, arguments))
        sha256 = digest(self.script.path(services))
        more = self._secrets(services)
        context.intent(f"run {command}", script_sha256=sha256, **{name: secret.source for name, secret in more.items()})
        if self.irreversible:
            context.emit(PointOfNoReturn(f"{command} is running; what it has done when it is cut off, nobody knows."))
        done = self.script.run(services, arguments, more, context.emit, context.cancelled)
        if done.exit != 0:
            raise ActionFailed(
                f"{command} ended with status {done.exit}: {done.tail}",
                "What it did before that is for the items to say.",
                f'Mend it and do the step again, or set {self.script.key} = "{BUILTIN}" under [steps] in {services.settings.config_path}.',
            )
        evidence = (Evidence("exit", "0", command), Evidence("output, its end", _said(done), command))
        digests = {str(place(services.layout, self.script.name)): sha256, **self._left(context)}
        return ActionResult(f"{command} ended with status 0; the items say what it left.", evidence, digests)

    def _arguments(self, plan: Plan) -> list[str]:
        if self.name == "bump":
            return [str(needed(plan))]
        return [needed(plan).tag] if self.name == "deploy" else []

    def _secrets(self, services: Services) -> dict[str, Secret]:
        return {"GH_TOKEN": services.secrets.github_token()} if self.name == "publish" else {}

    def _left(self, context: ActionContext) -> dict[str, str]:
        """The manifest commit as the code repository has it now: an update-only run's log concerns it."""
        if self.name not in ("publish", "sync-manifests"):
            return {}
        git, published = context.services.git, context.plan.published
        tip = git.remote_commit(git.release_branch())
        if not git.has_commit(tip):
            git.fetch()
        commit = git.last_commit_of(tip, context.services.layout.manifest_files(str(published)))
        return {"manifest commit": commit} if commit else {}


def by_setting(action: Action) -> Action:
    """The action, done by its script where the configuration says so."""
    script = SCRIPTS.get(action.name)
    return action if script is None else Scripted(action, script)


def require_ready(services: Services, actions: Collection[Action]) -> None:
    """Pass where a run may begin: not inside a script that a run has started, and with every script that is to do a step in its place.

    Raises Unusable for the first, Refused for the second: found out at the start, not between publish and deploy.
    """
    step = services.environ.get(INSIDE)
    if step:
        raise Unusable(
            f"This nexy-tui was called by the script that does the step {step} for another nexy-tui.",
            "It would wait for itself, or call itself without end.",
            f'Set {step} = "{BUILTIN}" under [steps] in {services.settings.config_path}, or let the script do the work itself.',
        )
    for action in actions:
        if isinstance(action, Scripted) and services.settings.steps.by_script(action.script.key):
            action.ready(services)


def _require_target(source: bytes, services: Services, setting: str) -> None:
    """The publisher publishes where the operator's configuration says (rulebook 4.4); it is given the token."""
    target = services.target
    try:
        named = publisher_script.read(source)
    except publisher_script.Unreadable as error:
        raise Refused(
            f"Where {SCRIPTS['publish'].name} publishes cannot be read: {error}.",
            "It would be given the token.",
            f"Name TARGET_REPO and ARTIFACT_MAPPING in it as the rulebook does (4.4), or set {setting}.",
        ) from None
    wanted = (target.artifacts_repository, target.dmg_tag, target.pkg_tag)
    wrong = [f"{had!r} where {want!r} is configured" for had, want in zip(named.values(), wanted, strict=True) if had not in (want, None)]
    if wrong:
        raise Refused(
            f"{SCRIPTS['publish'].name} names {' and '.join(wrong)}.",
            "It would publish elsewhere (rulebook 4.4).",
            f"nexy-tui fix target-repository, or set {setting}.",
        )


def _said(done: Completed) -> str:
    return last_lines("\n".join(part for part in (done.stdout, done.stderr) if part), _SAID_LINES) or "it printed nothing"
