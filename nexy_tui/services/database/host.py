"""The database, where the target says it is: looked at, backed up, drilled and hardened from here or on the VM (contracts: database)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from nexy_tui.core.database_record import DrillRecord
from nexy_tui.core.event import Emit, silent
from nexy_tui.services.database.facts import BackupMade, Survey
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.settings import Address, settings_of

if TYPE_CHECKING:
    from nexy_tui.services import Services


class Place(Protocol):
    """One way of working on the database: from this machine, or by scripts on the VM. Both see and leave the same things."""

    def address(self) -> Address:
        """Where the settings in force say the database is."""
        ...

    def survey(self, emit: Emit = silent) -> Survey:
        """Look at server, catalog, tools and archives; what is out of sight is named in its place."""
        ...

    def back_up(self, emit: Emit, cancelled: Callable[[], bool]) -> BackupMade:
        """Make a verified backup. Raises Refused, Cancelled or ActionFailed with nothing left behind."""
        ...

    def keep_backup_record(self, archive: str, line: bytes) -> None:
        """Lay a backup's signed record beside its archive."""
        ...

    def drill(self, emit: Emit, cancelled: Callable[[], bool]) -> DrillRecord:
        """Restore the newest archive into a fresh database, check and count it, and drop it whatever happened."""
        ...

    def keep_drill_record(self, archive: str, line: bytes) -> None:
        """Add a drill's signed record to its archive's journal."""
        ...

    def harden(self) -> None:
        """Apply the hardening in one transaction."""
        ...


class DatabaseHost:
    """The database of a release target. `where` is `local` or `vm`; nothing else about the two differs for its users."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def where(self) -> str:
        """`local` or `vm` (setting `target.database.where`)."""
        return self._services.target.database.where

    @cached_property
    def place(self) -> Place:
        """Whatever works on the database there."""
        services = self._services
        if self.where == "vm":
            from nexy_tui.services.database.vm import VmDatabase

            return VmDatabase(services.vm, services.layout, Reach.of(services.settings), services.clock)
        from nexy_tui.services.database.local import LocalDatabase

        return LocalDatabase(lambda: settings_of(services), services.environ, services.clock)

    @property
    def seen_from(self) -> str:
        """Where it is worked on, for people."""
        return self._services.vm.where if self.where == "vm" else "this machine"
