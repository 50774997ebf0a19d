"""Rulebook 4.3: the release host refuses the token, or there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.event import OutputLine
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Refused, Unusable
from nexy_tui.core.remedy import Mend
from nexy_tui.core.secret import Secret
from nexy_tui.fixers.base import Fixer, Mending, Part, SecretRequest, Trouble
from nexy_tui.services import Services
from nexy_tui.services.github_token import Proof, prove
from nexy_tui.services.secrets import GITHUB_TOKEN, TOKEN_VARIABLES

NEW_TOKEN = SecretRequest(GITHUB_TOKEN, "New GitHub token (it is not shown): ", "NEXY_NEW_GITHUB_TOKEN")


@dataclass(frozen=True, slots=True)
class AuthFacts:
    """The proof of the token in use, None without one; and of the keyring's, where the environment's hides it."""

    used: Proof | None
    kept: Proof | None = None


def look(scope: Scope) -> AuthFacts:
    """The token as every other check gets it, proved against the host."""
    secrets = scope.services.secrets
    try:
        token = secrets.github_token()
    except Unusable:
        return AuthFacts(None)
    used = prove(scope.services, token, scope.emit)
    if used.suffices or not _from_environment(used.source):
        return AuthFacts(used)
    kept = secrets.from_keyring(GITHUB_TOKEN)
    return AuthFacts(used, None if kept is None else prove(scope.services, kept, scope.emit))


def judge(facts: AuthFacts, plan: Plan) -> Verdict:
    """There is a token, the host knows it, and it may change releases of the artifacts repository."""
    used, repository = facts.used, plan.target.artifacts_repository
    if used is None:
        return failed(f"There is no token for {repository}.", Mend("github-auth", then="asks for one, proves it and keeps it."))
    evidence = [*_evidence(used), *([] if facts.kept is None else _evidence(facts.kept))]
    if used.suffices:
        both = f" It can write to {used.code.repository} too, which has other owners." if used.code.may_write else ""
        return passed(f"The token from {used.source} may write to {repository}.{both}", *evidence)
    trouble = _trouble(used)
    if facts.kept is not None and facts.kept.suffices:
        name = used.source.removeprefix("environment ")
        return failed(f"{trouble} A good one is in the keyring, but {name} is used before it.", f"unset {name}", *evidence)
    return failed(trouble, Mend("github-auth", then="asks for a new one, proves it and keeps it."), *evidence)


def _trouble(proof: Proof) -> str:
    repository = proof.artifacts.repository
    if not proof.valid:
        return f"The release host does not know the token from {proof.source} (HTTP 401)."
    if not proof.artifacts.visible:
        return f"{repository} is not there for the token from {proof.source}."
    scopes = proof.artifacts.scopes
    if proof.artifacts.push and scopes is not None:
        return f"The token from {proof.source} lacks the scope repo (it has {', '.join(scopes) or 'none'})."
    return f"The token from {proof.source} may not write to {repository}."


def _evidence(proof: Proof) -> tuple[Evidence, ...]:
    scopes = "not told" if proof.artifacts.scopes is None else ", ".join(proof.artifacts.scopes) or "none"
    rights = f"valid {proof.valid}; owner {proof.login or 'not told'}; push {proof.artifacts.push}; scopes {scopes}"
    return (Evidence("token", proof.source, "secret's source"), Evidence("rights", rights, proof.artifacts.repository))


def _from_environment(source: str) -> bool:
    return source in {f"environment {name}" for name in TOKEN_VARIABLES}


def _candidates(services: Services) -> Iterator[Secret]:
    """Tokens that may be better than the one in use: the one just given, gh's own, and the keyring's."""
    secrets = services.secrets
    for token in (secrets.handed(GITHUB_TOKEN), secrets.from_gh(), secrets.from_keyring(GITHUB_TOKEN)):
        if token is not None:
            yield token


def needs_token(services: Services) -> bool:
    """Whether neither gh nor the keyring has a token that suffices, so that the operator must be asked."""
    return not any(prove(services, token).suffices for token in _candidates(services))


class KeepToken(Mending):
    """Proves a new token, and keeps it in the keyring once it has shown what it may do."""

    name = "fix github-auth"
    title = "Prove a token and keep it"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Where the token comes from, what it has to prove, and where it goes."""
        repository = plan.target.artifacts_repository
        return [
            "take the token you give (hidden), else the one gh has stored (gh auth token)",
            f"prove it at {plan.target.hosts.api}: that the host knows it, its scopes, and the right to write to {repository}",
            f"only then keep it in the keyring under nexy-tui {GITHUB_TOKEN}, and read it back",
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Keep the first token that suffices. Raises Refused saying why none does; then nothing was changed."""
        services, why = context.services, []
        for token in _candidates(services):
            proof = prove(services, token, context.emit, context.cancelled)
            context.emit(OutputLine(f"{token.source}: {'proved' if proof.suffices else _trouble(proof)}", "token"))
            if proof.suffices:
                return self._keep(context, token, proof)
            why.append(_trouble(proof))
        raise Refused(
            f"No token suffices. {' '.join(why) or 'None was given, and gh has none.'}",
            "The keyring is as it was before.",
            f"Make one that may write to {context.plan.target.artifacts_repository}, or log in: gh auth login; then run this again.",
        )

    def _keep(self, context: ActionContext, token: Secret, proof: Proof) -> ActionResult:
        secrets = context.services.secrets
        known = secrets.from_keyring(GITHUB_TOKEN)
        changed = known is None or known.reveal() != token.reveal()
        if changed:
            context.intent("keep the proved token in the keyring", source=token.source, owner=proof.login or "not told")
            secrets.store(GITHUB_TOKEN, token.reveal())
        secrets.forget_token()
        where = "is kept in the keyring now" if changed else "was in the keyring already"
        return ActionResult(f"The token from {token.source} is proved and {where}.", _evidence(proof), changed=changed)


def _unlocked(services: Services) -> bool:
    """As `needs_token`; a keyring or host that gives no answer leaves the question to the operator."""
    try:
        return needs_token(services)
    except CouldNotLook:
        return True


GITHUB_AUTH = Fixer(
    Trouble(
        "github-auth",
        "4.3",
        "Release host refuses the token",
        "authentication required, HTTP 401 or 403 on upload, gh: command not found.",
        (
            "Put a token that may write to the artifacts repository into GH_TOKEN, or keep it: nexy-tui secrets set github-token",
            "Where gh is there, gh auth login is enough: its token is used.",
            "See that it works: nexy-tui check remotes.artifacts",
        ),
    ),
    (
        Part(
            "fix.github-auth", "The release host accepts the token", Check(look, judge, "Nothing can be published without it."), KeepToken()
        ),
    ),
    NEW_TOKEN,
    _unlocked,
)
