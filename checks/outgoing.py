"""What a push to the code repository would send: no secret, no artifact (rulebook section 0.1)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from checks.base import Check, Scope
from checks.tip import look_changes, look_tip
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, noted, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.private_files import Private, private, settings_files
from nexy_tui.core.text import printable

_SECRET_TEXT = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|AIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}"
    r"|AccountKey=[A-Za-z0-9+/]{80,}"
)
_KEY_FILES = ("*.pem", "*.p12", "*.pfx", "*.key", "*.keystore", "*id_rsa", "*id_ed25519", "*id_ecdsa", "*.pgpass", "*.netrc")

_MOST_READ = 16 * 1024 * 1024
"""How many characters of changes are searched."""


@dataclass(frozen=True, slots=True)
class OutgoingFacts:
    """Paths and suspicious files in the commits that a push would send, and whether there was more than is read.

    `staged` and `uncommitted` are what the next commit may take: paths in the index, and files with suspicious lines. The settings
    are not among them: no commit of a release takes them. `pushed` are key files that the branch's history has had before.
    """

    paths: tuple[str, ...]
    suspicious: tuple[str, ...]
    unread: bool = False
    staged: tuple[str, ...] = ()
    uncommitted: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()
    base: str = ""


def look_outgoing(scope: Scope) -> OutgoingFacts:
    """Commits the code repository lacks (of merges what no parent has), the index, and the working tree's changes of tracked files."""
    git, tip = scope.services.git, look_tip(scope).commit
    left = settings_files(scope.services.layout)
    committed, uncommitted = git.patches(tip, "HEAD"), git.uncommitted()
    return OutgoingFacts(
        paths=tuple(sorted(set(git.changed_paths(tip, "HEAD")))),
        suspicious=_suspicious(committed),
        unread=any(len(text) > _MOST_READ for text in (committed, uncommitted)),
        staged=tuple(path for status, path in look_changes(scope) if status[0] not in " ?D" and path not in left),
        uncommitted=tuple(path for path in _suspicious(uncommitted) if path not in left),
        pushed=git.brought(tip, _KEY_FILES),
        base=tip,
    )


def _suspicious(patch: str) -> tuple[str, ...]:
    hits, current = [], ""
    for line in patch[:_MOST_READ].splitlines():
        if line.startswith("+++ b/"):
            current = line[6:]
        elif line.startswith("+") and _SECRET_TEXT.search(line):
            hits.append(current)
    return tuple(dict.fromkeys(hits))


def judge_outgoing(facts: OutgoingFacts, plan: Plan) -> Verdict:
    """No secret, no dump and no artifact is about to be pushed. What was pushed long ago is said, and bars nothing."""
    evidence = [Evidence("files a push would send", str(len(facts.paths)), "git log, git diff")]
    evidence += [Evidence("pushed before", printable(path, 120), "git log") for path in facts.pushed[:10]]
    if (found := _first(facts.paths, facts.suspicious)) is not None:
        path, kind = found
        return failed(f"A push would send {_named(kind)}: {printable(path, 100)}.", _taken_out(path, kind, facts.base), *evidence)
    if (found := _first(facts.staged, facts.uncommitted)) is not None:
        path, kind = found
        staged = path in facts.staged
        return failed(
            f"The next commit would take {_named(kind)}: {printable(path, 100)}.",
            f"git restore --staged -- {shlex.quote(path)}" if staged else f"Take it out of {printable(path, 100)}, then look again.",
            *evidence,
        )
    if facts.unread:
        return inconclusive(
            f"The changes that a push would send are more than {_MOST_READ >> 20} MiB of text: not all was searched for secrets.",
            "Push what is not this release's after review, then look again.",
            *evidence,
        )
    old = f" Warning: {printable(facts.pushed[0], 100)} was pushed before and is known; change that key." if facts.pushed else ""
    return (noted if old else passed)(f"No secret and no artifact is about to be pushed.{old}", *evidence)


def _first(paths: Iterable[str], suspicious: tuple[str, ...]) -> tuple[str, Private] | None:
    """The gravest of what belongs in no commit."""
    kinds = {path: kind for path in paths if (kind := private(path)) is not None}
    found = [(path, kind) for wanted in Private for path, kind in kinds.items() if kind is wanted]
    hits = [(path, Private.SECRET) for path in suspicious]
    return next(iter([pair for pair in found if pair[1] is Private.SECRET] + hits + found), None)


def _named(kind: Private) -> str:
    return "an artifact to the code repository" if kind is Private.ARTIFACT else str(kind)


def _taken_out(path: str, kind: Private, base: str) -> str:
    again = f"Take it out of the commits: git reset --soft {base[:12]}; git reset -q -- {shlex.quote(path)}; commit the rest again."
    return f"{again} Change that secret: it was in git." if kind is Private.SECRET else again


OUTGOING = Check(look_outgoing, judge_outgoing, "What was pushed once is known for ever.")
