"""Something went wrong, or something has to be known: what, why it matters, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget

from nexy_tui.core.problem import Problem
from screens.dialogs.dialog import Choice, Dialog, labelled, text
from screens.text import clean

RETRY = "retry"
CLOSE = (Choice("close", "Close", tone="go"),)


class ProblemDialog(Dialog):
    """A failure with what, why and what to do. Ends with RETRY when that is offered and chosen."""

    def __init__(self, title: str, problem: Problem, what_to_do: str, *, retry: str = "") -> None:
        choices = [*CLOSE]
        if retry:
            choices.append(Choice(RETRY, retry, "a"))
        super().__init__(title, choices, tone="refusal")
        self._problem, self._what_to_do = problem, what_to_do

    def body(self) -> Sequence[Widget]:
        """The three parts of the problem; the lines that a program said of it stand last, where they hide no cure."""
        what, _, said = self._problem.what.partition("\n")
        rows = [("What happened", clean(what)), ("Why it matters", clean(self._problem.why)), ("What to do", self._what_to_do)]
        return labelled([*rows, *([("What was said", clean(said))] if said else [])])


class MessageDialog(Dialog):
    """A few paragraphs and the buttons given; a lone Close when none are."""

    def __init__(self, title: str, paragraphs: Sequence[str], choices: Sequence[Choice] = CLOSE, *, tone: str = "") -> None:
        super().__init__(title, choices, tone=tone)
        self._paragraphs = tuple(paragraphs)

    def body(self) -> Sequence[Widget]:
        """The paragraphs."""
        return [text(clean(paragraph), classes="space-below") for paragraph in self._paragraphs]
