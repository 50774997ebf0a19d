"""What every job on the VM shares: its place there, steps that name themselves, programs with their last words, the sentinel.

Azure calls a command a success whatever its exit status was: the last line printed is a nonce of this run with the status.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_SAID = 2000
"""Characters of a failing program's last words that are passed on: they share run-command's 4,096 bytes."""

_SECRET = re.compile(r"""((?:PASSWORD|PASSWD|SECRET|TOKEN|KEY)[A-Za-z0-9_]*["']?[=:]\s*)[^\s,;]+""", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(://)[^/@\s]+@")
_GOOGLE_KEY = re.compile(r"AIza[0-9A-Za-z_-]{10,}")


class StepFailed(Exception):
    """A step of a job did not do its work: what was said last, and the exit status that tells it."""

    def __init__(self, said: str, status: int = 1) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True)
class Place:
    """Where things are on this VM."""

    app: str
    home: str
    service: str
    venv: str
    health_url: str
    health_wait: float

    @property
    def python(self) -> str:
        """The application's own interpreter."""
        return os.path.join(self.venv, "bin", "python")

    @property
    def environment(self) -> dict[str, str]:
        """What programs are run with: the application user's settings of git, and no question asked."""
        path = os.pathsep.join((os.path.join(self.venv, "bin"), os.environ.get("PATH", os.defpath)))
        own = {"HOME": self.home, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "VIRTUAL_ENV": self.venv, "PATH": path}
        return {**os.environ, **own}


def place_of(parameters: Mapping[str, Any]) -> Place:
    """The target's directory and service, and what this VM's own file says otherwise."""
    own = _own_settings(os.environ.get("NEXY_VM_ENV", "/etc/nexy-release.env"))
    app = own.get("NEXY_APP_DIR") or str(parameters["directory"])
    return Place(
        app=app,
        home=own.get("NEXY_APP_HOME") or os.path.dirname(app.rstrip("/")),
        service=own.get("NEXY_SERVICE") or str(parameters["service"]),
        venv=own.get("NEXY_VENV") or os.path.join(app, "venv"),
        health_url=own.get("NEXY_HEALTH_URL") or "http://127.0.0.1:8080/health",
        health_wait=float(own.get("NEXY_HEALTH_WAIT") or 120),
    )


def _own_settings(path: str) -> dict[str, str]:
    """`NAME=value` lines as a shell reads them; none where the file is not there."""
    try:
        with open(path, encoding="utf-8") as stream:
            words = [word for line in stream for word in shlex.split(line, comments=True)[:1]]
    except (OSError, ValueError):
        return {}
    return {name: value for name, equals, value in (word.partition("=") for word in words) if equals}


# --- programs ---


def program(place: Place, *argv: str, cwd: str | None = None, extra: Mapping[str, str] | None = None) -> str:
    """What a program printed. Raises StepFailed with its status and what it said last."""
    status, out, error = attempt(place, *argv, cwd=cwd, extra=extra)
    if status:
        raise StepFailed(last_words(error + out) or f"{os.path.basename(argv[0])} ended with status {status} and said nothing", status)
    return out


def attempt(
    place: Place, *argv: str, cwd: str | None = None, extra: Mapping[str, str] | None = None, limit: float | None = None
) -> tuple[int, str, str]:
    """Exit status and both outputs of a program, without input; a signal as a shell tells it, 127 where there is no such program.

    One that takes longer than `limit` seconds is ended, and told as 124.
    """
    environment = {**place.environment, **(extra or {})}
    try:
        done = subprocess.run(
            argv, cwd=cwd or place.app, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return 124, "", f"{argv[0]} gave no answer in {limit:.0f} s"
    except OSError as error:
        return 127, "", f"{argv[0]}: {error.strerror}"
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return status, _text(done.stdout), _text(done.stderr)


def git(place: Place, *words: str, extra: Mapping[str, str] | None = None) -> str:
    """Git in the application's clone, whoever owns it. Raises StepFailed."""
    return program(place, *git_words(place), *words, extra=extra)


def try_git(place: Place, *words: str) -> str | None:
    """As `git`, without what it may write besides; None where it fails."""
    status, out, _ = attempt(place, *git_words(place), *words, extra={"GIT_OPTIONAL_LOCKS": "0"})
    return None if status else out


def git_words(place: Place) -> tuple[str, ...]:
    """Git's command line in the application's clone, whoever owns it."""
    return ("git", "-c", f"safe.directory={place.app}")


def release_remote(place: Place, host: str, repository: str) -> str:
    """The clone's remote that leads to the code repository, whatever its name. Raises StepFailed."""
    wanted = re.compile(
        rf"(?:(?:https|ssh)://)?(?:[^@/]+@)?{re.escape(host)}(?::\d+/|[:/])/?{re.escape(repository)}(?:\.git)?/?", re.IGNORECASE
    )
    for name in sorted(git(place, "remote").split(), key=lambda name: (name != "origin", name)):
        if wanted.fullmatch(git(place, "remote", "get-url", name).strip()):
            return name
    raise StepFailed(f"no remote of the clone leads to {host}/{repository}")


def as_root(*argv: str) -> tuple[str, ...]:
    """The command, by sudo where this is not the superuser."""
    return argv if os.geteuid() == 0 else ("sudo", "-n", *argv)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def last_words(text: str) -> str:
    """The end of what a program said, secrets taken out."""
    return without_secrets(text).strip()[-MOST_SAID:]


def without_secrets(text: str) -> str:
    """The text without values of anything that sounds secret, users in addresses, and keys of a known form."""
    return _GOOGLE_KEY.sub("[redacted]", _USER_IN_URL.sub(r"\1[redacted]@", _SECRET.sub(r"\1[redacted]", text)))


# --- the service ---


def journal(place: Place, *options: str) -> str:
    """Lines of the service's journal, as they are; nothing where it cannot be read."""
    return attempt(place, *as_root("journalctl", "-u", place.service, *options, "--no-pager", "-o", "cat"), cwd="/")[1]


def unit(place: Place, name: str) -> str:
    """A property of the service's unit, as systemd tells it; nothing where it does not."""
    return attempt(place, "systemctl", "show", "-p", name, "--value", place.service, cwd="/")[1].strip()


def restart(place: Place) -> None:
    """Start the service anew; one that systemd gave up on is started too. Raises StepFailed with its newest lines."""
    attempt(place, *as_root("systemctl", "reset-failed", place.service), cwd="/")
    status, out, error = attempt(place, *as_root("systemctl", "restart", place.service), cwd="/")
    if status:
        raise StepFailed(f"{_newest(place)}\n{last_words(error + out)}".strip(), status)


def is_active(place: Place) -> str:
    """The service's state, in systemd's word."""
    return attempt(place, "systemctl", "is-active", place.service, cwd="/")[1].strip()


def await_well(place: Place, stay: float, well: Callable[[], bool], complaint: str) -> None:
    """Return once the service has stayed up for `stay` seconds with one process and `well` holds. Raises StepFailed."""
    deadline = time.monotonic() + place.health_wait
    process, since, started, down = "", 0.0, 0, 0
    while True:
        state, now = is_active(place), time.monotonic()
        if state == "active":
            down = 0
            found = unit(place, "MainPID")
            if found != process or not since:
                process, since, started = found, now, started + 1
            if now - since >= stay and well():
                return
        else:
            process, since = "", 0.0
            down += state != "activating"
        if down >= 4:
            raise StepFailed(f"{_newest(place)}\n{place.service} is {state or 'in no state systemd tells'} after the restart")
        if now >= deadline:
            again = f"{place.service} does not stay up: it was started {started} times" if started > 1 else complaint
            raise StepFailed(f"{_newest(place)}\n{again}")
        time.sleep(0.5)


def _newest(place: Place) -> str:
    return last_words(journal(place, "-n", "15"))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A health that is elsewhere is not this service's."""


def ask(url: str, limit: int) -> tuple[int, bytes]:
    """HTTP status and the body's beginning, without a proxy; 0 where nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, answer.read(limit)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(limit)
    except (OSError, http.client.HTTPException, ValueError):
        return 0, b""


def says(status: int, body: bytes, version: str) -> bool:
    """Whether a health document is healthy and of this version: `version` counts where it stands."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    if status != 200 or not isinstance(said, dict) or str(said.get("status")).lower() not in ("ok", "healthy"):
        return False
    return all(said.get(key, version if key == "version" else None) == version for key in ("latest_version", "latest_build", "version"))


# --- the job ---


class Report:
    """What a job says of itself as it goes: one line each, `nexy:` before it."""

    def __init__(self) -> None:
        self.step = "start"

    def begin(self, step: str) -> None:
        """The next step begins."""
        self.step = step
        self.say(f"step {step}")

    def say(self, text: str) -> None:
        """A line for the operator."""
        print(f"nexy: {one_line(text)}", flush=True)


def one_line(text: str) -> str:
    """The text with what would break or colour a line made visible."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def run_job(job: Callable[[Mapping[str, Any], Report], int], parameters: Mapping[str, Any], nonce: str) -> int:
    """Run a job to its end and print how it ended, the sentinel last; the exit status."""
    report = Report()
    status = 0
    try:
        status = job(parameters, report)
    except StepFailed as failed:
        status = failed.status
        print(f"{failed}", file=sys.stderr)
    except Exception as error:
        status = 1
        print(last_words(f"{type(error).__name__}: {error}"), file=sys.stderr)
    sys.stderr.flush()
    if status:
        report.say(f"step {report.step} failed with status {status}")
    print(f"\nnexy-exit {nonce} {status}", flush=True)
    return status
