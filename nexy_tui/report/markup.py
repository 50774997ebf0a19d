"""HTML as a tree of the standard library's elements: every text and attribute is escaped where it is written out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from nexy_tui.core.text import printable_lines

Node: TypeAlias = "Element | str"
_WIDEST = 4000
_ON_LINES = frozenset(
    ("meta", "title", "link", "style", "head", "header", "section", "h1", "h2", "p", "table", "caption", "tr", "rect", "text")
)


def element(tag: str, *children: Node, **attributes: str) -> Element:
    """An element with its children in order. `class_` and `for_` are written without, `aria_label` with a hyphen."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): printable_lines(value, _WIDEST) for name, value in attributes.items()})
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + printable_lines(child, _WIDEST)
        else:
            made.text = (made.text or "") + printable_lines(child, _WIDEST)
    return made


def section(name: str, title: str, *children: Node) -> Element:
    """A part of the page under a heading of the second level."""
    return element("section", element("h2", title, id=name), *children, aria_labelledby=name)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Node]]) -> Element:
    """A table with a caption and column headers; the first cell of a row is the row's header."""
    body = element("tbody")
    for row in rows:
        body.append(element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])))
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    return element("table", element("caption", caption), top, body)


def facts(caption: str, rows: Iterable[tuple[str, Node]]) -> Element:
    """Names and values, a row each."""
    body = element("tbody", *(element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows))
    return element("table", element("caption", caption), body, class_="facts")


def document(root: Element) -> str:
    """The page as text: ASCII, so that no terminal, file or mail changes a character of it; a row of a table to the line."""
    for part in root.iter():
        if part.tag in _ON_LINES and not part.tail:
            part.tail = "\n"
    written: bytes = tostring(root, encoding="us-ascii", method="html")
    return f"<!DOCTYPE html>\n{written.decode('ascii')}\n"
