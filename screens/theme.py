"""Colours: calm greys and blues; red is kept for production and for what failed, violet for a rehearsal, amber for what waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App
from textual.theme import Theme

from nexy_tui.core.finding import Status

NIGHT = Theme(
    name="nexy-night",
    primary="#7aa2f7",
    secondary="#bb9af7",
    accent="#7dcfff",
    foreground="#c8d0e0",
    background="#12151c",
    surface="#171b24",
    panel="#1e2430",
    success="#8ec07c",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
    variables={
        "production": "#d7263d",
        "rehearsal": "#7c5cd6",
        "on-primary": "#10131a",
        "muted": "#8490aa",
        "faint": "#4b556e",
        "scrollbar": "#39435c",
        "scrollbar-hover": "#4b556e",
        "scrollbar-active": "#7aa2f7",
        "scrollbar-background": "#171b24",
        "scrollbar-background-hover": "#171b24",
        "scrollbar-background-active": "#171b24",
        "border": "#3b4560",
        "border-blurred": "#2a3142",
        "block-cursor-background": "#2f3f63",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232a3a",
        "block-cursor-blurred-foreground": "#c8d0e0",
        "block-cursor-blurred-text-style": "none",
    },
)

DAY = Theme(
    name="nexy-day",
    primary="#2e5aac",
    secondary="#7847bd",
    accent="#0f7b9e",
    foreground="#2b3040",
    background="#f6f7f9",
    surface="#eef0f4",
    panel="#e3e7ee",
    success="#3f7d2f",
    warning="#96640f",
    error="#b3253f",
    dark=False,
    variables={
        "production": "#b3152b",
        "rehearsal": "#6a45c4",
        "on-primary": "#ffffff",
        "muted": "#5b667d",
        "faint": "#a9b2c3",
        "border": "#9aa5bd",
        "border-blurred": "#c5ccd9",
        "block-cursor-background": "#c9d7f2",
        "block-cursor-foreground": "#10131a",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#dbe3f1",
        "block-cursor-blurred-foreground": "#2b3040",
        "block-cursor-blurred-text-style": "none",
    },
)


DEFAULTS = {"on-primary": "#10131a", "production": "#d7263d", "rehearsal": "#7c5cd6", "muted": "#8490aa", "faint": "#4b556e"}
"""For the variables that Textual's own themes do not know."""


def status_styles(app: App[Any]) -> Mapping[Status, str]:
    """The theme's colours for renderables that do not know the theme's variables."""
    colours = app.theme_variables
    return {
        Status.PASSED: colours["success"],
        Status.PENDING: colours["primary"],
        Status.FAILED: f"bold {colours['error']}",
        Status.INCONCLUSIVE: f"bold {colours['warning']}",
        Status.ATTESTED: colours["secondary"],
        Status.NOT_APPLICABLE: "dim",
        Status.NOT_RUN: "dim",
    }
