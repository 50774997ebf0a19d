"""The `rulebook` profile as the gate's table: what each source says, and the verdict of the rules that speak of it."""

from __future__ import annotations

from checks.rulebook_facts import CANONICAL, SECOND, Body, RulebookFacts, said
from checks.rulebook_gate import APPCAST, DOWNLOAD, HEALTH, Level, RulebookVerdict
from nexy_tui.core.finding import Status
from nexy_tui.core.matrix import Cell, Matrix
from nexy_tui.core.text import printable

_JUDGED_BY = {
    (HEALTH, "version"): 2,
    (HEALTH, "build"): 2,
    (APPCAST, "version"): 4,
    (APPCAST, "url"): 5,
    (APPCAST, "size"): 6,
    (APPCAST, "reachability"): 3,
    (DOWNLOAD, "size"): 6,
}
_MANIFEST_JUDGED_BY = {"version": 9, "build": 9, "url": 10, "size": 10, "sha256": 10, "reachability": 7}
_STATUS = {Level.ERROR: Status.FAILED, Level.WARNING: Status.INCONCLUSIVE}


def rulebook_matrix(facts: RulebookFacts, verdict: RulebookVerdict) -> Matrix:
    """Every value with its verdict: failed by an error, inconclusive by a warning, not applicable where no rule was asked."""
    values = said(facts)
    read = {
        "version": values.version,
        "build": values.build,
        "url": values.url,
        "size": values.size,
        "sha256": values.sha256,
        "reachability": "read",
    }
    rows = {
        HEALTH: {
            "version": values.health_version,
            "build": values.health_build,
            "reachability": "answers" if facts.health.there else facts.health.why,
            "tls": _tls(facts.health, facts),
        },
        APPCAST: {
            "version": values.appcast_version,
            "url": values.appcast_url,
            "size": values.appcast_length,
            "reachability": "answers" if facts.appcast.there else facts.appcast.why,
            "tls": _tls(facts.appcast, facts),
        },
        DOWNLOAD: {"size": facts.content_length or "", "tls": "" if facts.content_length is None else "verified"},
        CANONICAL: {"reachability": "missing" if facts.canonical is None else "there, not read"},
        SECOND: {"reachability": "missing"},
    }
    if facts.manifest is not None:
        rows[facts.manifest_path] = read
    return Matrix({source: {row: _cell(source, row, value, verdict) for row, value in column.items()} for source, column in rows.items()})


def _tls(body: Body, facts: RulebookFacts) -> str:
    return "verified" if facts.https and body.there else ""


def _cell(source: str, row: str, value: str, verdict: RulebookVerdict) -> Cell:
    levels = [finding.level for finding in verdict.findings if (source, row) in finding.about]
    worst = next((level for level in (Level.ERROR, Level.WARNING) if level in levels), None)
    if worst is not None:
        return Cell(printable(value) or "missing", _STATUS[worst])
    if row == "tls":
        return Cell("verified", Status.PASSED) if value else Cell.shown("")
    rule = _JUDGED_BY.get((source, row)) or (_MANIFEST_JUDGED_BY[row] if source in (CANONICAL, SECOND) else 1)
    asked = value not in ("", "missing") and all(finding.level is not Level.SKIPPED for finding in verdict.of(rule))
    return Cell(printable(value) or "missing", Status.PASSED if asked else Status.NOT_APPLICABLE)
