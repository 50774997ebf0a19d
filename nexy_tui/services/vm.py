"""The VM, through run-command: scripts whose exit status can be trusted, and the one survey all checks share.

Azure's "succeeded" says nothing of a script's exit status (contracts: Azure run-command). Each script is therefore wrapped:
the last line printed is a nonce of this run with the status. Without that line nothing is concluded.
"""

from __future__ import annotations

import hashlib
import re
import secrets as random
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, Ran, silent
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.layout import MANIFEST_PLACES
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.secret import Secret, redact
from nexy_tui.core.target import Target
from nexy_tui.core.text import last_lines
from nexy_tui.core.vm_facts import VmFacts, unpack_survey
from nexy_tui.services.vm_program import compose
from nexy_tui.services.vm_scripts import load

if TYPE_CHECKING:
    from nexy_tui.services.azure import RunCommands

SURVEY_TIMEOUT = 180.0
SURVEY_PATIENCE = 30.0
"""A look does not queue behind somebody's long command; it only outlasts the moment Azure needs between two of ours."""


class Sending(TypedDict, total=False):
    """How a script is sent: see VmHost.run_job."""

    timeout: float
    patience: float
    emit: Emit
    cancelled: Callable[[], bool] | None
    begun: Callable[[], None] | None


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """How a script on the VM ended, and the last 4,096 bytes of each of its outputs, without known secrets."""

    exit: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines of both outputs, fit for showing."""
        return "\n".join(part for part in (last_lines(self.stdout), last_lines(self.stderr)) if part)


class VmHost:
    """Runs scripts on the target's VM and surveys it."""

    def __init__(self, target: Target, azure: RunCommands, clock: Clock) -> None:
        self._target = target
        self._azure = azure
        self._clock = clock
        self._surveyed: tuple[float, VmFacts] | None = None

    @property
    def where(self) -> str:
        """The VM, for people."""
        return f"VM {self._azure.where}"

    def run_script(
        self,
        script: str,
        *,
        name: str = "",
        parameters: Mapping[str, str] | None = None,
        protected: Mapping[str, Secret] | None = None,
        **options: Unpack[Sending],
    ) -> ScriptResult:
        """Run a bash script on the VM, the preamble's NEXY_* variables and `parameters` set before its first line.

        `name` is what the log calls the script. For the rest see run_job.
        """
        nonce = random.token_hex(16)
        return self._send(wrap(self.shell(script, parameters or {}), nonce), nonce, name, protected or {}, options)

    def shell(self, script: str, parameters: Mapping[str, str]) -> str:
        """A bash script with the assignments it starts with."""
        return preamble(self._target, parameters) + script

    def run_job(
        self, job: str, parameters: Mapping[str, Any], *, protected: Mapping[str, Secret] | None = None, **options: Unpack[Sending]
    ) -> ScriptResult:
        """Run one of the Python jobs on the VM, told where things are and `parameters`.

        `protected` values go by Azure's protected parameters and arrive as environment variables; they never stand in the
        script. A non-zero exit is a result, not an exception. Raises CouldNotLook when the job's own status cannot be
        told: it may or may not have done its work. `patience` is how long to wait for a busy VM; `begun` is called once the
        script is on its way and can no longer be stopped.
        """
        nonce = random.token_hex(16)
        return self._send(compose(job, {**self._place, **parameters}, nonce), nonce, job, protected or {}, options)

    @property
    def _place(self) -> dict[str, Any]:
        return {"directory": self._target.vm.directory, "service": self._target.vm.service}

    def _send(self, text: str, nonce: str, name: str, protected: Mapping[str, Secret], given: Sending) -> ScriptResult:
        given.setdefault("timeout", 600.0)
        self._surveyed = None
        from_ = self._clock.monotonic()
        if protected:
            if bad := [name for name in protected if _NAME.fullmatch(name) is None]:
                raise ValueError(f"not variable names: {bad}")
            done = self._azure.managed(text, protected, **given)
            result = judge_outputs(done.stdout, done.stderr, nonce)
            if result is not None and done.exit not in (None, result.exit):
                result = None
        else:
            message = self._azure.action(text, **given)
            result = judge_message(message, nonce)
        hidden = tuple(protected.values())
        if result is None:
            said = done.stdout + done.stderr if protected else message
            raise CouldNotLook(
                f"The script on {self.where} did not report its exit status; it said: {last_lines(redact(said, *hidden), 3) or 'nothing'}",
                "Azure calls such a command a success, but whether it did its work is unknown.",
                "Look at the VM's state, then run again: what the wizard sends there can be repeated.",
            )
        given.get("emit", silent)(Ran(("RunShellScript", name), result.exit, round((self._clock.monotonic() - from_) * 1000)))
        return ScriptResult(result.exit, redact(result.stdout, *hidden), redact(result.stderr, *hidden))

    def survey(self, manifest_version: str = "", commit: str = "", **options: Unpack[Sending]) -> VmFacts:
        """Look at everything the checks ask of the VM, by one read-only script. Raises CouldNotLook (Busy included).

        `commit` is the release that would be checked out there, as far as it is known.
        """
        sending: Sending = {"timeout": SURVEY_TIMEOUT, "patience": SURVEY_PATIENCE, **options}
        result = self.run_job("survey", self.survey_parameters(manifest_version, commit), **sending)
        return self.read_survey(result, self._clock.now())

    def survey_parameters(self, manifest_version: str, commit: str) -> dict[str, Any]:
        """What the survey is told."""
        directories = self._target.manifest_directories or tuple(map(str, MANIFEST_PLACES))
        place = {"host": self._target.hosts.web, "repository": self._target.code_repository}
        return {**place, "manifest_version": manifest_version, "manifest_directories": directories, "commit": commit}

    def read_survey(self, result: ScriptResult, taken: datetime) -> VmFacts:
        """The facts in the survey's output. Raises CouldNotLook."""
        if result.exit != 0:
            raise CouldNotLook(
                f"The survey of {self.where} ended with status {result.exit}: {result.tail or 'it printed nothing'}",
                f"Nothing is known of the application in {self._target.vm.directory}.",
                "See that target.vm names the right VM and directory in the configuration.",
            )
        try:
            facts = unpack_survey(result.stdout, rfc3339(taken))
        except ValueError as error:
            raise CouldNotLook(
                f"The survey of {self.where} cannot be read: {error}.",
                "Its output came back cut or changed.",
                "Look again; if it stays, see what the VM's shell prints at start.",
            ) from None
        self._surveyed = self._clock.monotonic(), facts
        return facts

    def surveyed(self, within: float) -> VmFacts | None:
        """What the last survey saw, if it is no older than so many seconds and nothing else was sent since."""
        if self._surveyed is None or self._clock.monotonic() - self._surveyed[0] > within:
            return None
        return self._surveyed[1]


def preamble(target: Target, parameters: Mapping[str, str]) -> str:
    """The assignments a script starts with: parameters and target names quoted, then where things are on that VM."""
    given = {"NEXY_TARGET_DIR": target.vm.directory, "NEXY_TARGET_SERVICE": target.vm.service, **parameters}
    for name, value in given.items():
        if _NAME.fullmatch(name) is None or "\0" in value:
            raise ValueError(f"{name!r} cannot be a parameter of a script")
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items()) + load("preamble.sh")


def wrap(body: str, nonce: str) -> str:
    """The script as it is sent: `body` in a bash of its own without input, then the sentinel line.

    The body cannot print the sentinel: it never learns the nonce. The shell that reads this text may be any POSIX shell.
    """
    mark = f"NEXY_BODY_{hashlib.sha256(nonce.encode()).hexdigest()[:16]}"
    return "\n".join(
        (
            "#!/bin/bash",
            f"body=$(cat <<'{mark}'",
            body.rstrip("\n"),
            mark,
            ")",
            'bash -c "$body" nexy </dev/null',
            "status=$?",
            f"printf '\\n{sentinel(nonce)}%d\\n' \"$status\"",
            'exit "$status"',
            "",
        )
    )


def sentinel(nonce: str) -> str:
    """What the last line starts with; the exit status follows."""
    return f"nexy-exit {nonce} "


def judge_message(message: str, nonce: str) -> ScriptResult | None:
    """The result in an action's message (`… [stdout] … [stderr] …`), or None when the sentinel is not stdout's last line."""
    end = re.search(r"\n" + re.escape(sentinel(nonce)) + r"(\d{1,3})\s*\n\[stderr\]\n?", message)
    if end is None:
        return None
    _, found, stdout = message[: end.start()].partition("[stdout]\n")
    return ScriptResult(int(end[1]), stdout if found else message[: end.start()], message[end.end() :])


def judge_outputs(stdout: str, stderr: str, nonce: str) -> ScriptResult | None:
    """The result of a managed command's two outputs, or None when the sentinel is not stdout's last line."""
    end = re.search(r"(?:\A|\n)" + re.escape(sentinel(nonce)) + r"(\d{1,3})\s*\Z", stdout)
    return None if end is None else ScriptResult(int(end[1]), stdout[: end.start()], stderr)
