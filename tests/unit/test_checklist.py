"""The checklist as a page: complete by the rulebook, its names real, its words short, its remedies never missing."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from checks.gate_cells import Profile
from nexy_tui.actions.base import Action
from nexy_tui.checklist import CHECKLIST, ActionRole
from nexy_tui.cli import commands
from nexy_tui.core import rulebook_edition
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.rulebook import SECTIONS, WITHOUT_ITEM
from nexy_tui.core.target import Target
from nexy_tui.fixers import TROUBLES, fixer
from nexy_tui.release import Release

ROOT = Path(__file__).resolve().parents[2]
ITEMS = CHECKLIST.items
ATTESTABLE = {"inbox.version", "inbox.application", "inbox.apple", "remotes.rulebook", "remotes.publisher", "database.runbooks"}
UNSEEN = {"ready.rules", "ready.commit"}
"""What a token may not see, and a person can in a browser; a hook that needs what git does not track, and runs in the checkout alone."""
CURED = {"ready.server", "ready.service", "gate.live", "gate.certificate"}
"""What a server that is down keeps from holding, and what this release may cure."""

RULEBOOK = {
    "": "0 0.1 1 1.1 1.2 1.3 2 3 4 5 6",
    "2": "(1) (2) (3)",
    "3 Phase 1": "(1) .2 .3",
    "3 Phase 1.1": ".1 .2 .3 .4",
    "3 Phase 2": ".1 .2 .3 .4 .4.1 .5 .6 .7",
    "3 Phase 2.4.1": "(1) (2) (3) (4)",
    "3 Phase 3": "",
    "4": ".1 .2 .3 .4 .5 .6 .7 .8 .9",
    "4.4": "(1) (2) (3)",
    "4.5": "(1) (2) (3)",
    "4.6": "(1) (2)",
    "4.7": "(1) (2)",
    "4.8": "(1) (2)",
    "4.9": "(1) (2) (3)",
    "6": ".1 .2 .3 .4 .5 .6 .7",
}
"""The rulebook's headings and, under each, its numbered lines, copied from the rulebook by hand."""

COPY = ROOT / "nexy_tui/rehearsal/tree/base/server/Docs/SERVER_RELEASE_AND_UPDATE_GUIDE.md.in"
"""The rulebook as a rehearsal world's repository has it."""


def rulebook() -> set[str]:
    found = {name for name in RULEBOOK if name}
    for head, numbers in RULEBOOK.items():
        found |= {f"{head} {number}" if head and number.startswith("(") else f"{head}{number}" for number in numbers.split()}
    return found


def numbered(text: str) -> set[str]:
    """Every heading and numbered line of a rulebook's text, found anew and written as the checklist writes it."""
    found: set[str] = set()
    head, inner, fenced = "", "", False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            continue
        elif heading := re.match(r"#{2,3} (?:(Phase [\d.]*\d)|(\d+(?:\.\d+)*))", line):
            head = inner = f"3 {heading[1]}" if heading[1] else heading[2]
            found.add(head)
        elif rule := re.match(r"(\d+\.\d+) .*:$", line):
            inner = f"{head}.{rule[1]}"
            found.add(inner)
        elif line_ := re.match(r"(\d+)\. ", line):
            inner = head
            plain = (head.startswith("3 ") or head == "6") and f"{head}.{line_[1]}" not in ("3 Phase 1.1",)
            found.add(f"{head}.{line_[1]}" if plain else f"{head} ({line_[1]})")
        elif step := re.match(r" +(\d+)\) ", line):
            found.add(f"{inner} ({step[1]})")
    return found


def test_the_tables_sections_are_the_rulebooks() -> None:
    assert set(SECTIONS) == rulebook()
    assert set(SECTIONS) == numbered(COPY.read_text("utf-8"))
    assert all(SECTIONS.values())


def test_the_edition_is_known_section_by_section() -> None:
    """Every heading has its digest, so that any change of the team's own copy is seen and named."""
    text = COPY.read_text("utf-8")
    assert rulebook_edition.is_rulebook(text) and rulebook_edition.updated(text) == rulebook_edition.UPDATED
    assert set(rulebook_edition.DIGESTS) == {name for name in RULEBOOK if name.startswith("3 Phase") and "2.4.1" not in name} | {
        *RULEBOOK[""].split(),
        *(f"4.{number}" for number in range(1, 10)),
    }
    assert not rulebook_edition.drift(text)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("`Nexy.pkg` -> tag `App`", "`Nexy.pkg` -> tag `Apps`", "missing: 1.3"),
        ("(<= 7 days)", "(<= 3 days)", "missing: 3 Phase 1.1"),
        ("### 4.6 Azure", "### 4.10 Azure", "moved: 4.6"),
        ("## 6. Final", "## 7. Signing\nSign it.\n\n## 6. Final", "added: 7"),
        ("    git fetch --all --tags", "    git fetch --all", "changed: 3 Phase 3"),
        ("# Replace with actual release tag", "## 9. No heading, but a command's own words", "changed: 3 Phase 3"),
    ],
)
def test_another_edition_is_told_by_its_sections(before: str, after: str, said: str) -> None:
    text = COPY.read_text("utf-8")
    assert text.count(before) == 1
    assert str(rulebook_edition.drift(text.replace(before, after))) == said


RUSSIAN = {
    "## 0. Two Pipelines (Mandatory)": "## 0. Два пайплайна (обязательно)",
    "Pipeline": "Контур",
    "### Phase": "### Фаза",
    "### 4.6 Azure run-command conflict": "### 4.6 Конфликт run-command",
    "7 days": "7 дней",
    "Never": "Никогда не",
    "## 6. Final Verification Checklist": "## 6. Итоговая проверка",
}


def russian(text: str) -> str:
    for english, words in RUSSIAN.items():
        assert english in text
        text = text.replace(english, words)
    return text


def test_an_edition_in_the_teams_other_language_demands_the_same() -> None:
    drift = rulebook_edition.drift(russian(COPY.read_text("utf-8")))
    assert not (drift.moved or drift.added or drift.missing) and {"0", "3 Phase 1.1", "6"} <= set(drift.changed)


def test_an_edition_without_numbers_is_known_by_what_it_demands() -> None:
    text = re.sub(r"(?m)^(#{2,4}) \d[\d.]* ", r"\1 ", russian(COPY.read_text("utf-8")))
    text = text.replace("# Server Release & Update Guide", "# Релиз").replace("db_restore_drill.sh", "drill.sh") + "\n## Подпись\nТекст.\n"
    drift = rulebook_edition.drift(text)
    assert rulebook_edition.resembles(text) and not drift.hollow
    assert (drift.missing, drift.added[-1]) == (("3 Phase 1.1",), "Подпись")
    assert {"0", "1.3", "4.9", "6"} <= set(drift.moved)


def test_a_document_about_something_else_is_no_rulebook() -> None:
    text = "# Notes\n\n## Releases\nNexy_server and Nexy_production, pipeline, `git push`, never by hand.\n"
    assert not rulebook_edition.resembles(text) and rulebook_edition.drift("# Server Release & Update Guide\n").hollow


def test_lines_ends_and_blank_lines_are_no_drift() -> None:
    text = COPY.read_text("utf-8")
    assert not rulebook_edition.drift(text.replace("\n", "  \r\n\r\n"))


def test_every_section_has_an_item_or_a_reason_and_none_has_both() -> None:
    held = {item.section for item in ITEMS}
    assert held <= set(SECTIONS), held - set(SECTIONS)
    assert set(SECTIONS) - held == set(WITHOUT_ITEM)
    assert all(len(reason.split()) >= 5 and reason.endswith(".") for reason in WITHOUT_ITEM.values())


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_a_section_that_is_taken_away_is_missed(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `check --list --json` prints, without one section: the comparison with the rulebook must see the hole."""
    left = {item.section for item in ITEMS if item.section != section} | (set(WITHOUT_ITEM) - {section})
    assert rulebook() - left == {section}


def test_check_list_shows_every_section_or_its_reason() -> None:
    app = typer.Typer()
    commands.mount(app)
    told = json.loads(CliRunner().invoke(app, ["check", "--list", "--json"]).stdout)
    listed = {item["section"] for item in told["items"]}
    reasons = {entry["section"]: entry["reason"] for entry in told["sections_without_item"]}
    assert listed | set(reasons) == rulebook() and not listed & set(reasons)
    shown = CliRunner().invoke(app, ["check", "--list"]).stdout
    for section in rulebook():
        assert re.search(rf"(?m)(^|  ){re.escape(section)} ", shown), section


def test_what_a_reason_points_to_is_there() -> None:
    for reason in WITHOUT_ITEM.values():
        for name in re.findall(r"\b[a-z]+\.[a-z]+\b", reason):
            assert CHECKLIST.item(name)
        for name in re.findall(r"nexy-tui fix ([a-z-]+)", reason):
            assert fixer(name) is not None


def test_every_trouble_of_the_rulebook_has_its_fixer() -> None:
    assert [entry.section for entry in TROUBLES] == [f"4.{number}" for number in range(1, 10)]
    assert len({entry.name for entry in TROUBLES}) == 9
    for entry in TROUBLES:
        assert entry.title and entry.symptom and entry.steps and all(entry.steps)
        assert all((found := fixer(name)) is not None and found.trouble is entry for name in (entry.name, entry.section))


def test_the_phases_stand_in_the_rulebooks_order() -> None:
    named = ["remotes", "ready", "version", "database", "inbox", "publish", "gate", "deploy", "final"]
    assert [phase.id for phase in CHECKLIST.phases] == named
    for phase in CHECKLIST.phases:
        assert phase.items and phase.title and phase.intro
        assert any(number.startswith(phase.section) for number in SECTIONS), phase.id


def test_the_final_phase_is_section_six_line_by_line() -> None:
    assert [item.section for item in CHECKLIST.phase("final").items] == [f"6.{number}" for number in range(1, 8)]
    assert all(item.action is None for item in CHECKLIST.phase("final").items)


def test_an_items_name_is_its_phase_and_one_word() -> None:
    names = [item.id for item in ITEMS]
    assert len(set(names)) == len(names)
    for phase in CHECKLIST.phases:
        for item in phase.items:
            assert re.fullmatch(rf"{phase.id}\.[a-z]+", item.id), item.id
            assert CHECKLIST.item(item.id) is item and CHECKLIST.phase_of(item.id) is phase
    with pytest.raises(KeyError):
        CHECKLIST.item("no.such")


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
class TestWords:
    def test_it_fits_the_narrowest_screen(self, item) -> None:  # type: ignore[no-untyped-def]
        assert 3 <= len(item.title) <= 46, "the list of `check --list` is 80 columns wide"
        assert len(f"{item.id:<19} {item.section:<13} {item.title}") <= 80
        assert 3 <= len(item.why) <= 110
        assert item.title[0].isupper() or item.title.startswith(("/", "pg_"))
        assert not item.title.endswith(".") and item.why.endswith(".")

    def test_its_fixers_are_there(self, item) -> None:  # type: ignore[no-untyped-def]
        assert all((found := fixer(name)) is not None and found.name == name for name in item.fixers)
        assert len(set(item.fixers)) == len(item.fixers)

    def test_its_check_looks_and_judges_apart(self, item) -> None:  # type: ignore[no-untyped-def]
        assert callable(item.check.look) and callable(item.check.judge)
        assert item.check.look is not item.check.judge


def test_only_what_a_machine_may_be_unable_to_verify_is_attestable() -> None:
    """What an artifact says of itself and Apple's signatures need a Mac or 7-Zip.

    What another edition of the rulebook asks for, or a script computes, only a person can tell. All else can be looked at anywhere.
    """
    assert {item.id for item in ITEMS if item.attestable} == ATTESTABLE | UNSEEN | CURED


def test_every_action_is_named_is_there_and_can_be_reached() -> None:
    named = {name for phase in CHECKLIST.phases for name in CHECKLIST.actions_of(phase)}
    assert named == set(CHECKLIST.actions) and len(CHECKLIST.release_actions) == len(CHECKLIST.actions)
    for one in CHECKLIST.release_actions:
        made: Action = one.action
        assert CHECKLIST.release_action(made.name) is one and made.title
        assert made.writes_outside or not one.irreversible
        assert all(CHECKLIST.item(name) for name in one.compares)


def test_the_gates_profile_before_a_deploy_is_the_wizards_whole_gate() -> None:
    assert CHECKLIST.of_profile(Profile.PRE_DEPLOY) == CHECKLIST.phase("gate").items


def test_the_gates_profile_after_a_deploy_asks_for_what_is_published_and_live() -> None:
    named = [item.id for item in CHECKLIST.of_profile(Profile.POST_DEPLOY)]
    assert named == [
        *("gate.files", "gate.manifests", "gate.asset"),
        *("final.publication", "final.assets", "final.manifest", "final.live"),
    ]


def test_the_vm_is_asked_for_a_deploy_and_for_a_database_that_is_there() -> None:
    here, there = (replace(Target(), database=replace(Target().database, where=where)) for where in ("local", "vm"))
    deploy = {item.id for item in CHECKLIST.phase("deploy").items} | {f"ready.{name}" for name in ("vm", "drift", "start", "service")}
    database = (
        {item.id for item in CHECKLIST.phase("database").items} - {"database.runbooks"}
        | {f"ready.{name}" for name in ("database", "hardening", "drill")}
        | {"final.backup", "final.drill"}
    )
    assert {item.id for item in ITEMS if item.asks_vm(here)} == deploy
    assert {item.id for item in ITEMS if item.asks_vm(there)} == deploy | database


def test_one_item_ends_the_exposure_and_each_role_but_the_repairs_is_one_actions() -> None:
    assert [item.id for item in ITEMS if item.closes_exposure] == ["final.live"]
    roles = {role: [one.name for one in CHECKLIST.of_role(role)] for role in ActionRole}
    assert roles == {
        ActionRole.REPAIR: ["backup", "drill", "harden", "save-drift", "sync-manifests"],
        ActionRole.PUBLISHER: ["publish"],
        ActionRole.ROLLBACK: ["rollback"],
        ActionRole.HEALER: ["recover"],
    }
    assert all(one.command is not None for one in CHECKLIST.of_role(ActionRole.REPAIR)), "a repair stands alone"


def test_what_cannot_be_taken_back_is_marked_so() -> None:
    assert [one.name for one in CHECKLIST.release_actions if one.irreversible] == ["push", "publish", "rollback", "deploy"]
    assert CHECKLIST.points_of_no_return == ("push", "publish", "deploy")


def test_the_page_is_only_a_page() -> None:
    """Under 200 lines, nothing but imports and values, an item a line or two."""
    text = (ROOT / "nexy_tui/checklist/release.py").read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) < 200
    assert {type(node) for node in tree.body} == {ast.Expr, ast.ImportFrom, ast.Assign}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.comprehension)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Item"]
    assert len(calls) == len(ITEMS)
    assert all(node.end_lineno is not None and node.end_lineno - node.lineno < 2 for node in calls)


def test_what_the_page_says_is_written_nowhere_else() -> None:
    """No item's id in the engine or a face, and no action's name in the engine: a fact about them is a field of theirs."""
    engine = sorted((ROOT / "nexy_tui/engine").rglob("*.py"))
    faces = [ROOT / "nexy_tui/plain.py", ROOT / "nexy_tui/app.py", ROOT / "nexy_tui/release.py"]
    faces += sorted([*(ROOT / "nexy_tui/cli").rglob("*.py"), *(ROOT / "screens").rglob("*.py")])
    assert len(engine) > 10 and len(faces) > 50
    for path in engine + faces:
        words = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
        assert not words & {item.id for item in ITEMS}, path
        if path in engine:
            assert not words & set(CHECKLIST.actions), path


def test_every_main_action_opens_with_what_stands_before_it() -> None:
    state = Release(CHECKLIST.steps())
    for phase in CHECKLIST.phases:
        for action in CHECKLIST.main_actions(phase):
            before = {step.item for step in state.before_action(action)}
            earlier = {item.id for one in CHECKLIST.phases[: CHECKLIST.phases.index(phase)] for item in one.items}
            own = {item.id for item in phase.items if item.action == action}
            assert earlier <= before and not own & before


def test_the_backup_can_be_made_before_a_drill_was_ever_run() -> None:
    """A drill needs an archive: a database that was never backed up must not be caught between the two."""
    names = [item.id for item in CHECKLIST.phase("database").items]
    assert names.index("database.backup") < names.index("database.drill")


@pytest.mark.parametrize("status", [Status.FAILED, Status.INCONCLUSIVE])
@pytest.mark.parametrize("remedy", ["", "  "])
def test_a_verdict_that_stands_in_the_way_names_a_remedy(status: Status, remedy: str) -> None:
    with pytest.raises(ValueError, match="no remedy"):
        Verdict(status, "It does not hold.", remedy)


def test_no_judge_of_the_checks_leaves_the_remedy_empty() -> None:
    """What the rule above would turn into a broken look is found here before it happens."""
    calls = []
    for path in sorted((ROOT / "checks").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("failed", "inconclusive"):
                calls.append(f"{path.name}:{node.lineno}")
                remedy = node.args[1] if len(node.args) > 1 else next((word.value for word in node.keywords if word.arg == "remedy"), None)
                assert remedy is not None and not (isinstance(remedy, ast.Constant) and not str(remedy.value).strip()), calls[-1]
    assert len(calls) > 80
