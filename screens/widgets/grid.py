"""Two columns with a hanging indent: a label or a sign, and text that folds under itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text
from textual.app import App

from screens.folded import Folded
from screens.text import clean


def grid(app: App[Any], rows: Iterable[tuple[str, str]], *, width: int, style: str = "muted", bold: bool = False) -> Table:
    """Rows of label and text; the labels in one of the theme's colours. Nothing is read as markup."""
    look = app.theme_variables[style] + (" bold" if bold else "")
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, overflow="fold")
    for label, text in rows:
        table.add_row(Text(clean(label), look), Folded(clean(text)))
    return table
