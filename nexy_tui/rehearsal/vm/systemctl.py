"""`systemctl` and `journalctl` as far as deploy scripts and people use them: options, output and exit statuses of systemd's own."""

from __future__ import annotations

import getopt
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from nexy_tui.rehearsal.vm.systemd import CommandOutput, JournalEntry, Service

HOST = "Nexy"
"""The VM's host name, as journal lines show it."""

_TIME = "%a %Y-%m-%d %H:%M:%S %Z"
_UNITS_OF_TIME = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_AGO = re.compile(r"-?(?P<count>\d+) ?(?P<unit>[a-z]+?)s?(?P<ago> ago)?")
_LONG = {"p": "property", "n": "lines", "u": "unit", "o": "output", "q": "quiet", "S": "since"}
_WITH_VALUE = ("property=", "lines=", "unit=", "output=", "since=", "until=")
_FLAGS = ("quiet", "full", "reverse", "pager-end", "catalog", "no-pager", "value", "no-block", "now", "no-hostname", "utc")


class UsageError(Exception):
    """Something that systemd would not take; the message is its own."""


def parse(program: str, arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """A command line as options by their long name, and words. Raises UsageError for an option that is not known."""
    try:
        pairs, words = getopt.gnu_getopt(arguments, "p:n:u:o:S:qlrex", [*_WITH_VALUE, *_FLAGS])
    except getopt.GetoptError as error:
        raise UsageError(f"{program}: {error.msg}\n") from error
    options: dict[str, str] = {}
    for name, value in pairs:
        key = _LONG.get(name.lstrip("-"), name.lstrip("-")) if len(name) == 2 else name[2:]
        options[key] = f"{options[key]},{value}" if key == "property" and key in options else value
    return options, words


@dataclass(frozen=True, slots=True)
class Systemctl:
    """Answers `systemctl` for one service; starting and stopping are handed in, for the machine decides what is started."""

    service: Service
    start: Callable[[], Awaitable[bool]]
    stop: Callable[[], Awaitable[None]]

    async def run(self, arguments: list[str]) -> CommandOutput:
        """Answer one command line."""
        try:
            options, words = parse("systemctl", arguments)
        except UsageError as error:
            return CommandOutput(1, "", str(error))
        verb, units = (words or ["list-units"])[0], words[1:]
        service = self.service
        if verb in _WITHOUT_UNIT:
            listed = f"{service.unit} loaded {service.active} {service.sub} {service.description}\n"
            return CommandOutput(0, listed if verb == "list-units" else "")
        if not units:
            return CommandOutput(1, "", "Too few arguments.\n")
        if units[0] not in (service.unit, service.identifier):
            return _unknown(verb, units[0])
        if verb in _CHANGES:
            return await self._change(verb, options)
        return self._look(verb, options)

    async def _change(self, verb: str, options: dict[str, str]) -> CommandOutput:
        if (verb in _ONLY_IF_ACTIVE and self.service.active != "active") or (verb == "enable" and "now" not in options):
            return CommandOutput()
        if verb not in ("start", "enable"):
            await self.stop()
        if verb == "stop" or await self.start():
            return CommandOutput()
        unit = self.service.unit
        return CommandOutput(
            1,
            "",
            f"Job for {unit} failed because the control process exited with error code.\n"
            f'See "systemctl status {unit}" and "journalctl -xeu {unit}" for details.\n',
        )

    def _look(self, verb: str, options: dict[str, str]) -> CommandOutput:
        active = self.service.active
        answers = {
            "is-active": lambda: CommandOutput(0 if active == "active" else 3, f"{active}\n"),
            "is-failed": lambda: CommandOutput(0 if active == "failed" else 1, f"{active}\n"),
            "is-enabled": lambda: CommandOutput(0, "enabled\n"),
            "status": lambda: CommandOutput(0 if active == "active" else 3, _status(self.service, int(options.get("lines") or 10))),
            "show": lambda: CommandOutput(0, _show(self.service, options)),
        }
        if verb not in answers:
            return CommandOutput(1, "", f"Unknown command verb {verb}.\n")
        answer = answers[verb]()
        return CommandOutput(answer.exit) if "quiet" in options and verb.startswith("is-") else answer


_WITHOUT_UNIT = frozenset(("daemon-reload", "reset-failed", "list-units"))
_CHANGES = frozenset(("start", "stop", "restart", "reload-or-restart", "try-restart", "condrestart", "enable"))
_ONLY_IF_ACTIVE = frozenset(("try-restart", "condrestart"))


def _unknown(verb: str, unit: str) -> CommandOutput:
    name = unit if "." in unit else f"{unit}.service"
    answers = {
        "is-active": CommandOutput(4, "inactive\n"),
        "is-failed": CommandOutput(1, "inactive\n"),
        "is-enabled": CommandOutput(1, "", f"Failed to get unit file state for {name}: No such file or directory\n"),
        "status": CommandOutput(4, "", f"Unit {name} could not be found.\n"),
        "show": CommandOutput(0, f"Id={name}\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n"),
    }
    return answers.get(verb) or CommandOutput(5, "", f"Failed to {verb} {name}: Unit {name} not found.\n")


def _status(service: Service, count: int) -> str:
    since = datetime.fromtimestamp(service.since).astimezone().strftime(_TIME)
    result = f" (Result: {service.result})" if service.active == "failed" else ""
    mark = {"active": "●", "failed": "×"}.get(service.active, "○")
    process = [f"   Main PID: {service.pid} (python)"] if service.pid else []
    head = [
        f"{mark} {service.unit} - {service.description}",
        f"     Loaded: loaded (/etc/systemd/system/{service.unit}; enabled; preset: enabled)",
        f"     Active: {service.active} ({service.sub}){result} since {since}",
        *process,
    ]
    return "\n".join([*head, "", *(line(entry, "short") for entry in service.journal.read()[-count:])]) + "\n"


def _show(service: Service, options: dict[str, str]) -> str:
    properties = {
        "Id": service.unit,
        "Description": service.description,
        "LoadState": "loaded",
        "ActiveState": service.active,
        "SubState": service.sub,
        "Result": service.result,
        "MainPID": str(service.pid),
        "WorkingDirectory": str(service.directory),
        "ExecStart": _command(service),
        "ExecMainStatus": str(service.exit_status),
        "UnitFileState": "enabled",
        "StateChangeTimestamp": datetime.fromtimestamp(service.since).astimezone().strftime(_TIME),
    }
    wanted = options["property"].split(",") if "property" in options else list(properties)
    shown = [(name, properties[name]) for name in wanted if name in properties]
    return "".join(f"{value}\n" if "value" in options else f"{name}={value}\n" for name, value in shown)


def _command(service: Service) -> str:
    """The unit's command as systemd shows it."""
    argv = service.argv
    how = "ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0"
    return f"{{ path={argv[0]} ; argv[]={' '.join(argv)} ; {how} }}"


def journalctl(service: Service, arguments: list[str]) -> CommandOutput:
    """Answer one `journalctl` command line."""
    try:
        options, _ = parse("journalctl", arguments)
        since = moment(options["since"]) if "since" in options else 0.0
        until = moment(options["until"]) if "until" in options else float("inf")
        count = options.get("lines", "1000" if "pager-end" in options else "all")
        if count != "all" and not count.isdigit():
            raise UsageError(f"Failed to parse lines '{count}'\n")
    except UsageError as error:
        return CommandOutput(1, "", str(error))
    ours = options.get("unit", service.unit) in (service.unit, service.identifier)
    entries = [entry for entry in service.journal.read() if ours and since <= entry.time <= until]
    if count != "all":
        entries = entries[max(0, len(entries) - int(count)) :]
    if "reverse" in options:
        entries.reverse()
    if not entries:
        return CommandOutput(0, "" if "quiet" in options else "-- No entries --\n")
    return CommandOutput(0, "".join(line(entry, options.get("output", "short")) + "\n" for entry in entries))


def line(entry: JournalEntry, style: str) -> str:
    """A journal line in one of journalctl's output styles; one that is not known is shown as `short`."""
    if style == "cat":
        return entry.text
    local = datetime.fromtimestamp(entry.time).astimezone()
    stamp = local.isoformat(timespec="seconds") if style.startswith("short-iso") else local.strftime("%b %d %H:%M:%S")
    return f"{stamp} {HOST} {entry.by}[{entry.pid}]: {entry.text}"


def moment(text: str) -> float:
    """A time as `--since` takes it, in seconds since the epoch. Raises UsageError for what systemd would not take either."""
    ago = _AGO.fullmatch(text)
    if ago is not None and (ago["ago"] or text.startswith("-")) and ago["unit"] in _UNITS_OF_TIME:
        return time.time() - int(ago["count"]) * _UNITS_OF_TIME[ago["unit"]]
    if text.startswith("@") and text[1:].replace(".", "", 1).isdigit():
        return float(text[1:])
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "now"):
        return midnight.timestamp() if text == "today" else time.time()
    try:
        return datetime.fromisoformat(text.replace(" UTC", "+00:00")).timestamp()
    except ValueError:
        raise UsageError(f"Failed to parse timestamp: {text}\n") from None
