"""What the wizard asks of the program behind it, and what it leaves behind when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nexy_tui.core.finding import Finding
from nexy_tui.core.kind import Kind
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.alone import Preview
from nexy_tui.engine.notice import Observer
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.rollback_preview import RollbackPreview
from nexy_tui.engine.session import Session


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a new run would start from. `changes` are lines `key: before → now` where the target differs from the last run's."""

    version: Version | None = None
    served: Version | None = None
    published: Version | None = None
    changes: tuple[str, ...] = ()


class RunEntry(Protocol):
    """One run in the list of runs, as its log describes itself. `looks` is open, torn, sealed or unreadable, by form alone."""

    @property
    def path(self) -> Path:
        """The log's file."""
        ...

    @property
    def run(self) -> str:
        """The run's id."""
        ...

    @property
    def version(self) -> str:
        """The version the run releases."""
        ...

    @property
    def kind(self) -> str:
        """full, update-only or code-only."""
        ...

    @property
    def world(self) -> str | None:
        """The rehearsal world's id; None for production."""
        ...

    @property
    def looks(self) -> str:
        """A word for where the run seems to stand."""
        ...

    @property
    def outcome(self) -> str:
        """How it was sealed, or nothing."""
        ...

    @property
    def started(self) -> str:
        """When it began."""
        ...

    @property
    def operator(self) -> str:
        """Who began it."""
        ...

    @property
    def records(self) -> int:
        """How many records are in its log."""
        ...


class RunVerdict(Protocol):
    """What verifying a log said."""

    @property
    def verdict(self) -> str:
        """SEALED+ANCHORED, SEALED, OPEN, TORN or INVALID."""
        ...

    @property
    def lines(self) -> Sequence[str]:
        """Who signed, why the key is trusted, records, head, faults, and what was not checked."""
        ...


class FixerEntry(Protocol):
    """One section of the rulebook's troubleshooting chapter."""

    @property
    def name(self) -> str:
        """The fixer's id, as items name it."""
        ...

    @property
    def section(self) -> str:
        """The rulebook's section, 4.1 to 4.9."""
        ...

    @property
    def title(self) -> str:
        """The section's title."""
        ...

    @property
    def symptom(self) -> str:
        """How the trouble shows itself."""
        ...

    @property
    def steps(self) -> Sequence[str]:
        """What to do, in order."""
        ...


class PlaceEntry(Protocol):
    """One place a release leaves something at."""

    @property
    def name(self) -> str:
        """What lies there."""
        ...

    @property
    def where(self) -> str:
        """Its path or address."""
        ...

    @property
    def state(self) -> str:
        """there, missing, or not asked."""
        ...

    @property
    def age_s(self) -> float | None:
        """How old it is, in seconds; None where nothing is there or nobody asked."""
        ...

    @property
    def note(self) -> str:
        """What was seen."""
        ...

    @property
    def how(self) -> str:
        """The command that shows more."""
        ...


@dataclass(frozen=True, slots=True)
class FixPlan:
    """What mending a trouble would do now: nothing where `lines` is empty, for then it is not here, or `unseen` says what hid it.

    `typed` is what is typed to confirm it, None for a plain yes; `secret` how the secret it needs is asked for, empty where
    it needs none; `outside` tells that it writes outside this machine and so needs the release lock.
    """

    lines: tuple[str, ...]
    typed: str | None
    secret: str
    outside: bool
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FixEnd:
    """How mending ended: verified, refused or inconclusive; what was said on the way and found at the end; its log."""

    outcome: str
    lines: tuple[str, ...]
    log: Path


class Backend(Protocol):
    """The program behind the wizard. Everything but the attributes may take time and is called from a worker thread."""

    @property
    def target(self) -> Target:
        """The release target, world included."""
        ...

    @property
    def operator(self) -> str:
        """Who releases."""
        ...

    def surroundings(self) -> Sequence[tuple[str, str]]:
        """Names and values for the home screen: checkout, configuration, proxy and CA in force."""
        ...

    def proposal(self) -> Proposal:
        """What to suggest for a new run."""
        ...

    def open_run(self, version: Version, kind: Kind, with_pkg: bool) -> Session:
        """Begin a run; its genesis is on disk. Raises Problem."""
        ...

    def target_changes(self) -> Sequence[str]:
        """Lines `key: before → now` for what of the target differs from the last run's; quickly, from this machine alone."""
        ...

    def resume(self, path: Path) -> Session:
        """Take up an unfinished run. Raises Problem."""
        ...

    def look_session(self) -> Session:
        """A session that only looks, for final verification without a run."""
        ...

    def drive(self, session: Session, confirm: Callable[[str], bool]) -> Outcome:
        """Play the operator to the end of the last phase (`--auto`, in a world only); `confirm` says no once the app is leaving."""
        ...

    def runs(self) -> Sequence[RunEntry]:
        """Every run's log found here, newest first."""
        ...

    def close_run(self, path: Path) -> Sequence[str]:
        """Seal an open run as aborted, without going on with it; what became of it, line by line. Raises Problem."""
        ...

    def records(self, path: Path) -> Sequence[str]:
        """A log's records, one line each."""
        ...

    def verify(self, path: Path) -> RunVerdict:
        """Verify a log."""
        ...

    def verify_commands(self, log: Path) -> Sequence[str]:
        """The exact commands by which others verify a sealed log."""
        ...

    def fixers(self) -> Sequence[FixerEntry]:
        """The troubleshooting chapter."""
        ...

    def diagnose(self, names: Sequence[str] = ()) -> Sequence[Finding]:
        """Which of those troubles (all, where none is named) are here; each finding names its fixer. Changes nothing."""
        ...

    def plan_fix(self, name: str, run: Session | None = None) -> FixPlan:
        """Exactly what a fixer would change now, seen from the open run where there is one. Changes nothing."""
        ...

    def fix(self, name: str, secret: str, observer: Observer, run: Session | None = None) -> FixEnd:
        """Mend, and see again: as an action of the open run, where there is one, else logged and signed as a run of its own.

        `secret` is empty where none was asked. Raises Problem.
        """
        ...

    def rollback_preview(self) -> RollbackPreview:
        """What clients download now, and what a rollback would put back. Changes nothing. Raises Problem."""
        ...

    def preview(self, action: str, attestations: Mapping[str, str]) -> Preview:
        """Look at the preconditions of an action that stands alone, and say what it would do. Changes nothing. Raises Problem."""
        ...

    def open_alone(self, action: str) -> Session:
        """Begin a run that does nothing but this action; its genesis is on disk. Raises Problem."""
        ...

    def act_alone(self, session: Session, action: str, attestations: Mapping[str, str]) -> Outcome:
        """Carry that run out, once it was confirmed; it is sealed and let go. Raises Problem."""
        ...

    def places(self) -> Sequence[PlaceEntry]:
        """Where to look: every place a release leaves something at."""
        ...


REHEARSE = "rehearse"
"""The request the application ends with when the operator wants a rehearsal."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """Open the wizard at a new run: the form is filled in, and `--auto` begins it. No version: the proposed one."""

    version: Version | None = None
    kind: Kind = Kind.FULL
    with_pkg: bool = False


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """Open the wizard by taking a run up again."""

    path: Path


Opening = NewRun | ResumeRun


@dataclass(frozen=True, slots=True)
class Ending:
    """What the application returns: the exit status, the run's log and outcome if there was one, and a request to act on.

    `message` says what stopped a run that the tool drove, for the terminal the screen is gone from.
    """

    exit_code: int = 0
    log: Path | None = None
    run: str | None = None
    sealed: str | None = None
    request: str | None = None
    message: str = ""
