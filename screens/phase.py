"""A phase's screen: its items, the open item, its actions, the log, and the way on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList

from nexy_tui.checklist import Item, Phase
from nexy_tui.core.finding import Status
from nexy_tui.engine.next_step import Do
from screens import act
from screens.base import TALL, WizardScreen
from screens.commands import Command, in_a_phase
from screens.context import RunContext
from screens.keys import PHASE_KEYS
from screens.look import look, look_at, open_phase
from screens.widgets.action_bar import ActionBar, ActionChosen
from screens.widgets.detail import Detail
from screens.widgets.item_list import ItemList
from screens.widgets.key_bar import KeyBar
from screens.widgets.line import Line
from screens.widgets.next_bar import NextBar
from screens.widgets.progress_panel import ProgressPanel
from screens.widgets.rail import PhaseChosen, Rail, Strip
from screens.widgets.run_log import RunLogPane
from screens.widgets.top_bar import TopBar

_SHOWN = frozenset(("primary", "look", "attest", "fixers", "back", "escape", "big_log"))
"""Actions of the keys at the foot."""


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
        yield from super().commands()

    def compose(self) -> ComposeResult:
        """Rail and middle, then the line with the next step, then the keys."""
        yield TopBar(self.context.backend.target)
        yield Strip(self.checklist)
        with Horizontal(id="frame"):
            yield Rail(self.checklist)
            with Vertical(id="middle"):
                yield Line(self._heading(), id="heading")
                yield ItemList(self.phase.items)
                yield Detail(self.checklist, self.context.fixer_title)
                yield from self.panels()
                yield ActionBar(self.session, self.phase)
                yield ProgressPanel(self.expected())
                yield RunLogPane()
        yield NextBar(self.checklist)
        yield KeyBar()

    def on_mount(self) -> None:
        """Start among the items; the selected one stands open below."""
        self.set_class(self.context.look_only, "-look-only")
        self.query_one(ItemList).focus()
        self.redraw()

    def on_resize(self) -> None:
        """What is laid out by width is drawn again."""
        if self.drawable:
            self.query_one("#heading", Line).put(self._heading(), layout=True)
            self.call_after_refresh(self.redraw)

    @property
    def drawable(self) -> bool:
        """Its parts are taken down one by one."""
        return super().drawable and all(self.query(part) for part in (Strip, Rail, ItemList, ActionBar, NextBar))

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
        self.query_one(ActionBar).show(context.action)
        self.query_one(NextBar).show(state, act.step(context), context.running, self.awaited, look_only=context.look_only)
        self.set_class(context.action is not None, "-acting")
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
        """Enter among the items is the next step; a click only chooses an item."""
        if isinstance(event.option_list, ItemList) and not event.option_list.clicked:
            self.action_primary()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The next step's button."""
        if event.button.id == "next":
            self.action_primary()

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The foot shows only keys that do something now; the others, when pressed, say why they do nothing."""
        found = super().active_bindings
        return {key: one for key, one in found.items() if one.binding.action not in _SHOWN or self._useful(one.binding.action)}

    def _useful(self, action: str) -> bool:
        """Whether a key of the foot does something now."""
        context, item = self.context, self.selected
        idle = context.running is None and not context.driving
        match action:
            case "primary" | "look":
                return idle
            case "attest":
                return idle and item is not None and self.session.state.may_attest(item.id, act.REASON_TO_COME) is None
            case "fixers":
                return item is not None and bool(self._fixers(item))
            case "back":
                return idle and self.session.state.position > 0 and not context.look_only
            case "escape":
                return context.acting is not None or context.look_only or self.has_class("-big-log")
            case _:
                return context.view is not None and bool(context.view.lines)

    def _fixers(self, item: Item) -> tuple[str, ...]:
        finding = self.session.state.findings.get(item.id)
        wrong = finding is not None and finding.status in (Status.FAILED, Status.INCONCLUSIVE)
        return (finding.fixers or item.fixers) if finding is not None and wrong else ()

    def on_action_chosen(self, event: ActionChosen) -> None:
        """A button of the action bar."""
        act.ask(self.context, event.action)

    def on_phase_chosen(self, event: PhaseChosen) -> None:
        """A phase of the rail."""
        open_phase(self.context, event.phase)

    def action_primary(self) -> None:
        """The one next step."""
        act.primary(self.context)

    def action_next(self) -> None:
        """Go on, or hear why not."""
        act.advance(self.context)

    def action_act(self) -> None:
        """Ask for the selected item's action, else the first that the phase still wants."""
        selected, state = self.selected, self.session.state
        bar = self.query_one(ActionBar)
        wanted = [name for name in bar.main if state.wants(name)]
        if selected is not None and selected.action in wanted:
            act.ask(self.context, str(selected.action))
        elif wanted:
            act.ask(self.context, wanted[0])
        elif bar.actions:
            self.context.tell("Nothing here waits for an action. A number key repeats one.")
        else:
            self.context.tell("This phase has no action of its own. The open item says what to do.")

    def action_act_number(self, number: int) -> None:
        """Ask for the action with that number."""
        action = self.query_one(ActionBar).numbered(number)
        if action is not None:
            act.ask(self.context, action)

    def action_look(self) -> None:
        """Look again at the whole phase."""
        look(self.context, whole=True, again=True)

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

    def action_big_log(self) -> None:
        """The log open or folded."""
        self.toggle_class("-big-log")

    def action_copy(self) -> None:
        """Copy the selected item with everything that was looked at."""
        item = self.selected
        if item is None:
            return
        finding = self.session.state.findings.get(item.id)
        lines = [f"{item.id}: {self.session.state.status(item.id).word}"]
        if finding is not None:
            lines += [finding.summary, str(finding.remedy), *(f"{one.name}: {one.value} ({one.source})" for one in finding.evidence)]
        self.context.copy("\n".join(line for line in lines if line))

    def action_escape(self) -> None:
        """Close what is open on a small screen; else ask the running action to stop."""
        if self.has_class("-big-log"):
            self.remove_class("-big-log")
        elif self.context.look_only:
            self.context.go_home()
        else:
            act.ask_stop(self.context)

    def _show_detail(self) -> None:
        item = self.selected
        if item is not None:
            step = act.step(self.context)
            by_key = step is not None and step.item == item.id and step.do in (Do.ACT, Do.MEND, Do.ANEW)
            finding, awaited = self.session.state.findings.get(item.id), item.action in self.awaited
            self.query_one(Detail).show(item, finding, awaited=awaited, next_step=by_key)

    def _heading(self) -> Content:
        number = self.session.state.phases.index(self.phase.id) + 1
        head = (f"{self.phase.title}", "bold $primary")
        count = (f"   phase {number} of {len(self.checklist.phases)} · rulebook {self.phase.section}", "$muted")
        intro = ("\n" + self.phase.intro, "$muted") if self.app.size.height >= TALL else ("", "")
        return Content.assemble(head, count, intro)
