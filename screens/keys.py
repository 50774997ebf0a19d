"""The one table of keys: what the footer shows short, the help shows in full. Every key is a plain letter or arrow as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.content import Content
from textual.visual import VisualType

from screens.widgets.grid import grid

PHASE_KEYS = [
    Binding("enter", "primary", "Next step", key_display="⏎"),
    Binding("r", "look", "Check again"),
    Binding("t", "attest", "Attest"),
    Binding("f", "fixers", "Fixers"),
    Binding("b", "back", "Phase before"),
    Binding("escape", "escape", "Stop", key_display="esc"),
    Binding("l", "big_log", "Log"),
    Binding("n,ctrl+n", "next", "Next", show=False),
    Binding("a", "act", "Act", show=False),
    Binding("R", "look_item", "Check this item", show=False),
    Binding("w", "places", "Where to look", show=False),
    Binding("y", "copy", "Copy the item", show=False),
    *(Binding(str(number), f"act_number({number})", f"Action {number}", show=False) for number in range(1, 10)),
]

_HELP = (
    (
        "On the way",
        (
            ("enter", "the next step, as the line at the foot says it; whatever changes anything is shown first and asked"),
            ("n  ctrl+n", "on to the next phase; says what stands in the way where something does"),
            ("b", "back to the phase before"),
            ("a", "the selected item's action, or the phase's next one; asks first"),
            ("1 … 9", "the action with that number; asks first"),
            ("r", "check every item of this phase again"),
            ("R", "check the selected item again"),
            ("t", "attest the selected item, where no machine can verify it"),
            ("f", "fixers of the selected item: what is wrong, what would change, and mending it"),
        ),
    ),
    (
        "Around",
        (
            ("↑ ↓", "choose an item; it stands open below the list"),
            ("tab", "on to the open item, the actions and the next step, and round again; enter presses what has the focus"),
            ("w", "where to look: paths, pages, backups, drills, logs, with state and age"),
            ("l", "the log open, and folded again"),
            ("m", "gate: the whole matrix · database: the runbooks"),
            ("y", "copy the item with its evidence, through the terminal"),
            ("escape", "close what is open; ask a running action to stop"),
            ("ctrl+p  :", "every command that makes sense now"),
            ("q", "leave; an open run can be resumed"),
        ),
    ),
)


def help_parts(app: App[Any]) -> Sequence[VisualType]:
    """The help page."""
    parts: list[VisualType] = []
    for title, rows in _HELP:
        keys = grid(app, ((f"  {key}", text) for key, text in rows), width=13, style="foreground", bold=True)
        parts += [Content.styled(title, "bold $primary"), keys, ""]
    return [*parts, Content.styled("The mouse works too: items, phases, actions and Next can be clicked.", "$muted")]
