"""Bodies that are read past the HTTP parser: every byte once, and no end that comes too early is believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpcore
import httpx
import pytest

from nexy_tui.services.body import batches


class Line:
    """A connection after the head: gives what it holds, then fails or ends."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self.data, self.error = data, error
        self.asked: list[int] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        assert timeout == 7.0
        self.asked.append(max_bytes)
        if not self.data and self.error is not None:
            raise self.error
        piece, self.data = self.data[:max_bytes], self.data[max_bytes:]
        return piece


class Parsed(httpx.SyncByteStream):
    """What the HTTP parser gives: the bytes it read along with the head, and more only to whoever goes on asking it."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts


def response(line: Line, *parsed: bytes, version: bytes = b"HTTP/1.1", **headers: str) -> httpx.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    extensions: dict[str, Any] = {"http_version": version, "network_stream": line}
    request = httpx.Request("GET", "https://host.example/file")
    return httpx.Response(200, headers=named, stream=Parsed(*parsed), extensions=extensions, request=request)


def whole(found: httpx.Response) -> bytes:
    return b"".join(piece for batch in batches(found, 7.0) for piece in batch)


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 700_000])
def test_what_the_parser_has_read_and_then_the_line_give_every_byte_once(size: int) -> None:
    data = bytes(index * 7 % 251 for index in range(size))
    line = Line(data + b"the next answer")
    assert whole(response(line, b"first", b"never asked for", content_length=str(5 + size))) == b"first" + data
    assert line.data == b"the next answer"


def test_a_batch_is_not_much_more_than_a_quarter_of_a_megabyte() -> None:
    sizes = [sum(map(len, batch)) for batch in batches(response(Line(bytes(2_000_000)), b"", content_length="2000000"), 7.0)]
    assert sum(sizes) == 2_000_000 and max(sizes) <= (1 << 18) + (1 << 14)


def test_an_end_that_comes_too_early_is_a_broken_connection() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="3 bytes too early"):
        whole(response(Line(b"ab"), b"", content_length="5"))


@pytest.mark.parametrize(
    ("raised", "seen"), [(httpcore.ReadTimeout("slow"), httpx.ReadTimeout), (httpcore.ReadError("reset"), httpx.ReadError)]
)
def test_a_line_that_breaks_is_told_as_httpx_tells_it(raised: Exception, seen: type[Exception]) -> None:
    with pytest.raises(seen):
        whole(response(Line(b"ab", raised), b"", content_length="5"))


@pytest.mark.parametrize("headers", [{}, {"content_length": "4", "transfer_encoding": "chunked"}, {"content_length": "x"}])
def test_a_body_of_unknown_length_is_left_to_the_parser(headers: dict[str, Any]) -> None:
    line = Line(b"3\r\nraw\r\n0\r\n\r\n")
    assert whole(response(line, b"one", b"two", **headers)) == b"onetwo"
    assert line.asked == []


def test_another_protocol_is_left_to_the_parser() -> None:
    assert whole(response(Line(b"frames"), b"one", b"two", version=b"HTTP/2", content_length="6")) == b"onetwo"
