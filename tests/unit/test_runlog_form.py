"""The exact form: canonical JSON, DSSE envelopes, SSH signatures."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runlog_kit import OTHER, SIGNER

from nexy_tui.runlog import canonical, dsse, sshsig, sshwire

LINE = dsse.Envelope(b'{"a":1}', SIGNER.keyid, SIGNER.sign(dsse.pae(b'{"a":1}'))).line()

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=12,
)


@given(values)
def test_what_was_encoded_is_read_back_the_same(value: object) -> None:
    raw = canonical.encode(value)
    assert raw.isascii()
    assert b"\n" not in raw
    assert canonical.decode(raw) == value
    assert json.loads(raw) == value


@pytest.mark.parametrize(
    "value", [1.0, {"a": float("nan")}, 2**53, -(2**53), {"ключ": 1}, {1: 2}, "\ud800", b"x", {"a": [{1, 2}]}], ids=repr
)
def test_values_without_a_form_are_refused(value: object) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.encode(value)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"1.0",
        b"1e3",
        b"NaN",
        b"9007199254740992",
        b'"\\u0041"',
        b"[1,]",
        b"",
        b"\xff",
        b"[" * 9999,
    ],
)
def test_other_spellings_are_not_read(raw: bytes) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(raw)


def test_pae_is_the_specifications() -> None:
    assert dsse.pae(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_an_envelope_is_read_back() -> None:
    envelope = dsse.parse(LINE)
    assert (envelope.payload, envelope.keyid, envelope.line()) == (b'{"a":1}', SIGNER.keyid, LINE)


def _changed(**changes: object) -> bytes:
    return canonical.encode({**json.loads(LINE), **changes})


SIGNATURE = json.loads(LINE)["signatures"][0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE.replace(b":", b": ", 1), "one JSON form"),
        (LINE + b" ", "one JSON form"),
        (LINE + b"\r", "one JSON form"),
        (_changed(extra=1), "fields"),
        (_changed(signatures=[]), "0 signatures"),
        (_changed(signatures=[SIGNATURE, SIGNATURE]), "2 signatures"),
        (_changed(signatures=[{**SIGNATURE, "cert": ""}]), "keyid and sig"),
        (_changed(signatures=[{"sig": SIGNATURE["sig"]}]), "keyid and sig"),
        (_changed(payloadType="text/plain"), "payload type"),
        (_changed(payload=1), "not a text"),
        (_changed(payload="eyJhIjoxfQ"), "base64"),
        (_changed(payload="eyJhIjoxfR=="), "base64"),
        (_changed(payload="eyJh\nIjoxfQ=="), "base64"),
        (_changed(payload="_yJhIjoxfQ=="), "base64"),
        (LINE.replace(b'"payloadType"', b'"payloadType":"x","payloadType"', 1), "twice"),
        (b"[]", "not a JSON object"),
    ],
)
def test_an_envelope_of_any_other_form_is_refused(line: bytes, says: str) -> None:
    with pytest.raises(dsse.BadEnvelope, match=says):
        dsse.parse(line)


def test_the_fingerprint_is_of_the_wire_form() -> None:
    assert sshwire.public_from_blob(sshwire.public_blob(SIGNER.public)) == SIGNER.public
    assert SIGNER.keyid.startswith("SHA256:")
    assert not SIGNER.keyid.endswith("=")
    assert len(base64.b64decode(SIGNER.keyid[7:] + "=")) == 32


def test_a_detached_signature_names_its_key() -> None:
    made = sshsig.make(b"the file", "release-log@nexy-tui", SIGNER)
    assert sshsig.verify(made, b"the file", "release-log@nexy-tui") == SIGNER.public


@pytest.mark.parametrize(
    ("message", "namespace", "says"), [(b"another", "release-log@nexy-tui", "does not fit"), (b"the file", "git", "namespace")]
)
def test_a_detached_signature_is_for_its_file_and_its_namespace(message: bytes, namespace: str, says: str) -> None:
    with pytest.raises(sshsig.BadSignature, match=says):
        sshsig.verify(sshsig.make(b"the file", "release-log@nexy-tui", SIGNER), message, namespace)


def test_every_changed_byte_of_a_detached_signature_is_noticed() -> None:
    made = sshsig.make(b"the file", "n", OTHER)
    for at in range(len(made)):
        broken = bytearray(made)
        broken[at] ^= 1
        with pytest.raises(sshsig.BadSignature):
            sshsig.verify(bytes(broken), b"the file", "n")
    for end in range(len(made)):
        with pytest.raises(sshsig.BadSignature):
            sshsig.verify(made[:end], b"the file", "n")
