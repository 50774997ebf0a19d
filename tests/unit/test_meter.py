"""Progress that people can read: so many updates a second and no more, and never without the last."""

from __future__ import annotations

import pytest

from nexy_tui.core.event import Event, Progress
from nexy_tui.services import meter
from nexy_tui.services.meter import ByteMeter


def test_at_most_ten_updates_a_second_and_always_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now, shown = 100.0, list[tuple[float, Event]]()

    class Time:
        @staticmethod
        def monotonic() -> float:
            return now

    monkeypatch.setattr(meter, "time", Time)
    made = ByteMeter(lambda event: shown.append((now, event)), "Nexy.dmg", "uploading", 3_000)
    for done in range(1, 3_001):
        now += 0.001
        made.at(done)
    made.end()
    moments = [moment for moment, _ in shown]
    for begun in moments:
        assert sum(begun <= moment < begun + 1.0 for moment in moments[:-1]) <= 10
    assert 28 <= len(shown) <= 31, "three seconds"
    assert shown[-1][1] == Progress("Nexy.dmg", "uploading", 3_000, 3_000)
    assert shown[0][1] == Progress("Nexy.dmg", "uploading", 1, 3_000), "what begins is shown at once"
