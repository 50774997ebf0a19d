"""What the wizard asks of the program behind it, and what it leaves behind when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nexy_tui.core.kind import Kind

if TYPE_CHECKING:
    from nexy_tui.core.finding import Finding
    from nexy_tui.core.target import Target
    from nexy_tui.core.version import Version
    from nexy_tui.engine.alone import Preview
    from nexy_tui.engine.doctor import Diagnosis
    from nexy_tui.engine.mend import FixPreview
    from nexy_tui.engine.outcome import Outcome
    from nexy_tui.engine.places import Location
    from nexy_tui.engine.rollback_preview import RollbackPreview
    from nexy_tui.engine.session import Session
    from nexy_tui.engine.standing import Standing
    from nexy_tui.engine.story import Step
    from nexy_tui.fixers import Trouble
    from nexy_tui.runlog.read import RunSummary
    from nexy_tui.runlog.verify import State


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a new run would start from. `changes` are lines `key: before → now` where the target differs from the last run's."""

    version: Version | None = None
    served: Version | None = None
    published: Version | None = None
    changes: tuple[str, ...] = ()


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

    def standing(self) -> Standing:
        """The run that is open here, and the last release that was verified; from this machine alone."""
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

    def runs(self) -> Sequence[RunSummary]:
        """Every run's log found here, newest first."""
        ...

    def close_run(self, path: Path) -> Sequence[str]:
        """Seal an open run as aborted, without going on with it; what became of it, line by line. Raises Problem."""
        ...

    def story(self, path: Path) -> Sequence[Step]:
        """What a run did, step by step. Raises Problem where its log cannot be read."""
        ...

    def report(self, path: Path) -> Path:
        """Write a run as one HTML page for people beside its log; where it lies. Raises Problem."""
        ...

    def save(self, session: Session) -> Path:
        """Keep what a session that only looks has found, as a signed record of its own; its log. Raises Problem."""
        ...

    def records(self, path: Path) -> Sequence[str]:
        """A log's records, one line each."""
        ...

    def verify(self, path: Path) -> tuple[State, Sequence[str]]:
        """A log's verdict, and its lines: who signed, why the key is trusted, records, head, faults, and what was not checked."""
        ...

    def verify_commands(self, log: Path) -> Sequence[str]:
        """The exact commands by which others verify a sealed log."""
        ...

    def fixers(self) -> Sequence[Trouble]:
        """The troubleshooting chapter."""
        ...

    def diagnose(self, names: Sequence[str] = ()) -> Sequence[Finding]:
        """Which of those troubles (all, where none is named) are here; each finding names its fixer. Changes nothing."""
        ...

    def plan_fix(self, name: str, run: Session | None = None) -> FixPreview:
        """Exactly what a fixer would change now, seen from the open run where there is one. Changes nothing."""
        ...

    def fix(self, name: str, secret: str, run: Session | None = None) -> FixEnd:
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

    def diagnosis(self, *, offline: bool) -> Diagnosis:
        """Whether all is set up for a release; `offline`: as far as this machine alone can tell. Changes nothing."""
        ...

    def places(self) -> Sequence[Location]:
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
