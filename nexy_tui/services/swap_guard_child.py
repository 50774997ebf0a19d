"""The process that puts the download back when the wizard was killed between the two renames of a swap.

Reads JSON lines from stdin: first target, CA and token, then each swap it must watch, answered once it has seen the release
itself; `{"done": true}` dismisses it. When the pipe ends without that, it looks at each watched release: where the fixed name is
missing and the asset that left it stands aside, it renames that one back. Backwards, always: those are the bytes the live
appcast speaks of. It writes through the release host's own class, so to the artifacts repository alone, under the lock of the run
that died. Run as `python -P -m nexy_tui.services.swap_guard_child`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from nexy_tui.core.clock import Clock, SystemClock
from nexy_tui.core.problem import Problem
from nexy_tui.core.secret import Secret
from nexy_tui.core.target import Target
from nexy_tui.services.github import GitHubRelease, ReleaseHost
from nexy_tui.services.http import HttpClients
from nexy_tui.services.secrets import Secrets
from nexy_tui.services.swap_guard import Move

LIFE_S = 60
"""What is left of its life once the wizard is gone, whatever happens."""

_IN_FLIGHT_S = 3.0
"""How long a rename the wizard sent with its last breath may still take effect."""

_PAUSE_S = 0.4


class Seen(Enum):
    """What became of a swap: it ended or was put right, it never began, or it must be looked at again."""

    SETTLED = 1
    UNTOUCHED = 2
    UNCLEAR = 3


def main() -> None:
    """Wait for the pipe to end, then put right what is to be put right."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    words = _words()
    first = next(words, None)
    if first is None:
        return
    clock, moves = SystemClock(), list[Move]()
    host = _host(first, os.environ, clock)
    _say("")
    patience = _IN_FLIGHT_S
    for word in words:
        if "done" in word:
            if word["done"]:
                return
            patience = 0.0  # The wizard lives and has nothing more under way.
            break
        move = Move(**word)
        _say(_first_look(host, move))
        moves.append(move)
    signal.alarm(LIFE_S)
    put_right(host, moves, clock, patience)


def put_right(host: ReleaseHost, moves: Collection[Move], clock: Clock, patience: float) -> None:
    """Look at every swap until none is half-done; one that never began is given `patience` seconds to begin late."""
    begun = clock.monotonic()
    while True:
        seen = {look_and_mend(host, move) for move in moves}
        late = clock.monotonic() - begun >= patience
        if Seen.UNCLEAR not in seen and (late or Seen.UNTOUCHED not in seen):
            return
        clock.sleep(_PAUSE_S)


def look_and_mend(host: ReleaseHost, move: Move) -> Seen:
    """Rename the old asset back where it stands aside and nothing has the fixed name."""
    try:
        assets = host.assets(_release(move))
        holder, old = assets.get(move.name), assets.get(move.aside)
        if holder is None and old is not None and old.id == move.old:
            host.rename(old, move.name)
            return Seen.SETTLED
    except Problem:
        return Seen.UNCLEAR
    if holder is None:
        return Seen.UNCLEAR
    return Seen.UNTOUCHED if holder.id == move.old else Seen.SETTLED


def _first_look(host: ReleaseHost, move: Move) -> str:
    """Why the release cannot be watched, or an empty text. The connection that this opens is kept for the hour of need."""
    try:
        current = host.assets(_release(move)).get(move.name)
    except Problem as error:
        return error.what
    return "" if current is not None and current.id == move.old else f"{move.name} is not the asset it was told of."


def _release(move: Move) -> GitHubRelease:
    return GitHubRelease(move.release, move.tag, immutable=False)


def _host(first: Mapping[str, Any], environ: Mapping[str, str], clock: Clock) -> ReleaseHost:
    target = msgspec.convert(first["target"], Target)
    secrets = Secrets.holding(Secret("the wizard", first["token"]), target)
    ca = None if first["ca"] is None else Path(first["ca"])
    return ReleaseHost(target, HttpClients(environ, ca), secrets, clock)


def _words() -> Iterator[dict[str, Any]]:
    """What the wizard says, until the pipe ends; a line it died over is not taken."""
    for line in iter(sys.stdin.buffer.readline, b""):
        if not line.endswith(b"\n"):
            return
        word: dict[str, Any] = json.loads(line)
        yield word


def _say(problem: str) -> None:
    """An answer. Nobody may be left to read it."""
    with contextlib.suppress(OSError):
        print(json.dumps({"problem": problem}), flush=True)


if __name__ == "__main__":
    main()
