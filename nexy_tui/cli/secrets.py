"""`nexy-tui secrets`: what the operator keeps in the keyring for this tool. A value is taken hidden, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.core.remedy import Run

if TYPE_CHECKING:
    from nexy_tui.services.secrets import Secrets

app = typer.Typer()

SIGNING_KEY = "signing-key"
"""The operator's own signing key: made and replaced by `keys`, listed and deleted here like any other."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="github-token or sparkle-private-key.", show_default=False)]


@app.command("set")
def set_secret(name: Name) -> None:
    """Keep a secret in the keyring. It is asked for hidden; without a terminal it is standard input's first line."""
    from nexy_tui.config import load_settings
    from nexy_tui.core.problem import Unusable
    from nexy_tui.services.secrets import VARIABLES, Secrets

    if name == SIGNING_KEY:
        raise Unusable(
            "A signing key is made, not typed in.",
            remedy=Run("keys create", "Make one", "(or, for a key you have: nexy-tui keys use --file FILE)"),
        )
    if name not in VARIABLES:
        raise _unknown(name, tuple(VARIABLES))
    settings = load_settings()
    value = common.ask_hidden(f"{name} (it is not shown): ")
    _secrets().store(name, judged(name, value, settings.target.sparkle_public_key))
    common.show(f"{name} is kept in the keyring. See that it serves: nexy-tui doctor")
    variable = Secrets.variable_in_force(_environ(), name)
    if variable:
        common.show(f"{variable} is set in this terminal and comes before it.")


def judged(name: str, value: str, public_key: str) -> str:
    """The secret, if it can be one; Sparkle's must fit the public key. Raises Unusable, Refused."""
    from nexy_tui.services.secrets import SPARKLE_KEY, judge
    from nexy_tui.services.sparkle import judge_private_key

    judge(name, value)
    if name == SPARKLE_KEY:
        judge_private_key(value, public_key)
    return value


@app.command("list")
def list_secrets() -> None:
    """List the secrets that this tool looks for, and where each would be taken from now."""
    from nexy_tui.core.problem import Problem
    from nexy_tui.services.secrets import VARIABLES

    status, secrets = 0, _secrets()
    for name in VARIABLES:
        try:
            found = secrets.find(name)
            common.show(f"{name:<20} {found.source if found is not None else f'nowhere; {_way(name)}'}")
        except Problem as problem:
            status = max(status, problem.exit_code)
            common.show(f"{name:<20} unknown: {problem.what} {problem.remedy}")
    common.show(f"{SIGNING_KEY:<20} nexy-tui keys list")
    raise typer.Exit(status)


def _way(name: str) -> str:
    """How a secret that is nowhere is given: kept in the keyring, where there is one."""
    from nexy_tui.services import ring
    from nexy_tui.services.secrets import variable_of

    try:
        ring.open_ring()
    except ring.NoRing as none:
        return f"{none}, so give it in the environment: {variable_of(name)}"
    return f"keep it: nexy-tui secrets set {name}"


@app.command()
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="github-token, sparkle-private-key or signing-key.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Answer the confirmation.")] = False,
) -> None:
    """Take a secret out of the keyring. The signing key's deletion is confirmed: what it signed stays verifiable, nothing goes on."""
    from nexy_tui.core.problem import Cancelled
    from nexy_tui.services.secrets import VARIABLES

    if name not in (*VARIABLES, SIGNING_KEY):
        raise _unknown(name, (*VARIABLES, SIGNING_KEY))
    account = name
    if name == SIGNING_KEY:
        from nexy_tui.config import load_settings
        from nexy_tui.runlog.keys import account as account_of

        operator = load_settings().operator
        account = account_of(operator)
        question = "Open runs of this key can then neither be gone on with nor closed; the key is then gone for good. "
        if not yes and not common.typed(operator, lambda words: common.ask_terminal(question + words)):
            raise Cancelled("Nothing was changed.", "The deletion was not confirmed.", Run("keys rotate", "To replace the key"))
    there = _secrets().delete(account)
    common.show(f"{name} was taken out of the keyring." if there else f"The keyring has no {name}. Nothing was changed.")


def _unknown(name: str, known: tuple[str, ...]) -> Exception:
    from nexy_tui.core.problem import Unusable

    return Unusable(f"There is no secret {name[:60]!r}.", f"Known: {', '.join(known)}.", Run("secrets list", "See them"))


def _secrets() -> Secrets:
    from nexy_tui.config import load_settings
    from nexy_tui.services.secrets import Secrets

    return Secrets(_environ(), load_settings().target)


def _environ() -> dict[str, str]:
    from nexy_tui.core.given import given

    return given()
