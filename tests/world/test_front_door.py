"""The front door with servers of the test's own: HTTP/1.1 as clients really speak it, and lines that break."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from doors import standing

from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.net import authority
from nexy_tui.rehearsal.net.front_door import FrontDoor
from nexy_tui.rehearsal.net.wire import DropConnection, FileSlice, Request, Response, json_response

HOST, OTHER = "github.com", "api.github.com"


async def server(request: Request) -> Response:
    """Answers by path."""

    async def parts(count: int, broken: bool = False) -> AsyncIterator[bytes]:
        for number in range(count):
            yield b"%d;" % number
        if broken:
            raise DropConnection

    match request.path:
        case "/echo":
            return json_response({"method": request.method, "query": dict(request.query), "body": len(await request.read())})
        case "/chunked":
            return Response(200, [], parts(3))
        case "/file":
            return Response(200, [], FileSlice(Path(request.query["name"]), int(request.query["start"]), int(request.query["length"])))
        case "/unread":
            return json_response({}, 401)
        case "/small":
            return json_response({"read": len(await request.read(limit=10))})
        case "/drop":
            raise DropConnection
        case "/drop-late":
            return Response(200, [], parts(2, broken=True))
        case "/half":
            async for _ in request.body:
                raise DropConnection
        case "/bug":
            raise KeyError("a bug of the world's")
    return Response(204)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that is nothing but a front door, served from a thread."""
    made = invent(tmp_path_factory.mktemp("door"), "flat", 1)
    authority.create(made)
    made.log.mkdir()
    with standing(FrontDoor(made, {HOST: server, OTHER: server}, Faults(made.faults))):
        yield made


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(world.ca))
    with httpx.Client(verify=context, proxy=world.proxy, base_url=f"https://{HOST}", timeout=10, trust_env=False) as made:
        yield made


def test_one_connection_serves_many_requests_and_each_is_noted(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.ca))
    before = len(_account(world))
    with contextlib.closing(_connect(world, f"{HOST}:443")) as raw, context.wrap_socket(raw, server_hostname=HOST) as secured:
        for number in range(3):
            secured.sendall(f"POST /echo?n={number} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: x\r\nContent-Length: 2\r\n\r\nhi".encode())
            answer = _until_closed_or(secured, b"}")
            assert answer.endswith(json.dumps({"method": "POST", "query": {"n": str(number)}, "body": 2}).encode())
    noted = _account(world)[before:]
    assert [(line["host"], line["path"], line["status"], line["authorized"]) for line in noted] == [(HOST, "/echo", 200, True)] * 3


def test_bodies_come_chunked_as_files_and_not_at_all(client: httpx.Client, tmp_path: Path) -> None:
    assert client.get("/chunked").content == b"0;1;2;"
    (tmp_path / "f").write_bytes(bytes(range(256)) * 4000)
    query = f"/file?name={tmp_path / 'f'}&start=100&length=700000"
    assert client.get(query).content == (bytes(range(256)) * 4000)[100:700100]
    head = client.head(query)
    assert head.content == b""
    assert head.headers["content-length"] == "700000"
    assert client.delete("/nothing").status_code == 204
    assert client.get("/chunked").content == b"0;1;2;"


def test_a_body_without_a_length_is_read(client: httpx.Client) -> None:
    assert client.post("/echo", content=iter([b"abc", b"de"])).json()["body"] == 5


def test_an_answer_before_the_body_reaches_a_client_that_is_still_sending(client: httpx.Client) -> None:
    assert client.put("/unread", content=b"x" * 5_000_000).status_code == 401
    assert client.get("/chunked").status_code == 200


def test_a_body_beyond_a_limit_is_413(client: httpx.Client) -> None:
    assert client.put("/small", content=b"x" * 11).status_code == 413
    assert client.put("/small", content=b"x" * 10).json() == {"read": 10}


@pytest.mark.parametrize("path", ["/drop", "/drop-late"])
def test_a_dropped_connection_ends_without_an_answer(client: httpx.Client, path: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(path)
    assert client.get("/chunked").status_code == 200


def test_a_connection_dropped_in_the_middle_of_an_upload(client: httpx.Client) -> None:
    with pytest.raises(httpx.TransportError):
        client.put("/half", content=b"x" * 50_000_000)


def test_a_bug_of_the_world_is_a_500_and_not_a_hang(client: httpx.Client) -> None:
    assert client.get("/bug").status_code == 500
    assert client.get("/chunked").status_code == 200


def test_a_request_for_another_host_than_the_connection_is_misdirected(client: httpx.Client) -> None:
    assert client.get("/chunked", headers={"host": OTHER}).status_code == 421


def test_only_known_names_get_a_certificate(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.ca))
    with contextlib.closing(_connect(world, f"{HOST}:443")) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw, server_hostname="evil.example")
    with contextlib.closing(_connect(world, f"{HOST}:443")) as raw, context.wrap_socket(raw, server_hostname=HOST) as secured:
        assert secured.selected_alpn_protocol() is None
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_continue_is_said_only_when_the_body_is_wanted(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.ca))
    head = "PUT {} HTTP/1.1\r\nHost: github.com\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with contextlib.closing(_connect(world, f"{HOST}:443")) as raw, context.wrap_socket(raw, server_hostname=HOST) as secured:
        secured.sendall(head.format("/echo").encode())
        assert secured.recv(100).startswith(b"HTTP/1.1 100 ")
        secured.sendall(b"hello")
        assert b'"body": 5' in _until_closed_or(secured, b"}")
        secured.sendall(head.format("/unread").encode())
        answer = _until_closed_or(secured, b"{}")
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("CONNECT example.com:443", "example.com:443 is not part"),
        ("CONNECT github.com:22", "github.com:22 is not part"),
        ("GET http://github.com/secret?token=abc", "only CONNECT is served"),
        ("GET /", "only CONNECT is served"),
    ],
)
def test_what_the_proxy_refuses(world: World, line: str, told: str) -> None:
    with socket.create_connection(("127.0.0.1", world.ports["front"]), timeout=10) as plain:
        plain.sendall(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b"".join(iter(lambda: plain.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 403 ")
    assert told in answer
    assert "token=abc" not in answer
    assert "token=abc" not in (world.log / "requests.jsonl").read_text()


def test_a_client_that_speaks_no_http_is_let_go(world: World) -> None:
    with socket.create_connection(("127.0.0.1", world.ports["front"]), timeout=10) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00 this is a TLS hello, or noise\r\n\r\n")
        assert plain.recv(100) == b""


def _connect(world: World, target: str) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", world.ports["front"]), timeout=10)
    made.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert made.recv(100) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return made


def _until_closed_or(secured: ssl.SSLSocket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end) and (part := secured.recv(4096)):
        found += part
    return found


def _account(world: World) -> list[dict[str, object]]:
    return [json.loads(line) for line in (world.log / "requests.jsonl").read_text().splitlines()]
