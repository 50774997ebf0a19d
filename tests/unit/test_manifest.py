from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexy_tui.core import manifest
from nexy_tui.core.manifest import ManifestError

URL = "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"
NOTES = "https://github.com/Seregawpn/Nexy_production/releases/tag/Update"
NOW = datetime(2026, 2, 14, 10, 0, 0, 123456, tzinfo=UTC)
SIGNATURE = base64.b64encode(bytes(range(64))).decode()
GOOD = f"""{{
  "version": "1.6.1.36",
  "build": "1.6.1.36",
  "release_date": "2026-02-14T10:00:00Z",
  "artifact": {{
    "type": "dmg",
    "url": "{URL}",
    "size": 315718837,
    "sha256": "{"ab" * 32}",
    "arch": "universal2",
    "min_os": "11.0",
    "ed25519": "{SIGNATURE}"
  }},
  "critical": false,
  "auto_install": true,
  "notes_url": "{NOTES}"
}}
""".encode()


def built(base: dict[str, Any] | None = None, **changes: Any) -> manifest.Manifest:
    facts: dict[str, Any] = {
        "version": "1.6.1.36",
        "url": URL,
        "notes_url": NOTES,
        "size": 315718837,
        "sha256": "ab" * 32,
        "signature": SIGNATURE,
        "now": NOW,
    }
    return manifest.build(base, **{**facts, **changes})


def test_a_manifest_of_facts_is_exactly_the_contracts_bytes() -> None:
    assert built().render() == GOOD


def test_reading_and_writing_again_changes_no_byte() -> None:
    assert manifest.read(GOOD).render() == GOOD


def test_unknown_fields_are_kept_behind_the_known_ones() -> None:
    base = json.loads(GOOD)
    base = {"channel": "прод", **base, "min_app": {"a": [1, 2.5, None]}}
    base["artifact"] = {"mirror": "x", **base["artifact"]}
    again = json.loads(built(base, version="1.6.1.37").render())
    assert list(again)[-2:] == ["channel", "min_app"] and again["channel"] == "прод" and again["min_app"] == {"a": [1, 2.5, None]}
    assert list(again["artifact"])[-1] == "mirror"
    assert "прод".encode() in built(base).render()


def test_the_signature_of_the_release_before_is_never_taken_over() -> None:
    base = json.loads(GOOD)
    assert built(base, signature=None, sha256="cd" * 32).signature is None
    assert b"ed25519" not in built(base, signature=None, sha256="cd" * 32).render()


def test_writing_the_same_facts_later_writes_the_same_bytes() -> None:
    first = built().render()
    later = NOW.replace(year=2027)
    assert built(json.loads(first), now=later).render() == first
    assert built(json.loads(first), now=later, size=1).render() != first
    assert json.loads(built(json.loads(first), now=later, size=1).render())["release_date"] == "2027-02-14T10:00:00Z"


def test_flags_are_kept() -> None:
    base = json.loads(GOOD) | {"critical": True, "auto_install": False}
    document = json.loads(built(base).render())
    assert document["critical"] is True and document["auto_install"] is False


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b'"size": 315718837', b'"size": NaN'), "NaN is not a JSON number"),
        ((b'"size": 315718837', b'"size": 1, "size": 2'), "stands in it twice"),
        ((b"}\n}\n", b"}\n"), "JSON"),
        ((GOOD, b"[]"), "not a JSON object"),
        ((GOOD, b"\xff\xfe"), "UTF-8"),
        ((GOOD, b"\xef\xbb\xbf" + GOOD), "JSON"),
        ((GOOD, b"[" * 100000), "nested"),
        ((GOOD, b" " * (manifest.MAX_SIZE + 1)), "larger than"),
        ((b'"notes_url"', b'"x": "\\ud800", "notes_url"'), "surrogate"),
    ],
)
def test_what_is_not_one_json_object_is_unreadable_with_the_reason(change: tuple[bytes, bytes], says: str) -> None:
    broken = GOOD.replace(change[0], change[1], 1) if change[0] != b"}\n}\n" else GOOD[:-3]
    assert broken != GOOD
    with pytest.raises(ManifestError, match=says):
        manifest.read(broken)


def test_differences_name_field_and_both_values() -> None:
    found = manifest.read(GOOD)
    assert found.differences(version="1.6.1.36", url=URL, size=315718837, sha256="ab" * 32) == ()
    wrong = found.differences(version="1.6.1.37", url=URL, size=5, sha256=None)
    assert wrong == ('version is "1.6.1.36", not "1.6.1.37"', 'build is "1.6.1.36", not "1.6.1.37"', "artifact.size is 315718837, not 5")


def test_facts_that_would_make_a_faulty_manifest_are_refused() -> None:
    for wrong in ({"size": 0}, {"sha256": "ab"}, {"version": "1.6"}, {"url": "http://x/"}, {"signature": "AA=="}, {"notes_url": ""}):
        with pytest.raises(ManifestError, match=r" is .*, not "):
            built(**wrong)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(text, json_values, max_size=6))
def test_any_object_can_be_the_base_and_keeps_its_unknown_fields(base: dict[str, Any]) -> None:
    raw = built(base).render()
    again = manifest.read(raw)
    assert not again.faults and again.render() == raw and again.document["release_date"].endswith("Z")
    known = {"version", "build", "release_date", "artifact", "critical", "auto_install", "notes_url"}
    assert {name: value for name, value in again.document.items() if name not in known} == {
        name: value for name, value in base.items() if name not in known
    }


@given(st.binary(max_size=300))
def test_no_input_raises_anything_but_manifest_error(raw: bytes) -> None:
    try:
        found = manifest.read(raw)
    except ManifestError:
        return
    assert isinstance(json.loads(raw), dict) and found.faults
