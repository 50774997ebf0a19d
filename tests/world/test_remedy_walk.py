"""Every remedy of a failing judge, carried out in the world: it is accepted, loses nothing, and leads on, never back to itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import cast

import pytest
from _pytest.mark import ParameterSet
from bench import Bench
from conftest import Inside, MakeWorld, seldom
from driving import release
from remedying import Carried, Count, Undone, found, lead_on, walk
from remedysites import Site, reached, sites
from walkrows import ATTESTED, BEGUN, CODE_ONLY, EXCUSED, HOST, IN_A_RUN, RELEASED, SEVEN, UPDATE_ONLY, VERSION, Row

from nexy_tui.checklist import CHECKLIST, Item, Need
from nexy_tui.core.finding import Finding, Status
from nexy_tui.fixers import FIXERS

_RELEASE = ("release", VERSION, "--headless", "--auto", "--json")


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Iterator[Count]:
    """What one walk comes to; all of them are added up at the end of the run."""
    made = Count()
    yield made
    request.node.user_properties.append(("counted", asdict(made)))


def cases(rows: tuple[Row, ...]) -> list[ParameterSet]:
    return [seldom(row, id=row.id) if row.seldom else pytest.param(row, id=row.id) for row in rows]


def upto(items: list[str]) -> list[Item]:
    """The checklist as far as the last of these, as an operator goes through it; without the VM's."""
    ids = [one.id for one in CHECKLIST.items]
    last = max(ids.index(item) for item in items)
    return [one for one in CHECKLIST.items[: last + 1] if one.needs is not Need.VM or one.id in items]


def follow(bench: Bench, row: Row, count: Count) -> None:
    inside = bench.take()
    undo = cast(Callable[[], object], row.break_it(inside))
    hands = {words: hand or Undone(undo) for words, hand in row.hands.items()}
    items = row.items or upto(list(row.names))
    fixers = dict.fromkeys(row.names, row.fixer) if row.fixer else {}
    wrong, carried = walk(inside, items, hands, count, released=items == SEVEN, fixers=fixers)
    assert wrong & row.names.keys(), f"not broken: {wrong}"
    for item, words in row.names.items():
        assert any(item == name and re.search(words, said) for name, said in carried), (item, words, carried)


@pytest.fixture(scope="module")
def begun(make_module_world: MakeWorld) -> Bench:
    """A world in which a release is being prepared: its version is written, and not committed."""
    return Bench(make_module_world, lambda inside: inside.run("nexy-tui", "bump", VERSION))


@pytest.mark.parametrize("row", cases(BEGUN))
def test_from_a_trouble_of_a_begun_release_the_remedies_lead_on(begun: Bench, count: Count, row: Row) -> None:
    follow(begun, row, count)


@pytest.fixture(scope="module")
def released(make_module_world: MakeWorld) -> Bench:
    """A world in which a whole release has been done."""
    return Bench(make_module_world, released_whole)


def released_whole(inside: Inside) -> None:
    run = release(inside, VERSION)
    assert run.exit == 0, run.said


@pytest.mark.parametrize("row", cases(RELEASED + HOST))
def test_from_a_trouble_of_a_released_version_the_remedies_lead_on(released: Bench, count: Count, row: Row) -> None:
    follow(released, row, count)


@pytest.fixture(scope="module")
def code_only(make_module_world: MakeWorld) -> Bench:
    """A world in which the code alone has been released."""
    return Bench(make_module_world, lambda inside: inside.run("nexy-tui", *_RELEASE, "--kind", "code-only", timeout=180))


@pytest.mark.parametrize("row", cases(CODE_ONLY))
def test_from_a_trouble_of_a_release_of_the_code_the_remedies_lead_on(code_only: Bench, count: Count, row: Row) -> None:
    follow(code_only, row, count)


@pytest.fixture(scope="module")
def update_only(make_module_world: MakeWorld) -> Bench:
    """A world in which the update alone has been released."""
    return Bench(make_module_world, lambda inside: inside.run("nexy-tui", *_RELEASE, "--kind", "update-only", timeout=180))


@pytest.mark.parametrize("row", cases(UPDATE_ONLY))
def test_from_a_trouble_of_a_release_of_the_update_the_remedies_lead_on(update_only: Bench, count: Count, row: Row) -> None:
    follow(update_only, row, count)


@pytest.mark.parametrize("row", cases(IN_A_RUN))
def test_a_run_that_was_refused_goes_on_after_its_remedy(begun: Bench, row: Row) -> None:
    inside = begun.take()
    row.break_it(inside)
    ((item, words),) = row.names.items()
    refused = release(inside, VERSION)
    assert (refused.item(item)["status"], bool(re.search(words, refused.item(item)["remedy"]))) == ("failed", True)
    for hand in row.hands.values():
        assert hand is not None
        hand(inside, refused.item(item)["remedy"])
    assert release(inside, "--resume", refused.id).item(item)["status"] in ("passed", "not_applicable")


@pytest.mark.exhaustive
def test_a_version_that_is_taken_leads_to_another_run_of_the_next(begun: Bench) -> None:
    inside = begun.take()
    (row,) = (row for row in IN_A_RUN if "version.number" in row.names)
    row.break_it(inside)
    remedy = release(inside, VERSION).item("version.number")["remedy"]
    (close,), (anew,) = re.findall(r"\(nexy-tui (runs close [^)]+)\)", remedy), re.findall(r"nexy-tui (release \S+)", remedy)
    assert inside.run("nexy-tui", *close.split()).returncode == 0
    assert release(inside, *anew.split()[1:]).item("version.number")["status"] == "passed"


@pytest.mark.parametrize("row", cases(ATTESTED))
def test_what_only_a_person_can_tell_is_attested(begun: Bench, row: Row) -> None:
    inside = begun.take()
    row.break_it(inside)
    ((item, words),) = row.names.items()
    looked = [one for one in found(inside, upto([item]), released=False) if one.item == item]
    assert [(one.status, bool(re.search(words, str(one.remedy)))) for one in looked] == [(Status.INCONCLUSIVE, True)]
    said = inside.run("nexy-tui", "publish", "--dry-run", "--json", "--attest", f"{item}=Read, and it is covered.", check=False)
    assert {one["status"] for one in json.loads(said.stdout)["items"] if one["id"] == item} == {"attested"}, said.stdout


# --- that the walk sees what it is there for ---


def _wrong(item: str, summary: str) -> Finding:
    return Finding(item, Status.FAILED, summary, f"Mend {item}.")


A, B, A_OTHERWISE = _wrong("a", "a is 12 bytes"), _wrong("b", "b differs"), _wrong("a", "a is locked")


def _lead(*looks: list[Finding], exit: int = 0) -> Count:
    """Walk where one look after the other finds that."""
    count, left = Count(), list(looks)
    lead_on(lambda: left.pop(0), lambda finding: Carried(exit, "done"), count)
    return count


@pytest.mark.parametrize("looks", [([A], [A]), ([A], [B], [A]), ([A, B], [B], [replace(A, summary="a is 99 bytes", remedy="Wait.")])])
def test_a_cause_that_comes_back_after_its_remedy_is_a_circle(looks: tuple[list[Finding], ...]) -> None:
    with pytest.raises(AssertionError, match="a circle"):
        _lead(*looks, [])


def test_a_remedy_that_is_refused_is_no_step_onwards() -> None:
    with pytest.raises(AssertionError, match="refused"):
        _lead([A], [A_OTHERWISE], [], exit=1)


def test_an_item_that_names_another_cause_has_moved_on() -> None:
    assert _lead([A, B], [A_OTHERWISE, B], [B], []) == Count(remedies=3, accepted=3, mended=2, moved_on=1)


ROWS = (*BEGUN, *IN_A_RUN, *ATTESTED, *RELEASED, *HOST, *CODE_ONLY, *UPDATE_ONLY)


def _walks(row: Row, site: Site) -> bool:
    return any(words and site.function in reached(item) and re.search(words, site.words) for item, words in row.names.items())


def test_every_remedy_of_the_checks_is_walked_or_cannot_be() -> None:
    left = {site for site in sites() if not any(_walks(row, site) for row in ROWS)}
    excused = {site for site in left if any(str(site).startswith(start) for start in EXCUSED)}
    assert not left - excused, "nobody walks:\n" + "\n".join(map(str, sorted(left - excused)))
    needless = [start for start in EXCUSED if not any(str(site).startswith(start) for site in left)]
    assert not needless, f"excused, but walked or not there: {needless}"


def test_every_fixer_is_walked() -> None:
    told = " ".join(words for row in ROWS for words in row.names.values())
    assert [one.name for one in FIXERS if f"Mend {one.name}" not in told] == []
