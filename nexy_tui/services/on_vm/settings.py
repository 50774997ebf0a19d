"""Mend the server's settings on this VM, restart it, and see that it is well (rulebook 4.7 and 4.8). Run twice, it ends the same.

Parameters: directory, service; mend gemini-key|config-env; write, or only say what would change; put_back, when the server is
not well afterwards; settle: seconds to listen to the journal. Environment, protected: NEXY_GEMINI_KEY.
"""

from __future__ import annotations

import calendar
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from nexy_tui.services.on_vm.drift import is_from_git
from nexy_tui.services.on_vm.settings_files import (
    KEY,
    READERS,
    SETTINGS,
    Aside,
    read,
    split_at_first,
    with_key,
    without_bad_names,
    write_all,
)
from nexy_tui.services.on_vm.steps import (
    Place,
    Report,
    StepFailed,
    as_root,
    ask,
    attempt,
    await_well,
    git,
    is_active,
    journal,
    place_of,
    restart,
)

_REFUSED = re.compile(r"API_KEY_INVALID|API key (?:expired|not valid)")


def settings(parameters: Mapping[str, Any], report: Report) -> int:
    """Mend what is there, or say what would be. The last word is which state the files are in. Raises StepFailed."""
    os.umask(0o077)
    value = os.environ.pop("NEXY_GEMINI_KEY", "")
    place = place_of(parameters)
    report.begin("preflight")
    _preflight(place)
    if parameters["write"]:
        _aside(place, report)

    report.begin("change")
    before, after = _changes(place, parameters["mend"], value, report)
    state = "old"
    try:
        if not parameters["write"]:
            return 0
        if not after and _settled(place, before):
            report.say("unchanged")
            state = "new"
            return 0
        write_all(after)
        state = "new"
        _see(place, parameters, report)
    except BaseException:
        if state == "new" and parameters["put_back"]:
            write_all({path: before[path] for path in after})
            state = "old"
            report.say("the files are as they were; the service is restarted with them")
            attempt(place, *as_root("systemctl", "restart", place.service))
        raise
    finally:
        report.say(f"state {state}")
    return 0


def _preflight(place: Place) -> None:
    """Refuse what cannot be mended."""
    if not os.path.isdir(place.app):
        raise StepFailed(f"{place.app} is not there")
    if not os.access(place.python, os.X_OK):
        raise StepFailed(f"there is no Python environment in {place.venv}")


def _aside(place: Place, report: Report) -> None:
    """Settings that a killed deploy left aside are put back before anything is written over the release's own in their place."""
    folder = os.path.join(place.app, git(place, "rev-parse", "--git-dir").strip())
    for line in Aside(place.app, folder, SETTINGS).put_back(lambda path, commit: is_from_git(place, path, commit)):
        report.say(f"settings {line}")


def _changes(place: Place, mend: str, value: str, report: Report) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Every settings file and reader as it is, and what those become that have to change; each change is told."""
    before, after = {}, {}
    for path in SETTINGS + READERS:
        full = os.path.join(place.app, path)
        data = read(full)
        if data is None:
            continue
        before[full] = data
        new, said = mended(mend, path, data, value)
        for line in said:
            report.say(f"change {path} {line}")
        if new != data:
            after[full] = new
    if not any(os.path.join(place.app, path) in before for path in SETTINGS):
        raise StepFailed(f"none of {', '.join(SETTINGS)} is there")
    return before, after


def mended(mend: str, path: str, data: bytes, value: str) -> tuple[bytes, list[str]]:
    """One file as it has to be, and what changes in it, line by line."""
    if mend == "gemini-key":
        return with_key(data, KEY, value) if path in SETTINGS else (data, [])
    return without_bad_names(data) if path in SETTINGS else split_at_first(data)


def _see(place: Place, parameters: Mapping[str, Any], report: Report) -> None:
    """Restart, and see that the service is well with what it has read. Raises StepFailed."""
    report.begin("restart")
    since = f"@{time.time():.6f}"
    restart(place)
    report.begin("health")
    await_well(place, 1.0, lambda: _is_well(place), f"{place.health_url} does not answer")
    report.begin("journal")
    end = time.monotonic() + float(parameters["settle"])
    while True:
        if _refused_key(place, since):
            if parameters["mend"] == "gemini-key":
                raise StepFailed("the journal says that the new key is not valid")
            report.say("the journal says API_KEY_INVALID: see fix gemini-key")
            break
        if time.monotonic() >= end:
            break
        time.sleep(0.5)
    report.begin("done")


def _is_well(place: Place) -> bool:
    return ask(place.health_url, 65536)[0] == 200


def _refused_key(place: Place, since: str) -> bool:
    return _REFUSED.search(journal(place, "--since", since)) is not None


def _settled(place: Place, files: Mapping[str, bytes]) -> bool:
    """Whether the running server has read the files as they are: they are older than its start, and it is well."""
    if is_active(place) != "active" or not _is_well(place):
        return False
    started = _started(place)
    if started is None or any(os.stat(path).st_mtime > started for path in files):
        return False
    return not _refused_key(place, f"@{started:.0f}")


def _started(place: Place) -> float | None:
    """When the service came into its state, in seconds since the epoch; None where systemd's word cannot be read."""
    said = attempt(place, "systemctl", "show", "-p", "StateChangeTimestamp", "--value", place.service)[1].strip()
    try:
        moment = time.strptime(said, "%a %Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return None
    return float(calendar.timegm(moment)) if said.endswith((" UTC", " GMT")) else time.mktime(moment)
