"""Every screen in its main states: a backend each, and the keys that lead there."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pilot.fake_actions import emitting
from pilot.fakes import CUT_OFF, VERSION, FakeBackend
from pilot.hand import paste, settle, until
from textual.pilot import Pilot

from nexy_tui.actions.base import ActionResult
from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn, Progress, Waiting
from nexy_tui.core.finding import Evidence, Finding, Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import ActionFailed

Lead = Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True)
class State:
    """One picture: what is behind the wizard, whether a run is open, the keys, and what else leads there."""

    backend: Callable[[], FakeBackend]
    keys: tuple[str, ...] = ()
    run: bool = True
    lead: Lead | None = None

    async def reach(self, pilot: Pilot[Any]) -> None:
        """Go there."""
        app: Any = pilot.app
        await settle(pilot)
        if self.run:
            app.conductor.start(VERSION, Kind.FULL, app.backend.with_pkg)
            if self.lead is None or app.backend.play.gate.is_set():
                await settle(pilot)
        for key in self.keys:
            await pilot.press(key)
            await settle(pilot)
        if self.lead is not None:
            await self.lead(pilot)


def failing() -> FakeBackend:
    backend = FakeBackend()
    evil = "https://github.com/evil/Nexy_server.git"
    seen = Evidence("origin", evil, "git remote get-url --push", "2026-02-14T10:21:06.000000Z")
    remedy = "git remote set-url origin https://github.com/Seregawpn/Nexy_server.git"
    backend.play.fails("remotes.code", f"origin pushes to {evil}, not to Seregawpn/Nexy_server.", remedy, seen)
    unseen = "What the token may do on the code repository could not be seen."
    backend.play.unseen("remotes.token", unseen, "Use a fine-grained token, or attest it.")
    return backend


def looking() -> FakeBackend:
    backend = FakeBackend()
    backend.play.gate.clear()
    return backend


async def begun(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: app.conductor.view is not None and app.conductor.view.looking)
    await pilot.pause(0.2)


def unread() -> FakeBackend:
    backend = FakeBackend(at="inbox", with_pkg=True)
    backend.play.unseen("inbox.version", "7-Zip is not here, so the image was not read.", "Install 7-Zip, or attest it.")
    return backend


def unpushed(world: str | None = "7f3a2c") -> FakeBackend:
    backend = FakeBackend(at="version", world=world)
    backend.play.fails("version.tag", "v1.6.1.43 is not on the code repository.", "Push it: Push commit and tag.")
    return backend


def ungated() -> FakeBackend:
    backend = FakeBackend(at="database")
    backend.play.fails("database.backup", "No backup was made in this run.", "Make one: Back the database up.")
    backend.play.fails("database.drill", "The last drill is 8 days old.", "Run one: Restore drill.")
    backend.play.not_needed("database.hardened", "This target names no application user.")
    return backend


def no_space() -> FakeBackend:
    backend = ungated()
    what = "pg_dump ended with 1: could not write to file: No space left on device."
    backend.play.actions["backup"].effect = emitting(problem=ActionFailed(what, "Without a backup nothing is published.", "Free 60 MB."))
    return backend


def unpublished(*, with_pkg: bool = True) -> FakeBackend:
    backend = FakeBackend(at="publish", with_pkg=with_pkg)
    backend.play.fails("publish.asset", "Nexy.dmg is the one of 1.6.1.42.", "Publish it: Publish the artifacts.")
    backend.play.fails("publish.manifests", "They say 1.6.1.42.", "Publish them: Publish the artifacts.")
    return backend


def publishing() -> FakeBackend:
    backend, hold = unpublished(), threading.Event()

    def effect(context: Any) -> ActionResult:
        context.emit(OutputLine("release Update: Nexy.dmg of 1.6.1.42, 315.7 MB", "github"))
        context.emit(OutputLine("uploading incoming-3f2a9c51d0e8b774-Nexy.dmg", "github"))
        for second in range(11):
            backend.clock.elapsed = float(second)
            context.emit(Progress("Nexy.dmg", "uploading", 14_500_000 * second + 1_700_000 * (second % 3), 315_718_837))
            backend.ticked.wait(5)
            backend.ticked.clear()
        hold.wait(20)
        return ActionResult("Stopped.")

    backend.play.actions["publish"].effect = effect
    backend.release = hold.set
    return backend


async def published_half(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await confirm(pilot)
    for second in range(11):
        await until(pilot, lambda: app.backend.clock.elapsed == float(second) and not app.conductor.feed.waiting)  # noqa: B023
        app.conductor.take()
        app.backend.ticked.set()
    await pilot.pause(0.2)
    app._tick()
    await pilot.pause(0.1)


def exposed() -> FakeBackend:
    backend, hold = unpublished(with_pkg=False), threading.Event()
    events = (
        OutputLine("Uploaded. URL: https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg", "publish"),
        PointOfNoReturn("The download is being replaced."),
        Exposure(3.0, open=True),
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
    events = (OutputLine("HTTP 429, retry-after 60", "github"), Waiting("the release host asked for patience", 60.0))
    backend.play.actions["publish"].effect = emitting(*events, hold=hold)
    backend.release = hold.set
    return backend


def deploying() -> FakeBackend:
    backend, hold = FakeBackend(at="deploy"), threading.Event()
    backend.play.fails("deploy.tag", "HEAD is v1.6.1.42.", "Deploy: Deploy to the VM.")
    output = (
        "HEAD is now at 8d1f0c2 Release v1.6.1.43",
        "Requirement already satisfied: starlette",
        "Successfully installed nexy-core-2.3.1",
    )
    lines = (
        OutputLine("run-command accepted, polling", "azure"),
        *(OutputLine(line, "vm") for line in output),
        Waiting("the next poll", 30.0),
    )
    backend.play.actions["deploy"].effect = emitting(*lines, hold=hold)
    backend.release = hold.set
    return backend


async def confirm(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    await pilot.press("a")
    await settle(pilot)
    await paste(pilot, "rehearsal 1.6.1.43")
    await pilot.press("enter")
    await until(pilot, lambda: app.conductor.view.action is not None and not app.conductor.feed.waiting)
    await pilot.pause(0.15)


async def half_typed(pilot: Pilot[Any]) -> None:
    await pilot.press("a")
    await settle(pilot)
    await paste(pilot, "production 1.6.2")
    await settle(pilot)


def torn_gate() -> FakeBackend:
    backend = FakeBackend(at="gate")
    cells = (
        Evidence("release URL size", "67108864 (failed)", "release URL"),
        Evidence("release URL sha256", "download cut off (inconclusive)", "release URL"),
    )
    backend.play.fails("gate.release", "The release URL gives 67108864 bytes, the manifest says 315718837.", "Publish again.", *cells)
    return backend


async def with_a_word(pilot: Pilot[Any]) -> None:
    """Walk from the inbox to the seal, one item attested on the way."""
    await pilot.press("t")
    await settle(pilot)
    await paste(pilot, "opened on a Mac")
    await pilot.press("enter")
    for _ in range(5):
        await settle(pilot)
        await pilot.press("n")
    await settle(pilot)


def troubled() -> FakeBackend:
    backend = FakeBackend()
    said = "The live appcast: size is 315718837, wanted 316004112."
    backend.troubles["stale-appcast"] = Finding("fix.stale-appcast.live", Status.FAILED, said)
    backend.troubles["azure-busy"] = Finding("fix.azure-busy", Status.INCONCLUSIVE, "The VM gave no answer.")
    return backend


STATES: dict[str, State] = {
    "home": State(FakeBackend, run=False),
    "home_production": State(lambda: FakeBackend(world=None), run=False),
    "start": State(FakeBackend, ("s",), run=False),
    "start_target_changed": State(lambda: FakeBackend(world=None, changes=("vm.name: Nexy → Nexy2",)), ("s",), run=False),
    "looking": State(looking, lead=begun),
    "passed": State(FakeBackend),
    "failed": State(failing),
    "refused": State(failing, ("n",)),
    "item_open": State(failing, ("enter",)),
    "attest": State(unread, ("t",)),
    "confirm": State(ungated, ("a",)),
    "confirm_typed": State(lambda: unpushed(None), lead=half_typed),
    "database": State(ungated),
    "action_failed": State(no_space, ("a", "y")),
    "publish_not_run": State(unpublished),
    "publish_running": State(publishing, lead=published_half),
    "publish_exposed": State(exposed, lead=confirm),
    "publish_waiting": State(patient, lead=confirm),
    "gate_failed": State(torn_gate),
    "gate_matrix": State(torn_gate, ("m",)),
    "deploy_running": State(deploying, lead=confirm),
    "final": State(lambda: FakeBackend(at="final")),
    "final_without_a_run": State(FakeBackend, ("v",), run=False),
    "end": State(unread, lead=with_a_word),
    "end_aborted": State(failing, ("q", "x")),
    "leave": State(FakeBackend, ("q",)),
    "runs": State(FakeBackend, ("l",), run=False),
    "run_verdict": State(FakeBackend, ("l", "v"), run=False),
    "resume": State(FakeBackend, ("u",), run=False),
    "rollback": State(FakeBackend, ("b",), run=False),
    "rollback_cut_off": State(cut_off, ("b",), run=False),
    "fixers": State(FakeBackend, ("f", "down"), run=False),
    "fixers_looked": State(troubled, ("f", "r"), run=False),
    "places": State(FakeBackend, ("w",), run=False),
    "help": State(FakeBackend, ("question_mark",)),
}
