"""The story of a run for people: when, in which phase, what, by whom, and how it ended; told from its log's records alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.finding import Status
from nexy_tui.engine.mend import DOCTOR
from nexy_tui.fixers import fixer
from nexy_tui.runlog.chain import REFUSED
from nexy_tui.runlog.record import Record
from nexy_tui.runlog.state import Checkpoint, Errand, Purpose, marks, reason_of

ITEMS: dict[str, Item] = {item.id: item for item in (*CHECKLIST.items, *DOCTOR.items)}
_TITLES = {name: action.title for made in (CHECKLIST, DOCTOR) for name, action in made.actions.items()}
_CHECKED = frozenset(status.value for status in Status)


class Tone(StrEnum):
    """How a step reads: well, badly, not seen, or neither."""

    GOOD = "good"
    BAD = "bad"
    UNSEEN = "unseen"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing of a run, from `when` to `until` (RFC 3339 UTC). `phase` may be empty; `said` is what the log says of it."""

    when: str
    until: str
    phase: str
    what: str
    by: str
    ended: str
    tone: Tone
    said: str = ""
    acted: bool = False


def called(purpose: Purpose | None, version: str, world: str | None = None) -> str:
    """What a run is called: a release by its version, a fixer's by the fixer, an action's by the action; a rehearsal's so."""
    if world is not None:
        release = purpose is None or purpose.errand is Errand.RELEASE
        return f"Rehearsal of {version}" if release else f"{called(purpose, version)} (rehearsal)"
    if purpose is None:
        return f"Run of {version}"
    match purpose.errand:
        case Errand.RELEASE:
            return f"Release {version}"
        case Errand.CHECK:
            return f"Saved check of {version}"
        case Errand.FIX:
            return ", ".join(_fixer(name) for name in purpose.names)
        case Errand.ACTION:
            return f"{', '.join(action_title(name) for name in purpose.names)}, {version}"


def story(records: Sequence[Record]) -> tuple[Step, ...]:
    """The steps of a run, in order. Checks that follow one another in a phase are one step."""
    return tuple(_steps(records))


def action_title(action: str) -> str:
    """What an action is called for people; its name where nothing here knows it."""
    return _TITLES.get(action, action)


def phase_of(item: str | None) -> str:
    """The title of the phase an item stands in; a fixer's items stand in its section of the rulebook."""
    for made in (CHECKLIST, DOCTOR):
        for phase in made.phases:
            if any(one.id == item for one in phase.items):
                return phase.title if made is CHECKLIST else f"{phase.section} {phase.title}"
    return ""


def item_title(item: str | None) -> str:
    """What an item says; its id where nothing here knows it."""
    return ITEMS[item].title if item in ITEMS else item or ""


def _fixer(name: str) -> str:
    known = fixer(name)
    return f"Fixer {name}" if known is None else f"Fixer {known.trouble.section}: {known.trouble.title}"


def _steps(records: Sequence[Record]) -> Iterator[Step]:
    marked = {record.seq: mark for record, mark in marks(records)}
    for checking, some in groupby(enumerate(records), lambda one: _place(one[1])):
        group = list(some)
        if checking is not None:
            yield _checks(checking, [record for _, record in group])
            continue
        for index, record in group:
            step = _marked(record, marked.get(record.seq)) or _step(record, records[index + 1 :])
            if step is not None:
                yield step


def _place(record: Record) -> str | None:
    """The phase a check belongs to; None for what is no check."""
    return phase_of(record.item) if record.kind == "check" else None


def _checks(phase: str, records: Sequence[Record]) -> Step:
    last = {record.item: record for record in records}
    wrong = [record for record in last.values() if record.status == Status.FAILED]
    unseen = [record for record in last.values() if record.status in (Status.INCONCLUSIVE, Status.NOT_RUN)]
    later = [record for record in last.values() if record.status == "pending"]
    count = len(last) - len(wrong) - len(unseen) - len(later)
    parts = [f"{count} of {len(last)} verified"]
    parts += [f"{len(some)} {word}" for some, word in ((wrong, "wrong"), (unseen, "unknown"), (later, "to do")) if some]
    tone = Tone.BAD if wrong else Tone.UNSEEN if unseen else Tone.PLAIN if later else Tone.GOOD
    said = " ".join(f"{item_title(record.item)}: {record.message}" for record in (*wrong, *unseen))
    first, final = records[0], records[-1]
    return Step(first.time, final.time, phase, f"Checked {phase or 'what is there'}", first.operator.id, ", ".join(parts), tone, said)


def _step(record: Record, after: Sequence[Record]) -> Step | None:
    if record.kind == "intent":
        return _action(record, after)
    if record.kind == "result":
        return _refused(record) if record.status == REFUSED else None
    told = {
        "genesis": (called(Purpose.of(record), str(record.details.get("version", ""))), "begun", Tone.PLAIN, ""),
        "resume": ("Taken up again", "resumed", Tone.PLAIN, ""),
        "attestation": (f"Attested: {item_title(record.item)}", "attested", Tone.PLAIN, reason_of(record)),
        "seal": ("Log sealed", str(record.details.get("outcome", "")), _sealed(record), ""),
    }
    return _single(record, *told[record.kind]) if record.kind in told else None


def _sealed(record: Record) -> Tone:
    return {"complete": Tone.GOOD, "failed": Tone.BAD}.get(str(record.details.get("outcome", "")), Tone.UNSEEN)


def _refused(record: Record) -> Step:
    what = "Going on to the next phase" if record.action == "advance" else action_title(str(record.action))
    return _single(record, what, "refused", Tone.BAD, record.message)


def _action(intent: Record, after: Iterable[Record]) -> Step:
    end = next((one for one in after if one.kind == "result" and one.action == intent.action and one.status != REFUSED), None)
    title = action_title(str(intent.action))
    if end is None:
        return _single(intent, title, "end not recorded", Tone.UNSEEN, intent.message, acted=True)
    word = {"done": "done", "unchanged": "was there already", "cancelled": "cancelled"}.get(str(end.status), str(end.status))
    tone = {"done": Tone.GOOD, "unchanged": Tone.GOOD, "cancelled": Tone.UNSEEN}.get(str(end.status), Tone.BAD)
    phase = _phase_of_action(str(intent.action))
    return Step(intent.time, end.time, phase, title, intent.operator.id, word, tone, end.message, acted=True)


def _marked(record: Record, mark: Checkpoint | None) -> Step | None:
    match mark:
        case Checkpoint.EXPOSED:
            return _single(record, "Download replaced: customers cannot update from here", "begun", Tone.PLAIN)
        case Checkpoint.AGREED:
            return _single(record, "Download and appcast agree: customers can update", "over", Tone.GOOD)
        case Checkpoint.TAKEN_OVER:
            return _single(record, "Release lock taken over", "taken over", Tone.UNSEEN, record.message)
    return None


def _single(record: Record, what: str, ended: str, tone: Tone, said: str = "", *, acted: bool = False) -> Step:
    phase = phase_of(record.item) or _phase_of_action(str(record.action or ""))
    return Step(record.time, record.time, phase, what, record.operator.id, ended, tone, said, acted)


def _phase_of_action(action: str) -> str:
    for made in (CHECKLIST, DOCTOR):
        for phase in made.phases:
            if action in made.actions_of(phase):
                return phase.title if made is CHECKLIST else f"{phase.section} {phase.title}"
    return ""
