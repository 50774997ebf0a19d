"""Every screen in its main states: a backend each, and the keys that lead there."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from pilot.fakes import CUT_OFF, RUNS, VERSION, FakeBackend
from pilot.hand import paste, press, settle, shown, until
from pilot.scripted import TORN, UNREAD, emitting
from pilot.walking import ready
from textual.pilot import Pilot

from nexy_tui.actions.base import ActionResult
from nexy_tui.app import NexyApp
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn, Progress, Waiting
from nexy_tui.core.finding import Finding, Status, failed
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import ActionFailed
from nexy_tui.core.remedy import Mend
from nexy_tui.engine.mend import FixPreview
from nexy_tui.engine.standing import Standing
from nexy_tui.runlog.state import Errand, Purpose
from screens.backend import NewRun
from screens.widgets.key_bar import KeyBar

Lead = Callable[[Pilot[Any]], Awaitable[None]]
TYPED = "rehearsal 1.6.1.43"


@dataclass(frozen=True)
class State:
    """One picture: what is behind the wizard, whether a run is open, the keys, and what else leads there."""

    backend: Callable[[], FakeBackend]
    keys: tuple[str, ...] = ()
    run: bool = True
    lead: Lead | None = None

    def app(self) -> NexyApp:
        """The wizard, on the form of a new run where one is to be open."""
        backend = self.backend()
        return NexyApp(backend, opening=NewRun(VERSION, Kind.FULL, backend.with_pkg) if self.run else None)

    async def reach(self, pilot: Pilot[Any]) -> None:
        """Go there."""
        app: Any = pilot.app
        await settle(pilot)
        if self.run:
            await pilot.press("ctrl+n")
            if app.backend.play.gate.is_set():
                await settle(pilot)
        await press(pilot, *self.keys)
        if self.lead is not None:
            await self.lead(pilot)


def failing() -> FakeBackend:
    backend = FakeBackend()
    backend.play.fails("remotes.code")
    backend.play.unseen("remotes.artifacts", "The assets of the release Update could not be seen: HTTP 502.", "Look again in a minute.")
    return backend


def looking() -> FakeBackend:
    backend = FakeBackend()
    backend.play.gate.clear()
    return backend


async def begun(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: "Checking Remotes" in shown(app) and footed(app), limit=30)


def unread() -> FakeBackend:
    backend = FakeBackend(at="inbox", with_pkg=True)
    backend.play.sees("inbox.version", UNREAD)
    return backend


def unpushed(world: str | None = "7f3a2c") -> FakeBackend:
    backend = FakeBackend(at="publish", world=world)
    backend.play.awaits("push", "publish")
    return backend


def ungated() -> FakeBackend:
    backend = FakeBackend(at="database")
    backend.play.awaits("backup")
    return backend


def undrilled() -> FakeBackend:
    backend = ungated()
    backend.play.fails("database.hardening")
    backend.play.fails("database.drill")
    return backend


def no_space() -> FakeBackend:
    backend = ungated()
    what = "pg_dump ended with status 1: pg_dump: error: could not write to file: No space left on device."
    problem = ActionFailed(what, "There is no backup without it.", "Mend that, then run again: nexy-tui db backup")
    backend.play.actions["backup"].effect = emitting(problem=problem)
    return backend


def unpublished(*, with_pkg: bool = True) -> FakeBackend:
    backend = FakeBackend(at="publish", with_pkg=with_pkg)
    backend.play.awaits("publish")
    return backend


def publishing() -> FakeBackend:
    backend, hold = unpublished(), threading.Event()

    def effect(context: Any) -> ActionResult:
        context.emit(OutputLine("Current Version: 1.6.1.43", "publish"))
        context.emit(OutputLine("Target Repo: Seregawpn/Nexy_production", "publish"))
        for second in range(11):
            backend.clock.elapsed = float(second)
            context.emit(Progress("Nexy.dmg", "uploading", sent(second), 315_718_837))
            backend.ticked.wait(30)
            backend.ticked.clear()
        hold.wait(20)
        return ActionResult("Stopped.")

    backend.play.actions["publish"].effect = effect
    backend.release = hold.set
    return backend


def sent(second: int) -> int:
    return 2_000_000 + 14_500_000 * second + 1_700_000 * (second % 3)


async def published_half(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await confirm(pilot)
    for second in range(11):
        await until(pilot, lambda: f"{sent(second) / 1e6:.1f}/315.7 MB" in shown(app), limit=30)  # noqa: B023
        app.backend.ticked.set()
    await until(pilot, lambda: footed(app), limit=30)


def exposed() -> FakeBackend:
    backend, hold = unpublished(with_pkg=False), threading.Event()
    events = (
        PointOfNoReturn("The download is being replaced."),
        Exposure(3.0, open=True),
        OutputLine("Uploaded. URL: https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg", "publish"),
        OutputLine("Verifying uploaded artifact from release URL...", "publish"),
        Progress("Nexy.dmg", "verifying the download", 221_003_186, 315_718_837),
    )
    backend.play.actions["publish"].effect = emitting(*events, hold=hold)
    backend.release = hold.set
    return backend


def cut_off() -> FakeBackend:
    backend = FakeBackend()
    backend.in_place = CUT_OFF
    return backend


def patient() -> FakeBackend:
    backend, hold = unpublished(with_pkg=False), threading.Event()
    events = (OutputLine("Target Repo: Seregawpn/Nexy_production", "publish"), Waiting("HTTP 429: too many requests; asking again", 60.0))
    backend.play.actions["publish"].effect = emitting(*events, hold=hold)
    backend.release = hold.set
    return backend


def deploying() -> FakeBackend:
    backend, hold = FakeBackend(at="deploy"), threading.Event()
    backend.play.awaits("deploy")
    busy = Waiting("NetworkWatcherRG/Nexy runs another command (one at a time); trying again", 30.0)
    begun = PointOfNoReturn("the VM is being brought to 1.6.1.43; run-command cannot be cancelled")
    backend.play.actions["deploy"].effect = emitting(busy, begun, hold=hold)
    backend.release = hold.set
    return backend


async def confirm(pilot: Pilot[Any], *words: str) -> None:
    """Let the action run, until it says these words and the keys at the foot are those of a running action."""
    app: Any = pilot.app
    await press(pilot, "a")
    await paste(pilot, TYPED)
    await pilot.press("enter")
    await until(pilot, lambda: all(word in shown(app) for word in (" is running", *words)), limit=30)
    await until(pilot, lambda: footed(app), limit=30)


def saying(*words: str) -> Lead:
    """An action that runs and has said these words."""
    return lambda pilot: confirm(pilot, *words)


def footed(app: Any) -> bool:
    """Whether the keys at the foot are those that do something now."""
    useful = dict.fromkeys(one.binding.action for one in app.screen.active_bindings.values() if one.binding.show)
    return all([key.action for key in bar.keys] == list(useful) for bar in app.screen.query(KeyBar) if bar.visible)


async def half_typed(pilot: Pilot[Any]) -> None:
    await press(pilot, "a")
    await paste(pilot, "production 1.6.2")
    await settle(pilot)


def torn_gate() -> FakeBackend:
    backend = FakeBackend(at="gate")
    for item, facts in TORN.items():
        backend.play.sees(item, facts)
    return backend


async def with_a_word(pilot: Pilot[Any]) -> None:
    """Walk from the inbox to the seal, one item attested on the way."""
    await press(pilot, "t")
    await paste(pilot, "opened on a Mac")
    await press(pilot, "enter", *"nnnnn")


def troubled() -> FakeBackend:
    backend = FakeBackend()
    said = "The live appcast: size is 315718837, wanted 316004112."
    backend.troubles["stale-appcast"] = Finding("fix.stale-appcast.live", Status.FAILED, said)
    backend.troubles["azure-busy"] = Finding("fix.azure-busy", Status.INCONCLUSIVE, "The VM gave no answer.")
    return backend


def mendable() -> FakeBackend:
    backend = FakeBackend()
    backend.play.fails("remotes.code")
    lines = ("git remote set-url --push origin https://github.com/Seregawpn/Nexy_server.git",)
    backend.plans["manifest-repository"] = FixPreview(lines)
    backend.mends["manifest-repository"] = ("remotes.code",)
    return backend


def stuck() -> FakeBackend:
    """The gate refuses while customers cannot update."""
    backend = torn_gate()
    backend.exposed = 192.0
    return backend


def undeployed() -> FakeBackend:
    backend = FakeBackend(at="deploy", exposed=57.0)
    backend.play.awaits("deploy")
    what = "Deploying 1.6.1.43 failed on the VM at step health, status 1."
    problem = ActionFailed(what, "The service may be down.", "See the service's journal above, mend the cause, then deploy again.")
    backend.play.actions["deploy"].effect = emitting(problem=problem)
    return backend


async def failed_deploy(pilot: Pilot[Any]) -> None:
    await press(pilot, "enter")
    await paste(pilot, TYPED)
    await press(pilot, "enter")


async def failed_deploy_closed(pilot: Pilot[Any]) -> None:
    await failed_deploy(pilot)
    await press(pilot, "enter")


def left_open() -> FakeBackend:
    return FakeBackend(stands=Standing(replace(RUNS[0], purpose=Purpose(Errand.RELEASE)), "at Publish since 14:02"))


def released() -> FakeBackend:
    return FakeBackend(stands=Standing(released="1.6.1.43 is released and verified, today 14:31"))


def looked_back() -> FakeBackend:
    backend, made = FakeBackend(world=None), replace(RUNS[1], world=None)
    runs = (
        replace(made, purpose=Purpose(Errand.CHECK), outcome="failed"),
        replace(made, purpose=Purpose(Errand.FIX, ("config-env",))),
        replace(made, purpose=Purpose(Errand.ACTION, ("rollback",)), outcome="aborted"),
        replace(made, purpose=Purpose(Errand.RELEASE)),
        *RUNS,
    )
    backend.runs = lambda: runs  # type: ignore[method-assign]
    return backend


def broken() -> FakeBackend:
    backend = FakeBackend()
    said = (
        "The update server is broken for customers: server/config.env on the VM has a name that crashes the server: line 13: FEATURE-FLAGS."
    )
    backend.play.verdicts["final.live"] = failed(said, Mend("config-env", then="mends it and restarts the server."))
    backend.play.unseen("final.backup", "The VM gave no answer.", "Look again in a minute.")
    line = "server/config.env on the VM, line 13: FEATURE-FLAGS=on becomes FEATURE_FLAGS=on; then the service is restarted"
    backend.plans["config-env"] = FixPreview((line,))
    return backend


STATES: dict[str, State] = {
    "home": State(FakeBackend, run=False),
    "home_open_run": State(left_open, run=False),
    "home_released": State(released, run=False),
    "begin_another": State(left_open, ("s",), run=False),
    "home_production": State(lambda: FakeBackend(world=None), run=False),
    "start": State(FakeBackend, ("s",), run=False),
    "start_target_changed": State(lambda: FakeBackend(world=None, changes=("vm.name: Nexy → Nexy2",)), ("s",), run=False),
    "looking": State(looking, lead=begun),
    "passed": State(FakeBackend),
    "failed": State(failing),
    "refused": State(failing, ("n",)),
    "fix_confirm": State(mendable, ("enter",)),
    "fix_details": State(mendable, ("enter", "d")),
    "fixed": State(mendable, ("enter", "enter")),
    "ready": State(lambda: FakeBackend(at="ready")),
    "version": State(lambda: ready(at="version")),
    "version_commit": State(lambda: ready(at="version"), ("enter", "enter")),
    "attest": State(unread, ("t",)),
    "confirm": State(ungated, ("a",)),
    "confirm_details": State(lambda: unpushed(None), ("enter", "d")),
    "confirm_typed": State(lambda: unpushed(None), lead=half_typed),
    "database": State(undrilled),
    "action_failed": State(no_space, ("a", "y")),
    "publish_not_run": State(unpublished),
    "publish_running": State(publishing, lead=published_half),
    "publish_exposed": State(exposed, lead=saying("customers cannot update", "221.0/315.7 MB")),
    "publish_waiting": State(patient, lead=saying("asking again")),
    "gate_failed": State(torn_gate),
    "gate_refused": State(stuck, ("n",)),
    "gate_matrix": State(torn_gate, ("m",)),
    "deploy_running": State(deploying, lead=saying("cannot be stopped now")),
    "deploy": State(lambda: ready(at="deploy")),
    "deploy_failed": State(undeployed, lead=failed_deploy),
    "deploy_again": State(undeployed, lead=failed_deploy_closed),
    "final": State(lambda: FakeBackend(at="final")),
    "final_without_a_run": State(FakeBackend, ("v",), run=False),
    "final_wrong": State(broken, ("v",), run=False),
    "final_mending": State(broken, ("v", "enter"), run=False),
    "end": State(unread, lead=with_a_word),
    "end_aborted": State(failing, ("q", "x")),
    "leave": State(FakeBackend, ("q",)),
    "runs": State(FakeBackend, ("l",), run=False),
    "runs_called": State(looked_back, ("l", "down"), run=False),
    "run_finished": State(looked_back, ("l", "down", "u"), run=False),
    "story": State(FakeBackend, ("l", "enter"), run=False),
    "run_verdict": State(FakeBackend, ("l", "v"), run=False),
    "resume": State(FakeBackend, ("u",), run=False),
    "rollback": State(FakeBackend, ("b",), run=False),
    "rollback_cut_off": State(cut_off, ("b",), run=False),
    "fixers": State(FakeBackend, ("f", "down"), run=False),
    "fixers_looked": State(troubled, ("f", "r"), run=False),
    "doctor": State(FakeBackend, ("d",), run=False),
    "places": State(FakeBackend, ("w",), run=False),
    "help": State(FakeBackend, ("question_mark",)),
}
