"""The run log in the hands of programs that are not ours: ssh-keygen, ssh-agent, openssl, securesystemslib, in-toto-attestation."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.runlog import dsse, keys, sshsig, sshwire
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Beginning
from nexy_tui.runlog.read import list_runs, read_log
from nexy_tui.runlog.record import Operator, Subject
from nexy_tui.runlog.sign import SeedSigner, Signer
from nexy_tui.runlog.trust import NAMESPACE, AllowedSigners, TrustSource, amended, new_entry, stamp
from nexy_tui.runlog.verify import State, verify, verify_file

OPERATOR = Operator("ada@example.com", "workbench")
SIGNER = SeedSigner.from_seed(bytes(range(32)), "keyring")
NEXT = SeedSigner.from_seed(bytes(32), "keyring")


def witness(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"the witness {name} is not on this machine")
    return path


def sealed(folder: Path, signer: Signer = SIGNER, commit: str = "a" * 40) -> Path:
    subjects = [Subject.commit("https://github.com/Seregawpn/Nexy_server.git", commit)]
    tool = {"version": "0.1.0", "checklist": "c" * 64}
    beginning = Beginning("1.6.1.43", None, OPERATOR, "full", subjects, tool, {"served_before": "1.6.1.42"})
    log = RunLog.create(folder / "runs", beginning, signer, SystemClock())
    log.check("remotes.code", "passed", "größer als nötig: ✓", [{"name": "size", "size": 2**53 - 1, "digest": {"sha256": "b" * 64}}])
    log.intent("publish")
    log.ran("publish", ["git", "push", "origin", "refs/tags/v1.6.1.43"], 0, 12)
    log.result("publish", "done", exit=0, duration_ms=12, subjects=[Subject.artifact("Nexy.dmg", "b" * 64)])
    log.seal("complete")
    log.close()
    return log.path


def listed(folder: Path, signer: Signer = SIGNER, since: datetime | None = None) -> Path:
    path = folder / "allowed_signers"
    path.write_text(new_entry(OPERATOR.id, signer.public, since or datetime.now(UTC) - timedelta(minutes=1)).line() + "\n")
    return path


def ssh_verify(signers: Path, log: Path, *more: str, operator: str = OPERATOR.id) -> subprocess.CompletedProcess[bytes]:
    argv = [witness("ssh-keygen"), "-Y", "verify", "-f", str(signers), "-I", operator, "-n", NAMESPACE, *more, "-s", f"{log}.sig"]
    return subprocess.run(argv, input=log.read_bytes(), capture_output=True, timeout=30, check=False)


def test_ssh_keygen_accepts_the_seal_and_no_other_file(tmp_path: Path) -> None:
    log, signers = sealed(tmp_path), listed(tmp_path)
    at = f"-Overify-time={stamp(read_log(log)[-1].moment)}"
    accepted = ssh_verify(signers, log, at)
    assert accepted.returncode == 0, accepted.stderr
    assert SIGNER.keyid in accepted.stdout.decode()
    assert ssh_verify(signers, log, at, operator="bob@example.com").returncode != 0
    log.write_bytes(log.read_bytes()[:-1])
    assert ssh_verify(signers, log, at).returncode != 0


def test_ssh_keygen_and_we_agree_about_a_rotated_key(tmp_path: Path) -> None:
    log, signers = sealed(tmp_path), listed(tmp_path)
    end = datetime.now(UTC) + timedelta(seconds=1)
    signers.write_text(amended(signers.read_text(), new_entry(OPERATOR.id, NEXT.public, end), SIGNER.keyid))
    seal = read_log(log)[-1].moment
    rules = [TrustSource("list", AllowedSigners.load(signers))]
    assert ssh_verify(signers, log, f"-Overify-time={stamp(seal)}").returncode == 0
    assert verify(log, rules).state is State.SEALED
    assert ssh_verify(signers, log, f"-Overify-time={stamp(end + timedelta(seconds=1))}").returncode != 0
    for moment in (end - timedelta(seconds=120), end, end + timedelta(seconds=1)):
        ours = rules[0].signers.entries[0].objection(OPERATOR.id, NAMESPACE, moment) is None
        assert ours == (ssh_verify(signers, log, f"-Overify-time={stamp(moment)}").returncode == 0), moment


def test_a_colleagues_log_is_trusted_by_the_repository_as_of_the_release_before(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        argv = [witness("git"), "-C", str(tmp_path / "checkout"), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    listed(tmp_path)
    folder = tmp_path / "checkout" / ".nexy"
    folder.mkdir(parents=True)
    git("init", "-q")
    (folder / "allowed_signers").write_text(new_entry(OPERATOR.id, NEXT.public, datetime.now(UTC) - timedelta(hours=1)).line())
    git("add", ".nexy")
    git("commit", "-qm", "keys")
    sealed(tmp_path, commit=git("rev-parse", "HEAD"))
    judged = sealed(tmp_path, NEXT)
    environ = {"NEXY_STATE_DIR": str(tmp_path), "NEXY_ALLOWED_SIGNERS": str(tmp_path / "allowed_signers"), "HOME": str(tmp_path)}
    settings = load_settings(environ)
    assert verify_file(judged, settings).state is State.INVALID
    assert verify_file(judged, settings, checkout=tmp_path / "none").state is State.INVALID
    verdict = verify_file(judged, settings, checkout=tmp_path / "checkout")
    assert (verdict.state, verdict.rule) == (State.SEALED, ".nexy/allowed_signers as of the previous verified release")
    (folder / "allowed_signers").unlink()
    git("commit", "-qam", "gone")
    assert verify_file(judged, settings, checkout=tmp_path / "checkout").state is State.SEALED


def test_we_accept_what_ssh_keygen_signs(tmp_path: Path) -> None:
    program = witness("ssh-keygen")
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True, timeout=30)
    (tmp_path / "file").write_bytes(b"some bytes\n")
    subprocess.run(
        [program, "-q", "-Y", "sign", "-f", str(tmp_path / "key"), "-n", NAMESPACE, str(tmp_path / "file")], check=True, timeout=30
    )
    public = sshsig.verify((tmp_path / "file.sig").read_bytes(), b"some bytes\n", NAMESPACE)
    shown = subprocess.run([program, "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True, timeout=30)
    assert sshwire.fingerprint(public) == shown.stdout.split()[1]
    assert (tmp_path / "key.pub").read_text().startswith(sshwire.openssh_public(public))


def test_a_key_file_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    subprocess.run([witness("ssh-keygen"), "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "key")], check=True, timeout=30)
    with pytest.raises(Refused, match="has a passphrase"):
        keys.load_signer(OPERATOR.id, {keys.KEY_FILE: str(tmp_path / "key")}, backend=_NoKeys())  # type: ignore[arg-type]


class _NoKeys:
    def get_password(self, service: str, username: str) -> str | None:
        return None


@contextmanager
def ssh_agent() -> Iterator[dict[str, str]]:
    """An agent of its own; its socket in a folder with a short name, as Unix sockets need."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent"
        agent = subprocess.Popen([witness("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 10
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            yield {"SSH_AUTH_SOCK": str(path)}
        finally:
            agent.terminate()
            agent.wait(timeout=10)


def _add(folder: Path, name: str, environ: dict[str, str], *options: str) -> str:
    program = witness("ssh-keygen")
    subprocess.run([program, "-q", *(options or ("-t", "ed25519")), "-N", "", "-f", str(folder / name)], check=True, timeout=60)
    subprocess.run([witness("ssh-add"), "-q", str(folder / name)], env={**os.environ, **environ}, check=True, timeout=30)
    return (folder / f"{name}.pub").read_text()


def test_a_key_in_the_agent_signs_a_whole_run(tmp_path: Path) -> None:
    with ssh_agent() as environ:
        _add(tmp_path, "old", environ, "-t", "ecdsa")
        public = _add(tmp_path, "mine", environ)
        signer = keys.load_signer(OPERATOR.id, environ, backend=_NoKeys())  # type: ignore[arg-type]
        assert signer.source == "ssh-agent"
        assert public.startswith(sshwire.openssh_public(signer.public))
        log = sealed(tmp_path, signer)
        signers = listed(tmp_path, signer)
        assert read_log(log)[0].details["key_source"] == "ssh-agent"
        assert verify(log, [TrustSource("list", AllowedSigners.load(signers))]).state is State.SEALED
        assert ssh_verify(signers, log).returncode == 0
        other = _add(tmp_path, "other", environ)
        with pytest.raises(Unusable, match="none is listed"):
            keys.load_signer(OPERATOR.id, environ, backend=_NoKeys())  # type: ignore[arg-type]
        (tmp_path / "list").write_text(f"bob {public}{OPERATOR.id} {other}")
        chosen = keys.load_signer(OPERATOR.id, environ, allowed=AllowedSigners.load(tmp_path / "list"), backend=_NoKeys())  # type: ignore[arg-type]
        assert other.startswith(sshwire.openssh_public(chosen.public))
    with pytest.raises(Refused, match="did not sign"):
        signer.sign(b"data")


def test_securesystemslib_verifies_every_line_and_no_changed_one(tmp_path: Path) -> None:
    envelopes = pytest.importorskip("securesystemslib.dsse", reason="the witness securesystemslib is not on this machine")
    signers = pytest.importorskip("securesystemslib.signer")
    errors = pytest.importorskip("securesystemslib.exceptions")
    key = signers.SSlibKey(SIGNER.keyid, "ed25519", "ed25519", {"public": SIGNER.public.hex()})
    lines = sealed(tmp_path).read_bytes().split(b"\n")[:-1]
    assert len(lines) == 6
    for line in lines:
        envelope = envelopes.Envelope.from_dict(json.loads(line))
        assert list(envelope.verify([key], 1)) == [SIGNER.keyid]
        envelope.payload += b" "
        with pytest.raises(errors.VerificationError):
            envelope.verify([key], 1)


def test_in_toto_attestation_parses_every_statement(tmp_path: Path) -> None:
    statements = pytest.importorskip("in_toto_attestation.v1.statement", reason="the witness in-toto-attestation is not on this machine")
    messages = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    for line in sealed(tmp_path).read_bytes().split(b"\n")[:-1]:
        payload = dsse.parse(line).payload
        parsed = json_format.Parse(payload, messages.Statement())
        statements.Statement.copy_from_pb(parsed).validate()
        assert json_format.MessageToDict(parsed) == json.loads(payload)


def test_openssl_verifies_the_pae_of_a_record(tmp_path: Path) -> None:
    program = witness("openssl")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(SIGNER.public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    envelope = json.loads(sealed(tmp_path).read_bytes().split(b"\n")[2])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    argv = [
        program,
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        str(tmp_path / "key.pem"),
        "-rawin",
        "-in",
        str(tmp_path / "pae"),
        "-sigfile",
        str(tmp_path / "sig"),
    ]
    for data, holds in ((payload, True), (payload.replace(b"intent", b"result"), False)):
        (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(data), data))
        assert (subprocess.run(argv, capture_output=True, timeout=30, check=False).returncode == 0) is holds


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_runlog_witness import OPERATOR, SIGNER
from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.problem import Problem
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.genesis import Beginning
from nexy_tui.runlog.record import Subject
beginning = Beginning("1.6.1.43", None, OPERATOR, "full", [Subject("x", {"gitCommit": "a" * 40})])
log = RunLog.create(Path(sys.argv[1]) / "runs", beginning, SIGNER, SystemClock())
print(log.path, flush=True)
done = 0
try:
    while True:
        log.intent("step", message="x" * 2000)
        done += 1
        print(done, flush=True)
except Problem as problem:
    print("refused:", problem.what, flush=True)
"""


def _writer(folder: Path, *before: str) -> list[str]:
    return [*before, sys.executable, "-c", _WRITER, str(folder), str(Path(__file__).parent)]


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_killed_while_writing_every_announced_record_is_there(tmp_path: Path) -> None:
    child = subprocess.Popen(_writer(tmp_path), stdout=subprocess.PIPE, text=True, env=_environ())
    assert child.stdout is not None
    path = Path(child.stdout.readline().strip())
    announced = [child.stdout.readline() for _ in range(20)]
    child.send_signal(signal.SIGKILL)
    announced += child.stdout.readlines()
    child.wait(timeout=10)
    child.stdout.close()
    whole = [line for line in announced if line.endswith("\n")]
    rules = [TrustSource("list", AllowedSigners.load(listed(tmp_path, since=datetime.now(UTC) - timedelta(hours=1))))]
    assert verify(path, rules).state in (State.OPEN, State.TORN)
    assert len(read_log(path)) - 1 >= len(whole) >= 20
    log = RunLog.resume(path, SIGNER, SystemClock())
    assert log.dangling == ("step",)
    log.result("step", "failed")
    log.seal("failed")
    log.close()
    assert verify(path, rules).state is State.SEALED
    assert [run.looks for run in list_runs(tmp_path)] == ["sealed"]


def test_a_really_full_disk_refuses_the_record_and_the_run_goes_on_after(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False).returncode
    ):
        pytest.skip("no small filesystem may be mounted here")
    try:
        done = subprocess.run(_writer(disk), capture_output=True, text=True, timeout=60, check=False, env=_environ())
        path, *counts, refusal = done.stdout.splitlines()
        assert refusal.startswith("refused: The run log"), done.stderr
        assert "No space left" in refusal
        rules = [TrustSource("list", AllowedSigners.load(listed(tmp_path, since=datetime.now(UTC) - timedelta(hours=1))))]
        verdict = verify(Path(path), rules)
        assert (verdict.state, len(verdict.chain.records)) == (State.OPEN, len(counts) + 1)
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        log = RunLog.resume(Path(path), SIGNER, SystemClock())
        log.seal("aborted")
        log.close()
        assert verify(Path(path), rules).state is State.SEALED
    finally:
        subprocess.run(["umount", str(disk)], check=True)
