"""The parts of the page: outcome, timeline, what was done by whom, the gate's table, items, evidence, attestations, signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from nexy_tui.core.finding import Status
from nexy_tui.core.matrix import ROWS, compared
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.engine.story import Step, called, item_title, phase_of, story
from nexy_tui.report.markup import Node, document, element, facts, section, table
from nexy_tui.report.palette import style_sheet
from nexy_tui.report.timeline import timeline
from nexy_tui.runlog.record import SUFFIX, Record
from nexy_tui.runlog.show import trouble_lines, verify_command
from nexy_tui.runlog.state import Errand, Purpose, reason_of
from nexy_tui.runlog.verify import LogVerdict, State

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_WORDS: Mapping[str, tuple[str, str]] = {
    "passed": ("✓ verified", "good"),
    "pending": ("○ to do", "plain"),
    "failed": ("✗ wrong", "bad"),
    "inconclusive": ("? unknown", "unseen"),
    "not_applicable": ("– not needed", "muted"),
    "attested": ("✎ attested", "plain"),
}
_SYMBOLS = {"good": "✓", "bad": "✗", "unseen": "?", "plain": "·"}
_LOG = {
    State.ANCHORED: ("good", "The log is whole, ended, signed by a trusted key, and its anchors outside agree."),
    State.SEALED: ("good", "The log is whole, ended, and signed by a trusted key. Not every anchor outside was asked and agrees."),
    State.OPEN: ("unseen", "The log is not ended: what it says so far is signed by a trusted key."),
    State.TORN: ("unseen", "The log was cut off within a line; the lines before it are signed by a trusted key."),
    State.INVALID: ("bad", "Do not rely on this page: the log does not verify."),
}


def page(records: Sequence[Record], verdict: LogVerdict) -> str:
    """The run as one HTML page. Raises Refused when the log has no genesis to tell of."""
    if verdict.genesis is None:
        what = f"{verdict.path} has no beginning that can be read."
        raise Refused(what, "There is no run to report.", Run(f"runs verify {verdict.path}", "See why"))
    genesis, steps = records[0], story(records)
    tone, outcome = _outcome(records)
    name = called(Purpose.of(genesis), str(genesis.details.get("version", "")))
    where = "production" if genesis.world is None else f"rehearsal {genesis.world}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{name} ({where}): {outcome}"),
        element("link", rel="icon", href="data:,"),
        _style(),
    )
    top = element(
        "header", element("h1", f"{name}, {where}"), element("p", f"{_SYMBOLS[tone]} {outcome}", class_=f"lead {tone}"), _log(verdict)
    )
    main = element("main", *_sections(records, steps, verdict))
    return document(element("html", head, element("body", top, main), lang="en"))


def write_page(records: Sequence[Record], verdict: LogVerdict, path: Path | None = None) -> Path:
    """Write the page to `path`, or beside the log; where it lies. Raises Problem when it cannot be written."""
    place = path or verdict.path.with_name(verdict.path.name.removesuffix(SUFFIX) + ".html")
    try:
        place.write_text(page(records, verdict), encoding="utf-8")
    except OSError as error:
        what = f"The page could not be written to {place}: {error.strerror or type(error).__name__}."
        raise Unusable(what, remedy=Run(f"runs report {verdict.path} --out FILE", "Name a place that can be written")) from None
    return place


def _style() -> Element:
    made = element("style")
    made.text = style_sheet()  # Ours alone: a style sheet is written out as it is.
    return made


def _sections(records: Sequence[Record], steps: Sequence[Step], verdict: LogVerdict) -> list[Element]:
    latest = {record.item: record for record in records if record.kind in ("check", "attestation")}
    seen = {record.item: record for record in records if record.kind == "check"}
    made = [
        section("facts", "The run", facts("What it was, and who began it", _facts(records, verdict))),
        section("timeline", "Timeline", timeline(steps)),
        section("done", "What was done, and by whom", _done(steps)),
        section("gate", "The gate", *_gate(list(seen.values()))),
        section("items", "Every item, as last seen", *_items(list(latest.values()))),
        section("attested", "Attested, not verified", *_attested(records)),
        section("evidence", "Evidence", *_evidence(list(seen.values()))),
        section("signatures", "Signatures, and how to check them", *_signatures(records, verdict)),
    ]
    return made


def _outcome(records: Sequence[Record]) -> tuple[str, str]:
    genesis, last = records[0], records[-1]
    errand = Purpose.of(genesis).errand
    if last.kind != "seal":
        return "unseen", "It is not ended."
    outcome = str(last.details.get("outcome", ""))
    if outcome == "complete":
        well = {Errand.RELEASE: f"{genesis.details.get('version', '')} is released and verified.", Errand.FIX: "Fixed and verified."}
        return "good", well.get(errand, "Done and verified.")
    if outcome == "failed":
        return "bad", "Something was wrong or unknown." if errand is Errand.CHECK else "It was refused, or failed, and was ended so."
    return "unseen", "It was ended unfinished." if outcome == "aborted" else f"It ended: {outcome}"


def _log(verdict: LogVerdict) -> Element:
    tone, words = _LOG[verdict.state]
    return element("p", f"{_SYMBOLS[tone]} {words}", class_=tone)


def _facts(records: Sequence[Record], verdict: LogVerdict) -> list[tuple[str, Node]]:
    genesis, last = records[0], records[-1]
    said = genesis.details.get("facts")
    found = said if isinstance(said, Mapping) else {}
    return [
        ("Run", element("code", genesis.run)),
        ("World", genesis.world or "production"),
        ("Kind", str(genesis.details.get("kind", ""))),
        ("Operator", f"{genesis.operator.id} on {genesis.operator.host}"),
        ("Begun", f"{_time(genesis.time)} UTC"),
        ("Ended" if last.kind == "seal" else "Last record", f"{_time(last.time)} UTC"),
        ("Concerns", element("code", "\n".join(f"{one.name} {' '.join(one.digest.values())}" for one in last.subject))),
        ("Log", element("code", str(verdict.path))),
        *((str(name).replace("_", " ").capitalize(), str(value)) for name, value in sorted(found.items()) if value),
    ]


def _done(steps: Sequence[Step]) -> Element:
    rows = [(_time(step.when), step.phase, _said(step.what, step.said), step.by, _marked(step.tone.value, step.ended)) for step in steps]
    return table("Times are UTC", ("When", "Phase", "What", "By", "How it ended"), rows)


def _time(time: str) -> str:
    return time[:19].replace("T", " ")


def _said(what: str, said: str) -> Node:
    return element("span", what, element("br"), element("span", said, class_="muted")) if said else what


def _marked(tone: str, words: str) -> Element:
    return element("span", f"{_SYMBOLS.get(tone, '·')} {words}", class_=tone)


def _verdict(status: str | None) -> Element:
    words, tone = _WORDS.get(str(status), (f"· {status}", "muted"))
    return element("span", words, class_=tone)


def _gate(checks: Sequence[Record]) -> list[Element]:
    cells = compared(
        (str(one.get("name", "")), str(one.get("value", "")), _source(one), Status(str(record.status)))
        for record in checks
        if str(record.item).startswith("gate.") and record.status in set(Status)
        for one in record.evidence
    )
    if not cells:
        return [element("p", "The gate was not looked at in this run.")]
    names = [name for name in ROWS if any(name in row for row in cells.values())]
    rows = [[source, *(_cell(row.get(name)) for name in names)] for source, row in cells.items()]
    return [table("What every source said, and whether that was right", ("Source", *names), rows)]


def _cell(cell: tuple[str, Status] | None) -> Node:
    return "" if cell is None else element("span", _verdict(cell[1].value), element("br"), element("code", cell[0]))


def _items(records: Sequence[Record]) -> list[Element]:
    if not records:
        return [element("p", "No item was checked in this run.")]
    heads = ("Item", "Phase", "Verdict", "What was found", "When")
    rows = [(item_title(one.item), phase_of(one.item), _verdict(one.status), _found(one), _time(one.time)) for one in records]
    return [table("The last verdict on each", heads, rows)]


def _found(record: Record) -> Node:
    remedy = record.details.get("remedy")
    words = str(remedy.get("words", "")) if isinstance(remedy, Mapping) else ""
    return _said(record.message, f"To do: {words}" if words else "")


def _attested(records: Sequence[Record]) -> list[Element]:
    rows = [(item_title(one.item), one.operator.id, reason_of(one), _time(one.time)) for one in records if one.kind == "attestation"]
    if not rows:
        return [element("p", "Nothing: all of it was verified from outside.")]
    return [table("What the operator vouched for", ("Item", "By", "Reason", "When"), rows)]


def _evidence(checks: Sequence[Record]) -> list[Element]:
    rows = [
        (item_title(record.item), str(one.get("name", "")), element("code", str(one.get("value", ""))), element("code", _source(one)))
        for record in checks
        for one in record.evidence
    ]
    if not rows:
        return [element("p", "No evidence is on record.")]
    return [table("What was seen, and where", ("Item", "What", "Value", "Source"), rows)]


def _source(evidence: Mapping[str, Any]) -> str:
    return str(evidence.get("uri") or evidence.get("source") or "")


def _signatures(records: Sequence[Record], verdict: LogVerdict) -> list[Element]:
    genesis, last = records[0], records[-1]
    rows: list[tuple[str, Node]] = [
        ("Verdict on the log", f"{verdict.state.value}"),
        ("Key", element("code", genesis.keyid)),
        ("Key kept in", str(genesis.details.get("key_source", ""))),
        ("Trusted by", verdict.rule or "nothing: no list of trusted keys names this key"),
        ("Records", str(len(verdict.chain.records))),
        ("Head", element("code", verdict.chain.head)),
    ]
    rows += [("Anchor", f"{name}: {said}") for name, said in verdict.anchors or ()]
    rows += [("Wrong", line) for line in trouble_lines(verdict)]
    rows += [("Not seen", line) for line in verdict.not_checked]
    commands = f"nexy-tui runs verify {verdict.path}"
    if last.kind == "seal":
        commands += "\n" + verify_command(verdict.path, genesis.operator.id, last)
    return [
        facts("Who signed, and why that key is trusted", rows),
        element("p", "Check the log itself, with this tool or with OpenSSH alone; this page is not signed:"),
        element("pre", commands),
    ]
