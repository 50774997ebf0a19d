"""One record of a run: an in-toto Statement v1 with the release-run-record predicate, built and read back strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from nexy_tui.core.finding import Evidence
from nexy_tui.core.secret import bare_url

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://github.com/Seregawpn/Nexy_server/attestations/release-run-record/v1"
SUFFIX = ".intoto.jsonl"
"""How a log's file name ends, after the run's id."""

ZERO = "0" * 64
"""`prev` of the genesis, and the head of a run that has no predecessor."""

KINDS = ("genesis", "intent", "result", "check", "attestation", "progress-checkpoint", "resume", "seal")
DETAILED = ("genesis", "resume", "seal")
"""Kinds whose predicate has one more field, named like the kind."""

DETAILS = "details"
"""The field of typed values that a resume reads. Logs written before it was there have none; unknown names in it are passed over."""

OUTCOMES = ("complete", "aborted", "failed")

_ORDER = ("run", "world", "seq", "prev", "kind", "time", "mono_us", "boot", "operator")
_CONTENT = ("item", "status", "action", "argv", "exit", "duration_ms", "evidence", "message", "redacted")
_FIELDS = frozenset((*_ORDER, *_CONTENT))
_ABSENT: Mapping[str, object] = {**dict.fromkeys(_CONTENT), "evidence": [], "message": "", "redacted": []}
"""What a field that another writer left out says."""
_HEX64 = re.compile(r"[0-9a-f]{64}")
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/ -]{0,119}")


class BadRecord(ValueError):
    """The statement is not a record of a run; the message says how."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs the release, and on which machine."""

    id: str
    host: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a record concerns: a commit of the code repository, or an artifact."""

    name: str
    digest: Mapping[str, str]

    @classmethod
    def commit(cls, url: str, sha: str) -> Subject:
        """A commit of the repository at `url`."""
        return cls("git+" + bare_url(url).removesuffix(".git"), {"gitCommit": sha})

    @classmethod
    def artifact(cls, name: str, sha256: str) -> Subject:
        """A file by its name and SHA-256."""
        return cls(name, {"sha256": sha256})

    def document(self) -> dict[str, object]:
        """The subject as a resource descriptor."""
        return {"name": self.name, "digest": dict(self.digest)}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a writer wants recorded, before run, order, time and redaction are added."""

    kind: str
    item: str | None = None
    status: str | None = None
    action: str | None = None
    argv: Sequence[str] | None = None
    exit: int | None = None
    duration_ms: int | None = None
    evidence: Sequence[Evidence | Mapping[str, object]] = ()
    message: str = ""
    subjects: Sequence[Subject] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    own: Mapping[str, object] | None = None
    """What stands in the field named like the kind."""

    def with_context(self, evidence: Sequence[Evidence | Mapping[str, object]], message: str, subjects: Sequence[Subject] = ()) -> Draft:
        """The same draft with what was seen, said and touched."""
        return replace(self, evidence=evidence, message=message, subjects=subjects)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a log, read back. `digest` is the SHA-256 of the line's exact bytes: the next record's `prev`."""

    kind: str
    seq: int
    prev: str
    run: str
    world: str | None
    time: str
    mono_us: int
    boot: str
    operator: Operator
    item: str | None
    status: str | None
    action: str | None
    argv: tuple[str, ...] | None
    exit: int | None
    duration_ms: int | None
    evidence: tuple[Mapping[str, Any], ...]
    message: str
    redacted: tuple[str, ...]
    subject: tuple[Subject, ...]
    keyid: str
    digest: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """Its typed values, those of the field named like its kind among them."""
    typed: bool = True
    """False for a record of the format that had no details yet."""

    @property
    def moment(self) -> datetime:
        """The record's time."""
        return datetime.strptime(self.time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def is_word(text: str) -> bool:
    """Whether a text can name an item, an action or a status."""
    return _WORD.fullmatch(text) is not None


def evidence_document(evidence: Evidence | Mapping[str, object]) -> dict[str, object]:
    """Evidence as it stands in a record; an address loses its credentials and query and is called `uri`."""
    if not isinstance(evidence, Evidence):
        return dict(evidence)
    document: dict[str, object] = {"name": evidence.name, "value": evidence.value}
    if evidence.source.startswith(("https://", "http://")):
        document["uri"] = bare_url(evidence.source)
    else:
        document["source"] = evidence.source
    if evidence.time:
        document["time"] = evidence.time
    return document


def statement(subjects: Sequence[Subject], predicate: Mapping[str, object]) -> dict[str, object]:
    """The in-toto statement over `subjects`."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject.document() for subject in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": dict(predicate),
    }


def parse(document: Mapping[str, Any], keyid: str, digest: str) -> Record:
    """Read a statement strictly. Raises BadRecord naming the first field that is not as the format says."""
    if set(document) != {"_type", "subject", "predicateType", "predicate"}:
        raise BadRecord("the statement's fields are not _type, subject, predicateType and predicate")
    if document["_type"] != STATEMENT_TYPE or document["predicateType"] != PREDICATE_TYPE:
        raise BadRecord("the statement is not a release run record, version 1")
    predicate = document["predicate"]
    if not isinstance(predicate, dict):
        raise BadRecord("the predicate is not an object")
    kind = predicate.get("kind")
    if kind not in KINDS:
        raise BadRecord("its kind is unknown")
    expected = _FIELDS | ({kind} if kind in DETAILED else set())
    predicate = {**_ABSENT, **predicate}
    if strange := (set(predicate) - {DETAILS}) ^ expected:
        raise BadRecord(f"fields are missing or unknown: {', '.join(sorted(strange))[:200]}")
    _demand_types(predicate)
    values = {name: predicate[name] for name in _FIELDS if name not in ("operator", "argv", "evidence", "redacted")}
    return Record(
        **values,
        operator=Operator(**predicate["operator"]),
        argv=None if predicate["argv"] is None else tuple(predicate["argv"]),
        evidence=tuple(predicate["evidence"]),
        redacted=tuple(predicate["redacted"]),
        subject=_subjects(document["subject"]),
        keyid=keyid,
        digest=digest,
        details={**predicate.get(DETAILS, {}), **predicate.get(kind, {})},
        typed=DETAILS in predicate,
    )


def _demand_types(predicate: Mapping[str, Any]) -> None:
    checks = {
        "run": _is(predicate["run"], str) and _UUID7.fullmatch(predicate["run"]),
        "world": predicate["world"] is None or _is(predicate["world"], str),
        "seq": _count(predicate["seq"]),
        "prev": _is(predicate["prev"], str) and _HEX64.fullmatch(predicate["prev"]),
        "time": _is_time(predicate["time"]),
        "mono_us": _count(predicate["mono_us"]),
        "boot": _is(predicate["boot"], str),
        "operator": _is_operator(predicate["operator"]),
        "argv": predicate["argv"] is None or _texts(predicate["argv"]),
        "exit": predicate["exit"] is None or _is(predicate["exit"], int),
        "duration_ms": predicate["duration_ms"] is None or _count(predicate["duration_ms"]),
        "evidence": _is(predicate["evidence"], list) and all(isinstance(one, dict) for one in predicate["evidence"]),
        "message": _is(predicate["message"], str),
        "redacted": _texts(predicate["redacted"]),
        **{name: predicate[name] is None or _is(predicate[name], str) for name in ("item", "status", "action")},
        **{name: _is(predicate[name], dict) for name in (*DETAILED, DETAILS) if name in predicate},
    }
    for name, good in checks.items():
        if not good:
            raise BadRecord(f"the field {name} is not as the format says")


def _subjects(value: object) -> tuple[Subject, ...]:
    if not isinstance(value, list) or not value:
        raise BadRecord("the subject is empty")
    found = []
    for one in value:
        match one:
            case {"name": str(name), "digest": dict(digest), **rest} if name and digest and not rest:
                if not all(isinstance(text, str) and text for text in digest.values()):
                    raise BadRecord("a subject's digest is not a text")
                found.append(Subject(name, digest))
            case _:
                raise BadRecord("a subject is not a name with digests")
    if len({subject.name for subject in found}) != len(found):
        raise BadRecord("two subjects have one name")
    return tuple(found)


def _is(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return False
    return True


def _is_operator(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"id", "host"} and all(isinstance(one, str) and one for one in value.values())
