"""What stands behind the wizard: services, engine and run logs, as the screens ask for them.

The engine is imported by the first question that needs it, in a worker's thread: the first screen is drawn without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nexy_tui.core.problem import Unusable
from screens.backend import FixEnd, Proposal

if TYPE_CHECKING:
    from nexy_tui.core.finding import Finding
    from nexy_tui.core.kind import Kind
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
    from nexy_tui.runlog.verify import LogVerdict, State
    from nexy_tui.services import Services


class RealBackend:
    """The wizard's backend on real services."""

    def __init__(self, services: Services, *, pace: float = 0.0) -> None:
        self._services, self._pace = services, pace

    @property
    def target(self) -> Target:
        """The release target."""
        return self._services.target

    @property
    def operator(self) -> str:
        """Who releases."""
        return self._services.settings.operator

    def standing(self) -> Standing:
        """How things stand on this machine."""
        from nexy_tui.engine.standing import standing

        return standing(self._services)

    def surroundings(self) -> Sequence[tuple[str, str]]:
        """What is in force: checkout with layout and manifest directories, configuration, proxy, CA, where logs go."""
        from nexy_tui.config.operator import CONFIGURED, operator_source
        from nexy_tui.services.identity import proxy_in_force

        settings = self._services.settings
        found = self._services.found()
        named = operator_source(settings)
        by_variable = "" if named == CONFIGURED else f"; operator from {named}"
        return (
            ("checkout", found.problem or f"{found.root} ({found.layout})"),
            ("manifests", ", ".join(found.manifest_directories)),
            ("configuration", str(settings.config_path) + ("" if settings.config_found else " (not there: defaults)") + by_variable),
            ("proxy", proxy_in_force(self._services.environ) or "none"),
            ("CA", str(settings.ca or "public")),
            ("run logs", str(settings.state_dir / "runs")),
        )

    def target_changes(self) -> Sequence[str]:
        """What of the target differs from the last run's."""
        from nexy_tui.engine.last_target import target_change

        return target_change(self._services)

    def proposal(self) -> Proposal:
        """The version to suggest, after what is out now. Outside a checkout nothing is asked of anybody: Unusable."""
        from nexy_tui.engine.before import look_before, propose_version
        from nexy_tui.engine.last_target import target_change
        from nexy_tui.services.identity import require_world

        self._services.require_checkout()
        require_world(self._services.settings)
        before = look_before(self._services)
        version = propose_version(self._services, before)
        return Proposal(version, before.served, before.published, tuple(target_change(self._services)))

    def open_run(self, version: Version, kind: Kind, with_pkg: bool) -> Session:
        """Begin a run."""
        from nexy_tui.checklist import CHECKLIST
        from nexy_tui.engine.begin import RunRequest, start_run

        return start_run(self._services, CHECKLIST, RunRequest(version, kind, with_pkg))

    def resume(self, path: Path) -> Session:
        """Take up a run."""
        from nexy_tui.checklist import CHECKLIST
        from nexy_tui.engine.resume import resume_run

        return resume_run(self._services, CHECKLIST, path)

    def look_session(self) -> Session:
        """A session that only looks."""
        from nexy_tui.checklist import CHECKLIST
        from nexy_tui.engine.opening import look_session

        return look_session(self._services, CHECKLIST, released=True)

    def drive(self, session: Session, confirm: Callable[[str], bool]) -> Outcome:
        """Play the operator, at a pace that can be watched."""
        from nexy_tui.engine.driver import drive

        return drive(session, confirm=confirm, attestations={}, attest_all=True, pause=lambda: time.sleep(self._pace))

    def runs(self) -> Sequence[RunSummary]:
        """Every run found here, newest first."""
        from nexy_tui.runlog.read import list_runs

        return list_runs(self._services.settings.state_dir)

    def close_run(self, path: Path) -> Sequence[str]:
        """Seal an open run as aborted."""
        from nexy_tui.engine.close import close_run

        return close_run(self._services, path).lines()

    def story(self, path: Path) -> Sequence[Step]:
        """What a run did, step by step."""
        from nexy_tui.engine.story import story
        from nexy_tui.runlog.read import read_log

        return story(read_log(path))

    def report(self, path: Path) -> Path:
        """The page of a run, beside its log."""
        from nexy_tui.report import write_page
        from nexy_tui.runlog.read import read_log

        return write_page(read_log(path), self._verdict(path))

    def save(self, session: Session) -> Path:
        """Keep what final verification found."""
        from nexy_tui.engine.save import save

        return save(session, list(session.state.findings.values())).log

    def records(self, path: Path) -> Sequence[str]:
        """A log's records, one line each."""
        from nexy_tui.runlog.read import read_log
        from nexy_tui.runlog.show import record_line

        return [record_line(record) for record in read_log(path)]

    def verify(self, path: Path) -> tuple[State, Sequence[str]]:
        """A log's verdict."""
        from nexy_tui.runlog.show import verdict_lines

        said = self._verdict(path)
        return said.state, verdict_lines(said)

    def _verdict(self, path: Path) -> LogVerdict:
        from nexy_tui.runlog.verify import verify_file

        try:
            checkout = self._services.checkout
        except Unusable:
            checkout = None
        return verify_file(path, self._services.settings, checkout=checkout, anchored=True)

    def verify_commands(self, log: Path) -> Sequence[str]:
        """How this log is verified: with this tool, and with OpenSSH alone."""
        from nexy_tui.runlog.read import read_log
        from nexy_tui.runlog.show import verify_command

        settings = self._services.settings
        last = read_log(log)[-1]
        return f"nexy-tui runs verify {log}", verify_command(log, settings.operator, last, str(settings.allowed_signers))

    def fixers(self) -> Sequence[Trouble]:
        """The troubleshooting chapter."""
        from nexy_tui.fixers import TROUBLES

        return TROUBLES

    def diagnose(self, names: Sequence[str] = ()) -> Sequence[Finding]:
        """What the fixers named (all of them, where none is) find here, worst first. Each finding names its fixer. Changes nothing."""
        from nexy_tui.engine.mend import DOCTOR, worst_first
        from nexy_tui.engine.opening import look_session

        items = [item for item in DOCTOR.items if not names or item.fixers[0] in names]
        session = look_session(self._services, DOCTOR, released=True)
        return [replace(finding, fixers=item.fixers) for item, finding in worst_first(items, session.looks.at(items))]

    def plan_fix(self, name: str, run: Session | None = None) -> FixPreview:
        """Exactly what a fixer would change now, as `fix NAME --dry-run` says it; no lines where its trouble is not here."""
        from nexy_tui.engine.mend import fix_plan

        return fix_plan(self._services, name, run)

    def fix(self, name: str, secret: str, run: Session | None = None) -> FixEnd:
        """Mend inside the run, or as `fix NAME --yes` does where none is open. Raises Problem where it cannot be begun."""
        from nexy_tui.core.secret import Secret
        from nexy_tui.engine.mend import FixPrompts, interrupted, known_fixer, mend, mend_inside, open_fix

        chosen, said = known_fixer(name), list[str]()
        given = Secret("screen", secret) if secret else None
        prompts = FixPrompts(lambda _: given, lambda *_: True, said.append)
        try:
            if run is not None:
                outcome, findings = mend_inside(run, chosen, prompts)
            else:
                left = interrupted(self._services, chosen.name)
                run = open_fix(self._services, chosen, left)
                outcome = mend(run, chosen, prompts, resumed=left is not None)
                findings = list(run.state.findings.values())
        finally:
            self._services.secrets.forget_handed()
        found = [f"{' '.join(finding.shown)}: {finding.summary}" for finding in findings]
        next_step = [str(one.remedy) for one in findings if outcome.refusal is not None and one.item == outcome.refusal.item]
        return FixEnd(outcome.outcome, (*said, *found, *filter(None, [outcome.reason, *next_step])), run.journal.path)

    def rollback_preview(self) -> RollbackPreview:
        """What clients download now, and what would come back."""
        from nexy_tui.engine.rollback_preview import preview_rollback

        return preview_rollback(self._services)

    def preview(self, action: str, attestations: Mapping[str, str]) -> Preview:
        """What an action standing alone would do now, and what keeps it from it."""
        from nexy_tui.checklist import CHECKLIST
        from nexy_tui.engine.alone import preview

        return preview(self._services, CHECKLIST, action, attestations)

    def open_alone(self, action: str) -> Session:
        """Begin what the command of that name begins."""
        from nexy_tui.checklist import CHECKLIST
        from nexy_tui.engine.alone import open_alone

        return open_alone(self._services, CHECKLIST, [action])

    def act_alone(self, session: Session, action: str, attestations: Mapping[str, str]) -> Outcome:
        """Carry it out, as the command does with --yes."""
        from nexy_tui.engine.alone import perform_alone

        return perform_alone(session, [action], confirm=lambda _: True, attestations=attestations)

    def diagnosis(self, *, offline: bool) -> Diagnosis:
        """Whether all is set up for a release."""
        from nexy_tui.engine.doctor import examine

        return examine(lambda: self._services, offline=offline)

    def places(self) -> Sequence[Location]:
        """Where to look."""
        from nexy_tui.engine.places import places

        return places(self._services)
