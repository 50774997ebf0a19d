"""Where tokens come from: the environment, then the keyring, then `gh auth token` (contracts: decided). Values are never logged."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.core.secret import Secret
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import Target
from nexy_tui.services import processes, ring

GITHUB_TOKEN = "github-token"
SPARKLE_KEY = "sparkle-private-key"

TOKEN_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
SPARKLE_VARIABLES = ("NEXY_SPARKLE_PRIVATE_KEY",)

VARIABLES = {GITHUB_TOKEN: TOKEN_VARIABLES, SPARKLE_KEY: SPARKLE_VARIABLES}
"""Every secret that the operator keeps for this tool, and the variables it is taken from before the keyring is asked."""


def variable_of(name: str) -> str:
    """The environment's variable for a secret."""
    return VARIABLES[name][0] if name in VARIABLES else "NEXY_SIGNING_KEY_FILE"


def judge(name: str, value: str) -> None:
    """Pass for what may be such a secret. Raises Unusable for what cannot be one; the message does not show it."""
    if not value:
        raise Unusable(f"No {name} was given.", remedy=Run(f"secrets set {name}", "Run it again and paste it, or pipe it in", "< FILE"))
    if not value.isascii() or any(char.isspace() or not char.isprintable() for char in value):
        raise Unusable(f"That cannot be a {name}: it is not one word of plain characters.", remedy="Copy it again, alone and whole.")


def _unkept(name: str, failure: Exception) -> Unusable:
    given = f"ive it in the environment: {variable_of(name)}."
    return Unusable(
        f"{name} cannot be kept: {failure}.",
        "A secret that only seems to be kept would be missed in the middle of a release.",
        f"{failure.cure}, or g{given}" if isinstance(failure, ring.RingFailed) else f"G{given}",
    )


class Secrets:
    """Looks secrets up once a run and remembers them in memory."""

    def __init__(self, environ: Mapping[str, str], target: Target) -> None:
        self._environ = environ
        self._target = target
        self._github: Secret | None = None
        self._handed: dict[str, Secret] = {}
        self._failed: ring.RingFailed | None = None
        """Why the keyring could not be read: it is not asked again, since it may take a minute to say nothing."""

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
        """The artifacts token. Raises Unusable saying how to get one, CouldNotLook where the keyring fails and nothing else has one."""
        if self._github is None:
            self._github = self._from_environment(*TOKEN_VARIABLES) or self._kept_or_gh()
        if self._github is None:
            raise Unusable(
                f"There is no token for {self._target.artifacts_repository}.",
                "Publishing and most checks of the release host need one.",
                Run(f"secrets set {GITHUB_TOKEN}", "Set GH_TOKEN, or log in with `gh auth login`, or keep one in the keyring"),
            )
        return self._github

    def _kept_or_gh(self) -> Secret | None:
        """The keyring's token, else that of gh: also where the keyring cannot be read."""
        try:
            return self.from_keyring(GITHUB_TOKEN) or self.from_gh()
        except CouldNotLook:
            if (found := self.from_gh()) is not None:
                return found
            raise

    def sparkle_key(self) -> Secret | None:
        """Sparkle's private key, or None. Raises CouldNotLook where the keyring fails."""
        return self._from_environment(*SPARKLE_VARIABLES) or self.from_keyring(SPARKLE_KEY)

    def find(self, name: str) -> Secret | None:
        """A secret by its name, from wherever it is taken. Raises CouldNotLook."""
        if name == SPARKLE_KEY:
            return self.sparkle_key()
        return self._from_environment(*TOKEN_VARIABLES) or self._kept_or_gh()

    @staticmethod
    def variable_in_force(environ: Mapping[str, str], name: str) -> str:
        """The variable that comes before the keyring for a secret now, or an empty text."""
        return next((variable for variable in VARIABLES[name] if environ.get(variable, "").strip()), "")

    def from_keyring(self, name: str) -> Secret | None:
        """The keyring's entry of this tool under `name`, or None. Raises CouldNotLook when the keyring itself fails, or does not answer."""
        try:
            if self._failed is not None:
                raise self._failed
            backend = ring.open_ring()
            value = ring.read(backend, name)
        except ring.NoRing:
            return None
        except ring.RingFailed as failure:
            self._failed = failure
            raise CouldNotLook(
                f"{name} was looked for, and {failure}.",
                "Whether it is kept there is not known.",
                f"{failure.cure}, or give it in the environment: {variable_of(name)}.",
            ) from None
        return Secret(f"keyring ({type(backend).__module__})", value) if value else None

    def store(self, name: str, value: str) -> None:
        """Keep a secret in the keyring and read it back. Raises Unusable when the backend did not keep it."""
        try:
            ring.write(ring.open_ring(), name, value)
        except (ring.NoRing, ring.RingFailed) as failure:
            raise _unkept(name, failure) from None

    def delete(self, name: str) -> bool:
        """Take a secret out of the keyring; whether there was one. Raises Unusable."""
        try:
            return ring.delete(ring.open_ring(), name)
        except (ring.NoRing, ring.RingFailed) as failure:
            raise _unkept(name, failure) from None

    def _from_environment(self, *names: str) -> Secret | None:
        for name in names:
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
