"""What the `rulebook` profile takes for an answer, against a server that answers as badly as it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from checks import rulebook_sources
from checks.rulebook_sources import base_url
from nexy_tui.core.target import UpdateServer
from nexy_tui.services.http import HttpClients

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """A loopback server whose every path answers as a test says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.done = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.answers[self.path](self)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Server()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.done.set()
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def http() -> HttpClients:
    return HttpClients({}, None)


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers and headers.get("length") != "none":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


@pytest.mark.parametrize("status", [200, 302, 404, 500, 502])
def test_any_http_statuss_body_is_taken(server: Server, http: HttpClients, status: int) -> None:
    server.answers["/health"] = says(status, b'{"detail": "no"}', Location="/elsewhere")
    assert rulebook_sources._body(http, server.url + "/health").data == b'{"detail": "no"}'


def test_an_empty_body_is_none(server: Server, http: HttpClients) -> None:
    server.answers["/health"] = says(204)
    body = rulebook_sources._body(http, server.url + "/health")
    assert not body.there and body.why == "an empty body"


def test_a_body_without_end_is_refused_unread(server: Server, http: HttpClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook_sources, "MAX_BODY", 1000)
    server.answers["/feed"] = says(200, b"x" * 1_000_000)
    body = rulebook_sources._body(http, server.url + "/feed")
    assert not body.there and "larger than 1000 bytes" in body.why


def test_a_server_that_trickles_is_given_up(server: Server, http: HttpClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook_sources, "LIMIT_S", 0.4)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            if server.done.wait(0.1):
                return
            handler.wfile.write(b"X-Slow: 1\r\n")
            handler.wfile.flush()

    server.answers["/health"] = trickle
    begun = time.monotonic()
    body = rulebook_sources._body(http, server.url + "/health")
    assert not body.there and "no answer" in body.why
    assert time.monotonic() - begun < 3


def test_nobody_there(http: HttpClients) -> None:
    body = rulebook_sources._body(http, "http://127.0.0.1:9/health")
    assert not body.there and body.why


class TestContentLength:
    """As `curl -sIL` would show it: the last one on the way."""

    def test_at_the_end_of_the_redirects(self, server: Server, http: HttpClients) -> None:
        server.answers["/dmg"] = says(302, Location="/signed?token=1")
        server.answers["/signed?token=1"] = says(301, Location="/bytes")
        server.answers["/bytes"] = says(200, Content_Length="316000000")
        assert rulebook_sources._content_length(http, server.url + "/dmg") == "316000000"

    def test_the_last_there_is(self, server: Server, http: HttpClients) -> None:
        server.answers["/dmg"] = says(302, Location="/bytes", Content_Length="7")
        server.answers["/bytes"] = says(200, length="none")
        assert rulebook_sources._content_length(http, server.url + "/dmg") == "7"

    def test_none(self, server: Server, http: HttpClients) -> None:
        server.answers["/dmg"] = says(200, length="none")
        assert rulebook_sources._content_length(http, server.url + "/dmg") is None

    def test_an_error_pages_counts_too(self, server: Server, http: HttpClients) -> None:
        server.answers["/dmg"] = says(404, b"not found")
        assert rulebook_sources._content_length(http, server.url + "/dmg") == "9"

    def test_round_and_round(self, server: Server, http: HttpClients) -> None:
        server.answers["/dmg"] = says(302, Location="/dmg")
        assert rulebook_sources._content_length(http, server.url + "/dmg") is None

    def test_nobody_there(self, http: HttpClients) -> None:
        assert rulebook_sources._content_length(http, "http://127.0.0.1:9/dmg") is None


@pytest.mark.parametrize(("port", "url"), [(443, "https://nexy.example"), (8443, "https://nexy.example:8443"), (80, "http://nexy.example")])
def test_https_but_on_port_80(port: int, url: str) -> None:
    assert base_url(UpdateServer("nexy.example", port)) == url
