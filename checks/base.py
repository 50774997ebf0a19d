"""What a check is: a look that reads the outside world, and a judge that is a pure function of what was seen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from nexy_tui.core.event import Emit, silent
from nexy_tui.core.finding import Evidence, Verdict, failed, pending
from nexy_tui.core.plan import Plan
from nexy_tui.core.remedy import Act

if TYPE_CHECKING:
    from nexy_tui.runlog.trust import AllowedSigners
    from nexy_tui.services import Services

T = TypeVar("T")


class _Memo:
    """One shared look: computed by whoever asks first, handed (or raised) to everybody else."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.value: Any = None
        self.error: Exception | None = None

    def get(self, function: Callable[[], Any]) -> Any:
        with self.lock:
            if not self.done:
                try:
                    self.value = function()
                except Exception as error:
                    self.error = error
                self.done = True
        if self.error is not None:
            raise self.error
        return self.value


@dataclass
class Scope:
    """One evaluation pass: the services to look with, the plan, and the looks already taken in this pass.

    `trusted` names the keys whose records (backups, drills) are believed; `asks_vm` whether the VM may be asked for a cause.
    A survey of the VM no older than `vm_within` seconds will do. What is `past` was asked for what this run has done already.
    """

    services: Services
    plan: Plan
    trusted: Callable[[], AllowedSigners]
    emit: Emit = silent
    asks_vm: bool = True
    vm_within: float = 0.0
    past: frozenset[str] = frozenset()
    _memos: dict[str, _Memo] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def once(self, key: str, function: Callable[[], T]) -> T:
        """The result of `function`, looked up once a pass and shared by every check that names `key`."""
        with self._lock:
            memo = self._memos.setdefault(key, _Memo())
        result: T = memo.get(function)
        return result


@dataclass(frozen=True)
class Check:
    """`look` raises CouldNotLook when it cannot see (the item is then inconclusive); `judge` is pure.

    `why` says in a sentence why it matters. `slow` orders long looks (a whole download, the VM's survey) behind cheap ones.
    `waits`: it may run a hook of the operator's or ask for a passphrase, and has as long as these take.
    """

    look: Callable[[Scope], Any]
    judge: Callable[[Any, Plan], Verdict]
    why: str
    slow: bool = False
    waits: bool = False


def not_there_yet(plan: Plan, summary: str, remedy: Act, *evidence: Evidence) -> Verdict:
    """Nothing of it is there, and nothing else in its place: to be done where the run still awaits the remedy's action, else wrong."""
    return (pending if plan.awaits(remedy.action) else failed)(summary, remedy, *evidence)
