"""Who releases: said by the operator, by nobody else, and never guessed from the login name where it is signed for."""

from __future__ import annotations

from nexy_tui.config import Settings
from nexy_tui.config.keys import OPERATOR
from nexy_tui.config.origins import LOGIN
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Run

CONFIGURED = "configuration"
"""What `operator_source` calls the operator's own configuration."""


def require_operator(settings: Settings) -> None:
    """Pass where somebody has said who releases, and nobody else has said otherwise. Raises Unusable naming the setting."""
    setting = f"id under [operator] in {settings.config_path}"
    if settings.named_operator not in ("", settings.operator):
        raise Unusable(
            f"NEXY_OPERATOR names {_named(settings.operator)}, and the configuration names {settings.named_operator}.",
            "Whoever signs a run answers for it: nobody goes on in another's name unasked.",
            f"Unset NEXY_OPERATOR, or correct {setting}.",
        )
    if settings.origins["operator.id"] == LOGIN:
        raise Unusable(
            f"Who releases is not set: it would be the login name of this machine, {settings.operator}.",
            "The id stands in every run log and in the list of trusted keys; others know you by it.",
            Run("setup", f"Set {setting} (or NEXY_OPERATOR), or have it asked for"),
        )
    if OPERATOR.fullmatch(settings.operator) is None:
        raise Unusable(
            f"{settings.operator[:60]!r} cannot be an operator's id.",
            "It stands in OpenSSH's allowed_signers file, where spaces, commas and wildcards have a meaning.",
            f"Set {setting} (or NEXY_OPERATOR) to letters, digits and . _ @ + - (as ada@example.com).",
        )


def _named(operator: str) -> str:
    return operator if OPERATOR.fullmatch(operator) else repr(operator[:60])


def operator_source(settings: Settings) -> str:
    """Who said who releases: the configuration, or nobody but a variable of the environment (or the login name)."""
    if settings.named_operator == settings.operator:
        return CONFIGURED
    return settings.origins["operator.id"]


def require_own_run(settings: Settings, run: str, *, began: str, host: str, said_by: str) -> None:
    """Pass where a run is gone on with, or ended, by the operator who began it. `said_by`: the `operator_source` it was begun under.

    Raises Refused where it is another's, Unusable where only a variable of the environment says that it is not.
    """
    if began != settings.operator:
        raise Refused(
            f"The run {run} was begun by {began} on {host}; here {settings.operator} releases (from {settings.origins['operator.id']}).",
            "Whoever signs a run answers for it: nobody goes on in another's name.",
            Run("release", f"Leave it to {began}, or begin a new run"),
        )
    if operator_source(settings) != CONFIGURED == said_by:
        raise Unusable(
            f"The run {run} was begun by {began}, as configured; here nothing but NEXY_OPERATOR says that {began} releases.",
            "Whoever signs a run answers for it, and a variable is easily left over from somebody else.",
            f'If you are {began}: write id = "{began}" under [operator] in {settings.config_path}, then run this again. '
            f"Else leave it to {began}.",
        )
