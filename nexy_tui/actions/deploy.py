"""Deploy: the VM is brought to the release by one script, every step's status checked (rulebook phase 3; contracts: kinds of run)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.actions.bump import needed
from nexy_tui.core import manifest
from nexy_tui.core.deployment import Deployment
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn
from nexy_tui.core.finding import Evidence
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Refused
from nexy_tui.core.text import printable
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.deployment import find_deployment
from nexy_tui.services.update_server import look_offer
from nexy_tui.services.vm import ScriptResult
from nexy_tui.services.vm_program import source

TIMEOUT = 2700.0
"""Seconds: pip may build for minutes; Azure itself ends a command after 90 minutes."""

STAY = 5.0
"""Seconds the service must stay up with one process before it counts as up."""

_UNCHANGED = re.compile(r"^nexy: unchanged$", re.MULTILINE)
_FAILED_STEP = re.compile(r"^nexy: step (\S+) failed with status \d+$", re.MULTILINE)
_STEP = re.compile(r"^nexy: step (\S+)$", re.MULTILINE)

_STILL = "The service still runs what it ran before."
_UNTOUCHED = "Nothing was changed on the VM."
_DOWN = "The service may be down, or serve another version: clients may get no answer."
_REMEDIES = {
    "preflight": (_UNTOUCHED, "Mend what the VM lacks, then deploy again."),
    "fetch": (_UNTOUCHED, "See that the VM reaches the code repository with a valid credential, then deploy again."),
    "drift": (_UNTOUCHED, "See the VM's clone (git status there), mend it, then deploy again."),
    "checkout": (_STILL, "See the VM's clone (git status there), mend it, then deploy again."),
    "manifests": (_STILL, "See that the manifest commit is pushed and unchanged, then deploy again."),
    "requirements": (_STILL, "The code is checked out already. Mend the package that pip names, then deploy again."),
    "config": (_STILL, "See the config.env files on the VM, then deploy again."),
    "restart": (_DOWN, "See the service's journal above, mend the cause, then deploy again."),
    "health": (_DOWN, "See the service's journal above, mend the cause, then deploy again."),
}


class Deploy:
    """Checks out, lays the manifests over it, installs, sets the version, restarts, and waits for `/health` to say so."""

    name = "deploy"
    title = "Deploy to the VM"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The steps on the VM, with the commits."""
        version = needed(plan)
        vm, deployment = plan.target.vm, find_deployment(services.git, version, plan.kind)
        tagged = (
            f"config.env copied aside, git checkout -f {deployment.tag} ({_short(deployment.tag_commit)}), config.env put back as it was"
        )
        there = not plan.kind.publishes or deployment.manifest_version == str(version)
        commit, of = (_short(deployment.manifest_commit), deployment.manifest_version) if there else ("the manifest commit", version)
        manifests = f"git checkout {commit} -- the manifest files of {of}, sha256 verified there"
        lines = [
            f"Run one script on the VM {vm.resource_group}/{vm.name}, in {vm.directory}:",
            "git fetch of the release remote, with its tags",
        ]
        if plan.kind is Kind.UPDATE_ONLY:
            lines += ["HEAD stays where it is", manifests]
        elif plan.kind is Kind.FULL:
            lines += [tagged, manifests, "pip install --upgrade -r the release's requirements"]
        else:
            lines += [tagged, "the manifest files as they are on the VM", "pip install --upgrade -r the release's requirements"]
        return [
            *lines,
            f"SERVER_VERSION and SERVER_BUILD = {version} in each config.env that is there",
            f"systemctl restart {vm.service}, then wait until /health says {version} and the service has stayed up",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """World and version are typed; nothing besides."""
        return None

    def run(self, context: ActionContext) -> ActionResult:
        """Deploy. Raises Refused before anything is touched, ActionFailed naming the step, CouldNotLook when the outcome is unknown."""
        services, plan = context.services, context.plan
        version = needed(plan)
        deployment = find_deployment(services.git, version, plan.kind)
        if deployment.trouble:
            raise Refused(
                f"{version} cannot be deployed: {deployment.trouble}.",
                "The VM takes tag and manifests from the code repository.",
                "Push the release and publish it first.",
            )
        digest = script_sha256()
        context.intent(
            f"deploy {version} to the VM",
            vm=services.vm.where,
            kind=plan.kind.value,
            tag_commit=deployment.tag_commit or "none",
            manifest_commit=deployment.manifest_commit or "none",
            manifest_sha256=deployment.manifest_sha256,
            script_sha256=digest,
        )
        result = send(context, deployment, f"the VM is being brought to {version}; run-command cannot be cancelled")
        if result.exit != 0:
            raise _failure(version, result)
        _end_exposure(context, deployment)
        where, there = services.vm.where, _UNCHANGED.search(result.stdout) is not None
        evidence = (Evidence("exit", "0", where), *_printed(result, where))
        digests = {"deploy script": digest, "manifest": deployment.manifest_sha256}
        return ActionResult(f"The VM {'already stands' if there else 'stands'} on {version}.", evidence, digests, changed=not there)


def script_sha256() -> str:
    """The digest of what is sent, parameters and nonce apart."""
    return hashlib.sha256(source("deploy").encode()).hexdigest()


def send(context: ActionContext, deployment: Deployment, begun: str) -> ScriptResult:
    """Run the deploy on the VM and pass on what it says of its steps. Raises CouldNotLook when its outcome is unknown."""
    services, target = context.services, context.plan.target
    release = {"host": target.hosts.web, "repository": target.code_repository}
    result = services.vm.run_job(
        "deploy",
        {**deployment.parameters(), **release, "stay": max(1.0, STAY / services.settings.speed)},
        timeout=TIMEOUT,
        emit=context.emit,
        cancelled=context.cancelled,
        begun=lambda: context.emit(PointOfNoReturn(begun)),
    )
    for line in result.stdout.splitlines():
        if line.startswith("nexy: "):
            context.emit(OutputLine(line.removeprefix("nexy: "), "vm"))
    return result


def _end_exposure(context: ActionContext, deployment: Deployment) -> None:
    """Once the live appcast offers what the manifests state, clients get again what they are told of."""
    git, commit = context.services.git, deployment.manifest_commit
    raw = None if commit is None else git.show(commit, deployment.manifest_files[0])
    if raw is not None and look_offer(context.services.update_server).is_of(manifest.read(raw)):
        context.emit(Exposure(0.0, open=False))


def failed_step(result: ScriptResult) -> str:
    """The step a script ended in: as it says itself, else the last one it began."""
    found = _FAILED_STEP.findall(result.stdout) or _STEP.findall(result.stdout)
    return str(found[-1]) if found else "start"


def _failure(version: Version, result: ScriptResult) -> ActionFailed:
    step = failed_step(result)
    why, remedy = _REMEDIES.get(step, ("How far it came is not known.", "Look at the VM's state, then deploy again."))
    return ActionFailed(f"Deploying {version} failed on the VM at step {step}, status {result.exit}.\n{result.tail}", why, remedy)


def _printed(result: ScriptResult, where: str) -> tuple[Evidence, ...]:
    """What the script says it left, for the log; the checks look for themselves."""
    said = re.findall(r"^nexy: (before|head|sha256 \S+|drift|settings|withdrawn) (.+)$", result.stdout, re.MULTILINE)
    return tuple(Evidence(name, printable(value, 400), where) for name, value in said)


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "not there yet"
