"""A whole release by Enter alone, whatever trouble comes: each is ended where it shows, by what the screen emphasises."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import seldom

from nexy_tui.core.problem import ActionFailed
from nexy_tui.engine.mend import FixPreview
from pilot.fakes import FakeBackend
from pilot.hand import lines, play
from pilot.walking import ready, walk


def untroubled() -> FakeBackend:
    return ready()


def wrong_remote() -> FakeBackend:
    backend = ready()
    backend.play.fails("remotes.code")
    backend.plans["manifest-repository"] = FixPreview(("git remote set-url --push origin https://github.com/Seregawpn/Nexy_server.git",))
    backend.mends["manifest-repository"] = ("remotes.code",)
    return backend


def old_drill() -> FakeBackend:
    backend = ready()
    backend.play.fails("database.drill")
    return backend


def other_image() -> FakeBackend:
    backend = ready()
    backend.play.fails("inbox.version")
    return backend


def broken_settings() -> FakeBackend:
    backend = ready()
    backend.play.fails("ready.vm", fixer="config-env")
    lines = ("server/config.env line 13: FEATURE-FLAGS is taken out",)
    backend.plans["config-env"] = FixPreview(lines, typed="rehearsal 7f3a2c fix config-env")
    backend.mends["config-env"] = ("ready.vm",)
    return backend


def stale_appcast() -> FakeBackend:
    backend = ready()
    backend.play.fails("final.live")

    def again(_: Any) -> None:
        if backend.play.actions["deploy"].ran > 1:
            backend.play.holds("final.live")

    backend.play.does("deploy", anew=again)
    return backend


def failing_deploy() -> FakeBackend:
    backend = ready()

    def once(_: Any) -> None:
        if backend.play.actions["deploy"].ran == 1:
            raise ActionFailed("Deploying 1.6.1.43 failed on the VM at step health.", "The service may be down.", "Deploy again.")

    backend.play.does("deploy", anew=once)
    return backend


TROUBLES = {
    "untroubled": (untroubled, ()),
    "code-remote-wrong": (wrong_remote, ("Fix it: 4.5 Manifest pushed to the wrong code repository",)),
    "drill-old": (old_drill, ("Restore drill",)),
    "image-of-another-version": (other_image, ("Done as it says? Check again",)),
    "config-env-broken": (broken_settings, ("Fix it: 4.8",)),
    "appcast-stale": (stale_appcast, ("Deploy 1.6.1.43 to the server",)),
    "deploy-failing-once": (failing_deploy, ("Deploy 1.6.1.43 to the server",)),
}
"""What is wrong, and what the screen must emphasise for it."""

MAIN_PATH = (
    "Write version 1.6.1.43",
    "Commit and tag it",
    "Back up the database",
    "Push 1.6.1.43: commit and tag",
    "Publish 1.6.1.43",
    "Deploy 1.6.1.43 to the server",
    "Finish: seal the log",
)
ORDINARY = ("untroubled",)


@pytest.mark.parametrize("name", [name if name in ORDINARY else seldom(name) for name in TROUBLES])
def test_a_release_by_enter_alone_ends_verified_whatever_the_trouble(name: str) -> None:
    made, wanted = TROUBLES[name]
    backend, seen, taken = made(), [], []

    async def script(pilot: Any) -> None:
        def lay(choice: str) -> None:
            seen.append("\n".join(lines(pilot.app)))
            if name == "image-of-another-version" and "Check again" in choice:
                backend.play.holds("inbox.version")

        taken.extend(await walk(pilot, lay))

    play(backend, script, size=(80, 24))
    words = [choice.removeprefix("⏎ ") for choice in taken]
    assert [step for step in words if step in MAIN_PATH] and all(any(step == word for word in words) for step in MAIN_PATH), words
    for choice in wanted:
        assert any(choice in word for word in words), words
    assert backend.log.sealed == "complete"
    if name == "untroubled":
        assert not any("✗" in picture for picture in seen), next(picture for picture in seen if "✗" in picture)
