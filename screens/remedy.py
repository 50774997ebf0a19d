"""A remedy as the wizard words it: by the button and key that stand here, else by the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nexy_tui.core.remedy import Act, Anew, Mend, Remedy, Run, around
from screens.text import clean

if TYPE_CHECKING:
    from nexy_tui.checklist import Checklist, Item


def todo(remedy: Remedy, item: Item | None, checklist: Checklist, fixer_title: Callable[[str], str], *, next_step: bool = False) -> str:
    """What to do about an item, or a problem: an action by the title on its button, a fixer by its title.

    An action that stands on no button here is named by its command too; `next_step`: the next step is it.
    """
    match remedy:
        case Act(action) if next_step or (item is not None and action in (item.action, item.repair)):
            return clean(around(remedy, checklist.actions[action].title))
        case Act(action, command):
            return clean(around(remedy, f"{checklist.actions[action].title} (nexy-tui {command})"))
        case Mend(fixer):
            return clean(around(remedy, f"{'the' if remedy.first else 'The'} fixer {fixer_title(fixer)}"))
        case Anew():
            return clean(f"Close this run, and begin another as {remedy.version} {remedy.then}".rstrip() + ".")
        case Run() | str():
            return clean(str(remedy))
