"""The glossary: one entry a term, in order, short enough for a dialog, and on its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexy_tui.glossary import GLOSSARY, Term, page, used_in


def test_the_page_is_the_glossary() -> None:
    assert (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text("utf-8") == page()


def test_terms_stand_in_order_and_once() -> None:
    names = [term.name.casefold() for term in GLOSSARY]
    assert names == sorted(names)
    every = [name.casefold() for term in GLOSSARY for name in (term.name, *term.aliases)]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("term", GLOSSARY, ids=lambda term: term.name)
def test_a_term_is_explained_in_what_fits_a_dialog(term: Term) -> None:
    assert 20 < len(term.meaning) <= 240 and term.meaning.endswith(".")
    assert all(term in used_in(f"See the {name}, if any.") for name in (term.name, *term.aliases))


def test_words_that_are_no_terms_have_no_entry() -> None:
    assert used_in("Frobnicate the stagecoach's items-like headline with a staged rerun.") == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tags and commits", "tag"),
        ("you attested it", "attest"),
        ("deploying now", "deploy"),
        ("the restore\n drill is", "restore drill"),
        ("at HEAD", "HEAD"),
    ],
)
def test_a_term_is_found_in_its_forms_and_broken_over_lines(text: str, name: str) -> None:
    assert name in [term.name for term in used_in(text)]
