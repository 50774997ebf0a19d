"""Rollback: what clients download now, what would come back in its place, and putting it there (a run of its own)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from nexy_tui.checklist import CHECKLIST, ActionRole
from nexy_tui.core.problem import Problem
from nexy_tui.engine.alone import Preview
from nexy_tui.engine.outcome import Outcome
from nexy_tui.engine.rollback_preview import AssetPair, AssetState, RollbackPreview
from nexy_tui.engine.session import Session
from screens import act, begin
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.attest import AttestDialog
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.message import RETRY, MessageDialog
from screens.dialogs.refusal import ACTION, ATTEST, FIXERS, LOOK, MEND, RefusalDialog
from screens.text import amount, clean, one_line
from screens.widgets.grid import grid
from screens.widgets.progress_panel import ProgressPanel
from screens.widgets.run_log import RunLogPane

TITLE = "Put the release before back"
[ROLLBACK], [HEAL] = ([one.name for one in CHECKLIST.of_role(role)] for role in (ActionRole.ROLLBACK, ActionRole.HEALER))


class RollbackScreen(WizardScreen):
    """Both artifacts as they stand. Putting back is shown, confirmed by typing, and refused while an earlier item is not satisfied."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look", "Look again"),
        Binding("b", "put_back", "Put it back"),
        Binding("h", "heal", "Heal"),
        Binding("escape", "escape", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self._attested: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        """Title, what stands where, progress, log."""
        about = ("   the download by two renames, then its manifests", "$muted")
        with Vertical(id="listing"):
            yield Static(Content.assemble((TITLE, "bold"), about), id="list-title", markup=False)
            yield Static(id="in-place", markup=False)
            yield ProgressPanel()
            yield RunLogPane()

    def on_mount(self) -> None:
        """Look."""
        self.query_one(RunLogPane).focus()
        self._look()
        self.redraw()

    def redraw(self) -> None:
        """Draw the run as it stands."""
        super().redraw()
        self.set_class(self.context.acting is not None, "-acting")
        view = self.context.view
        if view is not None and self.drawable:
            self.query_one(ProgressPanel).show(view)
            self.query_one(RunLogPane).show(view, self.context.running)

    def tick(self) -> None:
        """Draw the exposure's timer and the countdown."""
        super().tick()
        if self.context.view is not None:
            self.query_one(ProgressPanel).show(self.context.view)

    def action_look(self) -> None:
        """Ask the release host and the live server what stands now, and say so: often nothing has changed."""
        self._look(self._show_again)

    def action_put_back(self) -> None:
        """Put the release before back."""
        self._ask(ROLLBACK)

    def action_heal(self) -> None:
        """Heal a swap that was cut off between its renames."""
        self._ask(HEAL)

    def action_escape(self) -> None:
        """Ask what runs to stop; else back."""
        run = self.context.open_run
        if run is not None and not run.plan.standalone:
            self.app.pop_screen()
        elif run is not None:
            act.ask_stop(self.context)
        elif self.context.acting is not None:
            self.context.tell("The run is being opened. Escape stops it once it is open.")
        else:
            self.context.go_home()

    def _ask(self, action: str) -> None:
        """Look at the preconditions, show what would be done, and do it once that is confirmed."""
        context = self.context
        if context.hands_off():
            return
        if context.open_run is not None:
            lines = ["A run is open here, and whatever writes outside this machine needs the release lock, which that run has."]
            lines.append("Its own screens offer the same action: those of the remotes, publish, gate, deploy and final phases.")
            context.app.push_screen(MessageDialog(TITLE, lines))
            return
        work = partial(context.backend.preview, action, dict(self._attested))
        self.context.prepare("Checking what must be right first", work, partial(self._previewed, action))

    def _previewed(self, action: str, found: Preview) -> None:
        if not self.drawable:
            return  # It was left meanwhile.
        context, subject = self.context, found.session.checklist.release_action(action)
        context.stage.redraw()
        if found.refusal is not None:
            dialog = RefusalDialog(found.session, found.refusal, subject.action.title, context.fixer_title)
            context.app.push_screen(dialog, partial(self._answered, action, found))
        else:
            plain = subject.meaning(str(found.session.plan.version or ""))
            target, verb = context.backend.target, subject.label
            question = Question(subject.action.title, found.lines, found.typed, subject.irreversible, target, verb, plain)
            context.app.push_screen(ConfirmDialog(question), partial(self._confirmed, action))

    def _confirmed(self, action: str, answer: str | None) -> None:
        if answer == GO:
            begin.if_meant(self.context, partial(self._act, action))

    def _answered(self, action: str, found: Preview, choice: str | None) -> None:
        """What the operator wants to do about the item in the way."""
        assert found.refusal is not None
        context, item = self.context, found.session.checklist.item(found.refusal.item)
        finding = found.session.state.findings.get(item.id)
        if choice == LOOK:
            self._ask(action)
        elif choice in (FIXERS, MEND):
            act.open_fixers(context, found.session, item.id)
        elif choice == ATTEST:
            context.app.push_screen(AttestDialog(found.session, item, finding), partial(self._attest, action, item.id))
        elif choice is not None and choice.startswith(ACTION):
            self._ask_for(choice.removeprefix(ACTION), found)

    def _ask_for(self, wanted: str, found: Preview) -> None:
        """The action that satisfies what is missing: a run of its own too, where it can stand alone."""
        if found.session.checklist.release_action(wanted).role is ActionRole.REPAIR:
            self._ask(wanted)
        else:
            title = found.session.checklist.actions[wanted].title
            self.context.tell(f"{title} belongs to a release run: start or resume one on the home screen.")

    def _attest(self, action: str, item: str, reason: str | None) -> None:
        if reason is not None:
            self._attested[item] = reason
            self._ask(action)

    def _act(self, action: str) -> None:
        backend, attested = self.context.backend, dict(self._attested)

        def perform(session: Session) -> Outcome:
            return backend.act_alone(session, action, attested)

        begin.open_alone(self.context, action, partial(backend.open_alone, action), perform, partial(self._ended, action))

    def _ended(self, action: str, outcome: Outcome) -> None:
        context = self.context
        title = context.title(action)
        result = "" if context.view is None else context.view.result
        log = "" if context.session is None or context.session.log is None else f"Log: {context.session.log.path}"
        if outcome.problem is not None:
            dialog = context.problem_dialog(f"{title} did not reach its end", outcome.problem, retry="Try again")
            context.app.push_screen(dialog, lambda answer: self._ask(action) if answer == RETRY else None)
        elif outcome.refusal is not None:
            context.app.push_screen(MessageDialog(f"{title} was refused", [outcome.refusal.reason, log], tone="refusal"))
        else:
            context.app.push_screen(MessageDialog(f"{title}: done and verified", [result, log]))
        self._look()

    def _look(self, then: Callable[[RollbackPreview], None] | None = None) -> None:
        self.context.start("Looking at what is in place", self.context.backend.rollback_preview, then or self._show, self._unseen)

    def _show_again(self, found: RollbackPreview) -> None:
        self._show(found)
        self.context.tell("Looked again.")

    def _show(self, found: RollbackPreview) -> None:
        if not self.drawable:
            return
        rows = [row for pair in found.pairs for row in _rows(pair)]
        rows += [("live server offers", found.offered)]
        if any(pair.cut_off for pair in found.pairs):
            rows.append(("! cut off", "A swap was cut off between its renames: clients get 404. h puts the bytes from before back."))
        self.query_one("#in-place", Static).update(grid(self.app, rows, width=18))
        self.context.stage.redraw()

    def _unseen(self, problem: Problem) -> None:
        if self.drawable:
            said = clean(str(problem))
            self.query_one("#in-place", Static).update(Content.assemble(("? not seen  ", "bold $warning"), said))
            self.context.stage.redraw()


def _rows(pair: AssetPair) -> Sequence[tuple[str, str]]:
    if pair.now is None and pair.before is None:
        return [(pair.name, f"never published under {pair.tag}")]
    return [(pair.name, f"now     {_described(pair.now)}"), ("", f"before  {_described(pair.before)}")]


def _described(one: AssetState | None) -> str:
    if one is None:
        return "nothing there"
    if not one.whole:
        return f"not whole: {one_line(one.state, 20)}, {amount(one.size, 'B')}"
    sha = "digest not told" if one.sha256 is None else f"sha256 {one.sha256[:10]}"
    return f"{one.release or 'no manifest':<12} {amount(one.size, 'B'):<9} {sha}"
