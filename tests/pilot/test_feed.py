"""From many threads to one screen: nothing lost but what nobody could read, and one wake-up at a time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from nexy_tui.core.event import Exposure, OutputLine, PointOfNoReturn, Progress, Waiting
from nexy_tui.core.finding import Finding, Status
from nexy_tui.engine.notice import ActionEnded, ActionEvent, ActionStarted, Found, Looking, Sealed
from pilot.fakes import FrozenClock
from screens.feed import MAX_PENDING_LINES, Feed
from screens.view import RunView
from screens.widgets.progress_panel import ProgressPanel, meter_row, sparkline


def progress(done: int, total: int | None = 100, phase: str = "uploading") -> ActionEvent:
    return ActionEvent("publish", Progress("Nexy.dmg", phase, done, total))


def test_progress_is_squashed_and_order_kept() -> None:
    woken: list[int] = []
    feed = Feed(lambda: woken.append(1))
    feed(ActionStarted("publish"))
    for done in range(10_000):
        feed(progress(done))
    feed(ActionEvent("publish", OutputLine("done")))
    feed(progress(1, phase="verifying"))
    taken = feed.drain()
    assert woken == [1]
    assert taken == [ActionStarted("publish"), progress(9_999), ActionEvent("publish", OutputLine("done")), progress(1, phase="verifying")]
    feed(Looking("a"))
    assert woken == [1, 1] and feed.drain() == [Looking("a")] and feed.drain() == []


def test_a_flood_of_lines_stays_bounded() -> None:
    feed = Feed(lambda: None)
    for number in range(MAX_PENDING_LINES * 3):
        feed(ActionEvent("deploy", OutputLine(str(number))))
    feed(ActionEnded("deploy", None, None))
    taken = feed.drain()
    assert len(taken) == MAX_PENDING_LINES + 1 and isinstance(taken[-1], ActionEnded)


def test_many_threads_lose_nothing() -> None:
    feed = Feed(lambda: None)

    def look() -> None:
        for number in range(500):
            feed(Looking(str(number)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(feed.drain()) == 4000


def test_rate_and_time_to_go() -> None:
    clock = FrozenClock()
    view = RunView(clock)
    view.take([ActionStarted("publish")])
    for second in range(6):
        clock.elapsed = float(second)
        view.take([progress(second * 10_000_000, 100_000_000)])
    meter = view.meters["Nexy.dmg", False]
    assert meter.rate == 10_000_000 and meter.eta == 5.0 and meter.fraction == 0.5
    text = meter_row(meter, 110).plain
    for part in ("Nexy.dmg", "uploading", "50 %", "50.0/100.0 MB", "10.0 MB/s", "ETA 0:05", "█"):
        assert part in text
    assert meter_row(meter, 76).cell_length <= 76
    view.take([progress(0, None, "verifying the download")])
    assert meter.phase == "verifying the download" and meter.rate == 0 and meter.fraction is None and meter.eta is None


def test_what_a_look_counted_goes_when_it_rests_and_what_an_action_counted_stays() -> None:
    view = RunView(FrozenClock())
    view.take([ActionEvent("look", Progress("Nexy.dmg", "reading", 1, 2)), ActionStarted("publish"), progress(5)])
    view.take([ActionEvent("look", Progress("other", "reading", 1, 2)), ActionEnded("publish", None, None)])
    view.rest()
    assert list(view.meters) == [("Nexy.dmg", False)] and view.meters["Nexy.dmg", False].ended


def test_the_countdown_runs_on_the_clocks_speed_and_ends_with_the_next_word() -> None:
    clock = FrozenClock()
    clock.speed = 10.0
    view = RunView(clock)
    view.take([ActionEvent("deploy", Waiting("the run-command slot", 60.0))])
    assert view.countdown is not None and view.countdown.left(clock) == 60.0
    clock.elapsed = 2.0
    assert view.countdown.left(clock) == 40.0
    view.take([ActionEvent("deploy", OutputLine("got it"))])
    assert view.countdown is None


def test_what_the_log_says() -> None:
    view = RunView(FrozenClock())
    finding = Finding("remotes.code", Status.FAILED, "wrong")
    events = (PointOfNoReturn("renaming"), Exposure(0.0, True), Exposure(14.2, False))
    view.take([Found(finding), *(ActionEvent("publish", event) for event in events), Sealed(Path("x"), "complete")])
    assert [(line.source, line.text, line.tone) for line in view.lines] == [
        ("remotes.code", "wrong: wrong", "bad"),
        ("publish", "no way back from here: renaming", "wait"),
        ("publish", "exposure ended after 0:14", "good"),
        ("log", "run sealed: complete", "good"),
    ]
    assert view.sealed is not None and view.sealed.outcome == "complete"


def test_sparkline() -> None:
    assert sparkline([0.0, 5.0, 10.0]) == "▁▄█" and sparkline([]) == "" and sparkline([0.0]) == ""
    assert len(sparkline([1.0] * 50, 12)) == 12


class Beside(App[None]):
    """A panel that has less than the terminal's width, which it is drawn before it knows."""

    CSS = "#beside { width: 33; } #progress { width: 1fr; }"

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(id="beside")
            yield ProgressPanel(("Nexy.dmg",))

    def on_mount(self) -> None:
        self.query_one(ProgressPanel).show(RunView(FrozenClock()))


def test_a_panel_drawn_before_its_width_is_known_is_drawn_again_at_it() -> None:
    async def look() -> str:
        async with (app := Beside()).run_test(size=(120, 10)) as pilot:
            await pilot.pause()
            return str(app.query_one(ProgressPanel).content)

    assert asyncio.run(look()).count("─") == 8
