"""What a health address says: the document both health addresses give, read as strings (contracts: update server)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nexy_tui.core.text import printable

_REQUIRED = ("status", "latest_version", "latest_build")
_HEALTHY = frozenset(("ok", "healthy"))


@dataclass(frozen=True, slots=True)
class Health:
    """One health document. The application gives no `version`, the update service does: None where it does not stand."""

    status: str
    latest_version: str
    latest_build: str
    version: str | None = None

    @property
    def healthy(self) -> bool:
        """Whether its status is one of a server that is well, in any letter case."""
        return self.status.lower() in _HEALTHY

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions it names, each once: more than one is a server that contradicts itself."""
        return tuple(dict.fromkeys((self.latest_version, self.latest_version if self.version is None else self.version)))

    def amiss(self, version: str) -> list[str]:
        """What in it is not that of a healthy server of this version, field by field."""
        said = {"latest_version": self.latest_version, "latest_build": self.latest_build, "version": self.version}
        wrong = [f"{key} is {value or 'empty'}" for key, value in said.items() if value is not None and value != version]
        return wrong if self.healthy else [f"status is {self.status or 'empty'}", *wrong]


def read_health(document: Mapping[str, object]) -> Health:
    """The health document in a JSON object; more fields are no fault.

    Raises ValueError naming the first field that is missing or, as `version` too where it stands, no string.
    """
    values = {}
    for key in (*_REQUIRED, "version"):
        if key not in document:
            if key in _REQUIRED:
                raise ValueError(f"{key} is missing")
            continue
        value = document[key]
        if not isinstance(value, str):
            raise ValueError(f"{key} is not a string")
        values[key] = printable(value, 80)
    return Health(**values)
