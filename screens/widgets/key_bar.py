"""The keys at the foot of every screen."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.events import MouseDown
from textual.screen import Screen
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Key:
    """A key that does something now: as it is pressed, as it is shown, in a word, and by its action's name."""

    key: str
    shown: str
    word: str
    action: str
    enabled: bool = True

    @property
    def content(self) -> Content:
        """As it stands in the line."""
        text = Content.assemble((f" {self.shown} ", "$primary bold"), f"{self.word} ")
        return text if self.enabled else text.stylize("dim")


class KeyBar(Widget):
    """The screen's keys in one line, drawn anew only where they change. (Textual's Footer makes a widget a key, and all of them anew.)"""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        """Follow the screen's keys."""
        self.screen.bindings_updated_signal.subscribe(self, self.take)

    def take(self, screen: Screen[object]) -> None:
        """Show the keys of the screen it stands on; none of another's, and as they were while the terminal is elsewhere."""
        if not (screen.app.app_focus and self.is_attached and screen is self.screen):
            return
        found: dict[str, Key] = {}
        for one in screen.active_bindings.values():
            bound = one.binding
            if bound.show and bound.action not in found:
                shown = screen.app.get_key_display(bound)
                found[bound.action] = Key(bound.key, shown, bound.description, bound.action, one.enabled)
        if self.keys != (keys := tuple(found.values())):
            self.keys = keys
            self.refresh()

    def render(self) -> Content:
        """Key, word, key, word."""
        return Content("").join(key.content for key in self.keys)

    def on_mouse_down(self, event: MouseDown) -> None:
        """The key that stands there is pressed."""
        end = 0
        for key in self.keys:
            end += key.content.cell_length
            if event.x < end:
                if key.enabled:
                    self.app.simulate_key(key.key)
                return
