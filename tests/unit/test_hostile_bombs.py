"""Input that is small and would cost much: refused early, in little memory, whatever the parser behind would have done with it."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hostile_kit import GIT_CONFIG, MANIFEST, PARSERS, RECORD, SIGNERS, meets, member, pkg

from nexy_tui.core import manifest, python_source

MIB = 1 << 20
LAUGHS = b"<!DOCTYPE r [<!ENTITY a 'ha'>" + b"".join(b"<!ENTITY b%d '%s'>" % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 12)) + b"]>"
DEEP = 100_000
FORGED = b'[remote "x"]\n\turl = "git@evil.example:x\\norigin\\thttps://github.com/Seregawpn/Nexy_server"\n'


def nested(opening: bytes, inner: bytes, closing: bytes, times: int = DEEP) -> bytes:
    return opening * times + inner + closing * times


BOMBS: dict[str, tuple[str, bytes, str]] = {
    # name: parser, input, what the refusal says
    "manifest-deep": ("manifest", nested(b'{"a":', b"1", b"}"), "too deeply"),
    "manifest-arrays": ("manifest", nested(b"[", b"", b"]"), "too deeply"),
    "manifest-large": ("manifest", MANIFEST + b" " * manifest.MAX_SIZE, "larger than"),
    "manifest-digits": ("manifest", MANIFEST.replace(b"4711", b"9" * 900_000), "too large"),
    "manifest-infinite": ("manifest", MANIFEST.replace(b"4711", b"1e400"), "too large"),
    "manifest-key-twice": ("manifest", MANIFEST.replace(b'"build"', b'"version"'), "twice"),
    "health-deep": ("health", nested(b"[", b"", b"]"), "too deeply"),
    "health-digits": ("health", b'{"uptime": ' + b"9" * 1_000_000 + b"}", "too large"),
    "appcast-laughs": ("appcast", LAUGHS + b"<rss>&b11;</rss>", "refused"),
    "appcast-external": ("appcast", b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>', "refused"),
    "appcast-parameter": ("appcast", b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://x/">%x;]><rss/>', "refused"),
    "appcast-deep": ("appcast", b"<rss>" + nested(b"<a>", b"", b"</a>", 30_000) + b"</rss>", "0 items"),
    "appcast-many": ("appcast", b"<rss>" + b"<a/>" * 60_000 + b"</rss>", "0 items"),
    "appcast-utf7": ("appcast", b'<?xml version="1.0" encoding="utf-7"?><rss/>', "not well-formed"),
    "xar-laughs": ("xar", pkg(table=LAUGHS + b"<xar>&b11;</xar>"), "cannot be read"),
    "xar-deep": ("xar", pkg(nested(b"<file>", b"", b"</file>", 9_000).decode()), "path of more than"),
    "xar-many": ("xar", pkg("<file/>" * 12_000), "more than 10000 files"),
    "xar-expands": ("xar", pkg(table=b"<xar>" + b" " * (5 * MIB) + b"</xar>"), "more than is read"),
    "xar-overlaps": ("xar", pkg("".join(member(f"f{n}", n, 900) for n in range(50)), bytes(1000)), "over each other"),
    "xar-far-away": ("xar", pkg(member("f", "9" * 19, 1)), "where a number stands"),
    "xar-table-far-away": ("xar", pkg(f"<checksum style='sha1'><offset>{2**48 - 1}</offset><size>20</size></checksum>"), "checksum"),
    "xar-document-expands": (
        "xar",
        pkg(member("Distribution", 0, len(small := gzip.compress(bytes(50 * MIB))), "<encoding style='application/x-gzip'/>"), small),
        "expands",
    ),
    "yaml-brackets": ("yaml", b"a: " + b"[" * 3000, "brackets"),
    "yaml-dashes": ("yaml", b"- " * 700, "too deeply"),
    "yaml-line": ("yaml", b"a: '" + b"x" * 100_000 + b"'", "lines that are longer"),
    "yaml-large": ("yaml", b"# x\n" * 100_000, "larger than"),
    "yaml-no-text": ("yaml", b"a: \xff", "not UTF-8"),
    "python-unary": ("python", b"-" * 200_000 + b"1", "too deeply"),
    "python-sum": ("python", b"1+" * 100_000 + b"1", "too deeply"),
    "python-brackets": ("python", b"(" * 100_000, "not valid Python"),
    "python-large": ("python", b"#" * (python_source.MAX_SIZE + 1), "larger than"),
    "script-attributes": ("publisher_script", b"a" + b".b" * 100_000, "too deeply"),
    "script-coding": ("publisher_script", b"# coding: utf-7\nTARGET_REPO = '+AG8-'\n", "the coding 'utf-7'"),
    "script-nul": ("publisher_script", b"TARGET_REPO = 'a'\0", "not valid Python"),
    "configuration-dots": ("configuration", b"a." * 20_000 + b"a = 1", "more than 4096 characters"),
    "configuration-deep": ("configuration", b"a = [" + b"\n".join([b"[" * 2000] * 20), "too deeply"),
    "configuration-digits": ("configuration", b"a = " + b"9" * 4090, "unknown key"),
    "configuration-large": ("configuration", b"# x\n" * 20_000, "larger than"),
    "configuration-nan": ("configuration", b"[waiting]\nspeed = nan", "number above 0"),
    "configuration-infinite": ("configuration", b"[waiting]\nspeed = inf", "number above 0"),
    "configuration-days": ("configuration", b"[target.database]\ndrill_max_age_days = 999999999999", "number from 0 to 3650"),
    "configuration-nul": ("configuration", b'[paths]\nstate = "a\\u0000b"', "can be seen"),
    "configuration-escape": ("configuration", b'[operator]\nid = "\\u001b]52;c;aGk=\\u0007"', "can be seen"),
    "configuration-somebody": ("configuration", b'[paths]\nstate = "~nobody-is-called-so/x"', "that of somebody who is here"),
    "configuration-twice": ("configuration", b"[waiting]\nspeed = 1.0\nspeed = 2.0", "not valid TOML"),
    "settings-folder": ("database_settings", b"BACKUP_LOCAL_DIR=a\0b", "a folder's path"),
    "settings-somebody": ("database_settings", b"BACKUP_LOCAL_DIR=~nobody-is-called-so/x", "a folder's path"),
    "settings-password": ("database_settings", b"DB_PASSWORD=a\xffb", "not UTF-8"),
    "settings-large": ("database_settings", b"A=b\n" * 100_000, "larger than"),
    "signers-large": ("allowed_signers", SIGNERS * 2000, "larger than"),
    "signers-hidden-line": ("allowed_signers", b"# harmless\xe2\x80\xa8\n" + "x\u2028".encode() + SIGNERS, "not seen"),
    "signers-nul": ("allowed_signers", SIGNERS.rstrip() + b"\0 comment", "not seen"),
    "signers-bom": ("allowed_signers", b"\xef\xbb\xbf" + SIGNERS, "not seen"),
    "signers-year-one": ("allowed_signers", SIGNERS.replace(b"20260501120000Z", b"00000101"), "no time"),
    "log-deep": ("run_log", nested(b"[", b"", b"]") + b"\n", "too deeply"),
    "log-digits": ("run_log", b'{"a":' + b"9" * 100_000 + b"}\n", "below 2^53"),
    "record-year-one": ("database_record", RECORD.replace(b"2026-02-14T12:00:00.000005Z", b"0001-01-01T00:00:00+23:59"), "not a time"),
    "record-port": ("database_record", RECORD.replace(b"5432", b"true"), "name its database"),
    "survey-expands": ("vm_facts", b"a" * 50 * MIB, "larger than it can be"),
    "survey-files": ("vm_facts", b"settings a there\n" * 500 + b"setting a b c\n" * 100, "more settings files"),
    "host-deep": ("release_host", nested(b"[", b"", b"]"), "cannot be understood"),
    "host-digits": ("release_host", b'{"id": ' + b"9" * 100_000 + b"}", "cannot be understood"),
    "host-large": ("release_host", b"[" + b" " * (9 * MIB) + b"]", "more than"),
    "image-beyond": ("dmg", PARSERS["dmg"].takes[:-488] + b"\xff" * 488, "beyond its end"),
    "plist-laughs": ("plist", b'<?xml version="1.0"?>' + LAUGHS + b"<plist><string>&b11;</string></plist>", "no property list"),
    "plist-deep": ("plist", b'<?xml version="1.0"?><plist>' + nested(b"<array>", b"", b"</array>", 10_000) + b"</plist>", "names no"),
    "plist-count": ("plist", b"bplist00" + b"\xa1\x00" + bytes(6) + b"\x00\x01\x01" + b"\xff" * 8 + bytes(16), "no property list"),
    "git-two-for-one": ("git_config", GIT_CONFIG + FORGED, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_memory(name: str) -> None:
    parser, raw, reason = BOMBS[name]
    tracemalloc.start()
    try:
        said = meets(parser, raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said is not None and reason in said
    assert peak < 96 * MIB + 6 * len(raw), f"{peak // MIB} MiB"


def test_every_parser_meets_a_bomb() -> None:
    """Version file and config.env hold nothing that could nest or expand, and no lock is refused: these are met in corpus and fuzz."""
    assert set(PARSERS) - {parser for parser, _, _ in BOMBS.values()} == {"version", "config_env", "release_lock"}
