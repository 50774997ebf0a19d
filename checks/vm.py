"""Looks at the VM: one script per pass for everything that is asked of it, and none while somebody else releases."""

from __future__ import annotations

from typing import TypeVar

from checks.base import Scope
from checks.remotes import look_lock
from checks.tip import look_tag
from nexy_tui.core.problem import CouldNotLook, Problem
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.services.database.facts import Survey
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.vm import VmDatabase
from nexy_tui.services.vm_surveys import Surveys, survey_both

T = TypeVar("T")


def look_vm(scope: Scope) -> VmFacts:
    """The VM's survey, once a pass; together with the database's where that is there. An earlier one where it will do."""

    def survey() -> VmFacts:
        kept = scope.services.vm.surveyed(scope.vm_within) if scope.vm_within else None
        if kept is not None:
            return kept
        if scope.plan.target.database.where == "vm":
            return _seen(_look_both(scope).vm)
        _require_free(scope)
        return scope.services.vm.survey(_version(scope), _release(scope), emit=scope.emit)

    return scope.once("vm.survey", survey)


def look_database(scope: Scope) -> Survey:
    """The database's survey on the VM, from the same script."""
    return _seen(_look_both(scope).database)


def _look_both(scope: Scope) -> Surveys:
    def both() -> Surveys:
        _require_free(scope)
        services = scope.services
        database = VmDatabase(services.vm, services.layout, Reach.of(services.settings), services.clock)
        return survey_both(services.vm, database, services.clock, _version(scope), commit=_release(scope), emit=scope.emit)

    return scope.once("vm.surveys", both)


def _require_free(scope: Scope) -> None:
    """Raise CouldNotLook while somebody else releases: a look must not get in their deploy's way."""
    facts = look_lock(scope)
    holder = None if facts.left else facts.holder
    if holder is not None and holder.run != scope.plan.run and not holder.expired(scope.plan.now):
        raise CouldNotLook(
            f"The VM was not asked: {holder} is releasing.",
            "It runs one command at a time, and the release comes first.",
            "Look again when that release has ended.",
        )


def _version(scope: Scope) -> str:
    return str(scope.plan.published or "")


def _release(scope: Scope) -> str:
    """The commit this kind of run checks out on the VM, as far as the checkout knows it."""
    plan = scope.plan
    return (look_tag(scope, plan.version.tag) or "") if plan.version and plan.kind.tags else ""


def _seen(part: T | Problem) -> T:
    if isinstance(part, Problem):
        raise part
    return part
