"""A finished release as others see it: git, curl, openssl, tar, pg_restore, ssh-keygen, securesystemslib. None of it is ours."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = "https://github.com/Seregawpn/Nexy_server.git"
DOWNLOAD = "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"
SERVER = "https://nexy-server.canadacentral.cloudapp.azure.com"
SPARKLE = "{http://www.andymatuschak.org/xml-namespaces/sparkle}"
MANIFEST_DIRS = ("server/updates/manifests", "server/server/updates/manifests")

# The header of a SubjectPublicKeyInfo that holds an Ed25519 key (RFC 8410).
ED25519 = bytes.fromhex("302a300506032b6570032100")


def program(name: str) -> str:
    """A program of the machine's, or the reason for leaving this witness out."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"the witness {name} is not on this machine")
    return found


def rehearse(place: Path, home: Path, *options: str, timeout: float = 180) -> tuple[subprocess.CompletedProcess[str], float | None]:
    """`nexy-tui rehearse --headless --auto --json --keep` from an empty home, to its end; and the wizard's peak memory in MB."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "nexy_tui", "rehearse", "--headless", "--auto", "--json", "--keep", "--dir", str(place), *options]
    said, told = home.parent / "rehearse.json", home.parent / "rehearse.err"
    with said.open("w") as out, told.open("w") as err:
        process = subprocess.Popen(command, cwd=home, env=_plain(home), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    peak, until = 0.0, time.monotonic() + timeout
    while process.poll() is None:
        if time.monotonic() > until:
            process.terminate()
            process.wait(timeout=60)
            raise AssertionError(f"the rehearsal did not end within {timeout} s:\n{told.read_text()[-4000:]}")
        peak = max(peak, _peak(process.pid))
        time.sleep(0.05)
    done = subprocess.CompletedProcess(command, process.returncode, said.read_text(), told.read_text())
    return done, peak or None


def _peak(frame: int) -> float:
    """The most memory that the wizard below a rehearsal's frame has had resident so far, in MB; 0 where that cannot be seen."""
    most = 0.0
    try:
        for task in Path(f"/proc/{frame}/task").iterdir():
            for child in (task / "children").read_text().split():
                if b"release" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    status = Path(f"/proc/{child}/status").read_text()
                    most = max(most, *(int(kib) * 1024 / 1e6 for kib in re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)), 0.0)
    except OSError:
        return most
    return most


def world(place: Path, home: Path, *arguments: str) -> str:
    """`nexy-tui world …`; what it printed."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "nexy_tui", "world", arguments[0], str(place), *arguments[1:]]
    done = subprocess.run(command, cwd=home, env=_plain(home), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _plain(home: Path) -> dict[str, str]:
    """A terminal outside every world: a search path, a home, and where this program is."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}


@dataclass
class Seen:
    """A world with a finished release in it, from a terminal that `world env` took inside."""

    place: Path
    home: Path
    document: dict[str, Any]
    scratch: Path
    layout: str = "flat"

    @cached_property
    def environ(self) -> dict[str, str]:
        """What `eval "$(nexy-tui world env DIR)"` makes of a plain terminal."""
        shell = world(self.place, self.home, "env")
        shown = subprocess.run(
            [program("bash"), "-c", f"{shell}\nexec env -0"], env=_plain(self.home), capture_output=True, text=True, timeout=30, check=True
        )
        return dict(pair.split("=", 1) for pair in shown.stdout.split("\0") if pair)

    def run(
        self, *argv: str | Path, cwd: Path | None = None, check: bool = True, env: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> str:
        """What a program says inside the world."""
        found = shutil.which(str(argv[0]), path=self.environ["PATH"])
        if found is None:
            pytest.skip(f"the witness {argv[0]} is not on this machine")
        done = subprocess.run(
            [found, *map(str, argv[1:])],
            cwd=cwd or self.scratch,
            env={**self.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0 or not check, (
            f"{argv[0]} ended with {done.returncode}:\n{said}\n{done.stderr.decode('utf-8', 'replace')}"
        )
        return said.strip()

    @property
    def version(self) -> str:
        return str(self.document["version"])

    @property
    def log(self) -> Path:
        return Path(self.document["log"])

    @property
    def vm(self) -> Path:
        return Path(self.environ["NEXY_VM"]) / "home/azureuser/voice-assistant"

    @property
    def base(self) -> Path:
        """The rulebook's repo root in the operator's checkout."""
        checkout = Path(self.environ["NEXY_CHECKOUT"])
        return checkout if self.layout == "flat" else checkout / "server"

    @cached_property
    def refs(self) -> dict[str, str]:
        """The code repository's refs by `git ls-remote`."""
        return {ref: oid for oid, ref in (line.split("\t") for line in self.run("git", "ls-remote", CODE).splitlines())}

    @cached_property
    def clone(self) -> Path:
        """A fresh clone of the code repository."""
        folder = self.scratch / f"clone-{self.version}"
        self.run("git", "clone", "--quiet", CODE, folder)
        return folder

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest on the code repository's branch."""
        found: dict[str, Any] = json.loads((self.clone / MANIFEST_DIRS[0] / "manifest.json").read_bytes())
        return found

    @cached_property
    def predicates(self) -> list[dict[str, Any]]:
        """The log's records, decoded."""
        return [statement(line)["predicate"] for line in self.log.read_bytes().splitlines()]

    def first(self, kind: str, action: str | None = None) -> dict[str, Any]:
        """The first record of a kind."""
        return next(one for one in self.predicates if one["kind"] == kind and (action is None or one["action"] == action))


def statement(line: bytes) -> dict[str, Any]:
    """An envelope's statement."""
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(line)["payload"]))
    return found


def moment(text: str) -> datetime:
    """An RFC 3339 time in UTC."""
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text)


def sha256(path: Path) -> str:
    """A file's digest, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- what is seen, a witness each ---


STATUSES = {"passed", "pending", "failed", "inconclusive", "not_applicable", "attested", "not_run"}
KEYS: dict[str, type | tuple[type, ...]] = {
    "outcome": str,
    "world": (str, type(None)),
    "version": (str, type(None)),
    "kind": str,
    "run": (str, type(None)),
    "log": (str, type(None)),
}
ITEM = {
    "id": str,
    "section": str,
    "phase": str,
    "title": str,
    "status": str,
    "summary": str,
    "remedy": str,
    "fixers": list,
    "evidence": list,
}


def the_document_has_its_shape(document: dict[str, Any]) -> None:
    """The JSON document of the design's “Machine-readable output”, key by key; a run's own keys may stand beside."""
    for key, kind in KEYS.items():
        assert isinstance(document[key], kind), key
    assert document["outcome"] in {"verified", "refused", "inconclusive"}
    assert _seconds(document["duration_s"])
    names = [item["id"] for item in document["items"]]
    assert names and len(set(names)) == len(names)
    for item in document["items"]:
        assert set(item) == {*ITEM, "duration_s"}, item["id"]
        for key, kind in ITEM.items():
            assert isinstance(item[key], kind), (item["id"], key)
        assert item["status"] in STATUSES
        assert item["id"].startswith(f"{item['phase']}.")
        assert item["summary"] and _seconds(item["duration_s"])
        assert item["remedy"] or item["status"] not in {"pending", "failed", "inconclusive"}, item["id"]
        assert all(isinstance(name, str) for name in item["fixers"])
        for one in item["evidence"]:
            assert set(one) == {"name", "value", "source", "time"}
            assert all(isinstance(value, str) for value in one.values())
            moment(one["time"])


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def everything_holds(seen: Seen) -> None:
    """A verified run's own document: every item of the checklist, in its order, and none that does not hold."""
    document = seen.document
    the_document_has_its_shape(document)
    assert (document["outcome"], document["kind"]) == ("verified", "full")
    assert document["world"] == seen.environ["NEXY_WORLD"]
    assert (document["stopped_by"], document["message"]) == (None, None)
    assert {item["id"]: item["status"] for item in document["items"] if item["status"] not in {"passed", "not_applicable"}} == {}
    listed = json.loads(seen.run("nexy-tui", "check", "--list", "--json"))["items"]
    assert [item["id"] for item in document["items"]] == [item["id"] for item in listed]
    applies_not = {item["id"] for item in document["items"] if item["status"] == "not_applicable"}
    assert applies_not <= {"inbox.pkg", "inbox.apple", "remotes.script", "remotes.publisher"}


def tag_and_branch(seen: Seen, before: str) -> None:
    """An annotated tag on the release commit, the manifest commit on top, exactly the right files in both; no lock left."""
    tag, version = f"refs/tags/v{seen.version}", seen.version
    assert tag in seen.refs and f"{tag}^{{}}" in seen.refs, "the tag is there, and annotated"
    assert not [ref for ref in seen.refs if ref.startswith(("refs/nexy/lock", "refs/nexy/prepared"))]
    branch = seen.refs["HEAD"]

    def git(*words: str) -> str:
        return seen.run("git", *words, cwd=seen.clone)

    shown = git("log", "--format=%H %s", f"{before}..{branch}").splitlines()
    release = seen.refs[f"{tag}^{{}}"]
    assert shown == [f"{branch} Update manifest for {version} (Production)", f"{release} Release v{version}"]
    assert git("rev-parse", f"{release}^") == before
    prefix = "" if seen.layout == "flat" else "server/"
    released = {"VERSION", "server/config/unified_config.yaml", "server/config/unified_config.py", "server/config.env.example"}
    assert _changed(git, release) == {f"{prefix}{name}" for name in released}
    four = {f"{folder}/{name}" for folder in MANIFEST_DIRS for name in ("manifest.json", f"manifest_{version}.json")}
    assert _changed(git, branch) == four
    assert git("show", f"{branch}:{prefix}VERSION") == version
    apart = (f":(top,exclude){prefix}server/{path}" for path in ("config.env", "backups/"))
    assert seen.run("git", "status", "--porcelain", "-uall", "--", ":/", *apart, cwd=Path(seen.environ["NEXY_CHECKOUT"])) == ""


def _changed(git: Any, commit: str) -> set[str]:
    return set(git("diff-tree", "--no-commit-id", "--name-only", "-r", commit).splitlines())


def the_tag_names_the_log(seen: Seen) -> None:
    """The tag's message carries run, records and digest of the log as they stood then; the log still begins so."""
    message = seen.run("git", "cat-file", "tag", f"v{seen.version}", cwd=seen.clone)
    said = dict(re.findall(r"^(Nexy-[A-Za-z0-9-]+): (\S+)$", message, re.MULTILINE))
    assert set(said) == {"Nexy-Run", "Nexy-Kind", "Nexy-Log-Records", "Nexy-Log-SHA256"}
    assert (said["Nexy-Run"], said["Nexy-Kind"]) == (seen.document["run"], seen.document["kind"])
    count = int(said["Nexy-Log-Records"])
    assert 0 < count < len(seen.predicates)
    head = seen.run("head", "-n", str(count), seen.log)
    assert hashlib.sha256(f"{head}\n".encode()).hexdigest() == said["Nexy-Log-SHA256"]


def manifests(seen: Seen) -> None:
    """The four files are one, on the branch and on the VM; the manifest says what the contract says and nothing else."""
    names = ("manifest.json", f"manifest_{seen.version}.json")
    files = [root / folder / name for root in (seen.clone, seen.vm) for folder in MANIFEST_DIRS for name in names]
    assert len({sha256(path) for path in files}) == 1
    value, version = seen.manifest, seen.version
    assert (value["version"], value["build"]) == (version, version)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value["release_date"])
    artifact = value["artifact"]
    assert (artifact["type"], artifact["url"], artifact["arch"], artifact["min_os"]) == ("dmg", DOWNLOAD, "universal2", "11.0")
    assert (type(value["critical"]), type(value["auto_install"])) == (bool, bool)
    assert value["notes_url"] == "https://github.com/Seregawpn/Nexy_production/releases/tag/Update"


def download(seen: Seen) -> None:
    """curl gets, after a redirect, bytes of the manifest's size and digest; the host lists no upload that was left lying."""
    path = _fetched(seen, DOWNLOAD)
    artifact = seen.manifest["artifact"]
    assert path.stat().st_size == artifact["size"]
    assert seen.run("sha256sum", path).split()[0] == artifact["sha256"]
    assert _assets(seen, "Update") == {"Nexy.dmg": "uploaded", "previous-Nexy.dmg": "uploaded"}


def the_package(seen: Seen) -> None:
    """The announced package is under its own fixed tag, with the bytes of the inbox."""
    path = _fetched(seen, "https://github.com/Seregawpn/Nexy_production/releases/download/App/Nexy.pkg")
    assert sha256(path) == sha256(seen.base / "release_inbox/Nexy.pkg")
    assert _assets(seen, "App")["Nexy.pkg"] == "uploaded"
    assert next(item["status"] for item in seen.document["items"] if item["id"] == "inbox.pkg") == "passed"


def _fetched(seen: Seen, url: str) -> Path:
    path = seen.scratch / url.rsplit("/", 1)[1]
    assert seen.run("curl", "-fsSL", "-o", path, "-w", "%{http_code} %{num_redirects}", url) == "200 1"
    return path


def _assets(seen: Seen, tag: str) -> dict[str, str]:
    shown = seen.run("curl", "-fsS", f"https://api.github.com/repos/Seregawpn/Nexy_production/releases/tags/{tag}")
    return {asset["name"]: asset["state"] for asset in json.loads(shown)["assets"]}


def signature(seen: Seen) -> None:
    """openssl verifies the manifest's Ed25519 signature over the downloaded bytes with the configured public key."""
    config = tomllib.loads(Path(seen.environ["NEXY_CONFIG"]).read_text("utf-8"))
    public = base64.b64encode(ED25519 + base64.b64decode(config["target"]["sparkle_public_key"])).decode()
    key, made = seen.scratch / "sparkle.pem", seen.scratch / "signature"
    key.write_text(f"-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n")
    made.write_bytes(base64.b64decode(seen.manifest["artifact"]["ed25519"], validate=True))
    said = seen.run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", seen.scratch / "Nexy.dmg", "-sigfile", made)
    assert "Signature Verified Successfully" in said


def live(seen: Seen) -> None:
    """The public addresses show the version; the appcast offers the manifest's bytes."""
    for path in ("/health", "/updates/health"):
        health = json.loads(seen.run("curl", "-fsS", SERVER + path))
        assert (health["latest_version"], health["latest_build"]) == (seen.version, seen.version)
        assert health["status"].lower() in ("ok", "healthy") and health.get("version", seen.version) == seen.version
    enclosures = ET.fromstring(seen.run("curl", "-fsS", f"{SERVER}/updates/appcast.xml")).findall("./channel/item/enclosure")
    assert len(enclosures) == 1
    given, artifact = enclosures[0].attrib, seen.manifest["artifact"]
    assert (given[f"{SPARKLE}version"], given[f"{SPARKLE}shortVersionString"]) == (seen.version, seen.version)
    assert (given["url"], given["length"]) == (artifact["url"], str(artifact["size"]))
    assert artifact["ed25519"] in given.values()


def the_vm(seen: Seen, wheels: Mapping[str, str]) -> None:
    """On the VM: the tagged code, both settings files, the release's own wheels, and the service after a restart."""
    assert seen.run("git", "rev-parse", "HEAD", cwd=seen.vm) == seen.refs[f"refs/tags/v{seen.version}^{{}}"]
    for name in ("server/config.env", "server/server/config.env"):
        lines = (seen.vm / name).read_text("utf-8").splitlines()
        said = [line for line in lines if line.startswith(("SERVER_VERSION=", "SERVER_BUILD="))]
        assert sorted(said) == [f"SERVER_BUILD={seen.version}", f"SERVER_VERSION={seen.version}"]
        assert [line for line in lines if line.startswith("DB_PASSWORD=")], "the other settings are still there"
    listed = json.loads(seen.run(seen.vm / "venv/bin/python", "-m", "pip", "list", "--format=json"))
    here = {entry["name"].replace("_", "-"): entry["version"] for entry in listed}
    assert {name: here.get(name) for name in wheels} == wheels


def backup(seen: Seen, folder: Path | None = None) -> None:
    """sha256sum, tar and pg_restore bring the run's backup back, row for row; it was finished between genesis and first push."""
    folder = folder or seen.base / "server/backups/postgres"
    archive = sorted(folder.glob("nexy_db_*.tar.gz"))[-1]
    seen.run("sha256sum", "-c", f"{archive.name}.sha256", cwd=folder)
    unpacked = seen.scratch / f"unpacked-{seen.version}"
    unpacked.mkdir()
    seen.run("tar", "-xzf", archive, "-C", unpacked)
    inner = unpacked / archive.name.removesuffix(".tar.gz")
    assert {path.name for path in inner.iterdir()} == {"db.dump", "schema.sql", "metadata.env", "SHA256SUMS"}
    seen.run("sha256sum", "-c", "SHA256SUMS", cwd=inner)
    url, name = seen.environ["NEXY_DATABASE_URL"], f"seen_{seen.version.replace('.', '_')}"
    copy = url.rsplit("/", 1)[0] + f"/{name}"
    seen.run("psql", "-qX", url, "-c", f"CREATE DATABASE {name}")
    try:
        seen.run("pg_restore", "--exit-on-error", "--no-owner", "-d", copy, inner / "db.dump")
        counted = [_rows(seen, where) for where in (copy, url)]
        assert counted[0] == counted[1] and counted[0]["users"] > 0
    finally:
        seen.run("psql", "-qX", url, "-c", f"DROP DATABASE {name}")
    record = statement((folder / f"{archive.name}.backup.json").read_bytes())
    assert record["subject"][0]["digest"]["sha256"] == sha256(archive)
    assert record["predicate"]["run"] == seen.document["run"]
    assert record["predicate"]["rows"] == counted[0]
    finished = moment(record["predicate"]["finished"])
    assert moment(seen.first("genesis")["time"]) < finished < moment(seen.first("intent", "push")["time"])
    assert finished.timestamp() < _first_upload(seen)


def _rows(seen: Seen, url: str) -> dict[str, int]:
    listed = seen.run("psql", "-XAtc", "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1", url)
    return {table: int(seen.run("psql", "-XAtc", f'SELECT count(*) FROM public."{table}"', url)) for table in listed.splitlines()}


def _first_upload(seen: Seen) -> float:
    """When the release host first saw an upload of this run, by its own access log."""
    began = moment(seen.first("genesis")["time"]).timestamp()
    requests = [json.loads(line) for line in (seen.place / "log/requests.jsonl").read_text().splitlines()]
    return min(float(one["time"]) for one in requests if one["host"] == "uploads.github.com" and one["time"] > began)


def the_log(seen: Seen) -> None:
    """ssh-keygen accepts the seal, securesystemslib every line, git the tag on the log; the chain is whole; `runs verify` says so."""
    at = datetime.fromisoformat(seen.predicates[-1]["time"]).strftime("%Y%m%d%H%M%SZ")
    signers, operator = seen.environ["NEXY_ALLOWED_SIGNERS"], seen.environ["NEXY_OPERATOR"]
    options = ("-f", signers, "-I", operator, "-n", "release-log@nexy-tui", f"-Overify-time={at}", "-s", f"{seen.log}.sig")
    assert "Good" in seen.run("ssh-keygen", "-Y", "verify", *options, stdin=seen.log.read_bytes())
    lines = seen.log.read_bytes().splitlines()
    envelopes, key = pytest.importorskip("securesystemslib.dsse"), _listed_key(Path(signers))
    for line in lines:
        envelopes.Envelope.from_dict(json.loads(line)).verify([key], 1)
    _the_chain_is_whole(seen, lines)
    verdict = subprocess.run(
        ["nexy-tui", "runs", "verify", str(seen.log)],
        env=seen.environ,
        cwd=seen.scratch,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert verdict.returncode == 0 and verdict.stdout.startswith("SEALED+ANCHORED"), verdict.stdout
    _the_anchors_hold(seen, lines)


def _the_anchors_hold(seen: Seen, lines: Sequence[bytes]) -> None:
    """The tag on the log is git's to verify and names these bytes; each head names a line before what it announces."""
    run = seen.predicates[0]["run"]
    heads, tag = f"refs/nexy/runs/{run}", f"refs/tags/release-log/{seen.version}/{run}"
    seen.run("git", "fetch", "-q", CODE, f"+{heads}:refs/seen/heads", f"+{tag}:refs/tags/seen", cwd=seen.clone)
    trusting = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={seen.environ['NEXY_ALLOWED_SIGNERS']}")
    seen.run("git", *trusting, "verify-tag", "seen", cwd=seen.clone)
    assert seen.run("git", "rev-parse", "seen^{blob}", cwd=seen.clone) == seen.run("git", "hash-object", "--no-filters", seen.log)
    said = [json.loads(seen.run("git", "show", f"{commit}:head.json", cwd=seen.clone)) for commit in _walk(seen, "refs/seen/heads")]
    assert said and all(hashlib.sha256(lines[one["seq"]]).hexdigest() == one["head"] for one in said)
    assert {seen.predicates[one["seq"]]["kind"] for one in said} == {"intent"}


def _walk(seen: Seen, ref: str) -> list[str]:
    return seen.run("git", "rev-list", "--first-parent", ref, cwd=seen.clone).split()


def _listed_key(signers: Path) -> Any:
    """The operator's key out of OpenSSH's file, as securesystemslib takes it."""
    kinds = pytest.importorskip("securesystemslib.signer")
    words = signers.read_text("utf-8").split()
    raw = base64.b64decode(words[words.index("ssh-ed25519") + 1])[-32:]
    blob = base64.b64decode(words[words.index("ssh-ed25519") + 1])
    keyid = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return kinds.SSlibKey(keyid, "ed25519", "ed25519", {"public": raw.hex()})


def _the_chain_is_whole(seen: Seen, lines: list[bytes]) -> None:
    before = "0" * 64
    for number, line in enumerate(lines):
        found = statement(line)
        assert found["_type"] == "https://in-toto.io/Statement/v1"
        assert found["subject"]
        predicate = found["predicate"]
        assert (predicate["seq"], predicate["prev"], predicate["run"]) == (number, before, seen.document["run"])
        assert predicate["world"] == seen.environ["NEXY_WORLD"]
        before = hashlib.sha256(line).hexdigest()
    assert [seen.predicates[0]["kind"], seen.predicates[-1]["kind"]] == ["genesis", "seal"]
    assert seen.predicates[-1]["seal"]["outcome"] == "complete"
    release = seen.refs[f"refs/tags/v{seen.version}^{{}}"]
    assert statement(lines[-1])["subject"][0]["digest"] == {"gitCommit": release}
