"""What a library reads in the environment alone is lent to it; nobody who reads there meanwhile stumbles over what goes again."""

from __future__ import annotations

import os
import ssl
import threading
from collections import UserDict
from collections.abc import Callable, Iterator

import httpx
import pytest

from nexy_tui.core.given import given, lent
from nexy_tui.services.http import environments_client

NAME = "NEXY_LENT"


def test_what_was_lent_is_there_meanwhile_and_then_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXY_OTHER", "before")
    with lent({NAME: "secret", "NEXY_OTHER": "lent"}, NAME, "NEXY_OTHER", "NEXY_UNSET"):
        assert (os.environ[NAME], os.environ["NEXY_OTHER"]) == ("secret", "lent") and "NEXY_UNSET" not in os.environ
    assert NAME not in os.environ and os.environ["NEXY_OTHER"] == "before"


def a_client() -> None:
    environments_client(ssl.create_default_context(), httpx.Timeout(1)).close()


def the_environment() -> None:
    given()


class Read(UserDict[str, str]):
    """An environment of which somebody reads one name after the other; between them the lender wants it back."""

    def __init__(self, wanted_back: threading.Event, lender: threading.Thread) -> None:
        super().__init__(os.environ)
        self._wanted_back, self._lender = wanted_back, lender
        self.gone = False

    def __iter__(self) -> Iterator[str]:
        names = list(self.data)
        self._wanted_back.set()
        self._lender.join(0.2)
        self.gone = NAME not in self.data
        return iter(names)


@pytest.mark.parametrize("read", [a_client, the_environment])
def test_nothing_that_was_lent_goes_while_the_environment_is_read(read: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    lending, wanted_back = threading.Event(), threading.Event()

    def lend() -> None:
        with lent({NAME: "secret"}, NAME):
            lending.set()
            wanted_back.wait(30)

    lender = threading.Thread(target=lend)
    environ = Read(wanted_back, lender)
    monkeypatch.setattr(os, "environ", environ)
    lender.start()
    assert lending.wait(30)
    read()
    lender.join(30)
    assert wanted_back.is_set() and not environ.gone and NAME not in environ
