"""Requests to the release host's API: the token goes to its two names and nowhere else; refusals become sentences."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from nexy_tui.core import strict_json
from nexy_tui.core.clock import Clock
from nexy_tui.core.problem import ActionFailed, CouldNotLook
from nexy_tui.core.secret import Secret, redact
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable
from nexy_tui.services.http import HttpClients
from nexy_tui.services.ratelimit import wait_asked, wait_for_room
from nexy_tui.services.repeat import TryAgain
from nexy_tui.services.secrets import Secrets

_ACCEPT = {"Accept": "application/vnd.github+json", "Accept-Encoding": "identity", "X-GitHub-Api-Version": "2022-11-28"}
"""Nothing is asked for compressed: little that is read could expand to very much."""
_BODY_LIMIT = 8 << 20
_BODY_TIME = 120.0
"""Seconds from an answer's head to its end: a host that trickles is a broken line."""
_TIMEOUT = 30.0
_UPLOAD_READ = 300.0
"""After the last byte the host may take a while to store an asset before it answers."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What the API answered: status, headers in lower case, and the JSON document (None where there is none)."""

    status: int
    headers: Mapping[str, str]
    document: Any
    repository: str = ""
    """Which repository was asked about."""

    @property
    def message(self) -> str:
        """What the host says went wrong, with the codes of its errors, fit for showing."""
        if not isinstance(self.document, dict):
            return f"HTTP {self.status}"
        details = [str(error.get("message") or error.get("code") or "") for error in self._errors]
        return printable(redact("; ".join(filter(None, (str(self.document.get("message", "")), *details)))), 300)

    def has_error(self, code: str) -> bool:
        """Whether one of the errors of a 422 has this code."""
        return any(error.get("code") == code for error in self._errors)

    @property
    def _errors(self) -> list[dict[str, Any]]:
        errors = self.document.get("errors") if isinstance(self.document, dict) else None
        return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


class HostRefused(ActionFailed):
    """The release host refused a write. `status` is the HTTP status, `answer` all it said."""

    def __init__(self, answer: ApiResponse, what: str, why: str, remedy: str) -> None:
        super().__init__(what, why, remedy)
        self.answer = answer
        self.status = answer.status


class GitHubApi:
    """One token, two hosts. Thread-safe; connections are kept between requests."""

    def __init__(self, target: Target, http: HttpClients, secrets: Secrets, clock: Clock) -> None:
        self._target, self._http, self._secrets, self._clock = target, http, secrets, clock
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._last: Mapping[str, str] = {}

    @property
    def token(self) -> Secret:
        """The token in use. Raises Unusable where there is none."""
        return self._secrets.github_token()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> ApiResponse:
        """One request to the API. Raises TryAgain on a rate limit or a server's trouble, httpx.TransportError on a broken line."""
        with self._lock:
            if self._client is None:
                self._client = self._http.client(timeout=_TIMEOUT)
        request = self._client.build_request(
            method, f"https://{self._target.hosts.api}{path}", json=body, headers={**_ACCEPT, **self._authorization()}
        )
        answer = self._answer(self._client, request)
        self._last = answer.headers
        return answer

    def wait_for_room(self, needed: int) -> float | None:
        """Seconds until the token has `needed` requests left again, by the last answer's headers; None where it has, or nobody says."""
        return wait_for_room(self._last, needed, self._clock.now())

    def upload(self, path: str, name: str, size: int, pieces: Iterable[bytes]) -> ApiResponse:
        """One upload, streamed with its length announced. Raises as `call` does."""
        url = f"https://{self._target.hosts.uploads}{path}?name={quote(name, safe='')}"
        headers = {**_ACCEPT, **self._authorization(), "Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._http.client(timeout=60.0, read=_UPLOAD_READ) as client:
            return self._answer(client, client.build_request("POST", url, content=pieces, headers=headers))

    def close(self) -> None:
        """Close the connections that were kept."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def refused(self, answer: ApiResponse, doing: str) -> HostRefused:
        """The failure of a write, from the host's answer."""
        what, why, remedy = self._explained(answer)
        return HostRefused(answer, f"{doing} failed: {what}", why, remedy)

    def unseen(self, answer: ApiResponse, looking: str) -> CouldNotLook:
        """The failure of a read, from the host's answer."""
        what, why, remedy = self._explained(answer)
        return CouldNotLook(f"{looking} could not be seen: {what}", why, remedy)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.reveal()}"}

    def _answer(self, client: httpx.Client, request: httpx.Request) -> ApiResponse:
        response = client.send(request, stream=True)
        try:
            raw = self._body(response)
        finally:
            response.close()
        headers = {key.lower(): value for key, value in response.headers.items()}
        answer = ApiResponse(response.status_code, headers, _json(raw), "/".join(request.url.path.split("/")[2:4]))
        asked = wait_asked(answer.status, answer.headers, answer.message, self._clock.now())
        if asked is not None:
            raise TryAgain(f"{request.url.host} asks to wait ({answer.status}: {answer.message})", answer.status, asked)
        if answer.status >= 500 or answer.status == 408:
            raise TryAgain(f"{request.url.host} answered {answer.status}", answer.status)
        return answer

    def _body(self, response: httpx.Response) -> bytes:
        """All of a small body. Raises CouldNotLook for a large or compressed one, httpx.ReadTimeout for one without an end."""
        host = response.request.url.host
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise CouldNotLook(f"{host} answered with a compressed body, which was not asked for.", remedy="Try again later.")
        raw, end = bytearray(), self._clock.monotonic() + _BODY_TIME
        for piece in response.iter_bytes():
            raw += piece
            if len(raw) > _BODY_LIMIT:
                raise CouldNotLook(f"{host} answered with more than {_BODY_LIMIT} bytes.", remedy="Try again later.")
            if self._clock.monotonic() > end:
                raise httpx.ReadTimeout("the answer came too slowly", request=response.request)
        return bytes(raw)

    def _renaming(self, repository: str) -> str:
        """What is set anew where a repository has another name."""
        if repository.lower() == self._target.code_repository.lower():
            return "set target.code_repository in the configuration and the checkout's remote (`git remote set-url`) to it."
        return "set target.artifacts_repository in the configuration to it."

    def _explained(self, answer: ApiResponse) -> tuple[str, str, str]:
        repository = answer.repository or self._target.artifacts_repository
        said = f"{self._target.hosts.api} answered {answer.status} ({answer.message})."
        if answer.status == 401:
            why = f"The token from {self.token.source} is not valid."
            return said, why, "Log in again: `gh auth login`, or set GH_TOKEN (rulebook 4.3)."
        if answer.status == 403:
            why = f"The token from {self.token.source} has no right to do this in {repository}."
            return said, why, f"Use a token that may write to {repository}: `gh auth status` shows what yours may do (rulebook 4.3)."
        if answer.status == 404:
            why = "It is not there, or the token may not see it."
            return said, why, f"Look at https://{self._target.hosts.web}/{repository}/releases and check the token's rights."
        if 300 <= answer.status < 400:
            why = f"{repository} has moved or was renamed."
            return said, why, f"Open https://{self._target.hosts.web}/{repository}, see its new name, and {self._renaming(repository)}"
        return said, "", "Read what the host said, mend it, and run again."


def _json(raw: bytes) -> Any:
    try:
        return strict_json.loads(raw) if raw.strip() else None
    except ValueError:
        return None
