"""Where you are: every phase with its symbol and word, as a rail on a wide screen and as a strip on a narrow one."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from nexy_tui.checklist import Checklist
from nexy_tui.release import Release
from screens.marks import HERE, LATER, holding, phase_mark
from screens.widgets.line import Line

_WIDTH = 31


class PhaseChosen(Message):
    """The operator chose a phase on the rail."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase


class Rail(OptionList):
    """The phases down the left side. Choosing one that was reached before shows it again."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(id="rail", markup=False, compact=True)
        self._checklist = checklist
        self._rows: list[Content] = []

    def show(self, state: Release) -> None:
        """Draw the phases as the state has them."""
        rows = [_row(number, state, self._checklist, phase.id) for number, phase in enumerate(self._checklist.phases, 1)]
        if self.option_count != len(rows):
            self.clear_options()
            self.add_options(Option(row, id=phase.id) for row, phase in zip(rows, self._checklist.phases, strict=True))
        else:
            for index, (row, shown) in enumerate(zip(rows, self._rows, strict=True)):
                if not row.is_same(shown):
                    self.replace_option_prompt_at_index(index, row)
        self._rows = rows
        if state.phase is not None and (self.highlighted is None or not self.has_focus):
            self.highlighted = state.phases.index(state.phase)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pass the choice on as a phase."""
        event.stop()
        if event.option_id is not None:
            self.post_message(PhaseChosen(event.option_id))


def _row(number: int, state: Release, checklist: Checklist, phase: str) -> Content:
    mark = phase_mark(state, phase)
    held, count = holding(state, checklist, phase)
    word = f"{held}/{count}" if mark is HERE else mark.word
    title = checklist.phase(phase).title
    room = _WIDTH - 4 - len(word) - 1
    style = "bold" if mark is HERE else "$muted" if mark is LATER else ""
    return Content.assemble((f"{mark.symbol} ", mark.style), (f"{number} ", "$muted"), (title.ljust(room + 1), style), (word, mark.style))


class Strip(Line):
    """The phases in one line by their short names; the open one with how many of its items are done."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(id="strip")
        self._checklist = checklist
        self._state: Release | None = None

    def show(self, state: Release) -> None:
        """Draw the phases as the state has them."""
        self._state = state
        room = self.size.width or self.app.size.width - 2
        named = self._line(state, named=True)
        self.put(named if named.cell_length <= room else self._line(state, named=False))

    def on_resize(self) -> None:
        """Names where there is room for all of them."""
        if self._state is not None:
            self.show(self._state)

    def _line(self, state: Release, *, named: bool) -> Content:
        parts: list[Content] = []
        for number, phase in enumerate(self._checklist.phases, 1):
            mark = phase_mark(state, phase.id)
            name = phase.name if named or mark is HERE else str(number)
            if mark is HERE:
                held, count = holding(state, self._checklist, phase.id)
                parts.append(Content.styled(f"{mark.symbol}{name} {held}/{count}", "bold reverse $primary"))
            else:
                parts.append(Content.assemble((mark.symbol, mark.style), (name, "$muted" if mark is LATER else "")))
        return Content(" ").join(parts)
