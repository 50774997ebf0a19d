"""Logs for the run log's tests: one writer, one key, a clock that can be set."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from keyring.backend import KeyringBackend

from nexy_tui.core.finding import Evidence
from nexy_tui.runlog import canonical, dsse
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Beginning
from nexy_tui.runlog.record import Operator, Subject
from nexy_tui.runlog.sign import SeedSigner, Signer
from nexy_tui.runlog.trust import AllowedSigners, TrustSource, new_entry

BEGIN = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
OPERATOR = Operator("ada@example.com", "workbench")
HEAD = Subject("git+https://github.com/Seregawpn/Nexy_server", {"gitCommit": "a" * 40})
SIGNER = SeedSigner.from_seed(bytes(range(32)), "keyring")
OTHER = SeedSigner.from_seed(bytes(32), "keyring")


@dataclass
class StepClock:
    """Every look is a millisecond later; `jump` moves the time of day."""

    jump: timedelta = timedelta()
    ticks: int = 0

    def now(self) -> datetime:
        self.ticks += 1
        return BEGIN + self.jump + timedelta(milliseconds=self.ticks)

    def monotonic(self) -> float:
        self.ticks += 1
        return self.ticks / 1000

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        raise AssertionError("the log does not wait")


def create(folder: Path, clock: StepClock | None = None, **changes: Any) -> RunLog:
    signer, secrets = changes.pop("signer", SIGNER), changes.pop("secrets", ())
    tool, facts = {"version": "0.1.0", "checklist": "c" * 64}, {"served_before": "1.6.1.42"}
    beginning = replace(Beginning("1.6.1.43", None, OPERATOR, "full", [HEAD], tool, facts), **changes)
    return RunLog.create(folder / "runs", beginning, signer, clock or StepClock(), secrets=secrets)


def fill(log: RunLog) -> None:
    log.check("remotes.code", "passed", "The remote is the code repository.", [Evidence("remote", "origin", "git remote -v", "")])
    log.attestation("inbox.signature", "I looked at the notarization by hand.")
    log.intent("publish", "publish.dmg", message="Upload Nexy.dmg.")
    log.result("publish", "done", exit=0, duration_ms=1200, subjects=[Subject.artifact("Nexy.dmg", "b" * 64)])


def sealed(folder: Path, **changes: Any) -> Path:
    log = create(folder, **changes)
    fill(log)
    log.seal("complete")
    log.close()
    return log.path


def opened(folder: Path, **changes: Any) -> Path:
    log = create(folder, **changes)
    fill(log)
    log.close()
    return log.path


def trusting(signer: Signer = SIGNER, principal: str = OPERATOR.id, since: datetime = BEGIN) -> list[TrustSource]:
    return [TrustSource("the test's own list", AllowedSigners((new_entry(principal, signer.public, since),)))]


def payload(line: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.b64decode(json.loads(line)["payload"]))
    return document


def resigned(line: bytes, change: Callable[[dict[str, Any]], None], signer: Signer = SIGNER) -> bytes:
    """The line with its statement changed, signed anew: what only the holder of the key can do."""
    document = payload(line)
    change(document)
    raw = canonical.encode(document)
    return dsse.Envelope(raw, signer.keyid, signer.sign(dsse.pae(raw))).line()


@dataclass
class MemoryRing(KeyringBackend):
    """A keyring backend in memory; `forgets` makes it take writes and return nothing."""

    priority: ClassVar[float] = -1.0
    """Below every other: no search for a keyring finds it."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    forgets: bool = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self.forgets:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]
