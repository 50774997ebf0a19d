"""Runs, records and verdicts as lines for the terminal and as documents for programs."""

from __future__ import annotations

import shlex
from pathlib import Path

from nexy_tui.core.finding import Status
from nexy_tui.core.text import printable
from nexy_tui.runlog.read import RunSummary
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.trust import NAMESPACE, stamp
from nexy_tui.runlog.verify import HAVE_TRUSTED, LogVerdict

_SHOWN_FAULTS = 10
_WIDEST = 2000
_WORDS = {status.value: f"{status.symbol} {status.word}" for status in Status}


def verdict_lines(verdict: LogVerdict) -> list[str]:
    """The verdict for the terminal, the word that matters first."""
    genesis = verdict.genesis
    who = f"{genesis.operator.id} on {genesis.operator.host}" if genesis else "unknown"
    where = "production" if genesis and genesis.world is None else f"rehearsal world {genesis.world}" if genesis else "unknown"
    run = f"{genesis.run} of {genesis.details.get('version')} ({genesis.details.get('kind')})" if genesis else "unknown"
    unknown = " (untrusted key; nothing else is wrong)" if verdict.unknown_signer else ""
    lines = [
        f"{verdict.state.value}{unknown}  {verdict.path}",
        f"run        {run}, world: {where}",
        f"signed by  {who}, key {verdict.keyid or 'unknown'}",
        f"trusted by {verdict.rule or 'nothing: no list of trusted keys names this key'}",
        f"records    {len(verdict.chain.records)}, head {verdict.chain.head}",
    ]
    if (seal := verdict.chain.seal) is not None:
        lines.append(f"sealed     {seal.time}, outcome {seal.details.get('outcome')}")
    if verdict.unknown_signer:
        lines.append(
            "intact     every line and its seal verify by that key: it is not forged or damaged, but whose key it is nothing here says"
        )
        lines.append(f"next       {HAVE_TRUSTED}")
    lines += trouble_lines(verdict)
    if verdict.anchors is not None:
        lines += [f"anchor     {name}: {said}" for name, said in verdict.anchors]
    lines += [f"note       {note}" for note in verdict.notes]
    lines += [f"not seen   {left}" for left in verdict.not_checked]
    return [printable(line, _WIDEST) for line in lines]


def verdict_document(verdict: LogVerdict) -> dict[str, object]:
    """The verdict for `runs verify --json`."""
    genesis, seal = verdict.genesis, verdict.chain.seal
    return {
        "state": verdict.state.value,
        "exit": verdict.state.exit_code,
        "log": str(verdict.path),
        "run": genesis.run if genesis else None,
        "version": genesis.details.get("version") if genesis else None,
        "world": genesis.world if genesis else None,
        "operator": genesis.operator.id if genesis else None,
        "key": verdict.keyid,
        "trust": verdict.rule,
        "unknown_signer": verdict.unknown_signer,
        "records": len(verdict.chain.records),
        "head": verdict.chain.head,
        "outcome": seal.details.get("outcome") if seal else None,
        "sealed": seal.time if seal else None,
        "first_bad": _fault(verdict, 0) if verdict.faults else None,
        "faults": [_fault(verdict, index) for index in range(len(verdict.faults))],
        "breaks": [{"line": fault.line, "in": fault.sort, "reason": fault.reason} for fault in verdict.breaks],
        "after_seal": list(verdict.after_seal),
        "torn_bytes": len(verdict.chain.torn),
        "dangling": [{"seq": intent.seq, "action": intent.action} for intent in verdict.chain.dangling],
        "backwards": list(verdict.chain.backwards),
        "anchors": "not asked" if verdict.anchors is None else [{"name": name, "verdict": said} for name, said in verdict.anchors],
        "notes": list(verdict.notes),
        "not_checked": list(verdict.not_checked),
    }


def record_line(record: Record) -> str:
    """One record for the terminal."""
    subject = record.item or record.action or ""
    status = _WORDS.get(record.status or "", record.status or "") if record.kind == "check" else record.status or ""
    line = f"{record.seq:>4}  {record.time}  {record.kind:<19} {status:<14} {subject:<28} {record.message}"
    return printable(line.rstrip(), _WIDEST)


def run_line(run: RunSummary) -> str:
    """One run for the terminal."""
    where, purpose = run.world or "production", str(run.purpose or "-")
    how = f"{run.looks:<10} {run.outcome or '-':<9} {run.kind or '-':<12} {purpose:<14}"
    line = f"{run.run}  {run.version:<12} {how} {where:<14} {run.started}"
    return printable(line.rstrip(), _WIDEST)


def verify_command(path: Path, operator: str, sealed: Record, signers: str = "<allowed_signers>") -> str:
    """How somebody without this tool verifies a sealed log."""
    at = stamp(sealed.moment)
    log = shlex.quote(str(path))
    signature = shlex.quote(f"{path}.sig")
    return f"ssh-keygen -Y verify -f {signers} -I {shlex.quote(operator)} -n {NAMESPACE} -Overify-time={at} -s {signature} < {log}"


def trouble_lines(verdict: LogVerdict) -> list[str]:
    """Everything that is wrong or unknown, a line each."""
    lines = [f"line {fault.line:<5} {fault.reason}" for fault in verdict.faults[:_SHOWN_FAULTS]]
    if len(verdict.faults) > _SHOWN_FAULTS:
        lines.append(f"           and {len(verdict.faults) - _SHOWN_FAULTS} faults more (--json lists them)")
    if verdict.chain.torn:
        lines.append(f"torn       {len(verdict.chain.torn)} bytes after the last whole line")
    lines += [f"unknown    the outcome of {intent.action} (intent {intent.seq} has no result)" for intent in verdict.chain.dangling]
    return lines + [f"time       goes backwards at line {number}" for number in verdict.chain.backwards]


def _fault(verdict: LogVerdict, index: int) -> dict[str, object]:
    fault = verdict.faults[index]
    return {"line": fault.line, "sort": fault.sort, "reason": fault.reason}
