"""Whether this machine and its operator are ready for a release: fourteen lines, each a verdict with the exact next step.

A line is looked at when those it rests on are right: what is broken is named once, where it can be cured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from checks import database, deploy, hosts, own, publish, ready_vm
from checks.base import Check, Scope
from nexy_tui.checklist import Item
from nexy_tui.config.keys import KEYS
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.finding import Finding, Status, failed, rfc3339
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Problem
from nexy_tui.core.target import Target
from nexy_tui.engine.document import ending, outcome_of
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.engine.notice import Observer, unobserved
from nexy_tui.engine.opening import keys_of
from nexy_tui.engine.outcome import EXIT
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world

_FIRST = ("install", "configuration")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `after` are those it rests on; `outside` marks what asks other machines, `credential` what shows them a secret."""

    id: str
    title: str
    check: Check
    after: tuple[str, ...] = _FIRST
    outside: bool = False
    credential: bool = False
    checkout: bool = False

    @property
    def item(self) -> Item:
        """The line as the engine looks at it."""
        return Item(self.id, "1", self.title, self.check)


LINES = (
    Line("install", "Installation", own.INSTALL, ()),
    Line("configuration", "Configuration", own.CONFIGURATION, ()),
    Line("operator", "Operator", own.OPERATOR),
    Line("key", "Signing key", own.KEY, (*_FIRST, "operator")),
    Line("trusted", "Trusted", own.TRUSTED, (*_FIRST, "operator", "key")),
    Line("git", "Git push", own.PUSH, outside=True, credential=True),
    Line("token", "Artifacts token", publish.TARGET, outside=True, credential=True),
    Line("azure", "Azure", ready_vm.AZURE, outside=True, credential=True),
    Line("vm", "VM", deploy.VM, (*_FIRST, "git", "azure", "clock"), outside=True, credential=True, checkout=True),
    Line("server", "Update server", own.SERVER, outside=True),
    Line("database", "Database", database.REACHABLE, outside=True, credential=True, checkout=True),
    Line("programs", "Its programs", database.TOOLS, (*_FIRST, "database"), outside=True, credential=True, checkout=True),
    Line("sparkle", "Sparkle", own.SPARKLE),
    Line("clock", "Clock", hosts.CLOCK, outside=True),
)
"""Every line, in the order in which somebody new sets things up."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, line by line; `offline` is whether other machines were left unasked."""

    findings: tuple[Finding, ...]
    target: Target
    offline: bool
    origins: Mapping[str, str]

    @property
    def ready(self) -> int:
        """How many lines are right, or not needed."""
        return sum(finding.status.satisfied for finding in self.findings)

    @property
    def asked(self) -> tuple[Finding, ...]:
        """The lines that were to be looked at: offline, those that ask nobody."""
        outside = {line.id for line in LINES if line.outside}
        return tuple(finding for finding in self.findings if not (self.offline and finding.item in outside))

    @property
    def outcome(self) -> str:
        """`refused` with anything wrong, `inconclusive` with anything unseen, else `verified`: of the lines that were to be looked at."""
        return outcome_of([finding for finding in self.asked if finding.status is not Status.NOT_RUN] or self.asked)

    @property
    def summary(self) -> str:
        """How many are ready, in a few words."""
        unasked = len(self.findings) - len(self.asked)
        return f"{self.ready} of {len(self.findings)} ready" + (f"; {unasked} not asked for (--offline)" if unasked else "")

    @property
    def shortcoming(self) -> str:
        """How many of the lines that were to be looked at are not ready, in a few words; empty where all are."""
        short = sum(not finding.status.satisfied for finding in self.asked)
        return f"{short} of {len(self.findings)} not ready" if short else ""

    def document(self, seconds: float) -> dict[str, Any]:
        """The one document of `doctor --json`."""
        titles = {line.id: line.title for line in LINES}
        return {
            "outcome": self.outcome,
            "world": self.target.world,
            "target": self.target.name,
            "ready": self.ready,
            "lines": len(self.findings),
            "duration_s": round(seconds, 3),
            "origins": dict(self.origins),
            "items": [{"title": titles[finding.item], **_document(finding)} for finding in self.findings],
            **ending(EXIT[self.outcome]),
        }


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.item,
        "status": finding.status.value,
        "summary": finding.summary,
        "remedy": str(finding.remedy),
        "evidence": [{"name": e.name, "value": e.value, "source": e.source, "time": e.time or finding.time} for e in finding.evidence],
        "duration_s": finding.duration_s,
    }


def examine(make: Callable[[], Services], *, offline: bool = False, observer: Observer = unobserved) -> Diagnosis:
    """Look at every line. `make` raises a Problem where the configuration cannot be read: then that is the line that is wrong."""
    try:
        services = make()
    except Problem as problem:
        return _without_configuration(problem, offline)
    now = services.clock.now()
    keys = keys_of(services)
    scope = Scope(services, Plan(services.target, None, Kind.FULL, now, standalone=True), keys.trusted)
    held_up = {} if offline else _held_up(services)
    found: dict[str, Finding] = {}
    left = list(LINES)
    with services.one_pass():
        while left:
            stopped = {line.id: _stopped(line, found, held_up, services, offline) for line in left}
            due = [line for line in left if stopped[line.id] is not None or set(_rests_on(line, services)) <= set(found)]
            for line in due:
                left.remove(line)
            found |= {name: finding for name, finding in stopped.items() if finding is not None}
            asked = [line for line in due if stopped[line.id] is None]
            found |= {finding.item: finding for finding in evaluate([line.item for line in asked], scope, observer)}
    findings = tuple(replace(found[line.id], time=found[line.id].time or rfc3339(now)) for line in LINES)
    return Diagnosis(findings, services.target, offline, services.settings.origins)


def _held_up(services: Services) -> dict[str, Problem]:
    """What keeps whole groups of lines from being looked at: no checkout, or no certainty which world the hosts are of."""
    found: dict[str, Problem] = {}
    try:
        services.require_checkout()
    except Problem as problem:
        found["git"] = problem
    try:
        require_world(services.settings)
    except Problem as problem:
        found["token"] = problem
    return found


def _stopped(line: Line, found: Mapping[str, Finding], held_up: Mapping[str, Problem], services: Services, offline: bool) -> Finding | None:
    """The finding on a line that is not to be looked at now; None for one that is, or that waits for others."""
    if offline and line.outside:
        return Finding(line.id, Status.NOT_RUN, "Not asked for: --offline.")
    rests_on = _rests_on(line, services)
    wrong = next((name for name in rests_on if name in found and not found[name].status.satisfied), None)
    if wrong is not None:
        return _waits(line, wrong)
    return _held_line(line, held_up) if set(rests_on) <= set(found) else None


def _held_line(line: Line, held_up: Mapping[str, Problem]) -> Finding | None:
    """The finding on a line that its whole group cannot be looked at for: on the one that names the cause, the cause itself."""
    if line.id in held_up:
        problem = held_up[line.id]
        status = Status.INCONCLUSIVE if problem.exit_code == CouldNotLook.exit_code else Status.FAILED
        said = " ".join(part for part in (problem.what, problem.why) if part)
        return Finding(line.id, status, said, problem.remedy or "Mend that, then look again.")
    if line.checkout and "git" in held_up:
        return _waits(line, "git")
    return _waits(line, "token") if line.credential and "token" in held_up else None


def _rests_on(line: Line, services: Services) -> tuple[str, ...]:
    """The lines that must be right before this one is looked at."""
    on_vm = line.id == "database" and services.target.database.where == "vm"
    return (*line.after, "vm") if on_vm else line.after


def _waits(line: Line, name: str) -> Finding:
    title = next(other.title for other in LINES if other.id == name)
    return Finding(line.id, Status.NOT_RUN, f"Not looked at: first mend “{title}”.")


def _without_configuration(problem: Problem, offline: bool) -> Diagnosis:
    """Everything rests on the configuration but the installation, which asks nothing of it."""
    from nexy_tui.core.given import given

    now = rfc3339(SystemClock(1).now())
    target = Target(world=given().get("NEXY_WORLD") or None)
    installed = own.judge_install(own.installed(given()), Plan(target, None, Kind.FULL, SystemClock(1).now()))
    wrong = failed(" ".join(part for part in (problem.what, problem.why) if part), problem.remedy or "Mend that, then look again.")
    known = {"install": installed, "configuration": wrong}
    findings = [
        Finding(line.id, verdict.status, verdict.summary, verdict.remedy, (), verdict.evidence, 0.0, now)
        if (verdict := known.get(line.id)) is not None
        else replace(_waits(line, "configuration"), time=now)
        for line in LINES
    ]
    return Diagnosis(tuple(findings), target, offline, {key.name: "unknown" for key in KEYS})
