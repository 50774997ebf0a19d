"""A phase's screen: its items, the open item, its actions, the log, and the way on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList, Static

from nexy_tui.checklist import Item, Phase
from screens import act
from screens.base import WizardScreen
from screens.commands import Command, in_a_phase
from screens.context import RunContext
from screens.keys import PHASE_KEYS
from screens.look import look, look_at, open_phase
from screens.widgets.action_bar import ActionBar, ActionChosen
from screens.widgets.detail import Detail
from screens.widgets.item_list import ItemList
from screens.widgets.key_bar import KeyBar
from screens.widgets.next_bar import NextBar
from screens.widgets.progress_panel import ProgressPanel
from screens.widgets.rail import PhaseChosen, Rail, Strip
from screens.widgets.run_log import RunLogPane
from screens.widgets.top_bar import TopBar


class PhaseScreen(WizardScreen):
    """One phase. Subclasses add what is particular to theirs through `panels`, `expected` and `redraw`."""

    BINDINGS: ClassVar[list[BindingType]] = [*PHASE_KEYS]

    def __init__(self, context: RunContext, phase: Phase) -> None:
        super().__init__(context)
        assert context.session is not None
        self.phase = phase
        self.session = context.session
        self.checklist = context.session.checklist
        self._wanted: str | None = None
        self.add_class(f"-phase-{phase.id}")

    def panels(self) -> Iterable[Widget]:
        """Widgets of this phase's own, between its items and its actions."""
        return ()

    def expected(self) -> tuple[str, ...]:
        """Subjects whose progress is shown even before they begin."""
        return ()

    def commands(self) -> Iterable[Command]:
        """The phase's own, then everybody's."""
        yield from in_a_phase(self.context, self.phase, self.query_one(ActionBar).actions)
        yield "Look again", "Look at every item of this phase", self.action_look
        if self.selected is not None:
            yield f"Open: {self.selected.title}", "Why, found, to do, evidence", self.action_toggle_detail
        yield from super().commands()

    def compose(self) -> ComposeResult:
        """Rail and middle, then the bar with Next, then the keys."""
        yield TopBar(self.context.backend.target)
        yield Strip(self.checklist)
        with Horizontal(id="frame"):
            yield Rail(self.checklist)
            with Vertical(id="middle"):
                yield Static(self._heading(), id="heading", markup=False)
                yield ItemList(self.phase.items)
                yield Detail(self.checklist, self.context.fixer_title)
                yield from self.panels()
                yield ActionBar(self.session, self.phase)
                yield ProgressPanel(self.expected())
                yield RunLogPane()
        yield NextBar(self.checklist)
        yield KeyBar()

    def on_mount(self) -> None:
        """Start among the items, with the item open where there is room."""
        self.set_class(self.context.look_only, "-look-only")
        self.query_one(ItemList).focus()
        self.set_class(self.app.size.height >= 32, "-open")
        self.redraw()

    def on_resize(self) -> None:
        """What is laid out by width is drawn again."""
        if self.drawable:
            self.call_after_refresh(self.redraw)

    @property
    def awaited(self) -> frozenset[str]:
        """The phase's actions that the run is still to do."""
        plan = self.session.plan
        return frozenset(name for name in self.checklist.main_actions(self.phase) if plan.awaits(name) and self.session.applies(name))

    @property
    def selected(self) -> Item | None:
        """The item the cursor is on."""
        return self.query_one(ItemList).selected

    def select(self, item: str) -> None:
        """Put the cursor on an item."""
        self.query_one(ItemList).select(item)

    def redraw(self) -> None:
        """Draw the run as it stands."""
        super().redraw()
        if not self.drawable:
            return
        context, state = self.context, self.session.state
        looking = set() if context.view is None else context.view.looking
        self.query_one(Strip).show(state)
        self.query_one(Rail).show(state)
        self.query_one(ItemList).show(state, looking, self.awaited)
        if not looking:
            self.query_one(ItemList).lead(state.may_advance())
        self.query_one(ActionBar).show(state, context.action)
        self.query_one(NextBar).show(state, context.running, look_only=context.look_only)
        self._show_detail()
        if context.view is not None:
            self.query_one(ProgressPanel).show(context.view)
            self.query_one(RunLogPane).show(context.view, context.running)

    def tick(self) -> None:
        """Draw the exposure's timer and the countdown."""
        super().tick()
        if self.context.view is not None and (self.context.view.countdown or self.context.view.meters):
            self.query_one(ProgressPanel).show(self.context.view)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The open item follows the cursor."""
        if isinstance(event.option_list, ItemList):
            self._show_detail()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click on an item opens it."""
        if not isinstance(event.option_list, ItemList):
            return
        if not event.option_list.clicked_another:
            self.action_toggle_detail()
        elif not self.has_class("-short"):
            self.add_class("-open")
            self._show_detail()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The Next button."""
        if event.button.id == "next":
            self.action_next()

    def on_action_chosen(self, event: ActionChosen) -> None:
        """A button of the action bar."""
        act.ask(self.context, event.action)

    def on_phase_chosen(self, event: PhaseChosen) -> None:
        """A phase of the rail."""
        open_phase(self.context, event.phase)

    def action_next(self) -> None:
        """Go on, or hear why not."""
        act.advance(self.context)

    def action_act(self) -> None:
        """Ask for the selected item's action, else the first that the phase still wants."""
        selected, state = self.selected, self.session.state
        wanted = [name for name in self.query_one(ActionBar).main if state.wants(name)]
        if selected is not None and selected.action in wanted:
            act.ask(self.context, str(selected.action))
        elif wanted:
            act.ask(self.context, wanted[0])
        elif self.query_one(ActionBar).actions:
            self.context.tell("Nothing here waits for an action. A number key repeats one or starts a repair.")
        else:
            self.context.tell("This phase has no action; what it checks is brought about elsewhere. Open an item to read what to do.")

    def action_act_number(self, number: int) -> None:
        """Ask for the action with that number."""
        actions = self.query_one(ActionBar).actions
        if number <= len(actions):
            act.ask(self.context, actions[number - 1])

    def action_look(self) -> None:
        """Look again at the whole phase."""
        look(self.context, whole=True)

    def action_look_item(self) -> None:
        """Look again at the selected item."""
        if self.selected is not None:
            look_at(self.context, self.selected.id)

    def action_attest(self) -> None:
        """Attest the selected item."""
        if self.selected is not None:
            act.ask_attestation(self.context, self.selected.id)

    def action_fixers(self) -> None:
        """The selected item's fixers."""
        if self.selected is not None:
            act.open_fixers(self.context, self.session, self.selected.id)

    def action_places(self) -> None:
        """Where everything lies."""
        self.context.stage.open_places()

    def action_back(self) -> None:
        """The phase before."""
        state = self.session.state
        if state.position > 0:
            open_phase(self.context, state.phases[min(state.position, len(state.phases) - 1) - 1])
        else:
            self.context.tell("This is the first phase.")

    def action_toggle_detail(self) -> None:
        """Open or close the selected item."""
        self.toggle_class("-open")
        self._show_detail()
        (self.query_one(Detail) if self._covered else self.query_one(ItemList)).focus()

    def action_big_log(self) -> None:
        """The log large or small."""
        self.toggle_class("-big-log")

    def action_copy(self) -> None:
        """Copy the selected item with everything that was looked at."""
        item = self.selected
        if item is None:
            return
        finding = self.session.state.findings.get(item.id)
        lines = [f"{item.id}: {self.session.state.status(item.id).value}"]
        if finding is not None:
            lines += [finding.summary, str(finding.remedy), *(f"{one.name}: {one.value} ({one.source})" for one in finding.evidence)]
        self.context.copy("\n".join(line for line in lines if line))

    def action_escape(self) -> None:
        """Close what is open on a small screen; else ask the running action to stop."""
        if self.has_class("-big-log"):
            self.remove_class("-big-log")
        elif self._covered:
            self.action_toggle_detail()
        elif self.context.look_only:
            self.context.go_home()
        else:
            act.ask_stop(self.context)

    @property
    def _covered(self) -> bool:
        """Whether the open item has taken the list's place, as it does on a small screen."""
        return self.has_class("-open") and self.has_class("-short")

    def _show_detail(self) -> None:
        item = self.selected
        if item is not None and self.has_class("-open"):
            self.query_one(Detail).show(item, self.session.state.findings.get(item.id))

    def _heading(self) -> Content:
        number = self.session.state.phases.index(self.phase.id) + 1
        head = (f"{self.phase.title}", "bold $primary")
        count = (f"   phase {number} of {len(self.checklist.phases)} · rulebook {self.phase.section}", "$muted")
        return Content.assemble(head, count, "\n", (self.phase.intro, "$muted"))
