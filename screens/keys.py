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
    Binding("n,ctrl+n", "next", "Next", key_display="n"),
    Binding("a", "act", "Act"),
    Binding("r", "look", "Look"),
    Binding("t", "attest", "Attest"),
    Binding("enter", "toggle_detail", "Open", show=False),
    Binding("R", "look_item", "Look at this item", show=False),
    Binding("f", "fixers", "Fixers", show=False),
    Binding("w", "places", "Where to look", show=False),
    Binding("b", "back", "Back", show=False),
    Binding("l", "big_log", "Log", show=False),
    Binding("y", "copy", "Copy the item", show=False),
    Binding("escape", "escape", "Stop", show=False),
    *(Binding(str(number), f"act_number({number})", f"Action {number}", show=False) for number in range(1, 10)),
]

_HELP = (
    (
        "On the way",
        (
            ("n  ctrl+n", "Next: open the next phase when this one is verified; otherwise say what stands in the way"),
            ("b", "back to the phase before"),
            ("a", "act: run the selected item's action, or the phase's next; asks first"),
            ("1 … 9", "the action with that number; asks first"),
            ("r", "look again at every item of this phase"),
            ("R", "look again at the selected item only"),
            ("t", "attest the selected item, where no machine can verify it"),
            ("f", "fixers of the selected item: r looks for what is wrong, d shows what would change, m mends it"),
        ),
    ),
    (
        "Around",
        (
            ("↑ ↓", "choose an item"),
            ("enter", "open or close the item: why, found, to do, evidence"),
            ("tab", "on to the actions, the open item, the log and Next, and round again"),
            ("w", "where to look: paths, pages, backups, drills, logs, with state and age"),
            ("l", "the log large, and small again"),
            ("m", "gate: the whole matrix · database: the runbooks"),
            ("y", "copy the item with its evidence (through the terminal, OSC 52)"),
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
