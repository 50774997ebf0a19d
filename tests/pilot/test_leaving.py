"""The whole way, leaving, aborting, resuming, and what the application returns."""

from __future__ import annotations

from typing import Any

from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import Refused, Unusable
from pilot.fakes import LOG, RUN, VERSION, FakeBackend
from pilot.hand import flowing, on, paste, play, press, settle, shown
from screens.backend import REHEARSE, Ending, NewRun, ResumeRun
from screens.dialogs.leave import LeaveDialog
from screens.end import EndScreen
from screens.home import HomeScreen
from screens.phase import PhaseScreen
from screens.runs import RunsScreen
from screens.start import StartScreen


def test_by_keys_alone_from_home_to_the_sealed_log() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "enter")
        assert on(app, StartScreen) and "proposed 1.6.1.43" in shown(app)
        await press(pilot, "ctrl+n")
        for phase in ("remotes", "ready", "version", "database", "inbox", "publish", "gate", "deploy", "final"):
            assert app.screen.phase.id == phase
            await press(pilot, "r", "n")
        assert on(app, EndScreen)
        text = flowing(app)
        assert "1.6.1.43 is released and verified. You are finished." in text and "Left to do Nothing." in text
        assert "Customers are offered 1.6.1.43 from now on" in text and "REHEARSAL, not real: Nexy 1.6.1.43 is released" in text
        assert backend.reported == [LOG] and str(LOG)[-40:] in text.replace(" ", "")
        await press(pilot, "c")
        assert app.clipboard == str(LOG)
        await press(pilot, "m")
        assert app.clipboard.startswith(
            "REHEARSAL, not real: Nexy 1.6.1.43 is released and verified (full, by olga). Customers are offered"
        )
        assert "ssh-keygen" not in flowing(app)
        await press(pilot, "s")
        assert "nexy-tui runs verify" in flowing(app) and "ssh-keygen -Y verify" in flowing(app)
        await press(pilot, "y")
        assert app.clipboard.splitlines()[0] == f"nexy-tui runs verify {LOG}" and "ssh-keygen" in app.clipboard
        await press(pilot, "escape", "q")

    app = play(backend, script, size=(80, 24), run=False)
    assert backend.opened == [("new", VERSION, Kind.FULL, False)]
    assert backend.log.sealed and backend.log.closed
    assert app.return_value == Ending(0, LOG, RUN, "complete")


def test_from_the_end_back_home() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "n", "h")
        assert on(pilot.app, HomeScreen) and len(pilot.app.screen_stack) == 1
        await press(pilot, "q")

    assert play(FakeBackend(at="final"), script).return_value == Ending()


def test_leaving_asks_and_says_how_to_go_on() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "q")
        assert on(pilot.app, LeaveDialog)
        assert f"nexy-tui release --resume {RUN}" in flowing(pilot.app)
        await press(pilot, "enter")
        assert on(pilot.app, PhaseScreen)
        await press(pilot, "ctrl+q", "q")

    app = play(backend, script)
    assert backend.log.closed and not backend.log.sealed
    assert app.return_value == Ending(130, LOG, RUN, None)


def test_aborting_seals_the_log_as_aborted() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "q", "x")
        assert on(pilot.app, EndScreen) and "closed unfinished" in shown(pilot.app)
        await press(pilot, "q")

    app = play(backend, script)
    assert backend.log.sealed == "aborted"
    assert app.return_value == Ending(1, LOG, RUN, "aborted")


def test_a_seal_that_fails_is_said_and_can_be_tried_again() -> None:
    backend = FakeBackend(at="final")
    seal, fails = backend.log.seal, [True]

    def no_room(outcome: str) -> None:
        if fails.pop() if fails else False:
            raise Refused("The disk is full.", "The seal must be on disk.", "Free some space.")
        seal(outcome)

    backend.log.seal = no_room  # type: ignore[method-assign]

    async def script(pilot: Any) -> None:
        await press(pilot, "n")
        assert "The disk is full." in shown(pilot.app)
        await press(pilot, "escape", "n")
        assert on(pilot.app, EndScreen)

    play(backend, script)
    assert backend.log.sealed


def test_resuming_lists_this_worlds_unfinished_runs_and_goes_on_while_verified() -> None:
    backend = FakeBackend()
    backend.play.fails("inbox.exists")

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "u")
        assert on(app, RunsScreen)
        assert "1.6.1.43" in shown(app) and "1.6.1.42" not in shown(app)
        await press(pilot, "enter")
        assert app.screen.phase.id == "inbox" and "There is no folder" in shown(app)

    play(backend, script, run=False)
    assert backend.opened == [("resume", LOG)]
    assert ("check", "remotes.code", "passed", "origin pushes to Seregawpn/Nexy_server.") in backend.log.records


def test_an_open_run_is_closed_from_the_list_once_that_was_confirmed() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "u", "c")
        assert "sealed as aborted" in flowing(pilot.app) and "cannot be undone" in flowing(pilot.app)
        await press(pilot, "n")
        assert backend.closed_runs == []
        await press(pilot, "c", "y")
        assert backend.closed_runs == [LOG] and "is closed: sealed as aborted" in flowing(pilot.app)
        await press(pilot, "escape")
        assert on(pilot.app, RunsScreen)

    play(backend, script, run=False)


def test_resuming_does_not_seal_by_itself() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        assert pilot.app.screen.phase.id == "final" and not backend.log.sealed
        assert backend.status("publish.bytes") == "passed"

    play(backend, script, run=False, opening=ResumeRun(LOG))


def test_the_command_line_opens_the_form_filled_in() -> None:
    backend = FakeBackend(changes=("update_server.host: old.example → new.example",))

    async def script(pilot: Any) -> None:
        app = pilot.app
        assert on(app, StartScreen) and "old.example → new.example" in shown(app)
        await press(pilot, "ctrl+n")
        assert "The target has changed" in shown(app) and backend.opened == []
        await paste(pilot, "rehearsal")
        await press(pilot, "enter")
        assert app.screen.phase.id == "remotes"

    play(backend, script, run=False, opening=NewRun(VERSION, Kind.CODE_ONLY, True))
    assert backend.opened == [("new", VERSION, Kind.CODE_ONLY, True)]


def test_a_version_that_is_none_begins_nothing() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "s")
        pilot.app.screen.query_one("#version").value = "v1.6.1"
        await press(pilot, "ctrl+n")
        assert "is not a version of the form X.Y.Z.Build" in flowing(pilot.app)

    play(backend, script, run=False)
    assert backend.opened == []


def test_kind_and_package_are_chosen_by_keys() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        await press(pilot, "s", "tab", "down", "space", "tab", "space")
        assert "Nexy.pkg belongs to this release: yes" in shown(pilot.app)
        await press(pilot, "ctrl+n")

    play(backend, script, run=False)
    assert backend.opened == [("new", VERSION, Kind.UPDATE_ONLY, True)]


def test_a_run_that_cannot_be_opened_says_what_is_missing() -> None:
    backend = FakeBackend(refuses=Unusable("There is no signing key.", "Every record is signed.", "nexy-tui keys create"))

    async def script(pilot: Any) -> None:
        await press(pilot, "s", "ctrl+n")
        text = flowing(pilot.app)
        assert "There is no signing key." in text and "Every record is signed." in text and "nexy-tui keys create" in text
        await press(pilot, "escape", "escape")
        assert on(pilot.app, HomeScreen)

    play(backend, script, run=False)


def test_a_backend_that_breaks_does_not_end_the_application() -> None:
    backend = FakeBackend()

    def broken() -> Any:
        raise RuntimeError("[/b] boom")

    backend.proposal = backend.runs = broken  # type: ignore[method-assign]

    async def script(pilot: Any) -> None:
        await press(pilot, "s")
        assert "broke: RuntimeError: [/b] boom" in flowing(pilot.app)
        await press(pilot, "escape", "escape", "l")
        assert "broke: RuntimeError" in flowing(pilot.app)

    play(backend, script, run=False)


def test_rehearse_leaves_with_a_request_and_only_out_of_production() -> None:
    async def inside(pilot: Any) -> None:
        await press(pilot, "e")
        assert "You are in a rehearsal" in shown(pilot.app)
        await press(pilot, "escape", "q")

    async def outside(pilot: Any) -> None:
        await press(pilot, "e", "y")

    assert play(FakeBackend(), inside, run=False).return_value == Ending()
    assert play(FakeBackend(world=None), outside, run=False).return_value == Ending(request=REHEARSE)


def test_final_verification_without_a_run_only_looks() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "v")
        assert app.screen.phase.id == "final" and "a check, not a run" in shown(app)
        assert shown(app).count("✓ done") >= 7
        await press(pilot, "t")
        await press(pilot, "escape", "h")
        assert on(app, HomeScreen)

    play(backend, script, run=False)
    assert backend.opened == [("look",)] and backend.log.records == []


def test_the_way_there_is_not_left_on_the_stack() -> None:
    async def script(pilot: Any) -> None:
        await press(pilot, "s", "ctrl+n", "n", "n", "b")
        await settle(pilot)
        assert [type(screen).__name__ for screen in pilot.app.screen_stack] == [
            "HomeScreen",
            "PhaseScreen",
        ] and pilot.app.screen.phase.id == "ready"

    play(FakeBackend(), script, run=False)
