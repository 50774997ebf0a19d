"""Each fault of the release host and of the inbox, and exactly what the publisher says of it: refused before the first byte is sent,
ended with clients as they were, or borne in sight."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from conftest import seldom
from publishing import Publisher, assert_published, local, requests, sent

from nexy_tui.actions.publish import Publish
from nexy_tui.core.event import Exposure, PointOfNoReturn, Waiting
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Problem, Refused
from nexy_tui.core.target import DMG

PAGE = "https://github.com/Seregawpn/Nexy_production/releases/tag/Update"
LIMITED = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
AS_BEFORE = "Clients still get the release before: nothing was put in its place"
HERE = r"(?P<size>\d+) bytes, sha256 (?P<sha256>[0-9a-f]{64})"
OTHER = r"\d+ bytes, sha256 [0-9a-f]{64}"

KEYS = ("CFBundleShortVersionString", "CFBundleVersion")


def state(work: Publisher) -> tuple[object, ...]:
    """What clients and the VM would get: the download's figures and the branch's commit."""
    return work.download(), work.inside.git("rev-parse", "main", cwd=work.inside.world.bare("Seregawpn/Nexy_server"))


@dataclass(frozen=True)
class Said:
    """A problem word for word: kind, what (a pattern where figures differ), why, remedy."""

    fault: str
    kind: type[Problem]
    what: str
    why: str
    remedy: str

    def assert_said(self, problem: Problem, work: Publisher) -> None:
        assert type(problem) is self.kind, repr(problem)
        match = re.fullmatch(self.what, problem.what)
        assert match is not None, problem.what
        if "sha256" in match.groupdict():
            assert (int(match["size"]), match["sha256"]) == local(work), "the inbox's side is told"
        assert (problem.why, str(problem.remedy)) == (self.why, self.remedy.replace("INBOX", str(work.services.layout.inbox)))


NOTHING = "Nothing was sent."
BEFORE_THE_FIRST_BYTE = (
    Said(
        "token-invalid",
        CouldNotLook,
        re.escape("Seregawpn/Nexy_production on github.com could not be seen: api.github.com answered 401 (Bad credentials)."),
        "The token from environment GH_TOKEN is not valid.",
        "Log in again: `gh auth login`, or set GH_TOKEN (rulebook 4.3).",
    ),
    Said(
        "token-without-scope",
        Refused,
        re.escape("The token from environment GH_TOKEN may not write to Seregawpn/Nexy_production."),
        NOTHING,
        "gh auth status, gh auth login, or set GH_TOKEN to a token with that right. nexy-tui fix github-auth",
    ),
    Said(
        "missing-tag",
        Refused,
        re.escape("Seregawpn/Nexy_production has no release under the tag Update."),
        NOTHING,
        f"Create it once: gh release create Update -R Seregawpn/Nexy_production; see {PAGE}",
    ),
    Said(
        "immutable-release",
        Refused,
        re.escape("The release Update is immutable: the host refuses every change."),
        NOTHING,
        f"Lift that in the repository's settings, or name another tag; see {PAGE}",
    ),
    Said(
        "rate-limited",
        CouldNotLook,
        re.escape(f"Seregawpn/Nexy_production on github.com could not be seen: api.github.com asks to wait (403: {LIMITED})."),
        "",
        "Wait a little, then look again.",
    ),
    Said("inbox-missing", Refused, r"There is no folder \S+/release_inbox\.", NOTHING, "mkdir -p INBOX; then lay Nexy.dmg there."),
    Said("inbox-empty", Refused, r"Nexy\.dmg is not in the inbox\.", NOTHING, "Lay Nexy.dmg into INBOX and look again."),
    Said(
        "dmg-truncated", Refused, r"Nexy\.dmg is not a whole disk image: .*", NOTHING, "Lay a finished Nexy.dmg into INBOX and look again."
    ),
    Said("dmg-html", Refused, r"Nexy\.dmg is a web page.*", NOTHING, "Lay a finished Nexy.dmg into INBOX and look again."),
    Said(
        "wrong-code-remote",
        Refused,
        r"No remote of \S+ pushes to Seregawpn/Nexy_server\.",
        "A push would go to the wrong repository, or nowhere.",
        "git remote set-url --push origin https://github.com/Seregawpn/Nexy_server.git",
    ),
)

AFTER_IT = (
    Said(
        "upload-502",
        ActionFailed,
        re.escape("Uploading Nexy.dmg failed 4 times; at last: uploads.github.com answered 502."),
        f"{AS_BEFORE}.",
        "Check the network and the host's status page, then run again: it goes on with what is there.",
    ),
    Said(
        "upload-drop",
        ActionFailed,
        r"Uploading Nexy\.dmg failed 4 times; at last: the connection broke \(\w+\)\.",
        f"{AS_BEFORE}.",
        "Check the network and the host's status page, then run again: it goes on with what is there.",
    ),
    Said(
        "download-other-bytes",
        ActionFailed,
        rf"Nexy\.dmg did not arrive as it was sent: its address gives {OTHER}; the inbox has {HERE}\.",
        f"{AS_BEFORE}, no manifest was pushed.",
        "Run it again; if it stands, look at the host's status page.",
    ),
    Said(
        "download-other-bytes=final",
        ActionFailed,
        rf"The download is not what was published: Nexy\.dmg: the release URL gives {OTHER}; the inbox has {HERE}\.",
        "The release before is back in place. No manifest was pushed.",
        "Look at the release page and at the host's status page, then run again.",
    ),
)

ORDINARY = {"upload-502", "download-other-bytes=final"}
"""One fault before the swap and one after it."""

BORNE = (
    seldom("upload-502=1", "uploads.github.com answered 502; asking again"),
    ("upload-drop=1", r"The connection broke \(\w+\); asking again"),
    seldom("upload-drop=3", r"The connection broke \(\w+\); asking again"),
    ("rename-404-once", "The host does not know the asset yet; asking again"),
    ("download-stale-once", r"other bytes are at the address of Nexy\.dmg; asking again"),
    ("rate-limited=2", re.escape(f"api.github.com asks to wait (403: {LIMITED}); asking again")),
)


@pytest.mark.parametrize("said", BEFORE_THE_FIRST_BYTE, ids=lambda said: said.fault)
def test_what_can_be_refused_is_refused_before_the_first_byte(work: Publisher, said: Said) -> None:
    before, start = state(work), len(requests(work))
    with work.inside.faulty(said.fault), pytest.raises(Problem) as raised:
        work.do(Publish())
    said.assert_said(raised.value, work)
    assert sent(work, start) == [] and work.intents == [] and state(work) == before


def test_an_image_of_another_version_is_refused_with_both(work: Publisher) -> None:
    before, start = state(work), len(requests(work))
    with work.inside.faulty("dmg-other-version"), pytest.raises(Refused) as raised:
        work.do(Publish())
    keys = [rf"Nexy\.dmg: {key} in Nexy\.app/Contents/Info\.plist \(\w+\) says 1\.6\.1\.42" for key in KEYS]
    assert re.fullmatch(rf"An artifact is not of {work.version}: {'; '.join(keys)}\.", raised.value.what), raised.value.what
    assert f"Build {work.version} and lay that file into" in str(raised.value.remedy)
    assert sent(work, start) == [] and state(work) == before


@pytest.mark.parametrize("said", [said if said.fault in ORDINARY else seldom(said) for said in AFTER_IT], ids=lambda said: said.fault)
def test_what_fails_later_leaves_clients_as_they_were_and_sends_nothing_twice(work: Publisher, said: Said) -> None:
    before = state(work)
    with work.inside.faulty(said.fault), pytest.raises(Problem) as raised:
        work.do(Publish())
    said.assert_said(raised.value, work)
    swapped = said.fault.endswith("=final")
    assert state(work) == before and bool(work.intents) is swapped
    assert [event.open for event in work.events if isinstance(event, Exposure)] == ([True, False] if swapped else [])
    start = len(requests(work))
    work.do(Publish())
    assert_published(work)
    assert len(sent(work, start)) == (0 if "other-bytes" in said.fault else 1), "what the host holds is not sent again"


@pytest.mark.parametrize(("name", "reason"), BORNE)
def test_what_passes_is_borne_in_sight(work: Publisher, name: str, reason: str) -> None:
    with work.inside.faulty(name):
        work.do(Publish())
    waits = [event.reason for event in work.events if isinstance(event, Waiting)]
    assert [wait for wait in waits if re.fullmatch(reason, wait)], waits
    assert_published(work)
    assert work.download(DMG) == local(work)


@pytest.mark.parametrize(("param", "status"), [seldom("429", 429), ("primary", 403)])
def test_a_rate_limit_is_waited_for_until_it_is_lifted(work: Publisher, param: str, status: int) -> None:
    def lift() -> bool:
        if any(isinstance(event, Waiting) for event in work.events):
            work.inside.fault("rate-limited", False)
        return False

    work.cancelled = lift
    with work.inside.faulty(f"rate-limited={param}"):
        work.do(Publish())
    waits = [event.reason for event in work.events if isinstance(event, Waiting)]
    assert waits[0].startswith(f"api.github.com asks to wait ({status}: "), waits
    assert_published(work)


def test_what_the_hour_still_allows_is_looked_at_before_the_swap_and_waited_for(work: Publisher) -> None:
    with work.inside.faulty("rate-limited=low"):
        work.do(Publish())
    *waits, last = [event for event in work.events if isinstance(event, Waiting | PointOfNoReturn)]
    assert isinstance(last, PointOfNoReturn), "with the download out of place there is nothing but waiting"
    assert [event.reason if isinstance(event, Waiting) else event for event in waits] == [
        "api.github.com leaves this token fewer than 30 requests in this hour; waiting until they are back"
    ]
    assert_published(work)


def test_cancelled_in_that_wait_nothing_was_put_in_place(work: Publisher) -> None:
    before = state(work)
    work.cancelled = lambda: any(isinstance(event, Waiting) for event in work.events)
    with work.inside.faulty("rate-limited=low"), pytest.raises(Cancelled):
        work.do(Publish())
    assert state(work) == before
