"""Where tokens come from: the environment, then the keyring, then `gh auth token` (contracts: decided). Values are never logged."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexy_tui.config import APP
from nexy_tui.core import bounded
from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import Target
from nexy_tui.services import processes

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

GITHUB_TOKEN = "github-token"

TOKEN_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
"""Environment variables a token is taken from, before anything else."""


class Secrets:
    """Looks secrets up once a run and remembers them in memory."""

    def __init__(self, environ: Mapping[str, str], target: Target) -> None:
        self._environ = environ
        self._target = target
        self._github: Secret | None = None
        self._handed: dict[str, Secret] = {}
        self._silent = False
        """Whether the keyring has been waited for in vain: it is not asked again."""

    @classmethod
    def holding(cls, token: Secret, target: Target) -> Secrets:
        """Secrets that know this one token and look nowhere else: for proving it before it is kept."""
        secrets = cls({}, target)
        secrets._github = token
        return secrets

    def hand(self, name: str, secret: Secret) -> None:
        """Keep a secret the operator has just given, in memory, for whoever asks for it by name."""
        self._handed[name] = secret

    def handed(self, name: str) -> Secret | None:
        """The secret the operator gave under this name, or None."""
        return self._handed.get(name)

    def forget_handed(self) -> None:
        """Forget what was handed over: it was for one use."""
        self._handed.clear()

    def forget_token(self) -> None:
        """Look the artifacts token up anew when it is next asked for."""
        self._github = None

    def github_token(self) -> Secret:
        """The artifacts token. Raises Unusable saying how to get one."""
        if self._github is None:
            self._github = self._from_environment() or self.from_keyring(GITHUB_TOKEN) or self.from_gh()
        if self._github is None:
            raise Unusable(
                f"There is no token for {self._target.artifacts_repository}.",
                "Publishing and most checks of the release host need one.",
                "Set GH_TOKEN, or keep one in the keyring: `keyring set nexy-tui github-token`, or log in with `gh auth login`.",
            )
        return self._github

    def from_keyring(self, name: str) -> Secret | None:
        """The keyring's entry of this tool under `name`, or None. Raises CouldNotLook when the keyring itself fails, or does not answer."""
        import keyring
        import keyring.errors

        def look() -> tuple[KeyringBackend, str | None]:
            backend: KeyringBackend = keyring.get_keyring()
            return backend, backend.get_password(APP, name)

        try:
            if self._silent:
                raise TimeoutError
            backend, value = bounded.within(bounded.KEYRING, look)
        except keyring.errors.NoKeyringError:
            return None
        except TimeoutError:
            self._silent = True
            raise CouldNotLook(
                f"The keyring gave no answer in {bounded.KEYRING:.0f} s while {name} was looked up.",
                "It may be locked, or wait for a window that nobody sees.",
                "Unlock it, name another in PYTHON_KEYRING_BACKEND, or give the secret in the environment (GH_TOKEN for the release host).",
            ) from None
        except Exception as error:  # Backends raise what they like: DBus errors, OSError, RuntimeError.
            raise CouldNotLook(
                f"The keyring failed while {name} was looked up ({type(error).__name__}).",
                remedy="Unlock the keyring, or give the secret in the environment.",
            ) from None
        return Secret(f"keyring ({type(backend).__module__})", value) if value else None

    def store(self, name: str, value: str) -> None:
        """Keep a secret in the keyring and read it back. Raises Unusable when the backend did not keep it."""
        import keyring
        import keyring.errors

        try:
            keyring.set_password(APP, name, value)
            kept = keyring.get_password(APP, name) == value
        except Exception as error:  # As above: any backend, any error.
            raise Unusable(f"The keyring refused {name} ({type(error).__name__}).", remedy="Choose another keyring backend.") from None
        if not kept:
            raise Unusable(f"The keyring took {name} but does not give it back.", "It is not a keyring.", "Choose another keyring backend.")

    def _from_environment(self) -> Secret | None:
        for name in TOKEN_VARIABLES:
            if value := self._environ.get(name, "").strip():
                return Secret(f"environment {name}", value)
        return None

    def from_gh(self) -> Secret | None:
        """The token gh itself has stored, or None; gh would hand back a token of the environment unseen, so it gets none."""
        if shutil.which("gh", path=self._environ.get("PATH")) is None:
            return None
        env = surroundings(Needs.GH, self._environ)
        try:
            done = processes.run(["gh", "auth", "token", "--hostname", self._target.hosts.web], env=env, timeout=15, check=False)
        except CouldNotLook:
            return None
        value = done.stdout.strip()
        return Secret("gh auth token", value) if done.exit == 0 and value else None
