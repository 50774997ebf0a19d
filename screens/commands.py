"""The command palette: what makes sense now, by name. Each screen says what that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider

from screens.context import RunContext

if TYPE_CHECKING:
    from nexy_tui.checklist import Phase

Command = tuple[str, str, Callable[[], object]]
"""Name, explanation and what to run."""


@runtime_checkable
class HasCommands(Protocol):
    """A screen with commands."""

    def commands(self) -> Iterable[Command]:
        """What can be done now."""
        ...


class ScreenCommands(Provider):
    """What the screen in front offers."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for name, about, run in self._commands():
            yield DiscoveryHit(name, run, help=about)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for name, about, run in self._commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=about)

    def _commands(self) -> Iterable[Command]:
        return self.screen.commands() if isinstance(self.screen, HasCommands) else ()


def everywhere(context: RunContext) -> Iterable[Command]:
    """What can be done on every screen."""
    app, stage = context.app, context.stage
    yield "Keys", "Every key", partial(app.run_action, "help")
    yield "Fixers", "The troubleshooting chapter: what is wrong, and mending it", stage.open_fixers
    yield "Rollback", "What stands at the release's addresses, and putting the release before back", stage.open_rollback
    yield "Ready?", "Whether this machine and its operator are set up for a release", stage.open_doctor
    yield "Where to look", "Paths, pages, backups, drills, logs: state and age", stage.open_places
    yield "Colours", "Choose another theme", app.action_change_theme
    yield "Quit", "Leave; an open run can be resumed", partial(app.run_action, "quit")


def in_a_phase(context: RunContext, phase: Phase, actions: Sequence[str]) -> Iterable[Command]:
    """What the run allows: it names what stands in the way of each action, and offers no phase that is not open."""
    from screens import act
    from screens.look import open_phase

    session = context.session
    assert session is not None
    if context.look_only:
        yield "Home", "Leave final verification", context.go_home
        return
    state, checklist = session.state, session.checklist
    refusal = state.may_advance()
    yield "Next", "Go on" if refusal is None else f"Not yet: {checklist.item(refusal.item).title}", partial(act.advance, context)
    if context.acting is not None:
        yield f"Stop: {context.title(context.acting)}", "Ask it to stop", partial(act.ask_stop, context)
    for action in actions:
        blocked = session.looks.in_the_way_of(action)
        about = "Shows what it will do, then asks" if blocked is None else f"Not yet: {checklist.item(blocked.item).title}"
        yield checklist.actions[action].title, about, partial(act.ask, context, action)
    for item in phase.items:
        if state.may_attest(item.id, act.REASON_TO_COME) is None:
            yield f"Attest: {item.title}", "It could not be verified here", partial(act.ask_attestation, context, item.id)
    for earlier in state.phases[: state.position]:
        yield f"Back to {checklist.phase(earlier).title}", "An earlier phase", partial(open_phase, context, earlier)
