"""How far it is: a bar for every subject with bytes, rate, time to go and a small curve of the rate; and what is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.events import Resize

from screens.text import amount, one_line, span
from screens.view import Meter, RunView
from screens.widgets.line import Line

_WIDE = 98
"""Columns from which the rate has room besides."""

_LEVELS = "▁▂▃▄▅▆▇█"


class ProgressPanel(Line):
    """Shown while something is under way, and with `expected` subjects also before."""

    def __init__(self, expected: Sequence[str] = ()) -> None:
        super().__init__(id="progress")
        self._expected = tuple(expected)
        self._view: RunView | None = None

    def on_resize(self, event: Resize) -> None:
        """What was drawn before the width was known is drawn again."""
        if self._view is not None:
            self.show(self._view)

    def show(self, view: RunView) -> None:
        """Draw every meter and the wait, if there is one."""
        self._view = view
        width = max(40, self.size.width or self.app.size.width - 4)
        shown = [meter for meter in view.meters.values() if not meter.ended or meter.subject in self._expected]
        name = min(34 if width >= 98 else 16, max([10, *(len(one_line(meter.subject)) + 1 for meter in shown)]))
        rows = [meter_row(meter, width, name) for meter in shown]
        rows += [_idle_row(subject, width, name) for subject in self._expected if (subject, False) not in view.meters]
        if view.countdown is not None:
            left = view.countdown.left(view.clock)
            rows.append(Content.assemble(("~ waiting ", "bold $warning"), (span(left), "bold"), f"  {view.countdown.reason}"))
        if view.carried_through is not None:
            rows.append(Content.assemble(("! cannot be stopped now ", "bold $warning"), view.carried_through))
        self.display = bool(rows)
        self.put(Content("\n").join(rows), layout=True)


def meter_row(meter: Meter, width: int, name: int = 10) -> Content:
    """One subject's line: how far, how fast, how long still. The bar and the curve take the width that is left.

    `name` is the width of the column of names.
    """
    fraction = meter.fraction
    phase, bar, curve = _room(width - name)
    percent = f"{fraction * 100:3.0f} %" if fraction is not None else ""
    rate = f"{amount(meter.rate, meter.unit)}/s" if meter.rate and not meter.ended and width >= _WIDE else ""
    eta = f"ETA {span(meter.eta)}" if meter.eta is not None and not meter.ended else ""
    return Content.assemble(
        (one_line(meter.subject, name - 1).ljust(name), "bold"),
        (one_line(meter.phase, phase - 1).ljust(phase), "$muted"),
        _bar(fraction, bar),
        (f" {percent:>5} ", "bold"),
        f"{_figures(meter):<15}",
        (f" {rate:>10}" if width >= _WIDE else "", "$primary"),
        f"  {eta} " if eta else "",
        ("" if meter.ended else sparkline(meter.rates, curve), "$secondary"),
    )


def _room(width: int) -> tuple[int, int, int]:
    """Cells for the phase's name, the bar and the curve, of what the column of names leaves."""
    phase = 23
    left = max(0, width - (45 if width >= _WIDE - 10 else 34) - phase)
    bar = max(8, min(30, left - 12))
    return phase, bar, max(0, min(12, left - bar))


def _figures(meter: Meter) -> str:
    done = amount(meter.done, meter.unit)
    if meter.total is None:
        return done
    total = amount(meter.total, meter.unit)
    number, _, unit = done.rpartition(" ")
    return f"{number}/{total}" if unit == total.rpartition(" ")[2] else f"{done}/{total}"


def _bar(fraction: float | None, width: int) -> Content:
    if fraction is None:
        return Content.styled("╌" * width, "$primary")
    full = round(fraction * width)
    return Content.assemble(("━" * full, "$success" if fraction >= 1 else "$primary"), ("─" * (width - full), "$faint"))


def _idle_row(subject: str, width: int, name: int) -> Content:
    phase, bar, _ = _room(width - name)
    return Content.assemble((subject.ljust(name), "bold"), ("not begun".ljust(phase), "$muted"), ("─" * bar, "$faint"))


def sparkline(rates: Iterable[float], width: int = 12) -> str:
    """The last rates as a curve of block characters, the highest at the top."""
    last = list(rates)[-width:] if width > 0 else []
    top = max(last, default=0.0)
    if top <= 0:
        return ""
    return "".join(_LEVELS[min(7, int(rate / top * 7.999))] for rate in last)
