"""Both surveys of the VM in one script: the application's, and the database's where it is there (contracts: one survey per look).

They share one run-command, which takes the VM's only slot for some 20 s, but nothing else: each comes back on an output of its
own, which Azure cuts by itself, with a status of its own, and what keeps one from being read does not hide the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import CouldNotLook, Problem
from nexy_tui.core.vm_facts import VmFacts
from nexy_tui.services.database.facts import Survey
from nexy_tui.services.database.vm import SURVEY_TIMEOUT, VmDatabase
from nexy_tui.services.vm import SURVEY_PATIENCE, ScriptResult, VmHost

T = TypeVar("T")

_STATUSES = re.compile(r"^nexy-surveys (\d{1,3}) (\d{1,3})$", re.MULTILINE)

_REPORT = re.compile(r"^nexy-database \S+\s*$", re.MULTILINE)
"""The database's report, on the output where the VM's own survey complains."""


@dataclass(frozen=True, slots=True)
class Surveys:
    """What each survey saw, or why it could not look."""

    vm: VmFacts | Problem
    database: Survey | Problem


def survey_both(vm: VmHost, database: VmDatabase, clock: Clock, manifest_version: str, *, commit: str = "", emit: Emit = silent) -> Surveys:
    """One script that changes nothing. Raises CouldNotLook (Busy included) where nothing came back."""
    result = vm.run_job(
        "survey",
        {**vm.survey_parameters(manifest_version, commit), "also": vm.shell(database.survey_script, database.survey_parameters)},
        timeout=SURVEY_TIMEOUT,
        patience=SURVEY_PATIENCE,
        emit=emit,
    )
    taken = clock.now()
    told = _STATUSES.search(result.stdout)
    if told is None:
        raise CouldNotLook(
            f"The survey of {vm.where} ended with status {result.exit} before its end: {result.tail or 'it printed nothing'}",
            remedy="Look again; if it stays, see what the VM's shell prints at start.",
        )
    own = ScriptResult(int(told[1]), result.stdout[: told.start()], _REPORT.sub("", result.stderr))
    theirs = ScriptResult(int(told[2]), result.stderr, "")
    return Surveys(_or_unseen(lambda: vm.read_survey(own, taken)), _or_unseen(lambda: database.read_survey(theirs, taken)))


def _or_unseen(read: Callable[[], T]) -> T | Problem:
    try:
        return read()
    except Problem as problem:
        return problem
