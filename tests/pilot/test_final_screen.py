"""The morning after: final verification without a run says whether what is out is right, mends it from there, and keeps the answer."""

from __future__ import annotations

from typing import Any

from nexy_tui.core.finding import Finding, Status, failed
from nexy_tui.core.remedy import Mend
from nexy_tui.engine.mend import FixPreview
from pilot.fakes import FakeBackend
from pilot.hand import flowing, on, play, press, told, until
from screens.dialogs.confirm import ConfirmDialog
from screens.home import HomeScreen

SAID = "The update server is broken for customers: server/config.env on the VM has a name that crashes the server: line 13: FEATURE-FLAGS."


def broken() -> FakeBackend:
    backend = FakeBackend()
    backend.play.verdicts["final.live"] = failed(SAID, Mend("config-env", then="mends it and restarts the server."))
    backend.troubles["config-env"] = Finding("fix.config-env", Status.FAILED, SAID)
    backend.plans["config-env"] = FixPreview(("line 13 of server/config.env is commented out",))
    return backend


def test_all_is_right_and_can_be_kept() -> None:
    backend = FakeBackend()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "v")
        assert "✓ 1.6.1.43 is out and right: all 7 verified." in flowing(app) and "⏎ Home" in flowing(app)
        await press(pilot, "s")
        assert "Saved and signed." in told(app) and app.clipboard.endswith(".html")
        await press(pilot, "enter")
        assert on(app, HomeScreen)

    play(backend, script, run=False, size=(80, 24), toasts=True)
    assert len(backend.saved) == 1 and set(backend.saved[0].values()) == {"passed"} and backend.reported


def test_what_is_broken_is_called_so_and_mended_from_here() -> None:
    backend = broken()

    async def script(pilot: Any) -> None:
        app = pilot.app
        await press(pilot, "v")
        await until(pilot, lambda: "⏎ Fix it" in flowing(app) and app.context.running is None, limit=30)
        text = flowing(app)
        assert "✗ 1.6.1.43 is broken: 1 of 7 wrong." in text and "line 13: FEATURE-FLAGS" in text and "⏎ Fix it: 4.8" in text
        await press(pilot, "enter")
        await until(pilot, lambda: on(app, ConfirmDialog), limit=30)
        await press(pilot, "d")
        assert "commented out" in flowing(app)
        backend.play.holds("final.live")
        await press(pilot, "y")
        text = flowing(app)
        assert "fixed and verified" in text and "What was wrong: The update server is broken" in text and "Log: /home/olga" in text
        await press(pilot, "escape")
        assert "✓ 1.6.1.43 is out and right: all 7 verified." in flowing(app)

    play(backend, script, run=False, size=(100, 32))
    assert backend.fixed == [("config-env", "")]


def test_what_could_not_be_seen_is_not_called_right() -> None:
    backend = FakeBackend()
    backend.play.unseen("final.backup", "The VM gave no answer.", "Look again.")

    async def script(pilot: Any) -> None:
        await press(pilot, "v")
        assert "? 1 of 7 could not be seen; nothing was seen to be wrong." in flowing(pilot.app)

    play(backend, script, run=False)


def test_what_customers_do_not_meet_is_wrong_but_not_broken() -> None:
    backend = FakeBackend()
    backend.play.fails("final.inbox")

    async def script(pilot: Any) -> None:
        await press(pilot, "v")
        assert "✗ Customers are served, but not all is right: 1 of 7 wrong." in flowing(pilot.app)

    play(backend, script, run=False)
