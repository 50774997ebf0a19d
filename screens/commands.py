"""The command palette: what makes sense now, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from screens.widgets.action_bar import ActionBar

if TYPE_CHECKING:
    from screens.base import WizardScreen
    from screens.phase import PhaseScreen

Command = tuple[str, str, Callable[[], object]]


class WizardCommands(Provider):
    """What can be done on every screen."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, about, run in self.commands():
            yield DiscoveryHit(name, run, help=about)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for name, about, run in self.commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=about)

    def commands(self) -> Iterable[Command]:
        """Name, explanation and what to run."""
        yield "Keys", "Every key", partial(self.app.run_action, "help")
        yield "Fixers", "The troubleshooting chapter: what is wrong, and mending it", self._fixers
        yield "Rollback", "What stands at the release's addresses, and putting the release before back", self._rollback
        yield "Where to look", "Paths, pages, backups, drills, logs: state and age", self._places
        yield "Colours", "Choose another theme", self.app.action_change_theme
        yield "Quit", "Leave; an open run can be resumed", partial(self.app.run_action, "quit")

    def _fixers(self) -> None:
        from screens.fixers import FixersScreen

        self._push(FixersScreen)

    def _rollback(self) -> None:
        from screens.rollback import RollbackScreen

        self._push(RollbackScreen)

    def _places(self) -> None:
        from screens.places import PlacesScreen

        self._push(PlacesScreen)

    def _push(self, kind: type[WizardScreen]) -> None:
        from screens.base import WizardScreen

        if isinstance(self.screen, WizardScreen):
            self.app.push_screen(kind(self.screen.conductor))


class PhaseCommands(WizardCommands):
    """Knows the run's state: it names what stands in the way of each action, and offers no phase that is not open."""

    def commands(self) -> Iterable[Command]:
        """The phase's own, then everybody's."""
        from screens.phase import PhaseScreen

        screen = self.screen
        if isinstance(screen, PhaseScreen):
            yield from _home_commands(screen) if screen.conductor.look_only else _run_commands(screen)
            yield "Look again", "Look at every item of this phase", screen.action_look
            if screen.selected is not None:
                yield f"Open: {screen.selected.title}", "Why, found, to do, evidence", screen.action_toggle_detail
        yield from super().commands()


def _home_commands(screen: PhaseScreen) -> Iterable[Command]:
    yield "Home", "End this look", screen.conductor.go_home


def _run_commands(screen: PhaseScreen) -> Iterable[Command]:
    state, checklist, actor = screen.session.state, screen.checklist, screen.conductor.actor
    refusal = state.may_advance()
    yield "Next", "Go on" if refusal is None else f"Not yet: {checklist.item(refusal.item).title}", screen.action_next
    if screen.conductor.acting is not None:
        yield f"Stop: {screen.conductor.title(screen.conductor.acting)}", "Ask it to stop", actor.ask_stop
    for action in screen.query_one(ActionBar).actions:
        blocked = screen.session.looks.in_the_way_of(action)
        about = "Shows what it will do, then asks" if blocked is None else f"Not yet: {checklist.item(blocked.item).title}"
        yield checklist.actions[action].title, about, partial(actor.ask, action)
    for item in screen.phase.items:
        if state.may_attest(item.id, "a reason is asked for next") is None:
            yield f"Attest: {item.title}", "It could not be verified here", partial(actor.ask_attestation, item.id)
    for phase in state.phases[: state.position]:
        yield f"Back to {checklist.phase(phase).title}", "An earlier phase", partial(screen.conductor.open_phase, phase)
