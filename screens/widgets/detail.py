"""The selected item, open: why it matters, what was found, what to do, who can help, and everything that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nexy_tui.checklist import Checklist, Item
from nexy_tui.core.finding import Evidence, Finding
from screens.folded import Folded, shortened
from screens.marks import finding_mark
from screens.remedy import todo
from screens.text import clean, one_line
from screens.widgets.grid import grid

FixerTitle = Callable[[str], str]
_WIDE = 90


class Detail(VerticalScroll, can_focus=True):
    """A pane that scrolls. Everything in it that came from outside is shown as plain text."""

    def __init__(self, checklist: Checklist, fixer_title: FixerTitle) -> None:
        super().__init__(id="detail")
        self._checklist, self._fixer_title = checklist, fixer_title
        self._shown: tuple[Item, Finding | None, bool, bool] | None = None

    def compose(self) -> ComposeResult:
        """Words above, evidence below."""
        yield Static(id="item-head")
        yield Static(id="words")
        yield Static(id="evidence")

    def show(self, item: Item, finding: Finding | None, *, awaited: bool = False, next_step: bool = False) -> None:
        """Draw an item with its finding; nothing happens when neither changed.

        `awaited`: its action is still to run; `next_step`: what to do about it is what Enter does.
        """
        if self._shown == (item, finding, awaited, next_step):
            return
        moved = self._shown is None or self._shown[0] is not item
        self._shown = (item, finding, awaited, next_step)
        self._draw(*self._shown)
        if moved:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """The evidence is laid out by width."""
        if self._shown is not None:
            self._draw(*self._shown)

    def _draw(self, item: Item, finding: Finding | None, awaited: bool, next_step: bool) -> None:
        mark = finding_mark(finding, awaited=awaited)
        head = Content.assemble(mark.content(), "  ", (item.title, "bold"))
        self.query_one("#item-head", Static).update(head)
        rows = words(item, finding, self._checklist, self._fixer_title, next_step=next_step)
        self.query_one("#words", Static).update(grid(self.app, rows, width=7, style="primary", bold=True))
        evidence = () if finding is None else finding.evidence
        table = self.query_one("#evidence", Static)
        table.display = bool(evidence)
        if evidence:
            table.update(evidence_table(evidence, wide=self.size.width >= _WIDE))


def words(
    item: Item, finding: Finding | None, checklist: Checklist, fixer_title: FixerTitle, *, next_step: bool = False
) -> list[tuple[str, str]]:
    """What was found, what to do, why it matters, who can help, each with its label."""
    rows: list[tuple[str, str]] = []
    if finding is not None:
        rows.append(("Found", shortened(clean(finding.summary))))
    if finding is not None and finding.remedy:
        rows.append(("To do", todo(finding.remedy, item, checklist, fixer_title, next_step=next_step) + ("  (⏎)" if next_step else "")))
    elif finding is None and item.action is not None:
        rows.append(("To do", f"{checklist.actions[item.action].title} does it."))
    rows.append(("Why", item.why))
    open_ = finding is not None and not finding.status.satisfied
    fixers = finding.fixers if finding is not None and open_ else ()
    if fixers:
        rows.append(("Fixers", "; ".join(fixer_title(name) for name in fixers) + " (f)"))
    if item.attestable and open_:
        rows.append(("Attest", "When it cannot be verified here, you may attest it with a reason (t)"))
    rows.append(("Item", f"{item.id} · rulebook {item.section}"))
    return rows


def evidence_table(evidence: Sequence[Evidence], *, wide: bool) -> Table:
    """Name, value, source and time of everything that was looked at. Long values fold instead of being cut.

    Where there is little width, source and time stand below the value.
    """
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold", title_justify="left")
    table.add_column("Looked at", max_width=26, overflow="fold")
    table.add_column("Value", ratio=3, overflow="fold")
    if wide:
        table.add_column("Source", ratio=2, overflow="fold")
    for one in evidence:
        source = one_line(one.source) + (f" · {_clock_time(one.time)}" if one.time else "")
        if wide:
            table.add_row(Folded(one_line(one.name)), Folded(clean(one.value)), Folded(source, style="dim"))
        else:
            value = Folded(f"{clean(one.value)}\n{source}")
            value.stylize("dim", len(value.plain) - len(source))
            table.add_row(Folded(one_line(one.name)), value)
    return table


def _clock_time(time: str) -> str:
    return one_line(time)[11:19] + "Z" if "T" in time else one_line(time, 30)
