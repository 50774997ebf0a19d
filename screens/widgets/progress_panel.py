"""How far it is: a bar for every subject with bytes, rate, time to go and a small curve of the rate; and what is waited for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widgets import Static

from screens.text import amount, one_line, span
from screens.view import Meter, RunView

_LEVELS = "▁▂▃▄▅▆▇█"


class ProgressPanel(Static):
    """Shown while something is under way, and with `expected` subjects also before."""

    def __init__(self, expected: Sequence[str] = ()) -> None:
        super().__init__(id="progress", markup=False)
        self._expected = tuple(expected)

    def show(self, view: RunView) -> None:
        """Draw every meter and the wait, if there is one."""
        width = max(40, self.size.width or self.app.size.width - 4)
        rows = [meter_row(meter, width) for meter in view.meters.values()]
        rows += [_idle_row(name, width) for name in self._expected if name not in view.meters]
        if view.countdown is not None:
            left = view.countdown.left(view.clock)
            rows.append(Content.assemble(("… waiting ", "bold $warning"), (span(left), "bold"), f"  {view.countdown.reason}"))
        if view.carried_through is not None:
            rows.append(Content.assemble(("! carried through ", "bold $warning"), view.carried_through))
        self.display = bool(rows)
        self.update(Content("\n").join(row.truncate(width, ellipsis=True) for row in rows))


def meter_row(meter: Meter, width: int) -> Content:
    """One subject's line. What matters least stands last, since a narrow screen cuts the end."""
    fraction = meter.fraction
    whole = f" of {amount(meter.total, meter.unit)}" if meter.total is not None else ""
    percent = f"{fraction * 100:3.0f} %" if fraction is not None else "     "
    figures = f"{amount(meter.done, meter.unit)}{whole}"
    rate = f"{amount(meter.rate, meter.unit)}/s" if meter.rate and not meter.ended else ""
    eta = f"{span(meter.eta)} left" if meter.eta is not None and not meter.ended else ""
    bar = max(8, min(30, width - 70))
    return Content.assemble(
        (one_line(meter.subject, 20).ljust(12), "bold"),
        (one_line(meter.phase, 14).ljust(12), "$muted"),
        _bar(fraction, bar),
        (f" {percent} ", "bold"),
        figures.ljust(18),
        (f" {rate:>11}", "$primary"),
        (f" {eta:>9} ", ""),
        ("" if meter.ended else sparkline(meter.rates), "$secondary"),
    )


def _bar(fraction: float | None, width: int) -> Content:
    if fraction is None:
        return Content.styled("╌" * width, "$primary")
    full = round(fraction * width)
    return Content.assemble(("━" * full, "$success" if fraction >= 1 else "$primary"), ("─" * (width - full), "$faint"))


def _idle_row(name: str, width: int) -> Content:
    bar = max(8, min(30, width - 70))
    return Content.assemble((name.ljust(12), "bold"), ("not begun".ljust(12), "$muted"), ("─" * bar, "$faint"))


def sparkline(rates: Iterable[float], width: int = 12) -> str:
    """The last rates as a curve of block characters, the highest at the top."""
    last = list(rates)[-width:]
    top = max(last, default=0.0)
    if top <= 0:
        return ""
    return "".join(_LEVELS[min(7, int(rate / top * 7.999))] for rate in last)
