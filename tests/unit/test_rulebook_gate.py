"""The literal rules of `validate_updates.sh`: a table of what the script sees, and the errors and warnings it counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from checks.rulebook_facts import CANONICAL, EMPTY, SECOND, Body, RulebookFacts
from checks.rulebook_gate import RULES, Level, rulebook_gate
from checks.rulebook_matrix import rulebook_matrix
from nexy_tui.core.finding import Status

V, OLD = "1.6.1.43", "1.6.1.42"
URL = "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"
SIZE = 315718837
SHA = "ab" * 32
DOWN = Body(why="ConnectError")


def health(**changes: Any) -> bytes:
    said = {"status": "healthy", "version": V, "latest_version": V, "latest_build": V, **changes}
    return json.dumps({key: value for key, value in said.items() if value is not ...}).encode()


def feed(version: str | None = V, url: str | None = URL, length: str | None = str(SIZE), more: str = "") -> bytes:
    values = {"url": url, "length": length, "type": "application/octet-stream", "sparkle:version": version, "sparkle:shortVersionString": V}
    attributes = " ".join(f'{name}="{value}"' for name, value in values.items() if value is not None)
    return f'<?xml version="1.0"?>\n<rss version="2.0"><channel><item>{more}\n<enclosure {attributes}/>\n</item></channel></rss>\n'.encode()


def manifest(**changes: Any) -> bytes:
    artifact = {"type": "dmg", "url": URL, "size": SIZE, "sha256": SHA}
    outer = {key: value for key, value in changes.items() if key in ("version", "build", "artifact")}
    artifact |= {key: value for key, value in changes.items() if key not in outer}
    document = {"version": V, "build": V, "artifact": {k: v for k, v in artifact.items() if v is not ...}, **outer}
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


GOOD = RulebookFacts(Body(health()), Body(feed()), str(SIZE), manifest(), manifest(), "Update")


def seen(
    said: bytes | Body | None = None,
    cast: bytes | Body | None = None,
    both: bytes | None = None,
    **changes: Any,
) -> RulebookFacts:
    """Everything agrees but for what is named: `/health`'s body, the appcast's, both manifests, or any other fact."""
    facts = GOOD
    if said is not None:
        facts = replace(facts, health=said if isinstance(said, Body) else Body(said))
    if cast is not None:
        facts = replace(facts, appcast=cast if isinstance(cast, Body) else Body(cast))
    if both is not None:
        facts = replace(facts, canonical=both, second=both)
    return replace(facts, **changes)


def everywhere(version: str) -> RulebookFacts:
    """One version, whatever it looks like, in every source."""
    return seen(health(latest_version=version, latest_build=version), feed(version), manifest(version=version, build=version))


@dataclass(frozen=True)
class Case:
    name: str
    facts: RulebookFacts
    errors: dict[int, int]
    warnings: dict[int, int]
    skipped: frozenset[int] = frozenset()


def case(name: str, facts: RulebookFacts, errors: str = "", warnings: str = "", skipped: str = "") -> Case:
    """Rules by number, once for every count: `"9 9 11"` is two errors of rule 9 and one of rule 11."""
    erring, warning = (dict(Counter(map(int, text.split()))) for text in (errors, warnings))
    return Case(name, facts, erring, warning, frozenset(map(int, skipped.split())))


HTTP_500 = b'{"detail": "the artifact\'s URL is not https"}'
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
BROKEN = b'<?xml version="1.0"?><rss><channel><item><enclosure url="' + URL.encode()
AFTER_1 = "2 3 4 5 6 7 8 9 10 11"
SINGLE_QUOTES = feed().replace(f'sparkle:version="{V}"'.encode(), f"sparkle:version='{V}'".encode())
NOT_FIXED = URL.replace("/Update/", "/v1.6.1.43/")

ALL_WRONG = manifest(version="2", url="http://x/", size=2, sha256="")

CASES = (
    case("everything agrees", GOOD),
    # 1: /health
    case("1: the server is down", seen(DOWN, DOWN, content_length=str(SIZE)), "1 3", "", "4 5 6"),
    case("1: /health gives an empty body", seen(Body(why=EMPTY)), "", "1"),
    case("1: a body of newlines is empty", seen(b"\n\n"), "", "1"),
    case("1: a body of {} alone", seen(b"{}"), "1"),
    case("1: a body of {} and a newline", seen(b"{}\n"), "1"),
    case("1: {} with a space in it has nothing in it", seen(b"{ }"), "", "1"),
    case("1: null has nothing in it", seen(b"null"), "", "1"),
    case("1: a text: the script dies", seen(b'"ok"'), "1", "", AFTER_1),
    case("1: false is missing", seen(health(latest_version=False)), "", "1"),
    case("1: not JSON: the script dies", seen(HTML), "1", "", AFTER_1),
    case("1: white space is not JSON", seen(b"  "), "1", "", AFTER_1),
    case("1: cut JSON", seen(health()[:-4]), "1", "", AFTER_1),
    case("1: not UTF-8", seen(b'{"latest_version": "\xff"}'), "1", "", AFTER_1),
    case("1: nested without end", seen(b"[" * 200_000), "1", "", AFTER_1),
    case("1: dead, whatever else is wrong", seen(HTML, DOWN, manifest(version=OLD), second=b"{}"), "1", "", AFTER_1),
    case("1: latest_version missing", seen(health(latest_version=...)), "", "1"),
    case("1: latest_build missing", seen(health(latest_build=...)), "", "1"),
    case("1: both missing is one warning", seen(health(latest_version=..., latest_build=...)), "", "1"),
    case("1: latest_version empty", seen(health(latest_version="")), "", "1"),
    case("1: latest_build null", seen(health(latest_build=None)), "", "1"),
    case("1: HTTP 500 with a JSON body", seen(HTTP_500), "", "1"),
    case("1: JSON, but no object: the script dies", seen(b"[]"), "1", "", AFTER_1),
    case("1: `version` alone is not looked at", seen(health(version="9.9.9.9"))),
    case("1: the last of two keys counts", seen(health()[:-1] + b', "latest_build": "' + V.encode() + b'"}')),
    # 2: of one mind
    case("2: version and build differ", seen(health(latest_build=OLD)), "2"),
    case("2: a build of another spelling", seen(health(latest_build=V + " ")), "2"),
    case("2: three numbers, everywhere", everywhere("1.6.1")),
    case("2: one number is remarked on, not counted", everywhere("7")),
    case("2: words are remarked on, not counted", everywhere("new")),
    case("2: five numbers, and different", seen(health(latest_version=f"{V}.1", latest_build=V)), "2 4 9"),
    # 3: the appcast
    case("3: no appcast", seen(cast=DOWN), "3", "", "4 5 6"),
    case("3: no appcast, an old manifest", seen(None, DOWN, manifest(version=OLD, build=OLD)), "3 9", "", "4 5 6"),
    case("3: no appcast, its length is not compared", seen(None, DOWN, manifest(size=1)), "3", "", "4 5 6"),
    # 4: its version
    case("4: missing", seen(cast=feed(None)), "", "4"),
    case("4: empty", seen(cast=feed("")), "", "4"),
    case("4: in single quotes is missing", seen(cast=SINGLE_QUOTES), "", "4"),
    case("4: over two lines is missing", seen(cast=feed("1.6\n.1.43")), "", "4"),
    case("4: an element is not what the script looks for", seen(cast=feed(None, more=f"<sparkle:version>{V}</sparkle:version>")), "", "4"),
    case("4: another than /health's and the manifest's", seen(cast=feed(OLD)), "4 9"),
    case("4: /health's unknown", seen(health(latest_version=...), feed(OLD)), "9", "1"),
    case("4: the first counts", seen(cast=feed(V, more=f'<old sparkle:version="{OLD}"/>')), "4 9"),
    case("4: broken XML still has its attributes", seen(cast=feed()[:-30])),
    case("4-6: HTTP 500 with a JSON body", seen(cast=HTTP_500), "", "4 5 6"),
    case("4-6: an error page", seen(cast=HTML), "", "4 5 6"),
    case("4-6: XML cut in its address", seen(cast=BROKEN), "", "4 5 6"),
    case("4-6: not even UTF-8", seen(cast=b"\xff\xfe" + feed())),
    # 5: its address
    case("5: missing", seen(cast=feed(url=None)), "", "5"),
    case("5: not https", seen(cast=feed(url=URL.replace("https", "http"))), "5"),
    case("5: https in capitals is another prefix", seen(cast=feed(url=URL.replace("https", "HTTPS"))), "5"),
    case("5: under another tag", seen(cast=feed(url=NOT_FIXED)), "5"),
    case("5: under a tag that only begins so", seen(cast=feed(url=URL.replace("Update", "UpdateBeta"))), "5"),
    case("5: neither", seen(cast=feed(url="http://localhost/Nexy.dmg")), "5 5"),
    case("5: another repository is none of its business", seen(cast=feed(url=URL.replace("Nexy_production", "Else")))),
    case("5: the first url= counts, whose ever it is", seen(cast=feed(more='<image url="http://localhost/i.png"/>')), "5 5"),
    # 6: its length
    case("6: missing", seen(cast=feed(length=None)), "", "6"),
    case("6: no content-length", seen(content_length=None), "", "6"),
    case("6: both missing is one warning", seen(cast=feed(length=None), content_length=None), "", "6"),
    case("6: another", seen(content_length="9"), "6"),
    case("6: compared as written", seen(cast=feed(length=f"0{SIZE}")), "6 10"),
    # 7: the manifests
    case("7: none", seen(canonical=None, second=None), "", "7", "8 9 10 11"),
    case("7: none, and the server is down", seen(DOWN, DOWN, canonical=None, second=None), "1 3", "7", "4 5 6 8 9 10 11"),
    case("7: the canonical one alone is read", seen(canonical=manifest(version=OLD, build=OLD), second=None), "9 9"),
    case("7: the second alone is read", seen(canonical=None)),
    case("7: of two, the second is read", seen(canonical=manifest(sha256="0"), second=manifest()), "11"),
    # 8: version and build
    case("8: version missing", seen(both=manifest(version=...)), "", "8", "9 10"),
    case("8: build false", seen(both=manifest(build=False)), "", "8", "9 10"),
    case("10: an address that is false is none", seen(both=manifest(url=False))),
    case("8: build empty", seen(both=manifest(build="")), "", "8", "9 10"),
    case("8: both missing is one warning", seen(both=manifest(version=..., build=...)), "", "8", "9 10"),
    case("8: not JSON", seen(both=b"<<<<<<< HEAD\n{}"), "", "8", "9 10"),
    case("8: skips 10, however wrong", seen(both=manifest(build=None, url="http://x/", size=1, sha256="no")), "", "8", "9 10"),
    case("8: does not skip 11", seen(canonical=manifest(), second=manifest(version="")), "11", "8", "9 10"),
    # 9: the version everywhere
    case("9: another build", seen(both=manifest(build=OLD)), "9"),
    case("9: another version than /health's and the appcast's", seen(both=manifest(version=OLD, build=OLD)), "9 9"),
    case("9: three times wrong", seen(both=manifest(version="1", build="2")), "9 9 9"),
    case("9: /health unknown", seen(health(latest_version=""), both=manifest(version=OLD, build=OLD)), "9", "1"),
    case("9: appcast unknown", seen(cast=feed(None), both=manifest(version=OLD, build=OLD)), "9", "4"),
    case("9: both unknown", seen(HTTP_500, HTTP_500, manifest(version=OLD, build=OLD)), "", "1 4 5 6"),
    case("9: a number is compared as text", seen(both=manifest(version=7, build="7")), "9 9"),
    # 10: the artifact
    case("10: no address is no error", seen(both=manifest(url=...))),
    case("10: not https", seen(both=manifest(url=URL.replace("https", "http"))), "10"),
    case("10: under another tag", seen(both=manifest(url=NOT_FIXED)), "10"),
    case("10: neither", seen(both=manifest(url="ftp://x/y")), "10 10"),
    case("10: another size", seen(both=manifest(size=SIZE - 1)), "10"),
    case("10: a size as text is the same text", seen(both=manifest(size=str(SIZE)))),
    case("10: no size is no error", seen(both=manifest(size=...))),
    case("10: no length to compare", seen(cast=feed(length=None), both=manifest(size=1)), "", "6"),
    case("10: sha256 missing", seen(both=manifest(sha256=...)), "10"),
    case("10: sha256 too short", seen(both=manifest(sha256=SHA[:-1])), "10"),
    case("10: sha256 too long", seen(both=manifest(sha256=SHA + "a")), "10"),
    case("10: sha256 in capitals", seen(both=manifest(sha256=SHA.upper()))),
    case("10: sha256 with a letter that is no digit", seen(both=manifest(sha256="g" * 64)), "10"),
    case("10: no artifact at all", seen(both=manifest(artifact=...)), "10"),
    case("10: an artifact that is a list", seen(both=manifest(artifact=[URL])), "10"),
    case("10: everything at once", seen(both=manifest(url="http://x/y", size=1, sha256="")), "10 10 10 10"),
    # 11: the directories
    case("11: another byte", seen(second=manifest() + b"\n"), "11"),
    case("11: the canonical one is broken", seen(canonical=b""), "11"),
    case("11: one alone is not compared", seen(second=None)),
    # together
    case("a release published and not deployed", seen(health(latest_version=OLD, latest_build=OLD), feed(OLD, length="9")), "6 9 9 10"),
    case("deployed with the old manifest", seen(cast=feed(OLD, length="9"), both=manifest(version=OLD, build=OLD, size=9)), "4 6 9"),
    case("everything missing that may be", seen(b"{ }", b"<rss/>", b"{}", content_length=None), "", "1 4 5 6 8", "9 10"),
    case(
        "everything wrong that can be",
        seen(health(latest_build=OLD), feed("1.1.1.1", "http://x/y", "1"), canonical=b"{}", second=ALL_WRONG),
        "2 4 5 5 6 9 9 9 10 10 10 10 11",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_errors_and_warnings_are_counted_as_the_script_counts_them(case: Case) -> None:
    verdict = rulebook_gate(case.facts)
    counted = {level: dict(Counter(f.rule for f in verdict.findings if f.level is level)) for level in Level}
    assert (counted[Level.ERROR], counted[Level.WARNING]) == (case.errors, case.warnings)
    assert set(counted[Level.SKIPPED]) == case.skipped
    assert (verdict.errors, verdict.warnings) == (sum(case.errors.values()), sum(case.warnings.values()))
    assert verdict.exit_code == (1 if case.errors else 0)
    assert {finding.rule for finding in verdict.findings} == set(RULES), "every rule says something"
    assert set(counted[Level.HELD]) == set(RULES) - set(case.errors) - set(case.warnings) - case.skipped


def test_the_table_has_every_rule_both_ways_and_neither() -> None:
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES)
    assert {rule for case in CASES for rule in case.errors} == {1, 2, 3, 4, 5, 6, 9, 10, 11}
    assert {rule for case in CASES for rule in case.warnings} == {1, 4, 5, 6, 7, 8}
    assert {rule for case in CASES for rule in case.skipped} == set(range(2, 12))


@pytest.mark.parametrize(
    ("version", "remarked"), [("1.6.1.43", 0), ("1.6.1", 0), ("1.6", 0), ("7", 1), ("1.2.3.4.5", 1), ("1.6.x", 1), ("", 0)]
)
def test_a_version_that_is_not_dotted_numbers_is_remarked_on(version: str, remarked: int) -> None:
    verdict = rulebook_gate(everywhere(version))
    assert sum(finding.level is Level.REMARK for finding in verdict.findings) == remarked
    assert verdict.errors == 0


def test_the_fixed_tag_is_the_targets() -> None:
    moved = URL.replace("/Update/", "/Stable/")
    facts = seen(cast=feed(url=moved), both=manifest(url=moved), tag="Stable")
    assert rulebook_gate(facts).errors == 0
    assert rulebook_gate(replace(facts, tag="Update")).errors == 2


def test_nothing_reaches_a_terminal_as_it_came() -> None:
    ugly = "1.6\x1b[31m\r\n\u202e"
    facts = seen(health(latest_version=ugly, latest_build="b\x07"), feed("\x1b]0;x"), manifest(version="\x1b[2J", build="\ud800"))
    verdict = rulebook_gate(facts)
    shown = [finding.text for finding in verdict.findings] + [rulebook_matrix(facts, verdict).text().replace("\n", " ")]
    assert all(text.isprintable() for text in shown)


class TestMatrix:
    def test_everything_agrees(self) -> None:
        matrix = rulebook_matrix(GOOD, rulebook_gate(GOOD))
        assert not matrix.wrong() and not matrix.wrong(Status.INCONCLUSIVE)
        assert set(matrix.columns) == {"/health", "appcast", "release URL", CANONICAL, SECOND}
        document = matrix.document()
        assert document["size"]["release URL"] == {"value": str(SIZE), "verdict": "passed"}
        assert document["version"][SECOND] == {"value": V, "verdict": "passed"}
        assert document["reachability"][CANONICAL] == {"value": "there, not read", "verdict": "passed"}

    def test_an_error_fails_both_sides_and_a_warning_is_inconclusive(self) -> None:
        facts = seen(cast=feed(OLD, url=None), content_length="9")
        matrix = rulebook_matrix(facts, rulebook_gate(facts))
        wrong = {(source, row) for source, row, _ in matrix.wrong()}
        assert wrong == {
            *(("appcast", "version"), ("/health", "version"), (SECOND, "version")),
            *(("appcast", "size"), ("release URL", "size")),
        }
        assert [(source, row) for source, row, _ in matrix.wrong(Status.INCONCLUSIVE)] == [("appcast", "url")]

    def test_what_no_rule_was_asked_about_has_no_verdict(self) -> None:
        facts = seen(HTML, both=manifest(sha256="no"))
        matrix = rulebook_matrix(facts, rulebook_gate(facts))
        assert [(source, row) for source, row, _ in matrix.wrong()] == [("/health", "reachability")]
        others = {name: column for name, column in matrix.columns.items() if name != "/health"}
        assert {cell.verdict for column in others.values() for row, cell in column.items() if row != "tls"} == {Status.NOT_APPLICABLE}

    def test_tls_is_verified_or_not_used(self) -> None:
        plain = replace(GOOD, https=False)
        verdicts = {facts.https: {source: cell.verdict for source, cell in self._tls(facts).items()} for facts in (GOOD, plain)}
        passed, unused = Status.PASSED, Status.NOT_APPLICABLE
        assert verdicts[True] == {"/health": passed, "appcast": passed, "release URL": passed}
        assert verdicts[False] == {"/health": unused, "appcast": unused, "release URL": passed}

    @staticmethod
    def _tls(facts: RulebookFacts) -> dict[str, Any]:
        columns = rulebook_matrix(facts, rulebook_gate(facts)).columns
        return {source: column["tls"] for source, column in columns.items() if "tls" in column}
