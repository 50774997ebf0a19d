"""Proves a token against the release host before it is kept: whose it is, and what it may do in both repositories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.secret import Secret
from nexy_tui.services.github import Rights
from nexy_tui.services.github_api import ApiResponse, GitHubApi
from nexy_tui.services.repeat import Repeating, TryAgain
from nexy_tui.services.secrets import Secrets

if TYPE_CHECKING:
    from nexy_tui.services import Services


@dataclass(frozen=True, slots=True)
class Proof:
    """What the release host says of a token. `valid` is False when it does not know it; `login` is its owner, where told."""

    source: str
    valid: bool
    login: str
    artifacts: Rights
    code: Rights

    @property
    def suffices(self) -> bool:
        """Whether releases of the artifacts repository can be changed with it."""
        return self.valid and self.artifacts.may_write


def prove(services: Services, token: Secret, emit: Emit = silent, cancelled: Callable[[], bool] = lambda: False) -> Proof:
    """Ask the release host about a token, by three reads. Raises CouldNotLook when it gives no answer."""
    target = services.target
    api = GitHubApi(target, services.http, Secrets.holding(token, target), services.clock)
    repeating = Repeating(services.clock, emit, cancelled)

    def get(path: str) -> ApiResponse:
        try:
            return repeating(lambda: api.call("GET", path))
        except TryAgain as error:
            raise CouldNotLook(f"The token could not be proved: {error.reason}.", remedy="Wait a little, then try again.") from None
        except httpx.TransportError as error:
            what = f"The token could not be proved: {target.hosts.api} gives no answer ({type(error).__name__})."
            raise CouldNotLook(what, remedy="Check the network and the proxy, then try again.") from None

    try:
        user = get("/user")
        artifacts, code = (get(f"/repos/{name}") for name in (target.artifacts_repository, target.code_repository))
    finally:
        api.close()
    login = str(user.document.get("login", "")) if user.status == 200 and isinstance(user.document, dict) else ""
    return Proof(
        token.source,
        401 not in (user.status, artifacts.status),
        login[:60],
        _rights(artifacts, target.artifacts_repository, token.source),
        _rights(code, target.code_repository, token.source),
    )


def _rights(answer: ApiResponse, repository: str, source: str) -> Rights:
    scopes = answer.headers.get("x-oauth-scopes")
    granted = None if scopes is None else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
    found = answer.document if answer.status == 200 and isinstance(answer.document, dict) else {}
    permissions = found.get("permissions") or {}
    return Rights(repository, answer.status == 200, permissions.get("push") is True, granted, source)
