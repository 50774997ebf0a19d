"""Runs: the signed logs found here; an unfinished one can be taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from nexy_tui.engine.story import called
from nexy_tui.runlog.read import RunSummary
from nexy_tui.runlog.verify import State
from screens import begin
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.message import MessageDialog
from screens.dialogs.viewer import Viewer
from screens.story import StoryScreen, report
from screens.text import one_line
from screens.widgets.grid import grid
from screens.widgets.menu import Menu

_OUTCOMES = {"complete": "verified", "failed": "refused", "aborted": "closed"}
"""How a sealed run ended, as people say it."""

_SIGNS = {
    "complete": ("✓", "$success"),
    "failed": ("✗", "bold $error"),
    "aborted": ("–", "$muted"),
    "open": ("○", "$primary"),
    "torn": ("!", "bold $warning"),
    "unreadable": ("✗", "bold $error"),
}
_GOOD = ("✓", "bold $success")
_VERDICTS = {State.ANCHORED: _GOOD, State.SEALED: _GOOD, State.INVALID: ("✗", "bold $error")}


class RunsScreen(WizardScreen):
    """The list, newest first. What a log says of itself is shown as such; `v` verifies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "resume", "Resume"),
        Binding("s", "show_records", "Log"),
        Binding("p", "report", "Page"),
        Binding("v", "verify", "Verify"),
        Binding("c", "close", "Close"),
        Binding("y", "copy", "Copy the path", show=False),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext, *, only_open: bool = False) -> None:
        super().__init__(context)
        self._only_open = only_open
        self._runs: tuple[RunSummary, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Title, list, and the chosen run's facts."""
        title = "Resume a run" if self._only_open else "Runs"
        about = "unfinished runs here; enter takes one up" if self._only_open else "what was done here; enter tells one's story"
        with Vertical(id="listing"):
            yield Static(Content.assemble((title, "bold"), (f"   {about}", "$muted")), id="list-title", markup=False)
            yield Menu(enter="Resume" if self._only_open else "Story", id="list", compact=True)
            yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        """Read the list."""
        self.query_one("#list").focus()
        self.query_one("#about", Static).update("Reading …")
        self.context.start("Reading the runs", self.context.backend.runs, self._list)
        self.redraw()

    @property
    def chosen(self) -> RunSummary | None:
        """The run the cursor is on."""
        index = self.query_one("#list", OptionList).highlighted
        return None if index is None or index >= len(self._runs) else self._runs[index]

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The foot shows only keys that do something with the chosen run; the others, when pressed, say why they do nothing."""
        found, run = super().active_bindings, self.chosen
        idle = set[str]() if run is not None and not run.outcome else {"resume", "close"}
        if run is None:
            idle |= {"select", "show_records", "report", "verify"}
        return {key: one for key, one in found.items() if one.binding.action not in idle}

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Show the run's facts."""
        self._about()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.action_open()

    def action_open(self) -> None:
        """Take the run up, where only open ones are listed; else tell its story."""
        if self._only_open:
            self.action_resume()
        elif self.chosen is not None:
            self.app.push_screen(StoryScreen(self.context, _name(self.chosen), self.chosen.path))

    def action_resume(self) -> None:
        """Take the run up again; whether it may be is the engine's to say."""
        run = self.chosen
        if run is not None and run.outcome:
            lines = [
                f"{_name(run)} is finished: {_OUTCOMES.get(run.outcome, run.outcome)}.",
                "Nothing is left to do in it. Enter tells its story.",
            ]
            self.app.push_screen(MessageDialog("It is finished", lines))
        elif run is not None and run.fixer:
            self.context.stage.open_fixers([run.fixer])
        elif run is not None:
            begin.resume(self.context, run.path)

    def action_report(self) -> None:
        """Write the run as a page that can be sent to others."""
        if self.chosen is not None:
            report(self.context, self.chosen.path)

    def action_show_records(self) -> None:
        """The records, one line each."""
        if self.chosen is not None:
            run, context = self.chosen, self.context
            work = partial(context.backend.records, run.path)
            context.start("Reading the records", work, partial(self._records, run))

    def action_verify(self) -> None:
        """The verdict on the log."""
        if self.chosen is not None:
            run, context = self.chosen, self.context
            work = partial(context.backend.verify, run.path)
            context.start("Verifying the log", work, partial(self._verdict, run))

    def action_close(self) -> None:
        """End an open run unfinished; whether it may be is the engine's to say."""
        run, context = self.chosen, self.context
        if run is None:
            return
        lines = (
            f"{_name(run)} (run {one_line(run.run, 40)}) is sealed as aborted.",
            "Nothing of it is gone on with; what it did stays as it is.",
        )
        question = Question("Close the run", lines, None, True, context.backend.target, verb="Close it")

        def closed(said: Sequence[str]) -> None:
            self.app.push_screen(Viewer("The run is closed", [Content(one_line(line, 600)) for line in said], copy=str(run.path)))
            context.start("Reading the runs", context.backend.runs, self._list)

        def answered(answer: str | None) -> None:
            if answer == GO:
                context.start("Closing the run", partial(context.backend.close_run, run.path), closed)

        self.app.push_screen(ConfirmDialog(question), answered)

    def action_copy(self) -> None:
        """Copy the log's path."""
        if self.chosen is not None:
            self.context.copy(str(self.chosen.path))

    def _list(self, runs: Sequence[RunSummary]) -> None:
        if not self.drawable:
            return
        world = self.context.backend.target.world
        self._runs = tuple(run for run in runs if not self._only_open or (run.looks in ("open", "torn") and run.world == world))
        listing = self.query_one("#list", OptionList)
        listing.clear_options()
        listing.add_options(Option(_row(run)) for run in self._runs)
        if self._runs:
            listing.highlighted = 0
        self._about()

    def _about(self) -> None:
        self.refresh_bindings()
        run = self.chosen
        if run is None:
            none = "No unfinished run here. Start one on the home screen."
            self.query_one("#about", Static).update(none if self._only_open else "No run yet. Practise one: Rehearse on the home screen.")
            return
        rows = [
            ("run", run.run),
            ("operator", run.operator or "unknown"),
            ("world", run.world or "production"),
            ("kind", run.kind or "unknown"),
            ("records", f"{run.records}, as the log describes itself; v verifies it"),
            ("log", str(run.path)),
        ]
        self.query_one("#about", Static).update(grid(self.app, rows, width=9))

    def _records(self, run: RunSummary, lines: Sequence[str]) -> None:
        parts = [Content(one_line(line, 600)) for line in lines]
        self.app.push_screen(Viewer(f"Records: {_name(run)}", parts, copy=str(run.path)))

    def _verdict(self, run: RunSummary, verdict: tuple[State, Sequence[str]]) -> None:
        state, lines = verdict
        sign, style = _VERDICTS.get(state, ("!", "bold $warning"))
        parts = [Content.styled(f"{sign} {state.value}", style), Content("")]
        parts += [Content(one_line(line, 600)) for line in lines]
        self.app.push_screen(Viewer("Verdict on the log", parts, copy=f"nexy-tui runs verify {run.path}"))


def _name(run: RunSummary) -> str:
    return one_line(called(run.purpose, one_line(run.version, 20), run.world), 60)


def _row(run: RunSummary) -> Content:
    sign, style = _SIGNS.get(run.outcome or run.looks, ("?", "$warning"))
    state = _OUTCOMES.get(run.outcome, run.outcome) if run.outcome else run.looks
    started = one_line(run.started, 40)[:16].replace("T", " ")
    return Content.assemble((f"{sign} {one_line(state, 10):<10} ", style), (f"{started:<17} ", "$muted"), (_name(run), "bold"))
