"""Deploy: the tag on the VM, the service restarted, every step's status seen."""

from __future__ import annotations

from screens.phase import PhaseScreen


class DeployScreen(PhaseScreen):
    """Rulebook section 3, phase 3. The script's output has the larger part of the screen."""

    def on_mount(self) -> None:
        """Give the output its room."""
        super().on_mount()
        self.add_class("-output")
