"""When what happened: a lane for every phase, a bar for every step, drawn as SVG. The table of steps says the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from nexy_tui.engine.story import Step
from nexy_tui.report.markup import element

_WIDTH, _NAMES, _LANE, _TOP, _LEAST = 960, 200, 26, 30, 3.0
_TICKS = 4
OUTSIDE = "The run itself"
"""The lane of what belongs to no phase."""


def timeline(steps: Sequence[Step]) -> Element:
    """The picture. Raises ValueError without a step."""
    lanes = list(dict.fromkeys(step.phase or OUTSIDE for step in steps))
    begin, end = min(_moment(step.when) for step in steps), max(_moment(step.until) for step in steps)
    seconds = max((end - begin).total_seconds(), 0.001)
    height = _TOP + _LANE * len(lanes) + 8

    def at(time: str) -> float:
        return _NAMES + (_WIDTH - _NAMES - 10) * (_moment(time) - begin).total_seconds() / seconds

    drawn = [*_axis(begin, end, seconds)]
    for number, lane in enumerate(lanes):
        y = _TOP + _LANE * number
        drawn.append(element("line", x1="0", x2=str(_WIDTH), y1=str(y), y2=str(y), class_="lane"))
        drawn.append(element("text", lane, x="0", y=str(y + 17)))
        for step in steps:
            if (step.phase or OUTSIDE) == lane:
                drawn.append(_bar(step, at(step.when), at(step.until), y))
    title = element("title", "Timeline of the run", id="timeline-title")
    about = element("desc", f"{len(steps)} steps in {len(lanes)} lanes, {begin:%H:%M:%S} to {end:%H:%M:%S} UTC; the table says the same.")
    return element(
        "svg", title, about, *drawn, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_labelledby="timeline-title"
    )  # fmt: skip


def _bar(step: Step, left: float, right: float, y: float) -> Element:
    width = max(right - left, _LEAST)
    words = element("title", f"{step.what}: {step.ended}")
    return element("rect", words, x=f"{left:.1f}", y=str(y + 6), width=f"{width:.1f}", height="14", rx="2", class_=step.tone.value)


def _axis(begin: datetime, end: datetime, seconds: float) -> list[Element]:
    words = "%d %b %H:%M" if begin.date() != end.date() else "%H:%M:%S"
    marks = []
    for number in range(_TICKS + 1):
        x = _NAMES + (_WIDTH - _NAMES - 10) * number / _TICKS
        anchor = "end" if number == _TICKS else "start" if number == 0 else "middle"
        marks.append(element("text", f"{begin + (end - begin) * number / _TICKS:{words}}", x=f"{x:.1f}", y="16", text_anchor=anchor))
    return marks


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)
