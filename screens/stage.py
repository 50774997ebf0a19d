"""Where screens are shown: what the application does for them, so that no screen knows another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from screens.backend import NewRun


class Stage(Protocol):
    """The application, as the screens and the flows see it."""

    def show_phase(self, phase: str) -> None:
        """Put a phase's screen on."""
        ...

    def show_item(self, item: str) -> None:
        """Put the cursor of the phase's screen on an item."""
        ...

    def show_end(self, log: Path, outcome: str) -> None:
        """Put the end screen on."""
        ...

    def show_home(self) -> None:
        """Back to the home screen."""
        ...

    def open_start(self, wanted: NewRun | None = None) -> None:
        """Open the form of a new run."""
        ...

    def open_runs(self, *, only_open: bool = False) -> None:
        """Open the list of runs, or of those that can be resumed."""
        ...

    def open_fixers(self, named: Sequence[str] = ()) -> None:
        """Open the troubleshooting chapter at these fixers."""
        ...

    def open_rollback(self) -> None:
        """Open what a rollback would put back."""
        ...

    def open_doctor(self) -> None:
        """Open whether all is set up."""
        ...

    def open_places(self) -> None:
        """Open where to look."""
        ...

    def redraw(self) -> None:
        """Draw whatever is on, as the run stands."""
        ...
