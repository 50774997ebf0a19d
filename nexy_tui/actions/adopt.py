"""Vouch for an archive of another tool's, so that a drill may restore it: by its sha256, typed, and signed like any record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nexy_tui.actions.base import ActionContext
from nexy_tui.core.database_record import BackupRecord
from nexy_tui.core.problem import Refused
from nexy_tui.runlog.sign import sign_statement
from nexy_tui.services import Services
from nexy_tui.services.database.archive import taken_at

_SHOWN = 12


@dataclass(frozen=True)
class Adoption:
    """The archive by name, and the sha256 that the operator gave for it; without one it is shown and its beginning typed.

    One value per command: what was shown and typed is what is adopted, whatever lies there by then.
    """

    name: str
    sha256: str | None = None

    def describe(self, services: Services) -> list[str]:
        """What is vouched for."""
        return [f"adopt {self.name}, sha256 {self.vouched(services)}: sign that you know who made it, and that it may be restored"]

    def confirmation(self, services: Services) -> str:
        """What is typed: nothing, where the sha256 was given."""
        return f"adopt {self.vouched(services)[:_SHOWN]}" if self.sha256 is None else ""

    def vouched(self, services: Services) -> str:
        """The sha256 that was given, else the file's as it was when it was first asked for."""
        return self.sha256 or services.database.measured(self.name).sha256


def adopt(adoption: Adoption, context: ActionContext) -> dict[str, str]:
    """Sign and lay the record; its digest. Raises Refused where the file is another one than was vouched for."""
    services = context.services
    place, name = services.database.place, adoption.name
    vouched = adoption.vouched(services)
    archive = place.measure(name, context.emit)
    if archive.sha256 != vouched:
        raise Refused(
            f"{name} has the sha256 {archive.sha256}, not {vouched}.",
            "It is not the archive that you vouch for.",
            f"Ask whoever made it for its sha256, then: nexy-tui db drill --adopt {name} --sha256 <that>",
        )
    database = place.shelf(emit=context.emit).database
    now = services.clock.now()
    record = BackupRecord(archive, database, taken_at(name) or now, now, "", "", {}, context.plan.run, adopted=True)
    context.intent("adopt an archive of another tool", archive=name, sha256=archive.sha256)
    line = sign_statement(record.statement(), context.signer())
    place.keep_backup_record(name, line)
    return {f"{name}.backup.json": hashlib.sha256(line).hexdigest()}
