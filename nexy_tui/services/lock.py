"""The release lock: the ref `refs/nexy/lock` on the code repository (contracts: decided).

Created only if absent, pointing to a commit whose message names holder, host, run and expiry; renewed with a lease on
what this run wrote; removed at its end; taken over after expiry, or when the operator typed that they want it. What a run of
the same operator on the same machine left when it was cut off is nobody's any more: whoever goes on takes it up.

The ref may change between any two looks at it. So each step looks again, a few times, and only then says what it saw. An
expiry is the holder's clock compared with the reader's. Where these disagree, a lock that lives may be taken: its holder sees
that before the next write outside, for each begins with a look at the ref.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nexy_tui.core import strict_json
from nexy_tui.core.clock import Clock
from nexy_tui.core.finding import rfc3339
from nexy_tui.core.problem import CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Run
from nexy_tui.core.text import printable
from nexy_tui.services.git import Git, GitFailure
from nexy_tui.services.git.commands import brief
from nexy_tui.services.git.fixed import FETCH

REF = "refs/nexy/lock"
LIFETIME = timedelta(minutes=15)
LARGEST = 64 << 10
"""Bytes of a lock commit that are read; whoever may push can lay a larger one there."""

_TRIES = 6
"""How often the ref is looked at anew when it changed meanwhile; a holder renews it once in minutes."""

_WHY = "Two releases at once would undo each other."


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, since when and until when, and the object that says so. `unreadable`: why it does not, else empty."""

    commit: str
    operator: str
    host: str
    run: str
    expires: str
    since: str = ""
    unreadable: str = ""

    def expired(self, now: datetime) -> bool:
        """Whether the holder let it lapse, by the reader's clock; a time that cannot be read counts as not lapsed."""
        try:
            return datetime.fromisoformat(self.expires) <= now
        except (ValueError, TypeError, OverflowError):  # No time, or one that does not say in which zone it is.
            return False

    def advice(self, take_over: str) -> str:
        """What somebody else does who wants the lock; `take_over` is the command for it."""
        first = "Find out who made it" if self.unreadable else f"Wait until {self.expires}, or talk to {self.operator}"
        return f"{first}; {take_over} takes it over, after a typed confirmation."

    def __str__(self) -> str:
        if self.unreadable:
            return f"somebody: {self.unreadable}"
        since = f"since {self.since}, " if self.since else ""
        return f"{self.operator} on {self.host} (run {self.run}, {since}until {self.expires})"


class ReleaseLock:
    """Takes, renews and gives back the lock of one run."""

    def __init__(
        self, git: Git, clock: Clock, *, operator: str, host: str, run: str, cut_off: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._git, self._clock = git, clock
        self._operator, self._host, self._run = operator, host, run
        self._cut_off = cut_off
        self._held: str | None = None
        self._no_files = ""
        self._since = self._until = clock.now()

    @property
    def held(self) -> bool:
        """Whether this run holds it, as far as it knows."""
        return self._held is not None

    def holder(self, refs: Mapping[str, str] | None = None) -> Holder | None:
        """Who holds the lock now, by the code repository's `refs`, which are asked for when not given. None when nobody does.

        A lock that is replaced or removed while it is read is looked at again. Raises CouldNotLook.
        """
        oid, failure = (self._ask() if refs is None else refs.get(REF)), ""
        for _ in range(_TRIES):
            if oid is None:
                return None
            if (found := self._read(oid)) is not None:
                return found
            fetched = self._git.raw(*FETCH, self._git.code_source(), REF, timeout=120)
            if (found := self._read(oid)) is not None:
                return found
            before, oid = oid, self._ask()
            failure = brief(fetched.text) if isinstance(fetched, GitFailure) and oid == before else ""
        raise CouldNotLook(
            f"The release lock could not be read: {failure or 'it changed each time it was looked at'}.",
            "Whether somebody else is releasing is not known.",
            "Run it again in a minute.",
        )

    def left_by(self, holder: Holder) -> bool:
        """Whether the holder is a run of this operator on this machine that no longer lives."""
        return (holder.operator, holder.host) == (self._operator, self._host) and self._cut_off(holder.run)

    def acquire(self, *, take_over: bool = False) -> Holder | None:
        """Hold the lock; whose it was, None where it was free. Raises Refused naming the holder while somebody else does.

        `take_over` overrides, once typed.
        """
        for _ in range(_TRIES):
            there = self.holder()
            free = there is None or there.run == self._run or there.expired(self._clock.now()) or self.left_by(there)
            if there is not None and not free and not take_over:
                raise Refused(f"The release lock is held by {there}.", _WHY, there.advice("the same command with --take-over"))
            if self._write("" if there is None else there.commit):
                return there
        raise CouldNotLook("The release lock changed each time it was to be taken.", _WHY, "Run it again in a minute.")

    def reclaim(self) -> None:
        """Hold the lock again if this run left it when it was cut off; whoever goes on with the run then gives it back."""
        there = self.holder()
        if self._held is None and there is not None and there.run == self._run:
            self._write(there.commit)

    def renew(self) -> None:
        """Extend the expiry. Raises Refused when somebody else took the lock meanwhile, or removed it."""
        if self._held is None:
            raise Refused("This run does not have the release lock.", remedy="Run the action again; it takes the lock first.")
        for _ in range(_TRIES):
            if self._write(self._held):
                return
            there = self.holder()
            if there is None or there.run != self._run:
                raise _lost(there, self._run)
            self._held = there.commit  # A renewal of this run's whose answer was lost.
        raise CouldNotLook("The release lock changed each time it was to be renewed.", _WHY, "Run the action again.")

    def keep(self) -> None:
        """Extend the expiry where a third of the time has gone; else see that it is still this run's. Raises as `renew`."""
        if self._clock.now() > self._until - LIFETIME * 2 / 3 or self._ask() != self._held:
            self.renew()

    def confirm(self) -> None:
        """See that it is still this run's, before a write outside. Raises Refused when it is not.

        A host that cannot be asked takes nothing from a holder whose time has not run out.
        """
        try:
            there = self._ask()
        except CouldNotLook:
            if self._clock.now() < self._until:
                return
            raise
        if there != self._held:
            self.renew()

    def forget(self) -> None:
        """Hold nothing any more: somebody else took it. The next acquire begins anew."""
        self._held = None

    def release(self) -> None:
        """Give it back; nothing happens when it is no longer ours."""
        held, self._held = self._held, None
        try:
            if held is not None and not self._swap(None, held):
                there = self.holder()
                if there is not None and there.run == self._run:
                    self._swap(None, there.commit)
        except Problem:
            return  # The host is gone: it expires by itself.

    def _ask(self) -> str | None:
        return self._git.remote_refs(REF).get(REF)

    def _read(self, oid: str) -> Holder | None:
        """What the object says; None where it is not here."""
        found = self._git.lookup(oid, LARGEST)
        if found is None:
            return None
        if found.kind != "commit":
            return _unreadable(oid, f"{REF} names a {printable(found.kind)}, which no release lock is")
        if found.data is None:
            return _unreadable(oid, f"the commit that {REF} names is far too large for a release lock")
        return _parse(oid, found.data.partition(b"\n\n")[2])

    def _write(self, expected: str) -> bool:
        """Write this run's lock in the place of `expected` (empty: of nothing); False where something else stands there by now."""
        now = self._clock.now()
        since = self._since if self._held is not None else now
        body = {"expires": rfc3339(now + LIFETIME), "host": self._host, "operator": self._operator, "run": self._run}
        message = "Release lock\n\n" + json.dumps({**body, "since": rfc3339(since)}, sort_keys=True)
        self._no_files = self._no_files or self._git.write("hash-object", "-t", "tree", "-w", "/dev/null")
        commit = self._git.write("commit-tree", self._no_files, "-m", message)
        if not self._swap(commit, expected):
            return False
        self._held, self._since, self._until = commit, since, now + LIFETIME
        return True

    def _swap(self, new: str | None, expected: str) -> bool:
        """Set the ref, or remove it (`new` None), if it still is what is expected; False where it is not. Raises Problem."""
        try:
            self._git.push([f"{new or ''}:{REF}"], leases=[f"{REF}:{expected}"], aside=True)
        except Problem as problem:
            there = self._ask()
            if there == new:
                return True  # It was done, and its answer lost.
            if there == (expected or None):
                raise problem from None
            return False
        return True


def _lost(taker: Holder | None, run: str) -> Refused:
    if taker is None:
        return Refused(
            "The release lock of this run is gone: it was taken over and given back, or removed by hand.",
            "Somebody may have released meanwhile; nothing more was written.",
            "Ask who did. Run the action again: it takes the lock, and everything before it is checked anew.",
        )
    return Refused(
        f"The release lock was taken over by {taker}.",
        f"{_WHY} Nothing more was written.",
        Run(f"runs close {run}", f"Talk to {taker.operator}. When they are done, this run goes on, or is closed"),
    )


def _unreadable(oid: str, why: str) -> Holder:
    return Holder(oid, "somebody", "an unknown host", "unknown", "an unknown time", unreadable=why)


def _parse(commit: str, message: bytes) -> Holder:
    try:
        body = strict_json.loads(message.partition(b"\n\n")[2].strip())
        operator, host, run, expires = (printable(str(body[key])) for key in ("operator", "host", "run", "expires"))
        return Holder(commit, operator, host, run, expires, printable(str(body.get("since", ""))))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _unreadable(commit, f"the message of the commit {commit[:12]} that {REF} names is no release lock's")
