"""What `?` says: the selected item in a sentence, the words that stand on this screen, and every key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.visual import VisualType

from nexy_tui.checklist import Item
from nexy_tui.glossary import used_in
from screens.keys import help_parts
from screens.phase import PhaseScreen
from screens.widgets.grid import grid


def help_on(app: App[Any]) -> Sequence[VisualType]:
    """The help for what is shown now, a dialog in front of it included."""
    parts: list[VisualType] = []
    phase = next((screen for screen in reversed(app.screen_stack) if isinstance(screen, PhaseScreen)), None)
    if phase is not None and phase.selected is not None:
        parts += _item(phase.selected)
    terms = used_in(_text(app.screen))
    if terms:
        words = [(f"  {term.name}", term.meaning) for term in terms]
        parts += [Content.styled("Words on this screen", "bold $primary"), grid(app, words, width=22, style="foreground", bold=True), ""]
    return [*parts, *help_parts(app)]


def _item(item: Item) -> list[VisualType]:
    head = Content.assemble((item.title, "bold $primary"), (f"   rulebook {item.section}", "$muted"))
    return [head, Content(f"  {item.why}"), ""]


def _text(screen: Screen[Any]) -> str:
    """What stands on a screen, row by row."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())
