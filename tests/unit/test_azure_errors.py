"""What Azure answers, as problems: a busy slot names the fixer that waits for it, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.problem import Problem
from nexy_tui.core.remedy import Mend
from nexy_tui.services.azure_errors import Busy, problem_of


def _answered(status: int, message: str) -> Problem:
    error: Any = HttpResponseError(message=message)
    error.status_code = status
    return problem_of(error, "NetworkWatcherRG/Nexy", {})


def test_a_busy_slot_names_the_fixer_that_waits() -> None:
    problem = _answered(409, "(Conflict) Run command extension execution is in progress. Please wait.")
    assert isinstance(problem, Busy) and isinstance(problem.remedy, Mend) and problem.remedy.fixer == "azure-busy"


@pytest.mark.parametrize("status", [403, 404, 409, 500])
def test_another_answer_names_no_fixer(status: int) -> None:
    assert not isinstance(_answered(status, "no").remedy, Mend)


def test_no_item_offers_to_wait_for_the_slot_whatever_is_wrong_with_the_vm() -> None:
    assert not [item.id for item in CHECKLIST.items if "azure-busy" in item.fixers]
