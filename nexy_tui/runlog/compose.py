"""From what a writer wants recorded to the statement that is signed: redaction, allow-listed argv, order and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nexy_tui.core.problem import Problem
from nexy_tui.core.secret import Secret
from nexy_tui.runlog import argv as argv_list
from nexy_tui.runlog import canonical
from nexy_tui.runlog.genesis import Identity
from nexy_tui.runlog.record import DETAILS, Draft, Subject, evidence_document, is_word, statement
from nexy_tui.runlog.redaction import Redactor


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where and when a record stands in its log."""

    seq: int
    prev: str
    time: str
    mono_us: int
    boot: str


def compose(
    draft: Draft, identity: Identity, position: RecordPosition, subjects: Sequence[Subject], secrets: Sequence[Secret]
) -> dict[str, object]:
    """The statement of one record, with nothing secret in it. Raises Problem for what has no place in the log."""
    _demand_words(draft)
    redactor = Redactor(secrets)
    document = statement(_clean_subjects((*subjects, *draft.subjects), redactor), _predicate(draft, identity, position, redactor))
    try:
        redactor.demand_absent(canonical.encode(document))
    except canonical.NotCanonical as error:
        raise Problem(
            f"A record cannot be written: {error}.",
            "The log has texts and integers only, so that every reader reads the same.",
            "Report this as a defect of nexy-tui; nothing was started.",
        ) from None
    return document


def _predicate(draft: Draft, identity: Identity, position: RecordPosition, redactor: Redactor) -> dict[str, Any]:
    predicate: dict[str, Any] = {
        "run": identity.run,
        "world": identity.world,
        "seq": position.seq,
        "prev": position.prev,
        "kind": draft.kind,
        "time": position.time,
        "mono_us": position.mono_us,
        "boot": position.boot,
        "operator": {"id": identity.operator.id, "host": identity.operator.host},
        "item": draft.item,
        "status": draft.status,
        "action": draft.action,
        "argv": None if draft.argv is None else _clean_argv(draft.argv, redactor),
        "exit": draft.exit,
        "duration_ms": draft.duration_ms,
        "evidence": redactor.clean([evidence_document(one) for one in draft.evidence], "/predicate/evidence"),
        "message": redactor.clean(draft.message, "/predicate/message"),
        DETAILS: redactor.clean(draft.details, f"/predicate/{DETAILS}"),
    }
    if draft.own is not None:
        predicate[draft.kind] = redactor.clean(draft.own, f"/predicate/{draft.kind}")
    predicate["redacted"] = sorted(set(redactor.pointers))
    return predicate


def _clean_subjects(subjects: Sequence[Subject], redactor: Redactor) -> list[Subject]:
    """The subjects with clean names. A name stands once (the later digest counts), as the in-toto specification wants."""
    unique: Mapping[str, Subject] = {subject.name: subject for subject in subjects}
    return [
        Subject(str(redactor.clean(subject.name, f"/subject/{index}/name")), subject.digest)
        for index, subject in enumerate(unique.values())
    ]


def _clean_argv(argv: Sequence[str], redactor: Redactor) -> object:
    shown = argv_list.allowed(argv)
    redactor.pointers += [f"/predicate/argv/{index}" for index, (was, now) in enumerate(zip(argv, shown, strict=True)) if was != now]
    return redactor.clean(shown, "/predicate/argv")


def _demand_words(draft: Draft) -> None:
    """Item, action and status are names the program chose: they are matched on resume, so they are never redacted."""
    for word in (draft.item, draft.action, draft.status):
        if word is not None and not is_word(word):
            raise Problem(
                f"{word[:60]!r} cannot name an item, an action or a status in the log.",
                "Names are short words of the program's own.",
                "Report this as a defect of nexy-tui; nothing was started.",
            )
