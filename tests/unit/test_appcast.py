"""The appcast and health readers: what they take, and that nothing hostile gets through."""

from __future__ import annotations

import json

import pytest

from nexy_tui.core.health import Health
from nexy_tui.services.update_server import parse_appcast, parse_health

NS = 'xmlns:sparkle="http://www.andymatuschak.org/xml-namespaces/sparkle"'
ATTRIBUTES = {
    "url": "https://github.com/o/r/releases/download/Update/Nexy.dmg",
    "length": "315718837",
    "type": "application/octet-stream",
    "sparkle:version": "1.6.1.43",
    "sparkle:shortVersionString": "1.6.1.43",
    "sparkle:minimumSystemVersion": "11.0",
    "sparkle:edSignature": "c2ln",
}


def document(*, elements: str = "", items: int = 1, **changes: str | None) -> bytes:
    attributes = ATTRIBUTES | {name.replace("__", ":"): value for name, value in changes.items()}
    enclosure = " ".join(f'{name}="{value}"' for name, value in attributes.items() if value is not None)
    item = f"<item>{elements}<enclosure {enclosure}/></item>"
    return f'<?xml version="1.0"?><rss version="2.0" {NS}><channel>{item * items}</channel></rss>'.encode()


def test_enclosure_is_read() -> None:
    appcast = parse_appcast(document())
    assert (appcast.version, appcast.build, appcast.minimum_system_version) == ("1.6.1.43", "1.6.1.43", "11.0")
    assert (appcast.url, appcast.size, appcast.signature) == (ATTRIBUTES["url"], 315718837, "c2ln")
    assert appcast.conflicts == ()


def test_version_may_stand_in_the_item() -> None:
    appcast = parse_appcast(document(sparkle__version=None, elements="<sparkle:version> 1.6.1.43 </sparkle:version>"))
    assert appcast.build == "1.6.1.43"
    assert appcast.conflicts == ()


def test_enclosure_wins_and_the_conflict_is_named() -> None:
    appcast = parse_appcast(document(elements="<sparkle:version>1.6.1.42</sparkle:version>"))
    assert appcast.build == "1.6.1.43"
    assert len(appcast.conflicts) == 1 and "1.6.1.42" in appcast.conflicts[0] and "1.6.1.43" in appcast.conflicts[0]


def test_equal_values_in_both_places_are_no_conflict() -> None:
    assert parse_appcast(document(elements="<sparkle:version>1.6.1.43</sparkle:version>")).conflicts == ()


def test_two_elements_that_differ_are_a_conflict() -> None:
    elements = "<sparkle:version>1.6.1.42</sparkle:version><sparkle:version>1.6.1.43</sparkle:version>"
    assert parse_appcast(document(sparkle__version=None, elements=elements)).conflicts


@pytest.mark.parametrize("name", ["sparkle:edSignature", "sparkle:dsaSignature"])
def test_both_signature_names_are_taken(name: str) -> None:
    changes = {"sparkle:edSignature": None, name: "abcd"}
    assert parse_appcast(document(**changes)).signature == "abcd"  # type: ignore[arg-type]


def test_two_signatures_that_differ_are_a_conflict() -> None:
    assert parse_appcast(document(sparkle__dsaSignature="other")).conflicts


@pytest.mark.parametrize("length", ["", "-5", "1e3", "١٢", "9" * 40, "0x10"])
def test_a_length_that_is_no_number_is_none(length: str) -> None:
    assert parse_appcast(document(length=length)).size is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not well-formed"),
        (document()[:200], "not well-formed"),
        (b"<html></html>", "not rss"),
        (b"\xff\xfe\x00", "not well-formed"),
        (document(items=2), "2 items"),
        (document(items=0), "0 items"),
        (document().replace(b"enclosure", b"closure"), "0 enclosures"),
        (b'<?xml version="1.0" encoding="martian"?><rss/>', "not well-formed"),
        (b'<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss>&b;</rss>', "refused"),
        (b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>', "refused"),
        (b"<a>" * 20000, "not well-formed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",
)
def test_what_is_no_appcast_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_appcast(body)


HEALTH: dict[str, object] = {"status": "OK", "latest_version": "1.6.1.43", "latest_build": "1.6.1.43"}


def test_health_is_read_and_unknown_keys_are_left() -> None:
    said = parse_health(json.dumps(HEALTH | {"uptime": 3, "database": {"connected": True}, "features": [None]}).encode())
    assert said == Health("OK", "1.6.1.43", "1.6.1.43") and said.amiss("1.6.1.43") == []


@pytest.mark.parametrize(
    ("status", "well"), [("OK", True), ("ok", True), ("Healthy", True), ("HEALTHY", True), ("unhealthy", False), ("", False)]
)
def test_healthy_is_ok_or_healthy_in_any_letter_case(status: str, well: bool) -> None:
    said = parse_health(json.dumps(HEALTH | {"status": status}).encode())
    assert said.healthy is well and bool(said.amiss("1.6.1.43")) is not well


@pytest.mark.parametrize("version", ["1.6.1.42", ""])
def test_a_version_where_it_stands_must_agree(version: str) -> None:
    said = parse_health(json.dumps(HEALTH | {"version": version}).encode())
    assert said.amiss("1.6.1.43") == [f"version is {version or 'empty'}"] and len(said.versions) == 2


def test_terminal_escapes_do_not_come_through() -> None:
    values = parse_health(json.dumps(HEALTH | {"status": "\x1b[2Jhealthy"}).encode())
    assert "\x1b" not in values.status and "healthy" in values.status


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>502</html>", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "not a JSON object"),
        *((json.dumps({k: v for k, v in HEALTH.items() if k != missing}).encode(), f"{missing} is missing") for missing in HEALTH),
        (json.dumps(HEALTH | {"latest_version": 1.6}).encode(), "latest_version is not a string"),
        (json.dumps(HEALTH | {"version": 43}).encode(), "version is not a string"),
        (json.dumps(HEALTH | {"version": None}).encode(), "version is not a string"),
        (json.dumps(HEALTH | {"status": True}).encode(), "status is not a string"),
        (json.dumps(HEALTH | {"latest_build": 43}).encode(), "latest_build is not a string"),
        (b'{"status": "a", "status": "b"}', "twice"),
        (b'{"status": NaN}', "NaN"),
        (b'{"status": 1e999}', "too large"),
        (b'{"status": "\\ud800"}', "surrogate"),
        (b"[" * 100000, "too deeply"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too deeply"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "body",
)
def test_what_is_no_health_document_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_health(body)
