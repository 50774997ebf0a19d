"""The database, where the target says it is: looked at, backed up, drilled and hardened from here or on the VM (contracts: database)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

from nexy_tui.core.database_record import Archive, DrillRecord
from nexy_tui.core.event import Emit, silent
from nexy_tui.services.database.facts import BackupMade, NewestArchive, Shelf, Survey
from nexy_tui.services.database.own_folder import require_own
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.retention import Retired
from nexy_tui.services.database.settings import Address, settings_of

if TYPE_CHECKING:
    from nexy_tui.services import Services


_PAGES = 20


class DatabaseAccess(Protocol):
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

    def retiring(self) -> Retired:
        """What a backup made now would remove. Raises Refused, CouldNotLook."""
        ...

    def keep_backup_record(self, archive: str, line: bytes) -> None:
        """Lay a backup's signed record beside its archive."""
        ...

    def shelf(self, before: str = "", emit: Emit = silent) -> Shelf:
        """The archives with their records, newest first, of those named before `before`. Raises Refused for a folder that is not ours."""
        ...

    def measure(self, name: str, emit: Emit = silent) -> Archive:
        """Size and sha256 of an archive of the folder. Raises Refused where none of that name is there."""
        ...

    def look_at(self, name: str, emit: Emit = silent) -> NewestArchive:
        """An archive with what lies beside it, as a survey shows the newest. Raises Refused where none of that name is there."""
        ...

    def drill(self, archive: Archive, emit: Emit, cancelled: Callable[[], bool]) -> DrillRecord:
        """Restore that archive into a fresh database, check and count it, and drop it whatever happened.

        It is restored by a role of its own, without rights. Raises Altered where the file of that name has other bytes.
        """
        ...

    def keep_drill_record(self, archive: str, line: bytes) -> None:
        """Add a drill's signed record to its archive's journal."""
        ...

    def harden(self) -> None:
        """Apply the hardening in one transaction."""
        ...


def pages(place: DatabaseAccess, emit: Emit = silent) -> Iterator[Shelf]:
    """The archives with their records, newest first, page by page."""
    before = ""
    for _ in range(_PAGES):
        shelf = place.shelf(before, emit)
        yield shelf
        if not shelf.more:
            return
        before = shelf.archives[-1].name


class DatabaseHost:
    """The database of a release target. `where` is `local` or `vm`; nothing else about the two differs for its users."""

    def __init__(self, services: Services) -> None:
        self._services = services

        self._measured: dict[str, Archive] = {}

    def measured(self, name: str) -> Archive:
        """An archive as it was when it was first asked for by this command: what people were shown."""
        if name not in self._measured:
            self._measured[name] = self.place.measure(name)
        return self._measured[name]

    @property
    def where(self) -> str:
        """`local` or `vm` (setting `target.database.where`)."""
        return self._services.target.database.where

    @cached_property
    def place(self) -> DatabaseAccess:
        """Whatever works on the database there."""
        services = self._services
        if self.where == "vm":
            from nexy_tui.services.database.vm import VmDatabase

            return VmDatabase(services.vm, services.layout, Reach.of(services.settings), services.clock)
        from nexy_tui.services.database.local import LocalDatabase

        settings, own = partial(settings_of, services), lambda folder: require_own(folder, services.git)
        return LocalDatabase(settings, services.environ, services.clock, own)

    @property
    def seen_from(self) -> str:
        """Where it is worked on, for people."""
        return self._services.vm.where if self.where == "vm" else "this machine"
