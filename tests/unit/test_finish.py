"""How a run's end is told on the command line."""

from __future__ import annotations

import json

import pytest
from engine_kit import engine

from nexy_tui.cli.finish import finish
from nexy_tui.core.finding import Status
from nexy_tui.engine.outcome import Outcome
from nexy_tui.release import Refusal


def test_what_stands_in_the_way_is_told_with_why_it_matters_in_words_and_document(capsys: pytest.CaptureFixture[str]) -> None:
    session = engine(looks_only=True).session
    item = session.checklist.items[0]
    outcome = Outcome.from_refusal(Refusal(item.id, Status.FAILED, "It is wrong."))
    assert finish(session, outcome, 0.0, as_json=True) == 1
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["problem"]["why"] == item.why != "" and f"  why:  {item.why}" in told.err
    assert (document["problem"]["what"], document["stopped_by"]) == ("It is wrong.", item.id)


def test_an_action_that_was_not_confirmed_has_no_item_to_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(engine(looks_only=True).session, Outcome.unconfirmed("deploy"), 0.0, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["problem"]["why"] == ""
