"""The team's own script for a step, in the checkout: found or refused, then run without a terminal and with few variables."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.core.event import Emit, Event, Line
from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.secret import Secret, redact
from nexy_tui.core.steps import BUILTIN, INSIDE
from nexy_tui.core.text import printable
from nexy_tui.services import Services, processes
from nexy_tui.services.processes import Completed
from nexy_tui.services.team_scripts import calls_us, place

_EVERYWHERE = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+"
    r"|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|CURL_HOME|NETRC"
    r"|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|GIT_SSL_CAINFO|GIT_ALLOW_PROTOCOL|GIT_SSH_COMMAND|SSH_AUTH_SOCK"
    r"|NEXY_(CONFIG|WORLD|CHECKOUT|STATE_DIR|CA|PG_BIN|ALLOWED_SIGNERS|OPERATOR)"
)
"""Which variables every script gets: the way to its programs and servers, and no secret."""

_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GH_PROMPT_DISABLED": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Nothing may wait for an answer; Python shows its lines as they come and leaves nothing in the checkout."""

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|_KEY|CONNECTION_STRING")
_SHORTEST_SECRET = 4
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\-_])")
_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class CheckoutScript:
    """One script of the rulebook: the key of its step in `[steps]`, its name, what starts it, how long it may take.

    `variables` names what its step needs of the environment besides what every script gets.
    """

    key: str
    name: str
    interpreter: str = ""
    minutes: int = 60
    variables: re.Pattern[str] = re.compile("$^")

    def path(self, services: Services) -> Path:
        """Where the rulebook has it in this checkout."""
        return services.checkout / place(services.layout, self.name)

    def find(self, services: Services) -> Path:
        """The script, fit to be run. Raises Refused saying why it is not, and how to go on."""
        path = self.path(services)
        trouble = self._trouble(path, services.checkout)
        if trouble:
            setting = f'{self.key} = "{BUILTIN}" under [steps] in {services.settings.config_path}'
            raise Refused(
                f"{place(services.layout, self.name)} {trouble[0]}.",
                f"The step {self.key} is to be done by it.",
                f"{trouble[1]}, or set {setting}.",
            )
        return path

    def _trouble(self, path: Path, checkout: Path) -> tuple[str, str] | None:
        if not path.is_file():
            return "is not in this checkout", "Put the team's script there"
        if not path.resolve().is_relative_to(checkout.resolve()):
            return f"leads out of the checkout, to {path.resolve()}", "Put the script itself there"
        if calls_us(path):
            return (
                "is the thin script that nexy-tui scaffold laid: it would call nexy-tui for this very step again",
                "Put the team's own script there",
            )
        if not self.interpreter and not os.access(path, os.X_OK):
            return "is not executable", f"chmod +x {path}"
        return None

    def command(self, services: Services, arguments: Sequence[str]) -> list[str]:
        """The rulebook's command, as it is typed in the rulebook's repo root."""
        path = f"server/scripts/{self.name}"
        return [*([self.interpreter, path] if self.interpreter else [f"./{path}"]), *arguments]

    def run(
        self, services: Services, arguments: Sequence[str], more: Mapping[str, Secret], emit: Emit, cancelled: Callable[[], bool]
    ) -> Completed:
        """Run it to its end, every line shown as it comes. `more` are secrets that it gets by environment.

        Raises CouldNotLook past its time limit, Cancelled; its exit status is the caller's to read.
        """
        environ = self._environ(services.environ, more)
        secrets = [*more.values(), *(Secret(name, value) for name, value in environ.items() if _SECRET.search(name))]
        source = "publish" if self.key == "publish" else self.name

        def show(event: Event) -> None:
            if isinstance(event, Line):
                for text in shown(event.text, secrets):
                    emit(Line(text, source))

        command = self.command(services, arguments)
        try:
            done = processes.run(
                command,
                cwd=services.layout.root / services.layout.base,
                env=environ,
                timeout=60.0 * self.minutes,
                emit=show,
                cancelled=cancelled,
                check=False,
            )
        except CouldNotLook as error:
            raise CouldNotLook(
                f"{' '.join(command)}: {error.what}",
                "What it did before that is for the items to say.",
                f'See its output above, mend it and do the step again, or set {self.key} = "{BUILTIN}" under [steps].',
            ) from None
        return Completed(done.exit, *("\n".join(shown(text, secrets)) for text in (done.stdout, done.stderr)))

    def _environ(self, environ: Mapping[str, str], more: Mapping[str, Secret]) -> dict[str, str]:
        passed = {name: value for name, value in environ.items() if _EVERYWHERE.fullmatch(name) or self.variables.fullmatch(name)}
        return {**passed, **{name: secret.reveal() for name, secret in more.items()}, **_QUIET, INSIDE: self.key}


def shown(text: str, secrets: Sequence[Secret]) -> list[str]:
    """Output as it may be shown: lines without secrets and escape sequences; of a line that was drawn over, what stood last."""
    hidden = [secret for secret in secrets if len(secret.reveal()) >= _SHORTEST_SECRET]
    lines = []
    for line in text.split("\n"):
        last = next((part for part in reversed(line.split("\r")) if part), "")
        lines.append(printable(redact(_ESCAPE.sub("", last), *hidden), _WIDTH))
    return lines


def digest(path: Path) -> str:
    """The sha256 of a script's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
