"""How every command ends: with one exit status and, where --json stands on the line, with one document that carries it."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from nexy_tui.cli import common, streams
from nexy_tui.cli.interrupt import SIGNALS, heeding
from nexy_tui.core.problem import Cancelled, CouldNotLook, Problem, Unusable
from nexy_tui.core.remedy import Remedy, Run, preceded, rewritten
from nexy_tui.core.secret import redact, secrets_of
from nexy_tui.core.text import printable

_SPENT = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
"""What the system answers when it has no room for another process, thread or open file."""

_WIDEST = 2000
_NOTHING = re.compile(r"(--[\w-]+=)?")
"""A word without a value."""
_BROKE_OFF = "What was being done is unfinished, and nothing is concluded from it."


def end_with(work: Callable[[], int], words: Sequence[str]) -> NoReturn:
    """Carry out the command that these words of the line name, and end the process with its exit status, whatever becomes of it."""
    common.begin(as_json=any(word.partition("=")[0] == "--json" for word in words))
    try:
        if common.current.as_json:
            streams.require_output()
        _require_values(words)
        status = work()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # Whatever it is: it is told in three lines, and in the document.
        with heeding(signal.SIG_IGN, *SIGNALS):
            status = _broken_off(error)
    streams.settle()
    sys.exit(status)


def _require_values(words: Sequence[str]) -> None:
    """Raise Unusable for an empty word: `--resume "$RUN"` of a shell that has no RUN would otherwise begin a release."""
    for before, word in zip(("nexy-tui", *words), words, strict=False):
        if _NOTHING.fullmatch(word):
            raise Unusable(
                f"An empty value stands on the line, after {printable(word.removesuffix('=') or before, 60)}.",
                "A variable of the shell may not be set, and nothing is guessed in its place.",
                "Give it a value, or leave it away.",
            )


def _broken_off(error: BaseException) -> int:
    """Tell what ended the command; its exit status."""
    if "NEXY_DEBUG" in os.environ:
        common.say(_redacted("".join(traceback.format_exception(error))))
    problem = problem_of(error)
    common.tell(problem)
    try:
        common.print_end(problem)
    except Problem as unheard:  # Nobody reads standard output any more; on standard error it has been said.
        return problem.exit_code or unheard.exit_code
    return problem.exit_code


def problem_of(error: BaseException) -> Problem:
    """What ended a command, as a message that names the next thing to do, shows all it holds, and holds no secret of the environment."""
    found = _worded(error)
    return _like(found, _shown(found.what), _shown(found.why), rewritten(found.remedy, _shown))


def _shown(text: str) -> str:
    return printable(_redacted(text), _WIDEST)


def _worded(error: BaseException) -> Problem:
    match error:
        case Problem():
            return error
        case KeyboardInterrupt() | EOFError():
            return Cancelled("Interrupted.", _BROKE_OFF, _way_on())
        case BrokenPipeError():
            return streams.unwritable(error)
        case _:
            return _spent(error) or _unforeseen(error)


def _spent(error: BaseException) -> Problem | None:
    """What to say where the machine has no room for another thread, process, open file or for more memory; None for anything else."""
    threads = isinstance(error, RuntimeError) and "start new thread" in str(error)
    if not (threads or isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SPENT)):
        return None
    what = "no thread can be started" if threads else getattr(error, "strerror", None) or "no memory is left"
    remedy = preceded("End other programs, or raise the limit (ulimit -a shows it).", _way_on())
    return CouldNotLook(f"This machine is at its limit: {what}.", _BROKE_OFF, remedy)


def _unforeseen(error: BaseException) -> Problem:
    if isinstance(error, OSError):
        place = f"{error.filename} could" if error.filename else "A file or a connection could"
        said = error.strerror or type(error).__name__
        return CouldNotLook(f"{place} not be used: {said}.", _BROKE_OFF, preceded("See that it is there, and its permissions.", _way_on()))
    said = f"{type(error).__name__}: {error}"
    why = f"This is a fault of the tool. {_BROKE_OFF}"
    return CouldNotLook(f"It broke: {said[:300]}", why, preceded("With NEXY_DEBUG=1 it says where it broke; report that.", _way_on()))


def _way_on() -> Remedy:
    """How to go on from here: with the run that was begun, where there is one."""
    session = common.current.session
    if session is None or session.log is None:
        return "Run it again."
    if session.plan.standalone:
        return Run("check --all", f"The log is {session.log.path}. See what is there", "and run it again.")
    return Run(f"release --resume {session.plan.run}", "Go on")


def _like(problem: Problem, what: str, why: str, remedy: Remedy) -> Problem:
    """A problem of the same exit status with these words."""
    worded = Problem(what, why, remedy)
    worded.exit_code = problem.exit_code
    return worded


def _redacted(text: str) -> str:
    from nexy_tui.core.given import given

    return redact(text, *secrets_of(given()))
