"""The operator's key: made, found, replaced, and never silently another one."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from runlog_kit import BEGIN, MemoryRing

from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.runlog import keymaking, keys
from nexy_tui.runlog.sign import signature_holds
from nexy_tui.runlog.trust import AllowedSigners


class BrokenRing(MemoryRing):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("the bus is gone, password=hunter2")


def test_a_made_key_is_found_again_and_listed(tmp_path: Path) -> None:
    ring, listed = MemoryRing(), tmp_path / "nexy" / "allowed_signers"
    made = keymaking.create_key("ada", listed, BEGIN, backend=ring)
    found = keys.load_signer("ada", {}, backend=ring)
    assert (found.keyid, found.source) == (made.keyid, "keyring")
    assert AllowedSigners.load(listed).entry(made.keyid, principal="ada", at=BEGIN).public == made.public
    assert signature_holds(made.public, b"data", found.sign(b"data"))
    ((service, _),) = ring.kept
    assert service == "nexy-tui"
    (seed,) = ring.kept.values()
    assert len(base64.b64decode(seed, validate=True)) == 32
    assert seed not in repr(made)


def test_a_second_key_is_refused(tmp_path: Path) -> None:
    ring = MemoryRing()
    keymaking.create_key("ada", tmp_path / "as", BEGIN, backend=ring)
    kept = dict(ring.kept)
    with pytest.raises(Refused, match="has a signing key already"):
        keymaking.create_key("ada", tmp_path / "as", BEGIN, backend=ring)
    assert ring.kept == kept


def test_a_keyring_that_returns_nothing_is_no_keyring(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="did not give it back"):
        keymaking.create_key("ada", tmp_path / "as", BEGIN, backend=MemoryRing(forgets=True))
    assert not (tmp_path / "as").exists()


def test_rotation_ends_the_old_key_where_the_new_begins(tmp_path: Path) -> None:
    ring, later = MemoryRing(), BEGIN + timedelta(days=9)
    old = keymaking.create_key("ada", tmp_path / "as", BEGIN, backend=ring)
    new = keymaking.rotate_key("ada", tmp_path / "as", later, backend=ring)
    assert keys.load_signer("ada", {}, backend=ring).keyid == new.keyid != old.keyid
    signers = AllowedSigners.load(tmp_path / "as")
    assert signers.entry(old.keyid, at=BEGIN).valid_before == later
    with pytest.raises(Refused, match="no longer valid"):
        signers.entry(old.keyid, at=later + timedelta(seconds=1))
    assert signers.entry(new.keyid, at=later).valid_before is None


def test_rotation_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no signing key in the keyring"):
        keymaking.rotate_key("ada", tmp_path / "as", BEGIN, backend=MemoryRing())


def test_a_key_that_cannot_be_listed_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ring = MemoryRing()
    with pytest.raises(Refused, match="cannot be written"):
        keymaking.create_key("ada", tmp_path / "file" / "as", BEGIN, backend=ring)
    assert ring.kept == {}


def test_without_any_key_the_refusal_says_how_to_make_one_and_what_was_asked() -> None:
    with pytest.raises(Unusable) as caught:
        keys.load_signer("ada", {}, backend=BrokenRing())
    text = str(caught.value)
    for part in ("keyring cannot be read (RuntimeError: the bus is gone", "Unlock", "SSH_AUTH_SOCK", "NEXY_SIGNING_KEY_FILE"):
        assert part in text
    assert "hunter2" not in text and "keys create" not in text


def test_a_foreign_value_in_the_keyring_is_an_error_not_a_fall_back(tmp_path: Path) -> None:
    ring = MemoryRing({("nexy-tui", keys.account("ada")): "something else"})
    with pytest.raises(Refused, match="not the base64 of 32 bytes"):
        keys.load_signer("ada", {"NEXY_SIGNING_KEY_FILE": str(key_file(tmp_path))}, backend=ring)


def key_file(folder: Path, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(mode)
    return path


def test_a_private_file_serves_last(tmp_path: Path) -> None:
    signer = keys.load_signer("ada", {"NEXY_SIGNING_KEY_FILE": str(key_file(tmp_path))}, backend=MemoryRing())
    assert signer.source == "file"
    assert signature_holds(signer.public, b"data", signer.sign(b"data"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Refused, match="not private"):
        keys.load_signer("ada", {"NEXY_SIGNING_KEY_FILE": str(key_file(tmp_path, mode))}, backend=MemoryRing())


def test_a_file_that_is_no_open_key_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    path.write_text("no key")
    with pytest.raises(Refused, match="is not an OpenSSH key file"):
        keys.load_signer("ada", {"NEXY_SIGNING_KEY_FILE": str(path)}, backend=MemoryRing())
    with pytest.raises(Refused, match="cannot be read"):
        keys.load_signer("ada", {"NEXY_SIGNING_KEY_FILE": str(tmp_path / "none")}, backend=MemoryRing())


def test_an_agent_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="ssh-agent does not answer"):
        keys.load_signer("ada", {"SSH_AUTH_SOCK": str(tmp_path / "none")}, backend=MemoryRing())
