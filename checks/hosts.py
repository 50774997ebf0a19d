"""The hosts' clocks against this machine's, the update server's certificate, and room on this machine's disks."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from checks.base import Check, Scope
from nexy_tui.core.finding import Evidence, Verdict, failed, not_applicable, noted, passed, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.services.database import settings as database_settings
from nexy_tui.services.greeting import Greeting, greet

MIB = 1 << 20

MAX_SKEW = timedelta(minutes=2)
"""Further apart, expiring signatures and tokens are refused, and records of backups and drills are dated wrongly."""

LEAST_LEFT = timedelta(days=7)
WARNED_LEFT = timedelta(days=21)
"""A certificate that renews itself does so with 30 days left: with 21 something is wrong, with 7 clients are soon refused."""

LOG_ROOM = 384 * 1024
"""A whole release writes about this much."""

WORK_ROOM = 256 * MIB
"""For git's objects, for a backup, for what is unpacked to be looked at."""


# --- clocks ---


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What hosts said the time was, and those that told none."""

    told: tuple[Greeting, ...]
    silent: tuple[str, ...] = ()


def look_clocks(scope: Scope) -> ClockFacts:
    """The release host's clock, and the update server's where it answers: that it does is the gate's matter."""
    services = scope.services
    host = greet(services.http, services.clock, f"https://{services.target.hosts.web}/")
    greetings, silent = [host], []
    try:
        greetings.append(_update_server(scope))
    except CouldNotLook:
        silent.append(services.target.update_server.base_url)
    told = tuple(greeting for greeting in greetings if greeting.date is not None)
    silent += [greeting.url for greeting in greetings if greeting.date is None]
    if not told:
        raise CouldNotLook(
            f"{' and '.join(silent)} did not tell the time.", remedy="Look again; compare this machine's clock with another."
        )
    return ClockFacts(told, tuple(silent))


def _update_server(scope: Scope) -> Greeting:
    services, url = scope.services, f"{scope.services.target.update_server.base_url}/health"
    return scope.once("greeting.update-server", lambda: greet(services.http, services.clock, url))


def judge_clocks(facts: ClockFacts, plan: Plan) -> Verdict:
    """This machine's clock is not far from any host's."""
    evidence = [Evidence("Date", rfc3339(said.date), said.url, rfc3339(said.answered)) for said in facts.told if said.date is not None]
    evidence += [Evidence("Date", "not told", url) for url in facts.silent]
    off = [(said.url, difference) for said in facts.told if abs(difference := _ahead(said)) > MAX_SKEW]
    if off:
        differences = ", ".join(f"{_seconds(difference)} {_way(difference)} {url}" for url, difference in off)
        return failed(f"This machine's clock is {differences}.", "Set the clock that is wrong: timedatectl set-ntp true", *evidence)
    return passed(f"This machine's clock agrees with {' and '.join(said.url for said in facts.told)}.", *evidence)


def _ahead(said: Greeting) -> timedelta:
    """How far this machine is ahead, beyond what the answer's way and the header's whole seconds explain."""
    if said.date is None:
        return timedelta(0)
    if said.asked > said.date + timedelta(seconds=1):
        return said.asked - said.date - timedelta(seconds=1)
    return min(timedelta(0), said.answered - said.date)


def _seconds(difference: timedelta) -> str:
    return f"{abs(difference).total_seconds():.0f} s"


def _way(difference: timedelta) -> str:
    return "ahead of" if difference > timedelta(0) else "behind"


# --- certificate ---


def look_certificate(scope: Scope) -> Greeting | None:
    """The update server's, as clients are shown it; None where this run's own deploy was begun and keeps it from answering."""
    try:
        said = _update_server(scope)
    except CouldNotLook:
        if "deploy" in scope.plan.begun:
            return None
        raise
    if said.expires is None and not said.refused:
        raise CouldNotLook(f"{said.url} showed no certificate.", remedy="See what stands between this machine and the server.")
    return said


def judge_certificate(said: Greeting | None, plan: Plan) -> Verdict:
    """It verifies, and does not end soon."""
    if said is None:
        return not_applicable("This run's deploy was begun and left half-way, so the server does not answer; deploying again ends that.")
    if said.refused or said.expires is None:
        what = f"The certificate of {plan.target.update_server.host} is refused: {said.refused or 'none was shown'}."
        remedy = "Renew it on the server; a private CA is named as tls.ca in the configuration."
        return failed(what, remedy, Evidence("TLS", said.refused, said.url))
    left = said.expires - plan.now
    evidence = (
        Evidence("certificate ends", rfc3339(said.expires), said.url, rfc3339(said.answered)),
        Evidence("days left", str(left.days), said.url),
        Evidence("issuer", said.issuer or "not named", said.url),
    )
    if left < LEAST_LEFT:
        what = f"The certificate of {plan.target.update_server.host} ends {_in_days(said.expires, plan)}."
        return failed(what, "Renew it on the server before the release: then clients would get nothing.", *evidence)
    if left < WARNED_LEFT:
        return noted(f"Warning: the certificate ends {_in_days(said.expires, plan)}; see that its renewal works.", *evidence)
    return passed(f"The certificate verifies and has {left.days} days left.", *evidence)


def _in_days(end: datetime, plan: Plan) -> str:
    return f"in {(end - plan.now).days} days ({end:%Y-%m-%d})"


# --- disk ---


@dataclass(frozen=True, slots=True)
class Room:
    """Free bytes where something is written, and how many are needed there."""

    what: str
    path: str
    free: int
    needed: int


def look_disk(scope: Scope) -> tuple[Room, ...]:
    """Every file system a release writes to from here. A download is hashed as it comes and kept nowhere: it needs no room."""
    services = scope.services
    places = [
        ("run logs", services.settings.state_dir, LOG_ROOM),
        ("the checkout", services.checkout, WORK_ROOM),
        ("temporary files", Path(tempfile.gettempdir()), WORK_ROOM),
    ]
    if services.target.database.where == "local":
        folder = database_settings.settings_of(services).backup_dir
        places.append(("backups", folder, max(WORK_ROOM, 2 * _largest(folder))))
    return tuple(Room(what, str(path), _free(path), needed) for what, path, needed in places)


def _free(path: Path) -> int:
    """Free bytes of the file system a path is on, or will be."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    try:
        return shutil.disk_usage(there).free
    except OSError as error:
        raise CouldNotLook(f"The free space at {there} cannot be seen: {error.strerror}.", remedy="See it with df.") from None


def _largest(folder: Path) -> int:
    try:
        return max((archive.stat().st_size for archive in folder.glob("nexy_db_*.tar.gz")), default=0)
    except OSError as error:
        raise CouldNotLook(f"{folder} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None


def judge_disk(rooms: tuple[Room, ...], plan: Plan) -> Verdict:
    """There is room for the log, the commit, the backup and what is unpacked."""
    evidence = [Evidence(f"free for {room.what}", _mib(room.free), f"{room.path} (needs {_mib(room.needed)})") for room in rooms]
    short = [
        f"{_mib(room.free)} for {room.what} in {room.path}, which needs {_mib(room.needed)}" for room in rooms if room.free < room.needed
    ]
    if short:
        return failed(f"The disk is too full: {'; '.join(short)}.", "Make room there, then look again.", *evidence)
    least = min(rooms, key=lambda room: room.free - room.needed)
    return passed(f"There is room: at least {_mib(least.free)} for {least.what}.", *evidence)


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size // 1024} KiB"


CLOCK = Check(look_clocks, judge_clocks, "Signatures, tokens and the ages of backups and drills are told by it.")
CERTIFICATE = Check(look_certificate, judge_certificate, "Once it has ended, no client gets anything, neither old nor new.")
DISK = Check(look_disk, judge_disk, "A disk that fills up half-way stops the log, and with it the release.")
