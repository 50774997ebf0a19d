"""Who may do what in a world: its tokens, as the faults of the moment leave them. Asked by the git host and the release host alike."""

from __future__ import annotations

from nexy_tui.rehearsal.faults import Fault, Faults
from nexy_tui.rehearsal.names import ARTIFACTS, World

TOKEN_INVALID = Fault("token-invalid", "remotes", "No token is valid any more: every request that shows one is answered 401.")
TOKEN_WITHOUT_SCOPE = Fault(
    "token-without-scope", "remotes", "The tokens are valid but may no longer write to the artifacts repository: uploads are answered 403."
)

FAULTS: tuple[Fault, ...] = (TOKEN_INVALID, TOKEN_WITHOUT_SCOPE)


def rights(world: World, faults: Faults, token: str) -> frozenset[str] | None:
    """The repositories a token may write to now; None for a token that is not valid."""
    if faults.active(TOKEN_INVALID.name):
        return None
    given = world.rights(token)
    if given is not None and faults.active(TOKEN_WITHOUT_SCOPE.name):
        return given - {ARTIFACTS}
    return given
