"""The keys at the foot of every screen."""

from __future__ import annotations

from textual.screen import Screen
from textual.widgets import Footer

Shown = tuple[tuple[str, str, bool, str], ...]


class KeyBar(Footer):
    """Textual's footer, made anew only where what it shows has changed: most changes of focus change no key."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._shown: Shown = ()

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Take the screen's keys in."""
        mine = screen.app.app_focus and self.is_attached and screen is self.screen
        keys = _keys(screen) if mine else ()
        if mine and keys == self._shown and self.children:
            return
        if mine:
            self._shown = keys
        super().bindings_changed(screen)


def _keys(screen: Screen[object]) -> Shown:
    active = screen.active_bindings.values()
    return tuple((found.binding.key, found.binding.description, found.enabled, found.tooltip) for found in active if found.binding.show)
