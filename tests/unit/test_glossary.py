"""The glossary: one entry a term, in order, short enough for a dialog, and on its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexy_tui.glossary import GLOSSARY, Term, explain, page


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
    assert all(explain(name.upper()) is term for name in (term.name, *term.aliases))


def test_a_word_that_is_no_term_has_no_entry() -> None:
    assert explain("frobnicate") is None
