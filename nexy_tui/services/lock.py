"""The release lock: the ref `refs/nexy/lock` on the code repository (contracts: decided).

Created only if absent, pointing to a commit whose message names holder, host, run and expiry; renewed with a lease on
what this run wrote; removed at its end; taken over after expiry, or when the operator typed that they want it. What a run of
the same operator on the same machine left when it was cut off is nobody's any more: whoever goes on takes it up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nexy_tui.core import strict_json
from nexy_tui.core.clock import Clock
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused
from nexy_tui.core.text import printable
from nexy_tui.services.git import Git

REF = "refs/nexy/lock"
LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, until when, and the commit that says so."""

    commit: str
    operator: str
    host: str
    run: str
    expires: str

    def expired(self, now: datetime) -> bool:
        """Whether the holder let it lapse; a time that cannot be read counts as not lapsed."""
        try:
            return datetime.fromisoformat(self.expires) <= now
        except (ValueError, TypeError, OverflowError):  # No time, or one that does not say in which zone it is.
            return False

    def __str__(self) -> str:
        return f"{self.operator} on {self.host} (run {self.run}, until {self.expires})"


class ReleaseLock:
    """Takes, renews and gives back the lock of one run."""

    def __init__(
        self, git: Git, clock: Clock, *, operator: str, host: str, run: str, cut_off: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._git, self._clock = git, clock
        self._operator, self._host, self._run = operator, host, run
        self._cut_off = cut_off
        self._held: str | None = None

    @property
    def held(self) -> bool:
        """Whether this run holds it, as far as it knows."""
        return self._held is not None

    def holder(self, refs: Mapping[str, str] | None = None) -> Holder | None:
        """Who holds the lock now, by the code repository's `refs`, which are asked for when not given. None when nobody does."""
        commit = (self._git.remote_refs(REF) if refs is None else refs).get(REF)
        if commit is None:
            return None
        if not self._git.has_commit(commit):
            self._git.read("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self._git.code_remote(), REF, timeout=120)
        return _parse(commit, self._git.message_of(commit))

    def left_by(self, holder: Holder) -> bool:
        """Whether the holder is a run of this operator on this machine that no longer lives."""
        return (holder.operator, holder.host) == (self._operator, self._host) and self._cut_off(holder.run)

    def acquire(self, *, take_over: bool = False) -> None:
        """Hold the lock. Raises Refused naming the holder while somebody else does; `take_over` overrides, once typed."""
        there = self.holder()
        free = there is None or there.run == self._run or there.expired(self._clock.now()) or self.left_by(there)
        if not free and not take_over:
            raise Refused(
                f"The release lock is held by {there}.",
                "Two releases at once would undo each other.",
                "Wait until it expires, or talk to the holder; the same command with --take-over asks for a typed confirmation.",
            )
        self._write("" if there is None else there.commit)

    def reclaim(self) -> None:
        """Hold the lock again if this run left it when it was cut off; whoever goes on with the run then gives it back."""
        there = self.holder()
        if self._held is None and there is not None and there.run == self._run:
            self._write(there.commit)

    def renew(self) -> None:
        """Extend the expiry. Raises Refused when somebody else took the lock meanwhile."""
        if self._held is None:
            raise Refused("This run does not hold the release lock.", remedy="Run the action again; it takes the lock first.")
        self._write(self._held)

    def release(self) -> None:
        """Give it back; nothing happens when it is no longer ours."""
        if self._held is None:
            return
        held, self._held = self._held, None
        try:
            self._git.push([f":{REF}"], leases=[f"{REF}:{held}"])
        except (ActionFailed, CouldNotLook):
            return  # Taken over, or the host is gone: it expires by itself.

    def _write(self, expected: str) -> None:
        expires = rfc3339(self._clock.now() + LIFETIME)
        body = {"expires": expires, "host": self._host, "operator": self._operator, "run": self._run}
        tree = self._git.write("hash-object", "-t", "tree", "-w", "/dev/null")
        commit = self._git.write("commit-tree", tree, "-m", "Release lock\n\n" + json.dumps(body, sort_keys=True))
        try:
            self._git.push([f"{commit}:{REF}"], leases=[f"{REF}:{expected}"])
        except ActionFailed as problem:
            there = self.holder()
            if there is not None and there.run != self._run:
                raise Refused(
                    f"The release lock was taken by {there}.", "Two releases at once would undo each other.", "Wait until it is free."
                ) from None
            raise problem from None
        self._held = commit


def _parse(commit: str, message: str) -> Holder:
    try:
        body = strict_json.loads(message.partition("\n\n")[2].encode("utf-8", "replace"))
        return Holder(commit, *(printable(str(body[key])) for key in ("operator", "host", "run", "expires")))
    except (ValueError, KeyError, TypeError):
        return Holder(commit, "somebody", "an unknown host", "unknown", "an unknown time")
