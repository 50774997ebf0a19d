"""Phase deploy: what stands on the VM, all from its one survey, compared with the code repository (rulebook phase 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.base import Check, Scope, not_there_yet
from checks.manifests import renewed
from checks.tip import look_refs
from checks.version import tagged_again
from checks.vm import look_vm
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Act, Mend, Remedy
from nexy_tui.core.text import last_lines, printable
from nexy_tui.core.version import NAME_VERSION
from nexy_tui.core.vm_facts import SettingsFile, VmFacts
from nexy_tui.services.deployment import find_deployment
from nexy_tui.services.on_vm.settings_files import SETTINGS
from nexy_tui.services.update_server import parse_health

MIN_FREE_KIB = 512 * 1024
"""Below half a GiB a checkout and its wheels may no longer fit."""

MAX_OFF = timedelta(minutes=5)
"""Its time is told some seconds, with a slow cloud a minute, before the answer is here."""


@dataclass(frozen=True, slots=True)
class DeployFacts:
    """The VM as it is, and the release as the code repository has it."""

    vm: VmFacts
    deployment: Deployment


def look_deployment(scope: Scope) -> Deployment:
    """Tag, manifest commit and manifests of this release on the code repository, once a pass."""
    version = scope.plan.version
    if version is None:
        raise Unusable("No version is named.", "The VM cannot be compared with an unknown release.", NAME_VERSION)
    return scope.once("git.deployment", lambda: find_deployment(scope.services.git, version, scope.plan.kind, look_refs(scope)))


def look_deploy(scope: Scope) -> DeployFacts:
    """Both sides, the cheap one first."""
    deployment = look_deployment(scope)
    return DeployFacts(look_vm(scope), deployment)


def judge_vm(vm: VmFacts, plan: Plan) -> Verdict:
    """The VM can take a deploy: a clone, its Python, settings with names that work, nobody's lock, and room."""
    evidence = (
        seen_on_vm(vm, plan, "HEAD", vm.head or "no clone"),
        seen_on_vm(vm, plan, "service", vm.service or "unknown"),
        seen_on_vm(vm, plan, "free disk", "unknown" if vm.free_kib is None else f"{vm.free_kib // 1024} MiB"),
        seen_on_vm(vm, plan, "python", vm.python or "none"),
        seen_on_vm(vm, plan, "python3", vm.python3 or "none"),
        seen_on_vm(vm, plan, "release remote", vm.remote or vm.remote_trouble or "not told"),
        seen_on_vm(vm, plan, "settings", " and ".join(settings_there(vm)) or "none"),
        seen_on_vm(vm, plan, "drift", drifted(vm) or "none"),
        seen_on_vm(vm, plan, "clock", "unknown" if vm.clock is None else rfc3339(datetime.fromtimestamp(vm.clock, UTC))),
        seen_on_vm(vm, plan, "journal, newest lines", last_lines(vm.journal, 4) or "empty"),
    )
    if trouble := _clone_trouble(vm, plan):
        return failed(*trouble, *evidence)
    if vm.free_kib is None:
        return inconclusive("The VM's free disk space could not be seen.", "Look again; if it stays, see the VM's df.", *evidence)
    if not vm.remote and not vm.remote_trouble:
        return inconclusive("Whether the VM can fetch the release could not be seen.", "Look again; if it stays, see its git.", *evidence)
    if machine := _machine_trouble(vm, plan, vm.free_kib):
        return failed(*machine, *evidence)
    return passed(f"The VM answers; it stands at {' '.join(vm.tags) or vm.head[:12]}, its service is {vm.service}.", *evidence)


def _clone_trouble(vm: VmFacts, plan: Plan) -> tuple[str, Remedy] | None:
    """What is missing of the application and its tools, and the remedy."""
    directory = plan.target.vm.directory
    if not vm.head:
        return f"{directory} on the VM is no git clone.", "See target.vm.directory in the configuration."
    if trouble := settings_trouble(vm):
        return trouble, settings_remedy(vm)
    if not vm.python.startswith("Python 3"):
        return "The VM has no Python environment in venv.", "Make one in the clone: python3 -m venv venv"
    if _older(vm.python3):
        return f"python3 on the VM is {vm.python3}; a deploy needs 3.9 or later.", "Install a newer python3 there."
    if vm.remote_trouble:
        what = f"The VM cannot fetch from {plan.target.code_repository}: {vm.remote_trouble}."
        return what, f"Mend the clone's remote or its credential there (git ls-remote in {directory} says more), then look again."
    return None


def _older(python3: str) -> bool:
    """Whether a version of Python is one that the VM's scripts do not run on."""
    numbers = tuple(int(part) for part in python3.split(".")[:2] if part.isdigit())
    return len(numbers) == 2 and numbers < (3, 9)


def _machine_trouble(vm: VmFacts, plan: Plan, free_kib: int) -> tuple[str, str] | None:
    """A lock on the clone, no room, or a clock further off than a run-command takes: backups are dated by it. What, and the remedy."""
    if vm.index_lock:
        what = f"{plan.target.vm.directory}/.git/index.lock is there: another git works in the clone, or was killed in it."
        return what, "See that no git runs there, then take the file away on the VM."
    if free_kib < MIN_FREE_KIB:
        return f"The VM has {free_kib // 1024} MiB of disk left.", "Make room on the VM: at least 512 MiB."
    if vm.clock is None:
        return None
    off = datetime.fromtimestamp(vm.clock, UTC) - datetime.fromisoformat(vm.taken)
    if abs(off) <= MAX_OFF:
        return None
    return f"The VM's clock is {abs(off).total_seconds():.0f} s off this machine's.", "Set it there: sudo timedatectl set-ntp true"


def redeployed(deployment: Deployment, first: str = "") -> Act:
    """What brings the VM to this release: the deploy can be repeated."""
    return Act("deploy", f"deploy {deployment.tag}", first)


def judge_head(facts: DeployFacts, plan: Plan) -> Verdict:
    """HEAD on the VM is the release tag's commit; an update-only run leaves it on the release tag it had."""
    vm, deployment = facts.vm, facts.deployment
    evidence = (
        seen_on_vm(vm, plan, "HEAD", vm.head or "no clone"),
        Evidence(f"tag {deployment.tag}", deployment.tag_commit or "not there", plan.target.code_repository),
    )
    if not plan.kind.tags:
        if vm.tags:
            return passed(f"HEAD on the VM is {' '.join(vm.tags)}, which this kind of run leaves as it is.", evidence[0])
        return failed("HEAD on the VM is no release tag.", "Release the code as well (kind full or code-only).", evidence[0])
    if deployment.tag_commit is None:
        return failed(f"{plan.target.code_repository} has no tag {deployment.tag}.", tagged_again(plan, plan.target.code_url()), *evidence)
    if vm.head != deployment.tag_commit:
        at = " ".join(vm.tags) or vm.head[:12] or "no commit"
        return not_there_yet(plan, f"The VM stands at {at}, not at {deployment.tag}.", redeployed(deployment), *evidence)
    return judge_no_drift(vm, evidence) or passed(f"HEAD on the VM is {deployment.tag} ({vm.head[:12]}).", *evidence)


def judge_no_drift(vm: VmFacts, evidence: Sequence[Evidence]) -> Verdict | None:
    """The verdict where files on the VM differ from the release that stands there, or where that could not be seen; else None."""
    if vm.drift is None:
        unseen = "Whether files on the VM were changed by hand could not be seen: git there does not say."
        return inconclusive(unseen, "See what `git status` says in the VM's clone, mend that, then look again.", *evidence)
    if foreign := drifted(vm):
        what = f"On the VM files differ from what was released there: {foreign}."
        return failed(what, Act("save-drift", "save-drift", then="saves them aside under refs/nexy/drift/ there."), *evidence)
    return None


def drifted(vm: VmFacts) -> str:
    """Files changed by hand and files in the release's way, as far as they are named; empty where there are none."""
    if vm.drift is None:
        return "not seen"
    named = [*vm.changed, *vm.in_the_way]
    more = [f"{vm.drift - len(named)} more"] if vm.drift > len(named) else []
    return ", ".join([*named[:4], *([f"{vm.drift - 4} more"] if len(named) > 4 else more)]) if vm.drift else ""


def judge_manifests(facts: DeployFacts, plan: Plan) -> Verdict:
    """The manifest files on the VM are those of the manifest commit, byte for byte."""
    vm, deployment = facts.vm, facts.deployment
    commit = (deployment.manifest_commit or "")[:12]
    evidence = [Evidence("sha256 wanted", deployment.manifest_sha256 or "none", f"{plan.target.code_repository} {commit}")]
    evidence += [seen_on_vm(vm, plan, path, digest or "missing") for path, digest in vm.manifests.items()]
    if trouble := deployment.manifest_trouble:
        return failed(f"The manifests cannot be deployed: {trouble}.", renewed(plan), *evidence)
    wrong = [path for path in deployment.manifest_files if vm.manifests.get(path) != deployment.manifest_sha256]
    differ = f"On the VM {', '.join(wrong)} {_differ(wrong)} from {commit}."
    if wrong and plan.standalone and not plan.kind.publishes:  # A deploy of the code alone leaves them as they are.
        return failed(differ, Mend("stale-appcast", then="lays the published manifests there and restarts the service."), *evidence)
    if wrong:
        return not_there_yet(plan, differ, redeployed(deployment), *evidence)
    return passed(f"The manifest files on the VM are those of {commit} ({deployment.manifest_version}).", *evidence)


def judge_config(facts: DeployFacts, plan: Plan) -> Verdict:
    """`SERVER_VERSION` and `SERVER_BUILD` are this version wherever there are settings: they outrank everything else (rulebook 2)."""
    vm, version = facts.vm, str(facts.deployment.version)
    evidence, wrong = [], []
    for path, file in settings_there(vm).items():
        for key, values in (("SERVER_VERSION", file.versions), ("SERVER_BUILD", file.builds)):
            said = " and ".join(values) or "not set"
            evidence.append(seen_on_vm(vm, plan, f"{path} {key}", said))
            if set(values) != {version}:
                wrong.append(f"{key} in {path} ({said})")
    if trouble := settings_trouble(vm):
        return failed(trouble, settings_remedy(vm), *evidence)
    if wrong:
        return not_there_yet(plan, f"Not {version}: {', '.join(wrong)}.", redeployed(facts.deployment), *evidence)
    return passed(f"SERVER_VERSION and SERVER_BUILD are {version} in {' and '.join(settings_there(vm))}.", *evidence)


def judge_service(vm: VmFacts, plan: Plan) -> Verdict:
    """The service manager says active, and the server does not say that its Gemini key is refused."""
    service = plan.target.vm.service
    evidence = [seen_on_vm(vm, plan, service, vm.service or "unknown")]
    if vm.service == "active" and (said := vm.signs.get("gemini-key", 0)):
        evidence.append(seen_on_vm(vm, plan, "journal since the start", f"API_KEY_INVALID or expired: {said} lines"))
        what = f"{service} is active, but it says API_KEY_INVALID: its Gemini key is invalid or expired."
        return failed(what, Mend("gemini-key", "Get a new key, then"), *evidence)
    if vm.service == "active":
        return passed(f"{service} is active.", *evidence)
    evidence.append(seen_on_vm(vm, plan, "journal, newest lines", last_lines(vm.journal, 6) or "empty"))
    signs = (("gemini-key", "API_KEY_INVALID"), ("config-env", "illegal environment variable name"))
    fixers = tuple(name for name, text in signs if text in vm.journal)
    by_hand = f"See why in its journal (above, or journalctl -u {service} on the VM), mend that and start it, then look again."
    what = f"{service} is {vm.service or 'in an unknown state'} on the VM."
    if settings_there(vm) and (trouble := settings_trouble(vm)):
        return failed(f"{what} {trouble}", settings_remedy(vm), *evidence, fixers=("config-env",))
    remedy = Mend(fixers[0], "Its journal says why") if fixers else by_hand
    return failed(what, remedy, *evidence, fixers=fixers)


def judge_health(facts: DeployFacts, plan: Plan) -> Verdict:
    """`/health`, asked on the VM itself, is healthy and says this version."""
    vm, version = facts.vm, str(facts.deployment.version)
    evidence = seen_on_vm(vm, plan, "/health", printable(vm.health_body.decode("utf-8", "replace")) or f"HTTP {vm.health_status}")
    remedy = redeployed(facts.deployment, "See the service's journal on the VM, then")
    if vm.health_status != 200:
        what = f"answers HTTP {vm.health_status}" if vm.health_status else "gives no answer"
        if settings_there(vm) and (trouble := settings_trouble(vm)):
            return failed(f"/health on the VM {what}. {trouble}", settings_remedy(vm), evidence)
        return failed(f"/health on the VM {what}.", remedy, evidence)
    try:
        said = parse_health(vm.health_body)
    except ValueError as error:
        return failed(f"/health on the VM cannot be read: {error}.", remedy, evidence)
    if wrong := said.amiss(version):
        what, remedy = f"/health on the VM does not say {version}: {', '.join(wrong)}.", redeployed(facts.deployment)
        return not_there_yet(plan, what, remedy, evidence) if said.healthy else failed(what, remedy, evidence)
    return passed(f"/health on the VM is healthy and says {version}.", evidence)


def settings_there(vm: VmFacts) -> dict[str, SettingsFile]:
    """The settings files that the VM has; a tree has one or two of them (contracts: config.env)."""
    return {path: file for path, file in vm.settings.items() if file.there}


def settings_trouble(vm: VmFacts) -> str:
    """No settings file at all, or a name in one that the server crashes on at start (rulebook 4.8)."""
    if not settings_there(vm):
        return f"None of {', '.join(SETTINGS)} is on the VM."
    for path, file in settings_there(vm).items():
        if file.bad_names:
            return f"{path} on the VM has a name that crashes the server: {'; '.join(file.bad_names)}."
    return ""


def settings_remedy(vm: VmFacts) -> Remedy:
    """What ends that."""
    if not settings_there(vm):
        return f"Put the service's settings into {SETTINGS[-1]} there, from a copy of its own, then look again."
    return Mend("config-env", then="mends it and restarts the server.")


def seen_on_vm(vm: VmFacts, plan: Plan, name: str, value: str) -> Evidence:
    """Something that was seen on the VM, when it was."""
    return Evidence(name, printable(value.replace("\n", " | "), 600), f"VM {plan.target.vm.name}", vm.taken)


def _differ(items: list[str]) -> str:
    return "differs" if len(items) == 1 else "differ"


VM = Check(look_vm, judge_vm, "A busy or broken VM is better found first.", slow=True)
HEAD = Check(look_deploy, judge_head, "A deploy that “succeeded” and did nothing is found here.", slow=True)
MANIFESTS = Check(
    look_deploy, judge_manifests, "The tag is older than the manifest commit: without this the appcast stays stale.", slow=True
)
CONFIG = Check(look_deploy, judge_config, "They win over everything else: stale ones show the old version.", slow=True)
SERVICE = Check(look_vm, judge_service, "The service manager's own word: what is not active serves nobody.", slow=True)
HEALTH = Check(look_deploy, judge_health, "The server's own word, on the VM.", slow=True)
