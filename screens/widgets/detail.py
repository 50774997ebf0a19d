"""The selected item, open: why it matters, what was found, what to do, who can help, and everything that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nexy_tui.checklist import Checklist, Item
from nexy_tui.core.finding import Evidence, Finding, Status
from screens.marks import STATUS
from screens.text import clean, one_line

FixerTitle = Callable[[str], str]


class Detail(VerticalScroll, can_focus=True):
    """A pane that scrolls. Everything in it that came from outside is shown as plain text."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(id="detail")
        self._checklist = checklist
        self._shown: tuple[str, Finding | None] | None = None

    def compose(self) -> ComposeResult:
        """Words above, evidence below."""
        yield Static(id="words")
        yield Static(id="evidence")

    def show(self, item: Item | None, finding: Finding | None) -> None:
        """Draw an item with its finding; nothing happens when neither changed."""
        if item is None or self._shown == (item.id, finding):
            return
        moved = self._shown is None or self._shown[0] != item.id
        self._shown = (item.id, finding)
        self.query_one("#words", Static).update(words(item, finding, self._checklist))
        evidence = () if finding is None else finding.evidence
        table = self.query_one("#evidence", Static)
        table.display = bool(evidence)
        if evidence:
            table.update(evidence_table(evidence))
        if moved:
            self.scroll_home(animate=False)


def words(item: Item, finding: Finding | None, checklist: Checklist) -> Content:
    """Why, found, remedy, actions and fixers, each under its label."""
    mark = STATUS[Status.NOT_RUN if finding is None else finding.status]
    head = Content.assemble(mark.content(), "  ", (item.title, "bold"), (f"   {item.id} · rulebook {item.section}", "$text-muted"))
    rows: list[tuple[str, str]] = [("Why", item.why)]
    rows.append(("Found", "Not looked at yet." if finding is None else clean(finding.summary)))
    if finding is not None and finding.remedy:
        rows.append(("To do", clean(finding.remedy)))
    if item.action is not None:
        rows.append(("Action", f"{checklist.actions[item.action].title} brings it about (a)"))
    if item.remedy is not None:
        rows.append(("Repair", f"{checklist.actions[item.remedy].title} can repair it"))
    fixers = item.fixers if finding is None else finding.fixers
    if fixers:
        rows.append(("Fixers", f"{', '.join(fixers)} (f)"))
    if item.attestable:
        rows.append(("Attest", "When it cannot be verified here, you may attest it with a reason (t)"))
    body = [Content.assemble((label.ljust(8), "bold $primary"), text) for label, text in rows]
    return Content("\n").join([head, Content(""), *body])


def evidence_table(evidence: Sequence[Evidence]) -> Table:
    """Name, value, source and time of everything that was looked at. Long values fold instead of being cut."""
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold", title_justify="left")
    table.add_column("Looked at", max_width=26, overflow="fold")
    table.add_column("Value", ratio=3, overflow="fold")
    table.add_column("Source", ratio=2, overflow="fold")
    for one in evidence:
        source = one_line(one.source) + (f" · {_clock_time(one.time)}" if one.time else "")
        table.add_row(Text(one_line(one.name)), Text(clean(one.value)), Text(source, style="dim"))
    return table


def _clock_time(time: str) -> str:
    return one_line(time)[11:19] + "Z" if "T" in time else one_line(time, 30)
