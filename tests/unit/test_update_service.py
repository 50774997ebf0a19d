"""Looking at the update server: what is wrong is a fact, what gives no answer was not seen, and nothing is read without bounds."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from nexy_tui.core.health import Health
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.target import Target
from nexy_tui.services.update_server import MAX_BODY, UpdateService

HEALTH = json.dumps({"status": "OK", "latest_version": "1.6.1.43", "latest_build": "1.6.1.43"}).encode()


class StillClock:
    """Time passes by waiting alone, and by `step` at each look at the clock."""

    def __init__(self, step: float = 0.0) -> None:
        self.time, self.step, self.waited = 0.0, step, 0.0

    def now(self) -> datetime:
        return datetime(2026, 2, 14, tzinfo=UTC)

    def monotonic(self) -> float:
        self.time += self.step
        return self.time

    def sleep(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
        self.waited += seconds


class Clients:
    """Clients whose requests a function answers."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer

    def client(self, **_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self.answer))


def service(answer: Callable[[httpx.Request], httpx.Response], clock: StillClock | None = None) -> UpdateService:
    return UpdateService(Target(), Clients(answer), clock or StillClock())  # type: ignore[arg-type]


class Stream(httpx.SyncByteStream):
    """A body without end, counting what was taken."""

    def __init__(self, piece: bytes) -> None:
        self.piece, self.taken = piece, 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.taken += len(self.piece)
            yield self.piece


def test_the_three_addresses_are_asked_over_https() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, stream=httpx.ByteStream(HEALTH))

    live = service(answer).look()
    base = "https://nexy-server.canadacentral.cloudapp.azure.com"
    assert asked == [f"{base}/health", f"{base}/updates/health", f"{base}/updates/appcast.xml"]
    assert live.health.said == live.updates_health.said == Health("OK", "1.6.1.43", "1.6.1.43")
    assert live.appcast.appcast is None and "not well-formed" in live.appcast.problem


@pytest.mark.parametrize("status", [301, 404, 500, 502, 204])
def test_another_status_is_a_fact(status: int) -> None:
    facts = service(lambda _: httpx.Response(status, content=HEALTH, headers={"location": "https://elsewhere.example/"})).health()
    assert f"HTTP {status}" in facts.problem and facts.said is None


def test_a_body_without_end_is_left_at_the_cap() -> None:
    stream = Stream(b"x" * 65536)
    facts = service(lambda _: httpx.Response(200, stream=stream)).appcast()
    assert "larger than" in facts.problem and stream.taken <= MAX_BODY + 2 * 65536


def test_a_body_that_drips_is_given_up() -> None:
    with pytest.raises(CouldNotLook, match="no answer"):
        service(lambda _: httpx.Response(200, stream=Stream(b"x")), StillClock(step=1.0)).appcast()


def test_a_compressed_body_is_not_unpacked() -> None:
    facts = service(lambda _: httpx.Response(200, stream=Stream(b"bomb"), headers={"content-encoding": "gzip"})).health()
    assert "compressed" in facts.problem


def test_a_broken_connection_is_tried_once_more_and_then_could_not_be_looked_at() -> None:
    tries: list[str] = []

    def once_broken(request: httpx.Request) -> httpx.Response:
        tries.append(str(request.url))
        if len(tries) == 1:
            raise httpx.RemoteProtocolError("dropped")
        return httpx.Response(200, stream=httpx.ByteStream(HEALTH))

    clock = StillClock()
    assert service(once_broken, clock).health().said == Health("OK", "1.6.1.43", "1.6.1.43")
    assert len(tries) == 2 and clock.waited > 0

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(CouldNotLook, match="/health gives no answer") as caught:
        service(broken).look()
    assert caught.value.why and caught.value.remedy


def test_a_refused_certificate_says_so() -> None:
    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x") from ssl.SSLCertVerificationError("certificate has expired")

    with pytest.raises(CouldNotLook, match="TLS verification"):
        service(refused).health()
