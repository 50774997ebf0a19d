"""Every parser of what comes from outside, as one table; and what hostile input is made of."""

from __future__ import annotations

import base64
import gzip
import json
import os
import plistlib
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
from runlog_kit import sealed, trusting

from nexy_tui.config import load_settings
from nexy_tui.core import config_env, manifest, publisher_script, strict_json
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.database_record import BackupRecord, DrillRecord
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import CouldNotLook, Problem, Refused, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import SURVEY_MARK, unpack_survey
from nexy_tui.report import page
from nexy_tui.runlog import read, show, verify
from nexy_tui.runlog.trust import AllowedSigners
from nexy_tui.services import dmg, lock, version_fields, version_files, xar
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.settings import load
from nexy_tui.services.git import Git
from nexy_tui.services.github import GitHubRelease, ReleaseHost
from nexy_tui.services.http import Client, HttpClients
from nexy_tui.services.plain_file import read_version_text
from nexy_tui.services.repeat import TryAgain
from nexy_tui.services.secrets import Secrets
from nexy_tui.services.update_server import parse_appcast, parse_health

EVIL = "[/b][red]x[/] [link=http://evil]l[/link] \x1b[31mred\x1b]0;t\x07\x1b]52;c;aGk=\x07 \x9b2Jclear \x1bP1$r\x1b\\ \u202eback \x7f\x00\r"
"""Markup and everything a terminal would obey: CSI, OSC 52, DCS, one-character CSI, bidi override, DEL, NUL."""

NEW = Version.parse("1.6.1.43")


@dataclass(frozen=True, slots=True)
class Parser:
    """A parser from bytes; the errors it documents; and bytes that it takes."""

    parse: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    takes: bytes


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one case."""
    with tempfile.TemporaryDirectory(prefix="nexy-hostile-") as name:
        yield Path(name)


# --- parsers that read files ---


def _from_file(name: str, look: Callable[[Path], object]) -> Callable[[bytes], object]:
    def parse(raw: bytes) -> object:
        with folder() as here:
            path = here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            return look(here)

    return parse


def _version(here: Path) -> object:
    return Version.parse(read_version_text(Layout("flat", here)))


def _rewritings(path: str) -> Callable[[Path], object]:
    def look(here: Path) -> object:
        (here / "VERSION").write_text("1.6.1.42\n")
        found = {change.file.path: change for change in version_files.rewritings(Layout("flat", here), NEW)}
        assert str(NEW) in (found[path].after or "")
        return found

    return look


def _package(here: Path) -> object:
    path = here / "Nexy.pkg"
    xar.read_table(path)
    xar.verify(path)
    return xar.versions(path)


def _log(here: Path) -> object:
    """Everything that is done with a log from elsewhere: listed, judged, shown, reported."""
    path = here / "run.intoto.jsonl"
    assert read.summary(path).document()
    verdict = verify.verify(path, trusting())
    lines = show.verdict_lines(verdict)
    assert json.dumps(show.verdict_document(verdict))
    try:
        records = read.read_log(path)
        lines += [show.record_line(record) for record in records] + page(records, verdict).split("\n")
    finally:
        assert all(map(str.isprintable, lines))
    return lines


def remotes(config: bytes, here: Path) -> tuple[Any, ...]:
    """The remotes that a git configuration leads to, as git and we read it."""
    git = here / ".git"
    for inner in ("objects", "refs/heads"):
        (git / inner).mkdir(parents=True, exist_ok=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_bytes(config)
    environ = {"PATH": os.environ["PATH"], "HOME": str(here), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    found = Git(here, Target(), environ).remotes()
    for remote in found:
        remote.is_for("github.com", "Seregawpn/Nexy_server")
    return found


def _remotes(raw: bytes) -> object:
    with folder() as here:
        return remotes(raw, here)


# --- parsers of what servers say ---


class Clients:
    """Hands out clients whose every answer has this body."""

    def __init__(self, body: bytes | httpx.SyncByteStream, status: int = 200, headers: httpx.Headers | None = None) -> None:
        self.body, self.status, self.headers = body, status, headers

    def client(self, **_: Any) -> Client:
        def answer(request: httpx.Request) -> httpx.Response:
            stream = httpx.ByteStream(self.body) if isinstance(self.body, bytes) else self.body
            return httpx.Response(self.status, stream=stream, headers=self.headers)

        return Client(transport=httpx.MockTransport(answer))


class OneToken:
    """A token that is no secret."""

    def github_token(self) -> Secret:
        return Secret("environment GH_TOKEN", "ghp_" + "T0ken" * 8)


def host(body: bytes | httpx.SyncByteStream, status: int = 200, headers: httpx.Headers | None = None) -> ReleaseHost:
    """The release host, answering every request with this body."""
    clients = Clients(body, status, headers)
    return ReleaseHost(Target(), cast(HttpClients, clients), cast(Secrets, OneToken()), SystemClock(1e9))


RELEASE = GitHubRelease(7, "Update", immutable=False)


def _release_host(raw: bytes) -> object:
    """The same body as the answer to every question; a refusal of all of them is one."""
    asked: list[object] = []
    told: list[Problem] = []
    asks: tuple[Callable[[ReleaseHost], object], ...] = (
        lambda here: here.release("Update"),
        lambda here: here.assets(RELEASE),
        lambda here: here.asset(9),
        lambda here: here.rights(),
        lambda here: here.release_tags("o/r"),
    )
    for status in (200, 422):
        for ask in asks:
            try:
                asked.append(ask(host(raw, status)))
            except CouldNotLook as problem:
                told.append(problem)
    if len(told) > 8:
        raise told[0]
    return asked


def _lock(raw: bytes) -> object:
    """The lock's commit, whatever its message holds: somebody holds it, and it has not lapsed unless it says so clearly."""
    holder = lock._parse("c" * 40, raw)
    assert str(holder).isprintable() and len(str(holder)) < 1000
    return holder.expired(datetime(2026, 2, 14, tzinfo=UTC))


# --- the table ---


def packed(text: str | bytes) -> bytes:
    """A survey as it leaves the VM."""
    raw = text.encode() if isinstance(text, str) else text
    return SURVEY_MARK.encode() + base64.b64encode(gzip.compress(raw, mtime=0)) + b"\n"


def _survey(raw: bytes) -> object:
    return unpack_survey(packed(raw).decode(), "2026-02-14T12:00:00Z")


def _record(raw: bytes) -> object:
    statement = strict_json.load_object(raw)
    kind = DrillRecord if "drill" in str(statement.get("predicateType")) else BackupRecord
    return kind.read(statement)


def pkg(toc: str = "", heap: bytes = b"", *, table: bytes | None = None) -> bytes:
    """A xar archive with this table of contents."""
    text = table if table is not None else f"<?xml version='1.0'?><xar><toc>{toc}</toc></xar>".encode()
    stored = zlib.compress(text)
    return struct.pack(">4sHHQQI", b"xar!", 28, 1, len(stored), len(text), 0) + stored + heap


def member(name: str, offset: int | str, length: int | str, more: str = "") -> str:
    """A file in a table of contents."""
    return f"<file><name>{name}</name><data><length>{length}</length><offset>{offset}</offset>{more}</data></file>"


_DISTRIBUTION = b'<installer-gui-script><product id="x" version="1.6.1.43"/></installer-gui-script>'


def _image() -> bytes:
    xml = b'<?xml version="1.0"?><plist/>'
    head = struct.pack(">4sIII", b"koly", 4, 512, 1)
    trailer = bytearray(512)
    trailer[: len(head)] = head
    struct.pack_into(">QQ", trailer, 24, 0, 64)
    struct.pack_into(">QQ", trailer, 216, 64, len(xml))
    return bytes(64) + xml + bytes(trailer)


def _plist() -> bytes:
    return plistlib.dumps({"CFBundleShortVersionString": "1.6.1.43", "CFBundleVersion": "1.6.1.43"}, fmt=plistlib.FMT_BINARY)


def sound_manifest(raw: bytes) -> manifest.Manifest:
    """A manifest without any fault; one that has some is as good as refused."""
    found = manifest.read(raw)
    if found.faults:
        raise manifest.ManifestError("; ".join(found.differences(version=None, url=None, size=None, sha256=None)))
    return found


MANIFEST = manifest.build(
    None,
    version="1.6.1.43",
    url="https://github.com/o/r/releases/download/Update/Nexy.dmg",
    notes_url="https://github.com/o/r/releases/tag/Update",
    size=4711,
    sha256="a" * 64,
    signature=base64.b64encode(bytes(64)).decode(),
    now=datetime(2026, 2, 14, tzinfo=UTC),
).render()
HEALTH = json.dumps({"status": "healthy", "version": "1.6.1.43", "latest_version": "1.6.1.43", "latest_build": "1.6.1.43"}).encode()
APPCAST = (
    b'<?xml version="1.0"?><rss xmlns:sparkle="http://www.andymatuschak.org/xml-namespaces/sparkle"><channel><item>'
    b'<enclosure url="https://x/y" length="4711" type="t" sparkle:version="1.6.1.43"/></item></channel></rss>'
)
SETTINGS = b"# settings\r\nDB_HOST=localhost\nDB_PASSWORD='a=b'\nBACKUP_LOCAL_DIR=backups\n"
_YAML_PATH = "server/config/unified_config.yaml"
YAML = (
    b"# ours\nupdate:\n  default_version: 1.6.1.42  # now\n  default_build: '1.6.1.42'\n"
    b'server:\n  version: "1.6.1.42"\n  build: 1.6.1.42\n'
)
SIGNERS = b'ada@example.com namespaces="git,release-log@nexy-tui",valid-after="20260501120000Z" ' + (
    b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
)
SCRIPT = b'TARGET_REPO = "o/r"\nARTIFACT_MAPPING = {"Nexy.dmg": {"tag": "Update"}, "Nexy.pkg": {"tag": "App"}}\n'
GIT_CONFIG = b'[core]\n\tbare = false\n[remote "origin"]\n\turl = https://github.com/Seregawpn/Nexy_server.git\n'
SURVEY = (
    b"head "
    + b"a" * 40
    + b"\ntags v1.6.1.43\nsettings server/config.env there\nsetting server/config.env SERVER_VERSION 1.6.1.43\nclock 1\n"
)
LOCK = b'Release lock\n\n{"expires": "2026-02-14T12:00:00.000000Z", "host": "h", "operator": "o", "run": "r"}'
RECORD = json.dumps(
    DrillRecord.read(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "nexy_db_20260214T120000Z.tar.gz", "digest": {"sha256": "ab" * 32}}],
            "predicateType": "https://github.com/Seregawpn/Nexy_server/attestations/database-restore-drill/v1",
            "predicate": {
                "database": {"host": "127.0.0.1", "port": 5432, "name": "n", "system": "7"},
                "durationMs": 900,
                "finished": "2026-02-14T12:00:00.000005Z",
                "outcome": "passed",
                "reason": "",
                "restoredAs": "restore_drill_20260214_120000",
                "rows": {"users": 3},
                "run": None,
                "serverVersion": "16.4",
                "size": 4711,
                "started": "2026-02-14T12:00:00.000005Z",
            },
        }
    ).statement()
).encode()


CONFIGURATION = (
    b'[target]\ncode_repository = "o/code"\ndmg_tag = "Update"\n[target.database]\ndrill_max_age_days = 7\n[waiting]\nspeed = 1.5\n'
)


def _run_log() -> bytes:
    with folder() as here:
        return sealed(here).read_bytes()


PARSERS: dict[str, Parser] = {
    "manifest": Parser(sound_manifest, (manifest.ManifestError,), MANIFEST),
    "appcast": Parser(parse_appcast, (ValueError,), APPCAST),
    "health": Parser(parse_health, (ValueError,), HEALTH),
    "config_env": Parser(lambda raw: config_env.parse(raw.decode("utf-8", "surrogateescape")), (), SETTINGS),
    "database_settings": Parser(
        _from_file("server/config.env", lambda here: load(Layout("flat", here), {}, Reach((), here, here))), (Unusable,), SETTINGS
    ),
    "version": Parser(_from_file("VERSION", _version), (ValueError, CouldNotLook), b"1.6.1.43\n"),
    "yaml": Parser(_from_file(_YAML_PATH, _rewritings(_YAML_PATH)), (Refused,), YAML),
    "python": Parser(
        lambda raw: version_fields.rewritten(raw.decode("utf-8"), version_fields.python_fields, NEW),
        (ValueError,),
        b"default_version = '1.6.1.42'\n",
    ),
    "git_config": Parser(_remotes, (CouldNotLook,), GIT_CONFIG),
    "xar": Parser(_from_file("Nexy.pkg", _package), (xar.NotAnArchive,), pkg(member("Distribution", 0, len(_DISTRIBUTION)), _DISTRIBUTION)),
    "dmg": Parser(_from_file("Nexy.dmg", lambda here: dmg.read_trailer(here / "Nexy.dmg")), (dmg.NotAnImage,), _image()),
    "plist": Parser(lambda raw: dmg._read_plist(raw, "Info.plist"), (dmg.UnreadableImage,), _plist()),
    "allowed_signers": Parser(AllowedSigners.parse, (Unusable,), SIGNERS),
    "run_log": Parser(_from_file("run.intoto.jsonl", _log), (Refused, Unusable), _run_log()),
    "configuration": Parser(
        _from_file("config.toml", lambda here: load_settings({"NEXY_CONFIG": str(here / "config.toml")})), (Unusable,), CONFIGURATION
    ),
    "publisher_script": Parser(publisher_script.read, (publisher_script.UnreadableScript,), SCRIPT),
    "database_record": Parser(_record, (ValueError,), RECORD),
    "vm_facts": Parser(_survey, (ValueError,), SURVEY),
    "release_lock": Parser(_lock, (), LOCK),
    "release_host": Parser(_release_host, (CouldNotLook, TryAgain), b'{"id": 7, "tag_name": "Update"}'),
}
"""By the name of its folder in tests/unit/corpus."""


def clear(error: Exception) -> str:
    """What a refusal says: something, of a bounded length, and nothing that is meant for programmers."""
    said = str(error)
    assert 10 < len(said) < 3000, said[:200]
    assert "sys.set_int_max_str_digits" not in said and "Traceback" not in said and " object at 0x" not in said
    return said


def meets(name: str, raw: bytes) -> str | None:
    """What the parser's documented refusal says, None where the input was taken. Any other exception comes through."""
    parser = PARSERS[name]
    try:
        parser.parse(raw)
    except parser.refuses as error:
        return clear(error)
    return None
