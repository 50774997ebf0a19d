"""Who asks the release host, what they may do, and how often: GitHub's 401, 403, 404, rate limits and error bodies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net.wire import Request, Response, json_response
from nexy_tui.rehearsal.release_host.store import Repository

SCOPES = "gist, read:org, repo, workflow"
_WITHOUT_SCOPE = "read:user"
_ACCEPTED = "repo"
_HOUR = 3600
_LIMITS = {True: 5000, False: 60}
"""Requests an hour, with a token and without one."""

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer other than success, in the form GitHub gives it."""

    def __init__(self, status: int, message: str, *errors: dict[str, str], headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers

    def response(self) -> Response:
        """The answer itself."""
        document: dict[str, Any] = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        if self.errors:
            document["errors"] = list(self.errors)
        return json_response(document, self.status, self.headers)


def not_found() -> ApiError:
    """GitHub's answer to what is not there, and to what the asker may not know to be there."""
    return ApiError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, code: str, name: str, message: str = "") -> ApiError:
    """GitHub's 422: which field of what is wrong, and how."""
    problem = {"resource": resource, "code": code, "field": name}
    if message:
        problem["message"] = message
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", problem)


@dataclass(frozen=True, slots=True)
class Account:
    """The asker: a token's owner, or nobody."""

    login: str | None
    key: str
    scopes: str = ""
    writable: frozenset[str] = frozenset()

    @property
    def has_scope(self) -> bool:
        """Whether the token carries the scope that releases and private repositories need."""
        return _ACCEPTED in self.scopes.split(", ")

    def sees(self, repository: Repository) -> bool:
        """Whether the repository exists for this asker."""
        return not repository.private or self.has_scope

    def may_write(self, repository: Repository) -> bool:
        """Whether the owner of the token has push rights; the token's scopes are another matter."""
        return repository.full_name in self.writable

    def require_user(self) -> str:
        """The login. Raises 401 for nobody."""
        if self.login is None:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
        return self.login

    def require_write(self, repository: Repository) -> str:
        """The login of someone who may change this repository's releases.

        A classic token without the scope is told that nothing is there; one with the scope, of a user without push
        rights, that the resource is not accessible.
        """
        login = self.require_user()
        if not self.has_scope:
            raise not_found()
        if not self.may_write(repository):
            raise ApiError(HTTPStatus.FORBIDDEN, "Resource not accessible by personal access token")
        return login


_LOW = "low"


class Access:
    """Tells who a request comes from, and counts."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._windows: dict[str, tuple[int, int]] = {}

    def account(self, request: Request) -> Account:
        """Who asks. Raises 401 for a token this world does not know."""
        token = _token(request.headers.get("authorization"))
        if token is None:
            return Account(None, "anonymous")
        writable = self._world.rights(token)
        if writable is None or self._faults.active("token-invalid"):
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Bad credentials")
        login = "nexy-operator" if writable else "nexy-reader"
        scopes = _WITHOUT_SCOPE if self._faults.active("token-without-scope") else SCOPES
        return Account(login, hashlib.sha256(token.encode()).hexdigest()[:16], scopes, writable)

    def check_rate(self) -> None:
        """Raise the answer of an exhausted rate limit while the fault is on: `primary`, `429`, or (default) GitHub's secondary limit.

        With `low` nothing is refused yet: the headers say that hardly anything is left.
        """
        parameter = self._faults.param("rate-limited")
        if parameter == _LOW or not self._faults.spend("rate-limited"):
            return
        if parameter == "primary":
            reset = str(int(time.time()) + 2)
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                "API rate limit exceeded for user ID 1.",
                headers=(("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)),
            )
        status = HTTPStatus.TOO_MANY_REQUESTS if parameter == "429" else HTTPStatus.FORBIDDEN
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        raise ApiError(status, message, headers=(("retry-after", "1"),))

    def headers(self, account: Account | None, *, count: bool = True) -> list[tuple[str, str]]:
        """The headers every answer of the API carries: rate limit, scopes, request id."""
        key = "anonymous" if account is None else account.key
        reset, used = self._windows.get(key, (0, 0))
        now = int(time.time())
        if now >= reset:
            reset, used = now + _HOUR, 0
        used += count
        self._windows[key] = (reset, used)
        limit = _LIMITS[account is not None and account.login is not None]
        if self._faults.param("rate-limited") == _LOW:
            reset, used = now + 2, limit - 3
        found = [
            ("x-ratelimit-limit", str(limit)),
            ("x-ratelimit-remaining", str(max(0, limit - used))),
            ("x-ratelimit-used", str(used)),
            ("x-ratelimit-reset", str(reset)),
            ("x-ratelimit-resource", "core"),
            ("x-github-request-id", uuid.uuid4().hex[:16].upper()),
            ("x-github-media-type", "github.v3; format=json"),
        ]
        if account is not None and account.login is not None:
            found += [("x-oauth-scopes", account.scopes), ("x-accepted-oauth-scopes", _ACCEPTED)]
        return found


def _token(header: str | None) -> str | None:
    """The token of an Authorization header: bearer, GitHub's own `token`, or basic with the token as password (or user name)."""
    if header is None:
        return None
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return value.strip()
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if password not in ("", "x-oauth-basic") else user
