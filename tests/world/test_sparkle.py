"""Sparkle signatures made and verified in the child process: by the keyring's key, from the inbox, and never by mistake."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexy_tui.core.problem import CouldNotLook, Refused
from nexy_tui.core.secret import Secret
from nexy_tui.services.sparkle import INBOX_FILE, Sparkle, read_signature

SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
PRIVATE = Secret("keyring (test)", base64.b64encode(SEED).decode())
OTHER = Secret("keyring (test)", base64.b64encode(bytes(32)).decode())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "Nexy.dmg"
    path.write_bytes(b"an image" * 1000)
    return path


def sparkle(public: str = PUBLIC, private: Secret | None = None) -> Sparkle:
    return Sparkle(public, lambda: private, os.environ)


def signed(path: Path) -> str:
    return base64.b64encode(KEY.sign(path.read_bytes())).decode()


def lay(image: Path, text: str) -> None:
    (image.parent / INBOX_FILE).write_text(text)


@pytest.mark.parametrize("public", [PUBLIC, ""])
def test_the_keyrings_key_signs_the_exact_bytes(image: Path, public: str) -> None:
    made = sparkle(public, PRIVATE).signature_for(image, image.parent)
    assert made is not None
    assert made.value == signed(image) and made.sha256 == hashlib.sha256(image.read_bytes()).hexdigest()
    assert made.source == "signed with the key from keyring (test)" and made.size == image.stat().st_size


def test_a_signature_over_the_same_bytes_is_not_made_twice(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = sparkle(private=PRIVATE)
    made = signer.signature_for(image, image.parent)
    assert made is not None
    image.write_bytes(b"another image")
    other = signer.signature_for(image, image.parent, sha256=hashlib.sha256(b"another image").hexdigest())
    assert other is not None and other.value == signed(image) != made.value
    monkeypatch.setattr("nexy_tui.services.processes.run", lambda *_, **__: pytest.fail("nothing is to be signed"))
    assert signer.signature_for(image, image.parent, sha256=made.sha256) == made


def test_what_was_seen_over_the_same_bytes_is_not_looked_at_twice(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, no = sparkle(private=PRIVATE), base64.b64encode(bytes(64)).decode()
    made = one.signature_for(image, image.parent)
    assert made is not None and not one.verify(image, no).valid
    image.write_bytes(b"another image")
    other = hashlib.sha256(b"another image").hexdigest()
    assert not one.verify(image, made.value, sha256=other).valid and one.verify(image, signed(image), sha256=other).valid
    monkeypatch.setattr("nexy_tui.services.processes.run", lambda *_, **__: pytest.fail("nothing is to be asked"))
    assert one.verify(image, made.value, sha256=made.sha256).valid and not one.verify(image, no, sha256=made.sha256).valid
    assert not one.verify(image, made.value, sha256=other).valid


def test_a_signature_laid_anew_is_verified_anew(image: Path) -> None:
    signer, sha256 = sparkle(), hashlib.sha256(image.read_bytes()).hexdigest()
    lay(image, signed(image))
    taken = signer.signature_for(image, image.parent, sha256=sha256)
    assert taken is not None and signer.signature_for(image, image.parent, sha256=sha256) == taken
    for wrong in (base64.b64encode(bytes(64)).decode(), f'sparkle:edSignature="{taken.value}" length="1"'):
        lay(image, wrong)
        with pytest.raises(Refused, match="does not verify"):
            signer.signature_for(image, image.parent, sha256=sha256)


def test_openssl_accepts_it(image: Path, tmp_path: Path) -> None:
    made = sparkle(private=PRIVATE).signature_for(image, image.parent)
    assert made is not None
    (tmp_path / "sig").write_bytes(base64.b64decode(made.value))
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(PUBLIC)
    (tmp_path / "key.der").write_bytes(der)
    files: tuple[str | Path, ...] = ("-inkey", tmp_path / "key.der", "-in", image, "-sigfile", tmp_path / "sig")
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", *files], check=True, capture_output=True)


@pytest.mark.parametrize("form", ["{}", "{}\n", 'sparkle:edSignature="{}" length="8000"\n', 'sparkle:edSignature="{}"'])
def test_a_signature_laid_in_the_inbox_is_taken_in_each_form(image: Path, form: str) -> None:
    lay(image, form.format(signed(image)))
    made = sparkle().signature_for(image, image.parent)
    assert made is not None and made.value == signed(image) and made.source == f"taken from {INBOX_FILE}"


def test_a_key_that_is_not_the_clients_is_not_used_but_a_laid_signature_is(image: Path) -> None:
    with pytest.raises(Refused, match="is not the private half of the configured public key"):
        sparkle(private=OTHER).signature_for(image, image.parent)
    lay(image, signed(image))
    made = sparkle(private=OTHER).signature_for(image, image.parent)
    assert made is not None and made.source == f"taken from {INBOX_FILE}"


def test_another_files_signature_a_wrong_length_and_no_signature_are_refused(image: Path) -> None:
    with pytest.raises(Refused, match=r"Nexy\.dmg\.ed25519 is not in the inbox") as raised:
        sparkle().signature_for(image, image.parent)
    assert "sign_update" in str(raised.value.remedy) and "nexy-tui secrets set sparkle-private-key" in str(raised.value.remedy)
    value = signed(image)
    lay(image, f'sparkle:edSignature="{value}" length="7999"')
    with pytest.raises(Refused, match="does not verify over this file"):
        sparkle().signature_for(image, image.parent)
    lay(image, value)
    image.write_bytes(image.read_bytes() + b"!")
    with pytest.raises(Refused, match="does not verify over this file"):
        sparkle().signature_for(image, image.parent)


def test_without_any_key_there_is_no_signature_and_the_inbox_is_not_read(image: Path) -> None:
    lay(image, "rubbish")
    assert sparkle("").signature_for(image, image.parent) is None
    assert not sparkle("").verifies and sparkle("", PRIVATE).verifies


NO_SIGNATURES = ["", "rubbish", "AAAA", base64.b64encode(bytes(65)).decode(), 'sparkle:edSignature="x" length="1"', "A" * 5000]


@pytest.mark.parametrize("text", NO_SIGNATURES)
def test_what_is_no_signature_is_said_so(image: Path, text: str) -> None:
    lay(image, text)
    with pytest.raises(Refused, match="has no Sparkle signature"):
        read_signature(image.parent / INBOX_FILE)


def test_a_key_in_another_form_is_refused_with_the_way_to_export_it_and_never_shown(image: Path) -> None:
    old = base64.b64encode(bytes(range(96))).decode()
    with pytest.raises(Refused, match="older 96-byte form") as raised:
        sparkle(private=Secret("keyring (test)", old)).signature_for(image, image.parent)
    assert "generate_keys -x" in str(raised.value.remedy) and old not in str(raised.value)
    with pytest.raises(Refused, match="public key is not the base64 of 32 bytes"):
        sparkle("c2hvcnQ=", PRIVATE).signature_for(image, image.parent)


def test_verifying_says_valid_invalid_or_unseen(image: Path) -> None:
    assert sparkle().verify(image, signed(image)).valid
    assert not sparkle().verify(image, base64.b64encode(bytes(64)).decode()).valid
    assert sparkle("", PRIVATE).verify(image, signed(image)).valid
    with pytest.raises(CouldNotLook, match="ended with status"):
        sparkle().verify(image.parent / "gone", signed(image))


def test_the_key_stands_in_no_argument_and_no_environment(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    popen = subprocess.Popen

    def watched(argv: list[str], **more: object) -> object:
        seen.extend([argv, more.get("env")])
        return popen(argv, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", watched)
    sparkle(private=PRIVATE).signature_for(image, image.parent)
    assert seen and PRIVATE.reveal() not in repr(seen)


def test_a_checkout_cannot_slip_the_child_a_module_of_its_own(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / "checkout"
    hostile.mkdir()
    (hostile / "mmap.py").write_text("raise SystemExit('hostile module loaded')")
    (hostile / "json.py").write_text("raise SystemExit('hostile module loaded')")
    monkeypatch.chdir(hostile)
    assert sparkle(private=PRIVATE).signature_for(image, image.parent) is not None


def test_a_large_file_does_not_enter_this_process(tmp_path: Path) -> None:
    big = tmp_path / "Nexy.dmg"
    with big.open("wb") as stream:
        stream.truncate(300 << 20)
    script = (
        "import os, re, resource, sys; from pathlib import Path\n"
        "from nexy_tui.services.sparkle import Sparkle; from nexy_tui.core.secret import Secret\n"
        "path, sparkle = Path(sys.argv[1]), Sparkle(sys.argv[2], lambda: Secret('s', sys.argv[3]), os.environ)\n"
        "assert sparkle.signature_for(path, path.parent) is not None\n"
        "status = Path('/proc/self/status')\n"  # Linux's own maximum counts what the test's process held when it forked.
        "own = re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1] if status.exists() else None\n"
        "print(own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", script, big, PUBLIC, PRIVATE.reveal()], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000, "kilobytes"
