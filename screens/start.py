"""Start: which version, which kind, with the package or without, and against which target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, RadioSet, Static

from nexy_tui.core.kind import Kind
from nexy_tui.core.target import PKG
from nexy_tui.core.version import Version
from nexy_tui.engine.standing import Standing
from nexy_tui.engine.story import called
from screens import begin
from screens.backend import NewRun, Proposal
from screens.base import WizardScreen
from screens.context import RunContext
from screens.dialogs.dialog import Choice
from screens.dialogs.message import MessageDialog
from screens.text import one_line
from screens.widgets.grid import grid
from screens.widgets.toggles import Choice as Radio
from screens.widgets.toggles import Tick

_KINDS = (
    (Kind.FULL, "full", "commit, tag, artifacts, manifests, deploy"),
    (Kind.UPDATE_ONLY, "update-only", "artifacts and manifests; the server's code stays"),
    (Kind.CODE_ONLY, "code-only", "commit, tag, deploy; the client's download stays"),
)

_GO_ON, _ANOTHER, _BACK = "go-on", "another", "back"


class StartScreen(WizardScreen):
    """A form. What it asks is written into the run's first record and cannot be changed afterwards."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Begin", key_display="⏎", priority=True),
        Binding("ctrl+n", "begin", "Begin", show=False),
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, context: RunContext, wanted: NewRun | None = None) -> None:
        super().__init__(context)
        self._wanted = wanted or NewRun()
        self._proposal = Proposal()

    def body(self) -> Iterable[Widget]:
        """The form."""
        wanted = self._wanted
        with Vertical(id="form"):
            yield Static(Content.assemble(("Start a release", "bold"), ("   written into the run's first record", "$muted")), markup=False)
            yield Static(Content.styled("Version  X.Y.Z.Build", "$primary"), classes="label", markup=False)
            yield Input(value=str(wanted.version or ""), id="version", compact=True, max_length=48, select_on_focus=False)
            yield Static(Content.styled("  looking at what is out now …", "$muted"), id="proposal", markup=False)
            yield Static(Content.styled("Kind", "$primary"), classes="label", markup=False)
            with RadioSet(id="kind", compact=True):
                for kind, name, about in _KINDS:
                    yield Radio(Content.assemble(f"{name:<12} ", (about, "$muted")), value=kind is wanted.kind, compact=True)
            yield Tick(f"{PKG} belongs to this release", value=wanted.with_pkg, id="with-pkg")
            yield Static(id="changes", markup=False)
            yield Static(id="wrong", markup=False)
            with Horizontal(id="form-choices"):
                yield Button(Content.assemble((" ⏎ ", "bold"), " Begin the run "), id="begin", compact=True, classes="-go")
                yield Button(Content.assemble((" esc ", "bold"), " Back "), id="back", compact=True)
            yield Static(id="where", markup=False)  # Last: long paths take no room from what is to be pressed or read.

    def on_mount(self) -> None:
        """Start in the version; ask what to propose."""
        self.query_one("#version", Input).focus()
        context = self.context
        context.start("Looking whether a run is open", context.backend.standing, self._ask_before_another)
        context.start("Looking at what is out now", context.backend.proposal, self._propose)
        context.start("Reading the surroundings", context.backend.surroundings, self._where)
        self.redraw()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Begin or back."""
        if event.button.id == "begin":
            self.action_begin()
        elif event.button.id == "back":
            self.app.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter begins from every field; on a button it presses that."""
        return not isinstance(self.focused, Button) if action == "primary" else super().check_action(action, parameters)

    def action_primary(self) -> None:
        """Begin."""
        self.action_begin()

    def action_begin(self) -> None:
        """Begin the run; a target that changed since the last one is confirmed by typing first."""
        try:
            version = Version.parse(self.query_one("#version", Input).value.strip())
        except ValueError as error:
            self._say(Content.assemble(("✗ ", "bold $error"), f"{error}."))
            self.query_one("#version", Input).focus()
            return
        index = max(0, self.query_one("#kind", RadioSet).pressed_index)
        with_pkg = self.query_one("#with-pkg", Tick).value
        begin.start(self.context, version, _KINDS[index][0], with_pkg)

    def _ask_before_another(self, standing: Standing) -> None:
        """A run that is open is gone on with, unless the operator means to leave it."""
        left = standing.left_open
        if left is None or not self.drawable:
            return
        name = called(left.purpose, one_line(left.version, 40), left.world)
        lines = [
            f"{name} is open here, {one_line(standing.at, 80)}.",
            "Go on with it, or close it in Runs, before you begin another: two open releases are easily mistaken for one another.",
        ]
        choices = [Choice(_GO_ON, "Go on with it", "g", "go"), Choice(_ANOTHER, "Begin another"), Choice(_BACK, "Back", "b")]
        self.app.push_screen(MessageDialog("A run is open", lines, choices), partial(self._answered, left.path))

    def _answered(self, path: Path, answer: str | None) -> None:
        if answer != _ANOTHER:
            self.app.pop_screen()
        if answer == _GO_ON:
            begin.resume(self.context, path)

    def _say(self, sentence: Content) -> None:
        line = self.query_one("#wrong", Static)
        line.update(sentence)
        line.display = True

    def _where(self, rows: Sequence[tuple[str, str]]) -> None:
        if self.drawable:
            self.query_one("#where", Static).update(grid(self.app, rows, width=14))

    def _propose(self, proposal: Proposal) -> None:
        if not self.drawable:
            return
        self._proposal = proposal
        field = self.query_one("#version", Input)
        if not field.value and proposal.version is not None:
            field.value = str(proposal.version)
        known = f"  served now {proposal.served or 'not seen'} · published {proposal.published or 'not seen'}"
        if proposal.version is not None:
            known += f" · proposed {proposal.version}"
        self.query_one("#proposal", Static).update(Content.styled(known, "$muted"))
        if proposal.changes:
            lines = [Content.styled("! The target changed since the last run; it is confirmed by typing", "bold $warning")]
            lines += [Content(f"  {one_line(change, 200)}") for change in proposal.changes]
            panel = self.query_one("#changes", Static)
            panel.update(Content("\n").join(lines))
            panel.display = True
