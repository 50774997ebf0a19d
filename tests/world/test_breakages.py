"""A released world broken in each of the table's ways: exactly what is concerned is named, the fixer mends it, and all is well again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from breakages import BY_HAND, OF_A_RUN, ROWS, Breakage
from breaking import Strike
from conftest import Inside
from mending import inside_of, mended

from nexy_tui.checklist import CHECKLIST
from nexy_tui.core.finding import Finding
from nexy_tui.engine.opening import look_session
from nexy_tui.fixers import FIXERS
from nexy_tui.rehearsal.faults.switchboard import registry

FINAL = "final."
SEVEN = CHECKLIST.phase("final").items
SAMPLE = tuple({row.kind.partition(":")[0]: row for row in reversed(ROWS)}.values())[::-1]
"""One row of each kind of place that is broken: the first."""

QUICK = {"inbox", "github-auth", "target-repository", "script-paths", "manifest-repository"}
"""Fixers that leave the VM alone. Of the others, which take longer, the ordinary run lets one mend one row; the whole table all."""


@dataclass
class Count:
    """What the whole table came to."""

    rows: int = 0
    named: int = 0
    checked: int = 0
    fixed: int = 0
    fixers: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def count() -> Iterator[Count]:
    made = Count()
    yield made
    print(
        f"\n{made.rows} ways to break a released world; {made.named} items named by verify, {made.checked} by check alone; "
        f"{made.fixed} mended by {len(made.fixers)} fixers, {made.rows - made.fixed} undone by hand"
    )


def found(inside: Inside, *, released: bool) -> list[Finding]:
    """What `verify` finds; or, of all items, what `check --all --vm` does."""
    with inside_of(inside) as services:
        session = look_session(services(), CHECKLIST, released=released)
        return list(session.looks.at(SEVEN if released else CHECKLIST.items))


def wrong(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(finding.item for finding in findings if not finding.status.satisfied)


def named(inside: Inside) -> tuple[str, ...]:
    """Which of the seven `verify` names."""
    return tuple(item.removeprefix(FINAL) for item in wrong(found(inside, released=True)))


def play(inside: Inside, row: Breakage, count: Count, *, fix: bool = True) -> None:
    """Break, see what is named, mend it where there is a fixer, and see that all is well."""
    undo = row.break_it(inside)
    mended_by_fixer = False
    try:
        assert named(inside) == row.verify
        if row.check:
            beside = tuple(item for item in wrong(found(inside, released=False)) if not item.startswith(FINAL))
            assert set(beside) == set(row.check), beside
            count.checked += len(beside)
        if row.fixer and fix:
            mend(inside, row)
            mended_by_fixer = True
            count.fixed += 1
            count.fixers.add(row.fixer)
    finally:
        if not mended_by_fixer or row.then == "lay":
            undo()
    if mended_by_fixer or row.fixer == "":
        assert named(inside) == ()
    if mended_by_fixer and row.then == "tidy":
        undo()
    count.rows += 1
    count.named += len(row.verify)


def mend(inside: Inside, row: Breakage) -> None:
    """As `nexy-tui fix NAME --yes` does, without a terminal."""
    with inside_of(inside) as services:
        outcome, said, _ = mended(services(), row.fixer, None if row.secret is None else row.secret(inside))
    assert outcome.outcome == "verified", (said, outcome)


@pytest.mark.parametrize("row", SAMPLE, ids=lambda row: row.kind)
def test_exactly_what_is_concerned_is_named_and_the_fixer_mends_it(released: Inside, count: Count, row: Breakage) -> None:
    play(released, row, count, fix=row.fixer in QUICK or row.kind == "branch: a claim")


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_way(released: Inside, count: Count, row: Breakage) -> None:
    play(released, row, count)


def test_the_command_line_names_the_same(released: Inside) -> None:
    row = next(row for row in ROWS if row.id == "canonical artifact.sha256")
    undo = row.break_it(released)
    said = json.loads(released.run("nexy-tui", "verify", "--json", check=False).stdout)
    undo()
    statuses = {item["id"].removeprefix(FINAL): item["status"] for item in said["items"]}
    assert said["outcome"] == "refused" and list(statuses) == [item.id.removeprefix(FINAL) for item in SEVEN]
    assert tuple(name for name, status in statuses.items() if status != "passed") == row.verify


def test_the_table_is_whole() -> None:
    assert len(ROWS) >= 40 and len({row.id for row in ROWS}) == len(ROWS)
    assert {FINAL + name for row in ROWS for name in row.verify} == {item.id for item in SEVEN}
    assert {row.fixer for row in ROWS} - {""} == {fixer.name for fixer in FIXERS}
    assert all(row.verify or row.check for row in ROWS)
    struck = {row.break_it.name for row in ROWS if isinstance(row.break_it, Strike)}
    assert struck | BY_HAND | OF_A_RUN == set(registry()) and not struck & (BY_HAND | OF_A_RUN)
