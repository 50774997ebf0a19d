"""A run as a Markdown page for people."""

from __future__ import annotations

from collections.abc import Sequence

from nexy_tui.core.problem import Refused
from nexy_tui.core.text import printable
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.show import trouble_lines, verify_command
from nexy_tui.runlog.verify import LogVerdict, State

_WIDEST = 2000


def markdown(records: Sequence[Record], verdict: LogVerdict) -> str:
    """The run as a page: what it was, how it ended, every item's last verdict, every action, every attestation.

    Raises Refused when the log has no genesis to tell of.
    """
    if verdict.genesis is None:
        raise Refused(
            f"{verdict.path} has no beginning that can be read.",
            "There is no run to report.",
            f"See why: nexy-tui runs verify {verdict.path}",
        )
    genesis = records[0]
    head = [
        f"# Release {_cell(genesis.details.get('version', '?'))} ({_cell(genesis.details.get('kind', '?'))})",
        "",
        f"**{verdict.state.value}**. {_ending(records)}",
        "",
        "| | |",
        "| --- | --- |",
        f"| run | `{genesis.run}` |",
        f"| world | {_cell(genesis.world or 'production')} |",
        f"| operator | {_cell(genesis.operator.id)} on {_cell(genesis.operator.host)} |",
        f"| key | {_cell(genesis.keyid)} ({_cell(genesis.details.get('key_source', '?'))}) |",
        f"| trusted by | {_cell(verdict.rule or 'nothing')} |",
        f"| begun | {genesis.time} |",
        f"| last record | {records[-1].time} |",
        f"| records | {len(records)}, head `{verdict.chain.head}` |",
        *_facts(genesis),
    ]
    return "\n".join([*head, *_checks(records), *_actions(records), *_attestations(records), *_how(records, verdict)]) + "\n"


def _facts(genesis: Record) -> list[str]:
    facts = genesis.details.get("facts")
    return [f"| {_cell(name)} | {_cell(value)} |" for name, value in sorted(facts.items())] if isinstance(facts, dict) else []


def _ending(records: Sequence[Record]) -> str:
    last = records[-1]
    if last.kind == "seal":
        return f"Ended {last.time}: {_cell(last.details.get('outcome', '?'))}."
    return f"Not ended; last record {last.time}: {_cell(last.message or last.kind)}."


def _checks(records: Sequence[Record]) -> list[str]:
    latest = {record.item: record for record in records if record.kind in ("check", "attestation")}
    rows = [f"| {_cell(record.item)} | {_cell(record.status)} | {_cell(record.message)} | {record.time} |" for record in latest.values()]
    return ["", "## Items", "", "| item | verdict | why | when |", "| --- | --- | --- | --- |", *rows] if rows else []


def _actions(records: Sequence[Record]) -> list[str]:
    rows = [
        f"| {record.seq} | {_cell(record.action)} | {record.kind} | {_cell(record.status or '')} | {_cell(record.message)} |"
        for record in records
        if record.kind in ("intent", "result", "resume", "progress-checkpoint")
    ]
    return ["", "## Actions", "", "| seq | action | record | status | what |", "| --- | --- | --- | --- | --- |", *rows] if rows else []


def _attestations(records: Sequence[Record]) -> list[str]:
    rows = [f"- {_cell(record.item)}: {_cell(record.message)} ({record.time})" for record in records if record.kind == "attestation"]
    return ["", "## Attested by the operator, not verified", "", *rows] if rows else []


def _how(records: Sequence[Record], verdict: LogVerdict) -> list[str]:
    if verdict.state not in (State.SEALED, State.ANCHORED):
        return ["", "## Verdict", "", *(f"- {_cell(line)}" for line in trouble_lines(verdict) or ["the run is not sealed"])]
    command = verify_command(verdict.path, records[0].operator.id, records[-1])
    return ["", "## Verify it yourself", "", f"    nexy-tui runs verify {verdict.path}", f"    {command}"]


def _cell(value: object) -> str:
    """Text from outside inside Markdown: one line, no table, link, code or HTML of its own."""
    text = printable("" if value is None else str(value), _WIDEST)
    return "".join(f"\\{char}" if char in "\\`*_[]|~" else {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(char, char) for char in text)
