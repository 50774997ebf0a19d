"""Manifests as a team's programs write them over a year, each read, each judged by name; none that is healthy is blamed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexy_tui.core import manifest

URL = "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"
TAG = "https://github.com/Seregawpn/Nexy_production/releases/tag/Update"
SIGNATURE = base64.b64encode(bytes(range(64))).decode()
Document = dict[str, Any]


def healthy(number: int) -> Document:
    artifact = {"type": "dmg", "url": URL, "size": 280_000_000 + number, "sha256": f"{number:064x}", "arch": "universal2", "min_os": "11.0"}
    version = f"1.6.1.{number}"
    flags = {"critical": False, "auto_install": True, "notes_url": TAG}
    return {"version": version, "build": version, "release_date": "2026-02-14T10:00:00Z", "artifact": artifact, **flags}


def date(value: object) -> Callable[[Document], Document]:
    return lambda made: made | {"release_date": value}


def field(name: str, value: object = ...) -> Callable[[Document], Document]:
    """The document with one field set, or without it."""

    def change(made: Document) -> Document:
        outer, _, inner = name.rpartition(".")
        place = made[outer] if outer else made
        place.pop(inner, None)
        if value is not ...:
            place[inner] = value
        return made

    return change


def backwards(made: Document) -> Document:
    return dict(reversed(made.items()))


@dataclass(frozen=True)
class Case:
    name: str
    change: Callable[[Document], Document]
    blamed: dict[str, str]


def case(name: str, change: Callable[[Document], Document], **blamed: str) -> Case:
    """What is blamed: the field, dots as two underscores, and how its value is told."""
    return Case(name, change, {key.replace("__", "."): value for key, value in blamed.items()})


CASES = (
    case("as we write it", lambda made: made),
    *(
        case(f"date {zone}", date(f"2025-0{month}-03T09:30:00{zone}"))
        for month, zone in enumerate(("+00:00", "-00:00", "+03:00", "-05:30"), 1)
    ),
    *(
        case(f"microseconds {zone}", date(f"2025-1{digit}-03T09:30:00.{'1' * (digit + 1)}{zone}"))
        for digit, zone in enumerate(("Z", "+00:00", "+04:00"))
    ),
    case("a small t and z", date("2025-05-03t09:30:00z")),
    case("a space for the T", date("2025-05-03 09:30:00+00:00")),
    case("a leap second", date("2016-12-31T23:59:60Z")),
    case("no date", field("release_date")),
    case("an empty signature", field("artifact.ed25519", "")),
    case("no signature", field("artifact.ed25519")),
    case("a signature", field("artifact.ed25519", SIGNATURE)),
    case("notes at the download", field("notes_url", URL)),
    case("notes on a page of their own", field("notes_url", "https://nexy.example/changes#1")),
    case("keys backwards", backwards),
    case("a field of their own", field("channel", "прод")),
    case("a mirror", field("artifact.mirror", ["https://cdn.example/Nexy.dmg"])),
    case("a digest in capitals", field("artifact.sha256", "AB" * 32)),
    case("critical", field("critical", True)),
    case("offset, empty signature and download as notes", lambda made: date("2025-09-03T09:30:00+00:00")(field("notes_url", URL)(made))),
    case("an integer build", field("build", 7), build="7, not"),
    case("a number for the version", field("version", 1.6), version="1.6, not"),
    case("no build", field("build"), build="missing, not"),
    case("an empty version", field("version", ""), version='"", not'),
    case("three numbers", field("version", "1.6.1"), version='"1.6.1", not'),
    case("a v before it", field("version", "v1.6.1.30"), version='"v1.6.1.30", not'),
    case("the build before", field("build", "1.6.1.1"), build='"1.6.1.1", not the version'),
    case("a date without offset", date("2025-09-03T09:30:00"), release_date='"2025-09-03T09:30:00", not'),
    case("a day only", date("2025-09-03"), release_date='"2025-09-03", not'),
    case("a day that is none", date("2025-02-30T09:30:00Z"), release_date='"2025-02-30T09:30:00Z", not'),
    case("null for a date", date(None), release_date="null, not"),
    case("seconds since 1970", date(1767225600), release_date="1767225600, not"),
    case("a size in a text", field("artifact.size", "315718837"), artifact__size='"315718837", not'),
    case("no size", field("artifact.size"), artifact__size="missing, not"),
    case("nothing in it", field("artifact.size", 0), artifact__size="0, not"),
    case("a broken size", field("artifact.size", 3.5), artifact__size="3.5, not"),
    case("a short digest", field("artifact.sha256", "ab"), artifact__sha256='"ab", not'),
    case("null for a signature", field("artifact.ed25519", None), artifact__ed25519="null, not"),
    case("a cut signature", field("artifact.ed25519", SIGNATURE[:-4]), artifact__ed25519=f'"{SIGNATURE[:-4]}", not'),
    case("an address that is not https", field("artifact.url", "http://x/Nexy.dmg"), artifact__url='"http://x/Nexy.dmg", not'),
    case("another kind of file", field("artifact.type", "pkg"), artifact__type='"pkg", not'),
    case("one architecture", field("artifact.arch", "arm64"), artifact__arch='"arm64", not'),
    case("a text for a flag", field("critical", "false"), critical='"false", not'),
    case("no artifact", field("artifact"), artifact="missing, not"),
    case("an artifact that is a list", field("artifact", []), artifact="[], not"),
    case("notes that are no address", field("notes_url", "see wiki"), notes_url='"see wiki", not'),
)


def test_the_table_is_of_a_year() -> None:
    assert len(CASES) >= 40 and len({case.name for case in CASES}) == len(CASES)
    assert sum(not case.blamed for case in CASES) >= 18


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("form", [{"indent": 2}, {}], ids=["indented", "one line"])
def test_each_is_read_and_judged_by_name(case: Case, form: dict[str, int]) -> None:
    number = CASES.index(case) + 1
    found = manifest.read(json.dumps(case.change(healthy(number)), **form).encode())  # type: ignore[arg-type]
    assert found.faults.keys() == case.blamed.keys()
    told = found.differences(version=None, url=None, size=None, sha256=None)
    for (name, value), text in zip(case.blamed.items(), told, strict=True):
        assert text.startswith(f"{name} is {value}")


@pytest.mark.parametrize("case", [case for case in CASES if not case.blamed], ids=lambda case: case.name)
def test_a_healthy_one_written_anew_is_as_we_write_it_and_keeps_what_is_unknown(case: Case) -> None:
    from datetime import UTC, datetime

    base = case.change(healthy(7))
    found = manifest.read(json.dumps(base).encode())
    now = datetime(2026, 3, 1, tzinfo=UTC)
    facts = {"version": found.version, "url": URL, "size": found.size, "sha256": found.sha256, "signature": found.signature}
    raw = manifest.build(base, **facts, notes_url=TAG, now=now).render()  # type: ignore[arg-type]
    made = json.loads(raw)
    assert not manifest.read(raw).faults and raw.endswith(b"}\n") and made["release_date"].endswith("Z")
    assert list(made)[:7] == ["version", "build", "release_date", "artifact", "critical", "auto_install", "notes_url"]
    assert made.get("channel") == base.get("channel") and made["artifact"].get("mirror") == base["artifact"].get("mirror")
    assert made["critical"] == base["critical"] and made["artifact"].get("ed25519", "") == (found.signature or "")


values: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.just([])
)
names = ("version", "build", "release_date", "critical", "auto_install", "notes_url")


@given(st.sampled_from(names), values)
def test_any_value_of_a_field_is_read_and_at_most_that_field_is_blamed(name: str, value: object) -> None:
    try:
        raw = json.dumps(healthy(3) | {name: value}).encode()
        found = manifest.read(raw)
    except manifest.ManifestError as error:  # Half a surrogate, or a number that nobody reads.
        assert str(error)
        return
    assert set(found.faults) <= {name}
