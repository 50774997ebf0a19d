from __future__ import annotations

import hashlib
import io
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import Event, Progress, Waiting
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook
from nexy_tui.core.secret import Secret
from nexy_tui.core.target import Target
from nexy_tui.services.github import Asset, GitHubRelease, ReleaseHost
from nexy_tui.services.github_api import HostRefused
from nexy_tui.services.http import HttpClients
from nexy_tui.services.secrets import Secrets

TOKEN = "ghp_" + "T0ken" * 8
RELEASE = GitHubRelease(7, "Update", immutable=False)
ASSET = Asset(9, "incoming-00-Nexy.dmg", "uploaded", 3, None)
Handler = Callable[[httpx.Request], httpx.Response]


class Clients:
    """Hands out clients that speak to a function."""

    def __init__(self, handler: Handler) -> None:
        self.seen: list[httpx.Request] = []
        self._handler = handler

    def client(self, *, timeout: float = 30.0, read: float | None = None) -> httpx.Client:
        def handle(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return self._handler(request)

        return httpx.Client(transport=httpx.MockTransport(handle), follow_redirects=False)


class OneToken:
    def github_token(self) -> Secret:
        return Secret("environment GH_TOKEN", TOKEN)


class Body(httpx.SyncByteStream):
    """A response's body that is read from the line, and may break."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        self._content, self._error = content, error

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        if self._error is not None:
            raise self._error


def host_of(handler: Handler, **more: Any) -> tuple[ReleaseHost, Clients]:
    clients = Clients(handler)
    target = more.pop("target", Target())
    return ReleaseHost(target, cast(HttpClients, clients), cast(Secrets, OneToken()), SystemClock(10_000), **more), clients


def asset_json(**changes: Any) -> dict[str, Any]:
    return {"id": 9, "name": "Nexy.dmg", "state": "uploaded", "size": 3, "digest": None, **changes}


def test_every_write_goes_to_the_artifacts_repository_of_the_target(tmp_path: Path) -> None:
    target = Target(artifacts_repository="Somebody/Else")
    statuses = {"PATCH": 200, "POST": 201, "DELETE": 204}
    host, clients = host_of(lambda request: httpx.Response(statuses[request.method], json=asset_json()), target=target)
    (tmp_path / "f").write_bytes(b"abc")
    host.upload(RELEASE, "n", tmp_path / "f", 3, subject="f")
    host.rename(ASSET, "m")
    host.delete(ASSET)
    assert [(r.method, r.url.host, r.url.path) for r in clients.seen] == [
        ("POST", "uploads.github.com", "/repos/Somebody/Else/releases/7/assets"),
        ("PATCH", "api.github.com", "/repos/Somebody/Else/releases/assets/9"),
        ("DELETE", "api.github.com", "/repos/Somebody/Else/releases/assets/9"),
    ]
    assert {r.headers["authorization"] for r in clients.seen} == {f"Bearer {TOKEN}"}


def test_an_upload_announces_its_length_and_comes_in_big_pieces(tmp_path: Path) -> None:
    path, size = tmp_path / "f", 5 * (1 << 20) + 17
    path.write_bytes(b"x" * size)
    pieces: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        pieces.extend(len(piece) for piece in cast(Iterator[bytes], request.stream))
        return httpx.Response(201, json=asset_json())

    events: list[Event] = []
    clients = Clients(handler)
    host = ReleaseHost(Target(), cast(HttpClients, _Streaming(clients)), cast(Secrets, OneToken()), SystemClock(), emit=events.append)
    host.upload(RELEASE, "Nexy.dmg", path, size, subject="Nexy.dmg")
    request = clients.seen[0]
    assert request.headers["content-length"] == str(size) and "transfer-encoding" not in request.headers
    assert sum(pieces) == size and min(pieces[:-1]) >= 256 * 1024
    assert isinstance(events[-1], Progress) and (events[-1].done, events[-1].total) == (size, size)


class _Streaming:
    """As `Clients`, but the request's body is left to the handler to read."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def client(self, *, timeout: float = 30.0, read: float | None = None) -> httpx.Client:
        clients = self._clients

        class Transport(httpx.BaseTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                clients.seen.append(request)
                return clients._handler(request)

        return httpx.Client(transport=Transport())


def test_a_cancelled_upload_stops_between_pieces(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (3 << 20))
    host, _ = host_of(lambda _: httpx.Response(201, json=asset_json()), cancelled=lambda: True)
    with pytest.raises(Cancelled):
        host.upload(RELEASE, "n", path, 3 << 20, subject="f")


def redirecting(body: bytes) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "github.com":
            return httpx.Response(302, headers={"location": "https://objects.example/blob?sig=secret"})
        return httpx.Response(200, stream=Body(body))

    return handler


def test_a_download_never_carries_the_token_and_gives_the_figures_of_the_bytes() -> None:
    host, clients = host_of(redirecting(b"abc" * 1000))
    sink = io.BytesIO(b"older and longer than what comes" * 1000)
    got = host.download("Update", "Nexy.dmg", subject="Nexy.dmg", phase="downloading", sink=sink)
    assert got is not None
    assert (got.size, got.sha256) == (3000, hashlib.sha256(b"abc" * 1000).hexdigest()) and sink.getvalue() == b"abc" * 1000
    assert "secret" not in got.url
    assert [r.url.host for r in clients.seen] == ["github.com", "objects.example"]
    assert not [r for r in clients.seen if "authorization" in r.headers or TOKEN in str(r.headers)]


def test_a_download_that_breaks_off_is_begun_anew() -> None:
    calls = [0]

    broken = httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    def handler(request: httpx.Request) -> httpx.Response:
        calls[0] += 1
        return httpx.Response(200, stream=Body(b"ab", broken) if calls[0] == 1 else Body(b"abc"))

    sink = io.BytesIO()
    got = host_of(handler)[0].download("Update", "Nexy.dmg", subject="x", phase="y", sink=sink)
    assert got is not None and (got.size, sink.getvalue()) == (3, b"abc")


@pytest.mark.parametrize(
    ("location", "says"), [("http://objects.example/x", "not https"), ("https://github.com/again", "redirected more than 5 times")]
)
def test_a_redirect_that_leads_astray_is_not_followed(location: str, says: str) -> None:
    host, clients = host_of(lambda _: httpx.Response(302, headers={"location": location}))
    with pytest.raises(CouldNotLook, match=says):
        host.download("Update", "Nexy.dmg", subject="x", phase="y")
    assert len(clients.seen) <= 6


def test_nothing_at_the_address_is_none_and_a_server_in_trouble_is_asked_again() -> None:
    assert host_of(lambda _: httpx.Response(404))[0].download("Update", "Nexy.dmg", subject="x", phase="y") is None
    answers = iter([503, 403, 429, 200])
    host, clients = host_of(lambda _: httpx.Response(next(answers), stream=Body(b"abc"), headers={"retry-after": "1"}))
    assert host.download("Update", "Nexy.dmg", subject="x", phase="y") is not None and len(clients.seen) == 4
    with pytest.raises(CouldNotLook, match="answered 500"):
        host_of(lambda _: httpx.Response(500))[0].download("Update", "Nexy.dmg", subject="x", phase="y")


def test_other_bytes_are_asked_for_again_and_believed_at_last() -> None:
    events: list[Event] = []
    host, clients = host_of(lambda _: httpx.Response(200, stream=Body(b"old")), emit=events.append)
    got = host.settled("Update", "Nexy.dmg", (3, hashlib.sha256(b"new").hexdigest()), subject="x", phase="y")
    assert got is not None and got.sha256 == hashlib.sha256(b"old").hexdigest()
    assert len(clients.seen) == 4 and len([event for event in events if isinstance(event, Waiting)]) == 3
    answers = iter([b"old", b"new"])
    host, clients = host_of(lambda _: httpx.Response(200, stream=Body(next(answers))))
    got = host.settled("Update", "Nexy.dmg", (3, hashlib.sha256(b"new").hexdigest()), subject="x", phase="y")
    assert got is not None and got.sha256 == hashlib.sha256(b"new").hexdigest() and len(clients.seen) == 2


def test_a_rename_whose_answer_was_lost_is_looked_at_before_it_is_repeated() -> None:
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        if calls == ["PATCH"]:
            raise httpx.ReadError("reset")
        return httpx.Response(200, json=asset_json(name="new"))

    assert host_of(handler)[0].rename(ASSET, "new").name == "new"
    assert calls == ["PATCH", "GET"]


def test_a_rename_answered_404_for_a_moment_is_repeated_and_for_good_is_told() -> None:
    answers = iter([(404, {"message": "Not Found"}), (200, asset_json(name="old")), (200, asset_json(name="new"))])

    def handler(_: httpx.Request) -> httpx.Response:
        status, document = next(answers)
        return httpx.Response(status, json=document)

    host, clients = host_of(handler)
    assert host.rename(ASSET, "new").name == "new" and [r.method for r in clients.seen] == ["PATCH", "GET", "PATCH"]
    with pytest.raises(HostRefused, match=r"Renaming .* failed: api.github.com answered 404"):
        host_of(lambda _: httpx.Response(404, json={"message": "Not Found"}))[0].rename(ASSET, "new")


@pytest.mark.parametrize(
    ("status", "document", "says"),
    [
        (401, {"message": "Bad credentials"}, "The token from environment GH_TOKEN is not valid"),
        (403, {"message": "Resource not accessible by personal access token"}, "has no right to do this in Seregawpn/Nexy_production"),
        (422, {"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "name"}]}, "already_exists"),
        (301, {"message": "Moved Permanently"}, "has moved or was renamed"),
        (422, {"message": f"echo {TOKEN}"}, "422"),
    ],
)
def test_a_refusal_names_status_reason_and_remedy_and_no_token(status: int, document: dict[str, Any], says: str) -> None:
    host, clients = host_of(lambda _: httpx.Response(status, json=document))
    with pytest.raises(HostRefused) as raised:
        host.rename(ASSET, "new")
    text = str(raised.value)
    assert says in text and raised.value.remedy and raised.value.status == status and len(clients.seen) == 1
    assert TOKEN not in text and TOKEN not in repr(raised.value)


@pytest.mark.parametrize(
    ("repository", "setting"),
    [
        ("Seregawpn/Nexy_server", "set target.code_repository in the configuration and the checkout's remote"),
        ("seregawpn/nexy_SERVER", "set target.code_repository in the configuration and the checkout's remote"),
        ("Seregawpn/Nexy_production", "set target.artifacts_repository in the configuration to it"),
    ],
)
def test_a_repository_that_was_renamed_is_named_with_its_own_setting(repository: str, setting: str) -> None:
    moved = httpx.Response(301, headers={"Location": "https://api.github.com/repositories/701"}, json={"message": "Moved Permanently"})
    with pytest.raises(CouldNotLook) as raised:
        host_of(lambda _: moved)[0].release_tags(repository)
    assert raised.value.exit_code == 3 and f"{repository} has moved or was renamed" in f"{raised.value.what} {raised.value.why}"
    assert setting in str(raised.value.remedy)


def test_what_is_no_answer_of_the_host_is_said_so() -> None:
    for content in (b"<html>captive portal</html>", b"[]", b'{"id": "x"}', b"{" * 100_000):
        with pytest.raises(CouldNotLook):
            host_of(lambda _, content=content: httpx.Response(200, content=content))[0].release("Update")  # type: ignore[misc]
    with pytest.raises(CouldNotLook, match="more than"):
        host_of(lambda _: httpx.Response(200, content=bytes(9 << 20)))[0].release("Update")


def test_all_pages_of_assets_are_read_and_states_are_kept() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        first = (page - 1) * 100
        states = {101: "open"}
        numbers = range(first, min(first + 100, 130))
        digest = "sha256:" + "AB" * 32
        return httpx.Response(200, json=[asset_json(id=n, name=f"a{n}", state=states.get(n, "uploaded"), digest=digest) for n in numbers])

    assets = host_of(handler)[0].assets(RELEASE)
    assert len(assets) == 130 and not assets["a101"].ready and assets["a5"].sha256 == "ab" * 32
    assert assets["a5"].is_file(3, "ab" * 32) is True and assets["a5"].is_file(3, "cd" * 32) is False
    assert assets["a101"].is_file(3, "ab" * 32) is False and ASSET.is_file(3, "ab" * 32) is None


@pytest.mark.parametrize(
    ("permissions", "scopes", "may"),
    [
        ({"push": True}, "repo, read:org", True),
        ({"push": True}, "public_repo", True),
        ({"push": True}, None, True),
        ({"push": True}, "read:user", False),
        ({"push": True}, "", False),
        ({"push": False}, "repo", False),
        (None, "repo", False),
    ],
)
def test_rights_are_the_users_and_the_tokens(permissions: object, scopes: str | None, may: bool) -> None:
    headers = {} if scopes is None else {"x-oauth-scopes": scopes}
    rights = host_of(lambda _: httpx.Response(200, json={"permissions": permissions}, headers=headers))[0].rights()
    assert rights.may_write is may and rights.source == "environment GH_TOKEN"


def test_a_refused_certificate_and_a_dead_line_are_told_apart() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x") from ssl.SSLCertVerificationError("self-signed")

    def dead(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("x")

    host, clients = host_of(refuse)
    with pytest.raises(CouldNotLook, match="certificate was refused"):
        host.release("Update")
    assert len(clients.seen) == 1
    with pytest.raises(CouldNotLook, match="connection broke"):
        host_of(dead)[0].release("Update")
    with pytest.raises(ActionFailed, match="connection broke"):
        host_of(dead)[0].delete(ASSET)


def test_deleting_what_is_gone_is_as_good() -> None:
    host_of(lambda _: httpx.Response(404, json={"message": "Not Found"}))[0].delete(ASSET)


def test_release_tags_are_read_of_any_repository() -> None:
    host, clients = host_of(lambda _: httpx.Response(200, content=json.dumps([{"tag_name": "Update"}, {"tag_name": "App"}])))
    assert host.release_tags("a/b") == ("Update", "App") and clients.seen[0].url.path == "/repos/a/b/releases"


def test_release_tags_are_read_to_the_last_page() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        first = 100 * (int(request.url.params["page"]) - 1)
        return httpx.Response(200, content=json.dumps([{"tag_name": f"v{number}"} for number in range(first, min(first + 100, 230))]))

    host, clients = host_of(page)
    assert host.release_tags("a/b") == tuple(f"v{number}" for number in range(230)) and len(clients.seen) == 3


def test_release_tags_without_end_could_not_be_seen() -> None:
    host, _ = host_of(lambda _: httpx.Response(200, content=json.dumps([{"tag_name": "v1"}] * 100)))
    with pytest.raises(CouldNotLook, match="not all could be seen"):
        host.release_tags("a/b")
