"""The command palette of a phase: what makes sense now, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from screens.phase import PhaseScreen


class PhaseCommands(Provider):
    """Knows the run's state: it offers no action that would be refused for want of a run, and no phase that is not open."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, help_text, run in self._commands():
            yield DiscoveryHit(name, run, help=help_text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for name, help_text, run in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=help_text)

    def _commands(self) -> Iterable[tuple[str, str, Callable[[], None]]]:
        from screens.phase import PhaseScreen

        screen = self.screen
        if not isinstance(screen, PhaseScreen):
            return
        yield "Look again", "Look at every item of this phase", screen.action_look
        if screen.selected is not None:
            yield f"Open: {screen.selected.title}", "Why, found, to do, evidence", screen.action_toggle_detail
        if screen.conductor.look_only:
            yield "Home", "End this look", screen.conductor.go_home
        else:
            yield from self._run_commands(screen)
        yield "Keys", "Every key", partial(screen.app.call_later, screen.app.run_action, "help")
        yield "Quit", "Leave; an open run can be resumed", screen.conductor.leave

    def _run_commands(self, screen: PhaseScreen) -> Iterable[tuple[str, str, Callable[[], None]]]:
        state, checklist, actor = screen.session.state, screen.checklist, screen.conductor.actor
        refusal = state.may_advance()
        yield "Next", "Go on" if refusal is None else f"Not yet: {checklist.item(refusal.item).title}", screen.action_next
        if screen.conductor.acting is not None:
            yield f"Stop {screen.conductor.title(screen.conductor.acting)}", "Ask it to stop", actor.ask_stop
        for action in (*checklist.main_actions(screen.phase), *checklist.remedies(screen.phase)):
            blocked = screen.session.in_the_way_of(action)
            hint = "Shows what it will do, then asks" if blocked is None else f"Not yet: {checklist.item(blocked.item).title}"
            yield checklist.actions[action].title, hint, partial(actor.ask, action)
        for item in screen.phase.items:
            if state.may_attest(item.id, "a reason is asked for next") is None:
                yield f"Attest: {item.title}", "It could not be verified here", partial(actor.ask_attestation, item.id)
        for phase in state.phases[: state.position]:
            yield f"Back to {checklist.phase(phase).title}", "An earlier phase", partial(screen.conductor.open_phase, phase)
