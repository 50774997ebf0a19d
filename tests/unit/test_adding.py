"""The recipes of docs/adding.md, followed word by word."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer
from engine_kit import Engine, Stage, engine
from typer.testing import CliRunner

from checks.base import Check
from nexy_tui.checklist import CHECKLIST, Checklist, Item
from nexy_tui.cli import commands, common
from nexy_tui.core.finding import Status
from nexy_tui.engine.document import document, outcome_of
from nexy_tui.engine.driver import drive

RECIPES = Path(__file__).resolve().parents[2] / "docs/adding.md"


def section(title: str) -> list[str]:
    """The code of a recipe, block by block."""
    _, _, text = RECIPES.read_text("utf-8").partition(f"\n## {title}\n")
    return re.findall(r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> Item:
    """The recipe's item, with its check from a module that holds the recipe's text."""
    module, line = section("A check")
    path = tmp_path_factory.mktemp("recipe") / "machine.py"
    path.write_text(module, "utf-8")
    spec = importlib.util.spec_from_file_location("machine", path)
    assert spec is not None and spec.loader is not None
    machine: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(machine)
    made = eval(line, {"Item": Item, "machine": machine})
    assert isinstance(made, Item) and isinstance(made.check, Check)
    return made


def checklist_with(item: Item, checklist: Checklist = CHECKLIST) -> Checklist:
    """The checklist with one more line at the end of the first phase."""
    first, *others = checklist.phases
    return replace(checklist, phases=(replace(first, items=(*first.items, item)), *others))


def driven(item: Item, host: str) -> Engine:
    """A whole run over the real phases, acted on a stage, and the new item looked at on a machine of that name."""
    stage = Stage()
    made = engine(stage, checklist=checklist_with(item, stage.checklist()))
    made.session.services.settings = SimpleNamespace(host=host)  # type: ignore[assignment]
    drive(made.session, confirm=made.stage.confirm, attestations={})
    return made


def test_it_is_listed(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "the_checklist", lambda: checklist_with(item))
    app = typer.Typer()
    commands.mount(app)
    listed = json.loads(CliRunner().invoke(app, ["check", "--list", "--json"]).stdout)["items"]
    assert [row["title"] for row in listed if row["id"] == item.id] == [item.title]
    assert re.search(rf"(?m)^{item.id} +{item.section} +{item.title}$", CliRunner().invoke(app, ["check", "--list"]).stdout)


@pytest.mark.parametrize(("host", "status"), [("studio", Status.PASSED), ("", Status.FAILED)])
def test_it_is_looked_at_and_reported(item: Item, host: str, status: Status) -> None:
    made = driven(item, host)
    outcome = outcome_of([made.session.state.findings[item.id]])
    shown = document(made.session, made.session.checklist.items, outcome, 0.0)["items"]
    [row] = [row for row in shown if row["id"] == item.id]
    assert (row["status"], row["phase"], row["evidence"][0]["name"]) == (status.value, made.session.checklist.phases[0].id, "host")
    assert [record[2] for record in made.journal.records if record[:2] == ("check", item.id)][-1] == status.value


def test_where_it_does_not_hold_nothing_acts(item: Item) -> None:
    made = driven(item, "")
    refused: Any = made.session.state.may_advance()
    assert refused.item == item.id and made.stage.ran == []
    assert driven(item, "studio").session.state.complete
