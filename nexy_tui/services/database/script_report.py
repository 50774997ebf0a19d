"""What a script that worked on the database on the VM reported, read from the lines it printed."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

from nexy_tui.core import strict_json
from nexy_tui.core.database_record import Archive
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.text import printable
from nexy_tui.services.database.facts import Catalog, DrillLine, NewestArchive, Shelved, StrayFile, Tool, Unseen, Vault
from nexy_tui.services.database.retention import Retired
from nexy_tui.services.database.settings import Address

_PRINTED = re.compile(r"^nexy-database (\S+)\s*$", re.MULTILINE)
_MOST = 1 << 20


class ScriptReport:
    """What a script reported: names with their values, in order; a name may come more than once."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def all(self, name: str) -> list[str]:
        """Every value of a name."""
        return [value for key, value in self._pairs if key == name]

    def get(self, name: str) -> str | None:
        """The last value of a name, or None."""
        values = self.all(name)
        return values[-1] if values else None

    def need(self, name: str) -> str:
        """The last value of a name. Raises ValueError when there is none."""
        value = self.get(name)
        if value is None:
            raise ValueError(f"it does not say {name}")
        return value

    def rows(self) -> dict[str, int]:
        """The row counts by table."""
        return {table: int(count) for count, _, table in (value.partition(" ") for value in self.all("rows"))}

    def archive(self) -> Archive:
        """The archive a script made or read."""
        name, size, sha256 = self.need("archive").split(" ")
        return Archive(name, int(size), sha256)

    def shelved(self) -> tuple[Shelved, ...]:
        """The archives with their records."""
        found: list[tuple[str, ScriptReport]] = []
        for key, value in self._pairs:
            if key == "shelved":
                found.append((value, ScriptReport([])))
            elif found:
                found[-1][1]._pairs.append((key, value))
        return tuple(Shelved(name, next(report.lines("record"), None)) for name, report in found)

    def address(self) -> Address:
        """Where the VM's settings say the database is."""
        host, port, name = self.need("address").split(" ")
        return Address(host, int(port), name)

    def lines(self, name: str) -> Iterator[bytes]:
        """Signed lines, put together again as they lie on the VM."""
        envelope = ""
        for key, value in self._pairs:
            if key == f"{name}-line":
                yield value.encode()
            elif key == f"{name}-envelope":
                envelope = value
            elif key == f"{name}-payload":
                payload = base64.b64encode(value.encode()).decode("ascii")
                yield envelope.replace('"payload":""', f'"payload":"{payload}"', 1).encode()

    def catalog(self) -> Catalog | Unseen:
        """What the server says of database and roles, or why it did not let the VM in."""
        text = self.get("catalog")
        if text is None:
            said = printable(self.get("catalog-error") or "it gave no reason", 300).rstrip(".")
            remedy = "See that PostgreSQL runs on the VM, and that its DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD are right."
            return Unseen(CouldNotLook(f"The database {self.address()} did not let the VM in: {said}.", remedy=remedy))
        return Catalog.read(strict_json.load_object(text.encode()))

    def dumper(self) -> str | Unseen:
        """The role that backups are made with, or why the server does not let it in."""
        if (role := self.get("dumper")) is not None:
            return role
        said = printable(self.get("dumper-error") or "it gave no reason", 300).rstrip(".")
        remedy = "See PG_SUPERUSER and PG_SUPERUSER_PASSWORD in the VM's config.env."
        return Unseen(CouldNotLook(f"The database {self.address()} did not let the VM make a backup: {said}.", remedy=remedy))

    def pg_dump(self) -> Tool | Unseen:
        """The VM's pg_dump, or that there is none."""
        found = self.get("pg-dump")
        if found is None:
            remedy = "Install PostgreSQL's client programs on the VM, or name their folder in its NEXY_PG_BIN."
            return Unseen(CouldNotLook("pg_dump was not found on the VM.", "Backups are made with it.", remedy))
        path, _, version = found.rpartition(" ")
        return Tool(path, version)

    def newest(self) -> NewestArchive | None:
        """The newest archive, or the one that was asked for, with what lies beside it."""
        if (told := self.get("newest")) is None:
            return None
        name, size, sha256, sidecar = told.split(" ")
        return NewestArchive(Archive(name, int(size), sha256), None if sidecar == "-" else sidecar, next(self.lines("record"), None))

    def retiring(self) -> Retired:
        """What a backup made now would remove."""
        if held := self.get("held"):
            return Retired(held=printable(held, 300))
        named = self.all("retired")
        return Retired(named, more=int(self.need("retires")) - len(named))

    def vault(self) -> Vault:
        """The backup folder."""
        drills = tuple(DrillLine(name, line) for name, line in zip(self.all("drill-of"), self.lines("drill"), strict=False))
        places = (stray.partition("/") for stray in self.all("stray"))
        strays = tuple(StrayFile(printable(name), reason) for reason, _, name in places)
        return Vault(self.need("folder"), int(self.need("count")), self.newest(), drills, strays, int(self.need("others")))


def unpack(stdout: str) -> ScriptReport:
    """The report in a script's output. Raises ValueError when they did not come through whole."""
    found = _PRINTED.findall(stdout)
    if not found:
        raise ValueError("it reported nothing")
    try:
        packed = zlib.decompressobj(wbits=31)
        text = packed.decompress(base64.b64decode(found[-1], validate=True), _MOST)
        if not packed.eof:
            raise ValueError("its report came back cut")
    except (binascii.Error, zlib.error):
        raise ValueError("its report came back cut or changed") from None
    return ScriptReport([(name, value) for name, _, value in (line.partition(" ") for line in text.decode("utf-8", "replace").split("\n"))])
