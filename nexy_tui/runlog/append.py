"""Writing a run's log: one signed, chained, durable record at a time, and going on with a log that was left."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from nexy_tui.core.clock import Clock
from nexy_tui.core.finding import Evidence, Status, rfc3339
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.runlog import seal
from nexy_tui.runlog.boot import boot_id
from nexy_tui.runlog.chain import REFUSED, Chain, status_counts
from nexy_tui.runlog.compose import RecordPosition, compose
from nexy_tui.runlog.genesis import Beginning, Genesis, Identity
from nexy_tui.runlog.logfile import LogFile
from nexy_tui.runlog.record import SUFFIX, ZERO, Draft, Subject
from nexy_tui.runlog.resume import examine
from nexy_tui.runlog.sign import Signer, sign_statement
from nexy_tui.runlog.state import Checkpoint, RunState, reason_of

_VERSION_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

EvidenceLike = Evidence | Mapping[str, object]


class RunLog:
    """One run's log, open for writing. Every method that records returns when the record is on disk, or raises Problem."""

    def __init__(self, file: LogFile, genesis: Genesis, *, signer: Signer, subjects: Sequence[Subject], clock: Clock) -> None:
        self.genesis = genesis
        self.run = genesis.identity.run
        self.head = ZERO
        self.count = 0
        self.sealed = False
        self.dangling: tuple[str, ...] = ()
        """Actions with an intent and no result. After a resume: ask the world what became of them, do not repeat them unseen."""
        self.attestations: tuple[tuple[str, str], ...] = ()
        """(item, reason) of every attestation so far, a resumed run's earlier ones included."""
        self._file = file
        self._bytes = hashlib.sha256()
        self._signer = signer
        self._subjects = tuple(subjects)
        self._clock = clock
        self._start = clock.monotonic()
        self._boot = boot_id()
        self._secrets: tuple[Secret, ...] = ()
        self._counts: Counter[str] = Counter()
        self._mutex = threading.RLock()

    @classmethod
    def create(cls, directory: Path, beginning: Beginning, signer: Signer, clock: Clock, *, secrets: Sequence[Secret] = ()) -> RunLog:
        """Begin a run: `<directory>/<version>/<run>.intoto.jsonl` with its genesis; `directory` is the state directory's `runs`.

        Raises Problem when the file cannot be made or written.
        """
        import uuid6

        version = beginning.version
        if _VERSION_FOLDER.fullmatch(version) is None:
            raise Unusable(f"{version[:60]!r} cannot name a folder of runs.", "It must be a version.", "Use the form X.Y.Z.Build.")
        if not beginning.subjects:
            raise Unusable("The run has no subject.", "A record that concerns nothing proves nothing.", "Name the checkout's HEAD.")
        run = str(uuid6.uuid7())
        file = LogFile.create(directory / version / (run + SUFFIX))
        identity = Identity(run, beginning.world, beginning.operator)
        genesis = Genesis(identity, version, beginning.kind, clock.now(), dict(beginning.facts))
        log = cls(file, genesis, signer=signer, subjects=beginning.subjects, clock=clock)
        log.protect(*secrets)
        try:
            log._write(Draft("genesis", message=f"Run of {version} begun.", details=beginning.details, own=beginning.own(signer)))
        except BaseException:
            log.close()
            log.path.unlink(missing_ok=True)
            raise
        return log

    @classmethod
    def resume(cls, path: Path, signer: Signer, clock: Clock, *, secrets: Sequence[Secret] = ()) -> RunLog:
        """Go on with a log. A torn last line is moved to `<file>.torn` and named in the resume record.

        Raises Refused when another process holds it, when it is sealed, or when it does not verify with this signer's key.
        """
        file = LogFile.reopen(path)
        try:
            found, torn = examine(file, signer)
            log = cls._continuing(file, found, signer, clock)
            log.protect(*secrets)
            unknown = f"; outcome unknown: {', '.join(log.dangling)}." if log.dangling else "."
            log._write(Draft("resume", message="Run resumed" + unknown, own={"torn": torn, "dangling": list(log.dangling)}))
        except BaseException:
            file.close()
            raise
        return log

    @classmethod
    def _continuing(cls, file: LogFile, found: Chain, signer: Signer, clock: Clock) -> RunLog:
        first, last, state = found.records[0], found.records[-1], RunState.of(found.records)
        subjects = last.subject[: len(first.subject)]
        log = cls(file, state.genesis, signer=signer, subjects=subjects, clock=clock)
        log.head, log.count = found.head, len(found.records)
        log._bytes.update(file.read())
        log._counts.update(status_counts(found.records))
        log.dangling = state.dangling
        log.attestations = state.attestations
        return log

    @property
    def path(self) -> Path:
        """The log's file."""
        return self._file.path

    def digest(self) -> str:
        """The SHA-256 (hex) of the file's bytes as they stand."""
        with self._mutex:
            return self._bytes.hexdigest()

    def protect(self, *secrets: Secret) -> None:
        """From now on no record carries these secrets."""
        with self._mutex:
            self._secrets += tuple(secret for secret in secrets if secret not in self._secrets)

    def set_subject(self, commit: str) -> None:
        """From now on records concern this commit of the code repository: the release commit, once it exists."""
        with self._mutex:
            self._subjects = (Subject(self._subjects[0].name, {"gitCommit": commit}), *self._subjects[1:])

    def intent(
        self,
        action: str,
        item: str | None = None,
        *,
        evidence: Sequence[EvidenceLike] = (),
        message: str = "",
        subjects: Sequence[Subject] = (),
    ) -> int:
        """Say what is about to be done, before its first irreversible step; the record's seq. If this raises, the step must not begin."""
        return self._write(Draft("intent", item=item, action=action, evidence=evidence, message=message, subjects=subjects))

    def result(
        self,
        action: str,
        status: str,
        *,
        exit: int | None = None,
        duration_ms: int | None = None,
        evidence: Sequence[EvidenceLike] = (),
        message: str = "",
        item: str | None = None,
        subjects: Sequence[Subject] = (),
        details: Mapping[str, object] | None = None,
    ) -> int:
        """Say how an action ended; closes its intents. The status `refused` says it was not begun, and closes none."""
        draft = Draft("result", item=item, status=str(status), action=action, exit=exit, duration_ms=duration_ms, details=details or {})
        return self._write(draft.with_context(evidence, message, subjects))

    def check(
        self,
        item: str,
        status: str,
        message: str,
        evidence: Sequence[EvidenceLike] = (),
        *,
        duration_ms: int | None = None,
        remedy: Mapping[str, str] | None = None,
    ) -> int:
        """Record the verdict on a checklist item, with its remedy: the words, and the action, fixer or command that it names."""
        details = {"remedy": dict(remedy)} if remedy else {}
        draft = Draft("check", item=item, status=str(status), duration_ms=duration_ms, details=details)
        return self._write(draft.with_context(evidence, message))

    def attestation(self, item: str, reason: str, evidence: Sequence[EvidenceLike] = ()) -> int:
        """Record that the operator, not the machine, says the item is satisfied, and why."""
        draft = Draft("attestation", item=item, status=str(Status.ATTESTED), details={"reason": reason})
        return self._write(draft.with_context(evidence, reason))

    def progress_checkpoint(
        self,
        action: str,
        message: str,
        *,
        mark: Checkpoint | None = None,
        item: str | None = None,
        evidence: Sequence[EvidenceLike] = (),
        subjects: Sequence[Subject] = (),
    ) -> int:
        """Record that a long action, or the run, has come to a point worth finding again."""
        draft = Draft("progress-checkpoint", item=item, action=action, details={} if mark is None else mark.details())
        return self._write(draft.with_context(evidence, message, subjects))

    def ran(self, action: str, argv: Sequence[str], exit: int, duration_ms: int) -> int:
        """Record that an action has run a program to its end."""
        message = f"{PurePath(argv[0]).name} ended with status {exit}"
        return self._write(Draft("progress-checkpoint", action=action, argv=argv, exit=exit, duration_ms=duration_ms, message=message))

    def seal(self, outcome: str, message: str = "") -> Path:
        """End the run (complete, aborted or failed) and sign the whole file; the signature's path. Nothing can be recorded after it.

        Calling it again after the signature could not be written writes the signature.
        """
        with self._mutex:
            own = seal.details(outcome, self.count + 1, dict(sorted(self._counts.items())))
            if not self.sealed or seal.signature_path(self.path).exists():
                self._write(Draft("seal", message=message or f"Run sealed: {outcome}.", own=own))
            return seal.sign_file(self.path, self._file.read(), self._signer)

    def close(self) -> None:
        """Release the file. An unsealed run can be resumed."""
        with self._mutex:
            self._file.close()

    def _write(self, draft: Draft) -> int:
        with self._mutex:
            if self.sealed:
                raise Refused("The run is sealed.", "Nothing may stand after the seal.", "Begin a new run.")
            mono_us = round((self._clock.monotonic() - self._start) * 1_000_000)
            position = RecordPosition(self.count, self.head, rfc3339(self._clock.now()), mono_us, self._boot)
            line = sign_statement(compose(draft, self.genesis.identity, position, self._subjects, self._secrets), self._signer)
            self._file.append(line)
            self._bytes.update(line + b"\n")
            self.head, self.count = hashlib.sha256(line).hexdigest(), self.count + 1
            self._note(draft)
            return position.seq

    def _note(self, draft: Draft) -> None:
        if draft.status is not None:
            self._counts[draft.status] += 1
        if draft.kind == "intent" and draft.action not in self.dangling:
            self.dangling += (str(draft.action),)
        if draft.kind == "attestation":
            self.attestations += ((str(draft.item), reason_of(draft)),)
        if draft.kind == "result" and draft.status != REFUSED:
            self.dangling = tuple(action for action in self.dangling if action != draft.action)
        self.sealed = draft.kind == "seal"
