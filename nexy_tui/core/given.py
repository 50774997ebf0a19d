"""The environment this process was given, and the part of it that stays where libraries read it.

Libraries start programs too (`az` for Azure's credentials, `uname`), with all that `os.environ` holds. So what no library
reads there is taken out of it at the start, secrets first, and is handed on as a value by whoever needs it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nexy_tui.core.surroundings import Needs, surroundings

_withheld: dict[str, str] = {}
_changing = threading.Lock()


@contextmanager
def steady() -> Iterator[None]:
    """Meanwhile nothing that was lent goes: whoever reads the environment name by name, in another thread, would meet a KeyError."""
    with _changing:
        yield


def withhold() -> None:
    """Leave in this process's own environment only what libraries need there; `given` still knows the rest."""
    stays = surroundings(Needs.OURSELVES, os.environ).variables
    for name in [name for name in os.environ if name not in stays]:
        _withheld[name] = os.environ.pop(name)


def given() -> dict[str, str]:
    """The whole environment of this process, for our own code."""
    with steady():
        return {**_withheld, **os.environ}


def take(name: str) -> str:
    """A variable's value, which nobody finds there again; empty where it was not set."""
    return os.environ.pop(name, "") or _withheld.pop(name, "")


def become(environ: Mapping[str, str]) -> None:
    """Go on in another environment."""
    _withheld.clear()
    os.environ.clear()
    os.environ.update(environ)
    withhold()


@contextmanager
def lent(environ: Mapping[str, str], *names: str) -> Iterator[None]:
    """Meanwhile these variables stand in this process's environment, for a library that reads them nowhere else."""
    with steady():
        before = {name: os.environ.get(name) for name in names}
        os.environ.update({name: environ[name] for name in names if name in environ})
    try:
        yield
    finally:
        with steady():
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
