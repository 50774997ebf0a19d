"""The git host: smart HTTP through git's own `http-backend`, with the release host's way of saying who may push.

Anybody may read, as in a public repository (but while the fault vm-credential-gone is on); a push needs a token with the right to
that repository: 401 without one, 403 "Permission to … denied" with one that lacks it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from http import HTTPStatus

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, RENAMED, World
from nexy_tui.rehearsal.net.wire import PIECE, Request, Response, text_response

_PATH = re.compile(r"/(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/(?P<call>info/refs|git-upload-pack|git-receive-pack)")
_REPOSITORIES = {name.lower(): name for name in (CODE, ARTIFACTS)}
_CHALLENGE = [("www-authenticate", 'Basic realm="GitHub"')]
_NO_CACHE = [("cache-control", "no-cache, max-age=0, must-revalidate"), ("x-frame-options", "DENY")]

AfterPush = Callable[[str], Awaitable[None]]
"""Called with the repository's name when a push has been taken, before the client hears of it."""


@cache
def _http_backend() -> str:
    """The program itself, as a web server runs it: through `git` each of a client's requests would be two processes more."""
    done = subprocess.run(["git", "--exec-path"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=30)
    return f"{done.stdout.strip()}/git-http-backend"


def is_git(request: Request) -> bool:
    """Whether a request of the web host is git's."""
    return _PATH.fullmatch(request.path) is not None


class GitHost:
    """Answers git's requests for the world's two repositories."""

    def __init__(self, world: World, faults: Faults, after_push: AfterPush) -> None:
        self._world = world
        self._faults = faults
        self._after_push = after_push

    async def handle(self, request: Request) -> Response:
        """Authenticate, authorise, and hand the rest to git."""
        match = _PATH.fullmatch(request.path)
        renamed = self._faults.active("repository-renamed")
        known = {**_REPOSITORIES, RENAMED.lower(): CODE} if renamed else _REPOSITORIES
        repository = known.get(match["repository"].lower()) if match else None
        if match is None or repository is None:
            return text_response("Repository not found.\n", HTTPStatus.NOT_FOUND)
        if renamed and match["repository"].lower() == CODE.lower():
            address = request.target.replace(match["repository"], RENAMED, 1)
            return Response(HTTPStatus.MOVED_PERMANENTLY, [("location", f"https://{self._world.target.hosts.web}{address}")])
        service = request.query.get("service", "") if match["call"] == "info/refs" else match["call"]
        if request.method not in ("GET", "POST") or service not in ("git-upload-pack", "git-receive-pack"):
            return text_response("Please upgrade your git client.\n", HTTPStatus.FORBIDDEN)
        refused = self._refusal(request, repository, pushing=service == "git-receive-pack")
        if refused is not None:
            return refused
        return await self._backend(request, repository, match["call"])

    def _refusal(self, request: Request, repository: str, *, pushing: bool) -> Response | None:
        token = _token(request.headers.get("authorization", ""))
        private = self._faults.active("vm-credential-gone")
        if token is None:
            closed = pushing or private
            return text_response("No anonymous access.\n", HTTPStatus.UNAUTHORIZED, _CHALLENGE) if closed else None
        gone = private and token == self._world.secrets.readonly_token
        rights = None if gone or self._faults.active("token-invalid") else self._world.rights(token)
        if rights is None:
            text = "Invalid username or token. Password authentication is not supported for Git operations.\n"
            return text_response(text, HTTPStatus.UNAUTHORIZED, _CHALLENGE)
        if pushing and repository not in rights:
            return text_response(f"Permission to {repository}.git denied to nexy-operator.\n", HTTPStatus.FORBIDDEN)
        return None

    async def _backend(self, request: Request, repository: str, call: str) -> Response:
        process = await asyncio.create_subprocess_exec(
            _http_backend(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment(request, f"/{repository}.git/{call}"),
            limit=PIECE,
            start_new_session=True,
        )
        backend = _Backend(process, asyncio.create_task(_feed(request, process)))
        status, headers = await backend.head()
        headers += _NO_CACHE
        if call != "git-receive-pack":
            return Response(status, headers, backend.output())
        report = b"".join([part async for part in backend.output()])
        await self._after_push(repository)
        return Response(status, headers, report)

    def _environment(self, request: Request, path: str) -> dict[str, str]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._world.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self._world.git),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.target.partition("?")[2],
            "REMOTE_USER": "nexy-operator",
            "REMOTE_ADDR": "127.0.0.1",
        }
        passed = {
            "content-type": "CONTENT_TYPE",
            "content-length": "CONTENT_LENGTH",
            "content-encoding": "HTTP_CONTENT_ENCODING",
            "git-protocol": "GIT_PROTOCOL",
        }
        for header, variable in passed.items():
            if header in request.headers:
                environment[variable] = request.headers[header]
        return environment


def _token(authorization: str) -> str | None:
    """The token of Basic credentials: the password, or the user name where the password says nothing. None without any."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user if password in ("", "x-oauth-basic") else password


async def _feed(request: Request, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    try:
        async for part in request.body:
            process.stdin.write(part)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await process.stdin.drain()
    finally:
        process.stdin.close()


class _Backend:
    """One run of git http-backend: its answer as it comes, and its end, whatever becomes of the client."""

    def __init__(self, process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> None:
        assert process.stdout is not None
        self._process = process
        self._feeding = feeding
        self._stdout = process.stdout
        self._connection = asyncio.current_task()
        if self._connection is not None:
            self._connection.add_done_callback(self._abandon)

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Status and headers of a CGI answer (RFC 3875 section 6)."""
        status, headers = int(HTTPStatus.OK), []
        while line := (await self._stdout.readline()).decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name.strip().lower(), value.strip()))
        return (status, headers) if headers else (int(HTTPStatus.INTERNAL_SERVER_ERROR), [("content-type", "text/plain")])

    async def output(self) -> AsyncIterator[bytes]:
        """The answer's body. Raises ConnectionResetError when the client did not finish its request."""
        while part := await self._stdout.read(PIECE):
            yield part
        await self._feeding
        await self._process.wait()
        if self._connection is not None:
            self._connection.remove_done_callback(self._abandon)

    def _abandon(self, _: asyncio.Task[object]) -> None:
        self._feeding.cancel()
        if self._process.returncode is None:
            self._process.kill()
