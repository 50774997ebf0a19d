"""Runs: the signed logs found here; an unfinished one can be taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from nexy_tui.runlog.read import RunSummary
from nexy_tui.runlog.verify import State
from screens import begin
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.confirm import GO, ConfirmDialog, Question
from screens.dialogs.viewer import Viewer
from screens.text import one_line
from screens.widgets.grid import grid

_SIGNS = {"sealed": ("✓", "$success"), "open": ("▸", "$primary"), "torn": ("!", "bold $warning"), "unreadable": ("✗", "bold $error")}
_GOOD = ("✓", "bold $success")
_VERDICTS = {State.ANCHORED: _GOOD, State.SEALED: _GOOD, State.INVALID: ("✗", "bold $error")}


class RunsScreen(WizardScreen):
    """The list, newest first. What a log says of itself is shown as such; `v` verifies it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "resume", "Resume"),
        Binding("s", "show_records", "Show"),
        Binding("v", "verify", "Verify"),
        Binding("c", "close", "Close"),
        Binding("y", "copy", "Copy path"),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext, *, only_open: bool = False) -> None:
        super().__init__(context)
        self._only_open = only_open
        self._runs: tuple[RunSummary, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Title, list, and the chosen run's facts."""
        title = "Resume a run" if self._only_open else "Runs"
        about = "unfinished runs of this world; enter takes one up" if self._only_open else "signed logs found here; enter shows one"
        with Vertical(id="listing"):
            yield Static(Content.assemble((title, "bold"), (f"   {about}", "$muted")), id="list-title", markup=False)
            yield OptionList(id="list", markup=False, compact=True)
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

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        """Show the run's facts."""
        self._about()

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        """Enter: take up, or show."""
        self.action_resume() if self._only_open else self.action_show_records()

    def action_resume(self) -> None:
        """Take the run up again; whether it may be is the engine's to say."""
        if self.chosen is not None:
            begin.resume(self.context, self.chosen.path)

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
            f"The run {one_line(run.run, 40)} of {one_line(run.version, 40)} is sealed as aborted.",
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
        run = self.chosen
        if run is None:
            none = "No unfinished run here. Start one on the home screen."
            self.query_one("#about", Static).update(none if self._only_open else "No run yet. Practise one: Rehearse on the home screen.")
            return
        rows = [
            ("run", run.run),
            ("operator", run.operator or "unknown"),
            ("world", run.world or "production"),
            ("records", f"{run.records}, as the log describes itself; v verifies it"),
            ("log", str(run.path)),
        ]
        self.query_one("#about", Static).update(grid(self.app, rows, width=9))

    def _records(self, run: RunSummary, lines: Sequence[str]) -> None:
        parts = [Content(one_line(line, 600)) for line in lines]
        self.app.push_screen(Viewer(f"Records of {one_line(run.version, 40)} · {one_line(run.run, 40)}", parts, copy=str(run.path)))

    def _verdict(self, run: RunSummary, verdict: tuple[State, Sequence[str]]) -> None:
        state, lines = verdict
        sign, style = _VERDICTS.get(state, ("!", "bold $warning"))
        parts = [Content.styled(f"{sign} {state.value}", style), Content("")]
        parts += [Content(one_line(line, 600)) for line in lines]
        self.app.push_screen(Viewer("Verdict on the log", parts, copy=f"nexy-tui runs verify {run.path}"))


def _row(run: RunSummary) -> Content:
    sign, style = _SIGNS.get(run.looks, ("?", "$warning"))
    state = run.outcome or run.looks
    started = one_line(run.started, 40)[:16].replace("T", " ")
    return Content.assemble(
        (f"{sign} {one_line(state, 12):<12}", style),
        (f"{one_line(run.version, 20):<12}", "bold"),
        f"{one_line(run.kind, 12):<13}",
        (f"{started:<18}", "$muted"),
        (f"{one_line(run.world or 'production', 18):<12}", ""),
        (one_line(run.run, 8), "$muted"),
    )
