"""The release host behind the world's front door, driven by httpx, PyGithub, gh and curl: as GitHub answers, so must it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexy_tui.rehearsal import seed
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import ASSET_HOST, World
from nexy_tui.rehearsal.net import authority
from nexy_tui.rehearsal.net.front_door import FrontDoor
from nexy_tui.rehearsal.release_host import server as releasehost
from nexy_tui.rehearsal.release_host.sign import EXPIRES, UrlSigner
from nexy_tui.rehearsal.release_host.store import StoredAsset, clean_name

API = "https://api.github.com/repos/Seregawpn/Nexy_production"
UPLOADS = "https://uploads.github.com/repos/Seregawpn/Nexy_production"
WEB = "https://github.com/Seregawpn/Nexy_production"
DMG_URL = f"{WEB}/releases/download/Update/Nexy.dmg"


class Server:
    """A front door with the release host alone, on a thread of its own."""

    def __init__(self, world: World) -> None:
        self.faults = Faults(world.faults)
        self._door = FrontDoor(world, releasehost.handlers(world, self.faults), self.faults)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._door.start(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._door.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass
class Place:
    world: World
    server: Server

    @property
    def faults(self) -> Faults:
        return self.server.faults

    def client(self, token: str | None) -> httpx.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        context = ssl.create_default_context(cafile=str(self.world.ca))
        return httpx.Client(proxy=self.world.proxy, verify=context, trust_env=False, headers=headers, timeout=20)

    def environment(self, token: str) -> dict[str, str]:
        """What the stock programs need, and nothing of the user's."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.world.home),
            "GH_CONFIG_DIR": str(self.world.home / "gh"),
            "GH_TOKEN": token,
            "GH_NO_UPDATE_NOTIFIER": "1",
            "HTTPS_PROXY": self.world.proxy,
            "SSL_CERT_FILE": str(self.world.ca),
            "CURL_CA_BUNDLE": str(self.world.ca),
            "REQUESTS_CA_BUNDLE": str(self.world.ca),
        }

    def account(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.world.log / "requests.jsonl").read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    world = invent(tmp_path / "world", "flat", 1_000_000)
    for folder in (world.dir, world.log, world.home, world.artifacts):
        folder.mkdir(parents=True)
    authority.create(world)
    seed.build_previous(world)
    asyncio.run(releasehost.create(world))
    made = Place(world, Server(world))
    try:
        yield made
    finally:
        made.server.stop()


@pytest.fixture
def api(place: Place) -> Iterator[httpx.Client]:
    with place.client(place.world.secrets.artifacts_token) as client:
        yield client


@pytest.fixture
def anybody(place: Place) -> Iterator[httpx.Client]:
    with place.client(None) as client:
        yield client


def release(api: httpx.Client, tag: str = "Update") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{API}/releases/tags/{tag}").raise_for_status().json()
    return found


def upload(api: httpx.Client, name: str, content: bytes, release_id: int | None = None) -> httpx.Response:
    number = release_id or release(api)["id"]
    return api.post(f"{UPLOADS}/releases/{number}/assets", params={"name": name}, content=content)


def assets(api: httpx.Client, tag: str = "Update") -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in release(api, tag)["assets"]}


def rename(api: httpx.Client, asset: dict[str, Any], name: str) -> httpx.Response:
    return api.patch(asset["url"], json={"name": name})


def swap(api: httpx.Client, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a publisher does: upload aside, rename the old away, rename the new into place."""
    old = assets(api)["Nexy.dmg"]
    new = upload(api, "incoming-Nexy.dmg", content).raise_for_status().json()
    rename(api, old, "previous-Nexy.dmg").raise_for_status()
    rename(api, new, "Nexy.dmg").raise_for_status()
    return old, new


# --- reading ---


def settled(place: Place, wanted: int = 2, within: float = 10) -> int:
    """How many files the host holds, once those that were deleted are gone from the disk."""
    end = time.monotonic() + within
    while (found := len(list((place.world.releases / "blobs").iterdir()))) != wanted and time.monotonic() < end:
        time.sleep(0.01)
    return found


def test_a_new_world_has_the_release_before_under_both_fixed_tags(place: Place, api: httpx.Client) -> None:
    for tag, name in (("Update", "Nexy.dmg"), ("App", "Nexy.pkg")):
        shown = release(api, tag)
        (asset,) = shown["assets"]
        built = seed.previous_artifact(place.world, name).read_bytes()
        assert (asset["name"], asset["state"], asset["size"]) == (name, "uploaded", len(built))
        assert asset["digest"] == "sha256:" + hashlib.sha256(built).hexdigest()
        assert asset["browser_download_url"] == f"{WEB}/releases/download/{tag}/{name}"
        assert shown["immutable"] is False
    code = api.get("https://api.github.com/repos/Seregawpn/Nexy_server/releases")
    assert code.json() == []


def test_the_release_page_is_html_and_an_unknown_tag_is_not_there(anybody: httpx.Client) -> None:
    page = anybody.get(f"{WEB}/releases/tag/Update")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html") and "Nexy.dmg" in page.text
    assert anybody.get(f"{WEB}/releases/tag/v1.6.1.42").status_code == 404
    assert anybody.get(f"{WEB}/releases/download/Update/Nexy.pkg").status_code == 404


def test_assets_come_in_pages_with_links(api: httpx.Client) -> None:
    shown = release(api)
    for number in range(4):
        upload(api, f"notes-{number}.txt", b"x", shown["id"]).raise_for_status()
    names: list[list[str]] = []
    url: str | None = f"{shown['assets_url']}?per_page=2"
    while url:
        page = api.get(url)
        names.append([asset["name"] for asset in page.json()])
        url = page.links.get("next", {}).get("url")
    assert names == [["Nexy.dmg", "notes-0.txt"], ["notes-1.txt", "notes-2.txt"], ["notes-3.txt"]]
    assert set(api.get(f"{shown['assets_url']}?per_page=2&page=2").links) == {"prev", "next", "first", "last"}
    assert "link" not in api.get(shown["assets_url"]).headers


def test_every_api_answer_counts_against_the_limit(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    first, second = api.get(API), api.get(f"{API}/nowhere")
    assert int(first.headers["x-ratelimit-remaining"]) - int(second.headers["x-ratelimit-remaining"]) == 1
    assert (first.headers["x-ratelimit-limit"], anybody.get(API).headers["x-ratelimit-limit"]) == ("5000", "60")


# --- who may ---


def test_a_bad_token_is_401_and_none_is_401_only_where_one_is_needed(place: Place, anybody: httpx.Client) -> None:
    with place.client("ghp_" + "0" * 36) as stranger:
        answer = stranger.get(API)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert anybody.get(API).status_code == 200
    assert anybody.get("https://api.github.com/user").status_code == 401
    assert anybody.post(f"{UPLOADS}/releases/1/assets?name=x", content=b"x").status_code == 401


def test_a_private_repository_is_not_there_for_who_may_not_see_it(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    code = "https://api.github.com/repos/Seregawpn/Nexy_server"
    assert anybody.get(code).status_code == 404
    assert api.get(code).json()["permissions"]["push"] is False
    place.faults.switch("token-without-scope", on=True)
    assert api.get(code).status_code == 404


def test_rights_and_scopes_are_told_and_enforced(place: Place, api: httpx.Client) -> None:
    with place.client(place.world.secrets.readonly_token) as reader:
        shown = release(reader)
        refused = upload(reader, "x.bin", b"x", shown["id"])
        assert reader.get(API).json()["permissions"] == {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True}
        assert reader.delete(shown["assets"][0]["url"]).status_code == 403
        assert rename(reader, shown["assets"][0], "x").status_code == 403
    assert refused.status_code == 403
    answer = api.get("https://api.github.com/user")
    assert "repo" in answer.headers["x-oauth-scopes"].split(", ") and answer.json()["login"] == "nexy-operator"
    place.faults.switch("token-without-scope", on=True)
    answer = api.get("https://api.github.com/user")
    assert "repo" not in answer.headers["x-oauth-scopes"].split(", ")
    assert upload(api, "x.bin", b"x", shown["id"]).status_code == 404
    assert list(assets(api)) == ["Nexy.dmg"]


def test_the_fault_token_invalid_refuses_every_token(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    place.faults.switch("token-invalid", on=True)
    assert api.get(API).status_code == 401
    assert anybody.get(API).status_code == 200
    place.faults.switch("token-invalid", on=False)
    assert api.get(API).status_code == 200


@pytest.mark.parametrize(
    ("parameter", "status", "header"), [(None, 403, "retry-after"), ("429", 429, "retry-after"), ("primary", 403, "x-ratelimit-reset")]
)
def test_the_fault_rate_limited_says_when_to_come_back(
    place: Place, api: httpx.Client, parameter: str | None, status: int, header: str
) -> None:
    place.faults.switch("rate-limited", on=True, param=parameter)
    answer = api.get(API)
    assert answer.status_code == status and int(answer.headers[header]) > 0
    assert parameter != "primary" or (answer.headers["x-ratelimit-remaining"] == "0" and "retry-after" not in answer.headers)


# --- changing ---


def test_an_upload_has_a_digest_and_its_bytes_come_back(api: httpx.Client, anybody: httpx.Client) -> None:
    content = os.urandom(700_001)
    made = upload(api, "extra.bin", content)
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["size"]) == ("uploaded", len(content))
    assert made.json()["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert anybody.get(f"{WEB}/releases/download/Update/extra.bin", follow_redirects=True).content == content
    by_api = api.get(made.json()["url"], headers={"accept": "application/octet-stream"})
    assert by_api.status_code == 302
    assert anybody.get(by_api.headers["location"]).content == content


def test_uploads_that_github_refuses(api: httpx.Client) -> None:
    number = release(api)["id"]
    taken = upload(api, "Nexy.dmg", b"x", number)
    assert (taken.status_code, taken.json()["errors"]) == (
        422,
        [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}],
    )
    empty = upload(api, "empty.bin", b"", number)
    assert (empty.status_code, empty.json()["errors"][0]["message"]) == (422, "size must be greater than or equal to 1")
    assert upload(api, "", b"x", number).status_code == 422
    chunked = api.post(f"{UPLOADS}/releases/{number}/assets?name=c.bin", content=iter([b"x"]))
    assert chunked.status_code == 400
    assert upload(api, "x.bin", b"x", 12345).status_code == 404
    assert list(assets(api)) == ["Nexy.dmg"]


def test_what_is_too_large_is_refused_before_it_is_sent(place: Place, api: httpx.Client) -> None:
    number = release(api)["id"]
    command = ["curl", "-s", "-o", "-", "-w", "%{http_code}", "-X", "POST", f"{UPLOADS}/releases/{number}/assets?name=big.bin"]
    command += ["-H", f"Authorization: Bearer {place.world.secrets.artifacts_token}", "-H", f"Content-Length: {(1 << 31) + 1}", "-d", "x"]
    said = subprocess.run(command, env=place.environment(""), capture_output=True, text=True, timeout=20, check=False).stdout
    assert "less than or equal to 2147483648" in said and said.endswith("422")


def test_a_release_is_full_at_a_thousand_assets(place: Place, api: httpx.Client) -> None:
    state = place.world.releases / "state.json"
    document = json.loads(state.read_text())
    shown = next(each for each in document["releases"] if each["tag"] == "Update")
    (first,) = shown["assets"].values()
    shown["assets"].update({str(n): {**first, "id": n, "name": f"n{n}", "blob": f"b{n}", "state": "starter"} for n in range(998)})
    state.write_text(json.dumps(document))
    assert upload(api, "last.bin", b"x").status_code == 201
    assert upload(api, "over.bin", b"x").status_code == 422


def test_rename_refuses_a_taken_name_and_changes_the_address_otherwise(api: httpx.Client, anybody: httpx.Client) -> None:
    other = upload(api, "other.bin", b"other").json()
    taken = rename(api, other, "Nexy.dmg")
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (422, "already_exists")
    assert rename(api, other, "moved.bin").json()["browser_download_url"].endswith("/Update/moved.bin")
    assert anybody.get(f"{WEB}/releases/download/Update/other.bin").status_code == 404
    assert anybody.get(f"{WEB}/releases/download/Update/moved.bin", follow_redirects=True).content == b"other"
    assert api.patch(other["url"], json={"label": "Other"}).json()["label"] == "Other"
    assert api.delete(other["url"]).status_code == 204
    assert api.get(other["url"]).status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Nexy.dmg", "Nexy.dmg"),
        ("incoming-0123456789abcdef-Nexy.dmg", "incoming-0123456789abcdef-Nexy.dmg"),
        ("Nexy 1.6 (final).dmg", "Nexy.1.6.final.dmg"),
        (".hidden", "default.hidden"),
        ("trailing.", "default.trailing"),
        ("größe.dmg", "gro.e.dmg"),
        ("a/../b", "a.b"),
    ],
)
def test_names_are_rewritten_as_github_does(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_releases_can_be_made_edited_and_deleted(api: httpx.Client) -> None:
    made = api.post(f"{API}/releases", json={"tag_name": "Beta", "name": "Beta", "prerelease": True})
    assert made.status_code == 201
    assert api.post(f"{API}/releases", json={"tag_name": "Beta"}).json()["errors"][0]["code"] == "already_exists"
    assert api.patch(made.json()["url"], json={"name": "B"}).json()["name"] == "B"
    assert api.get(f"{API}/releases/latest").json()["tag_name"] == "App"
    assert api.delete(made.json()["url"]).status_code == 204
    assert api.get(f"{API}/releases/tags/Beta").status_code == 404


def test_an_immutable_release_refuses_every_change(place: Place, api: httpx.Client) -> None:
    place.faults.switch("immutable-release", on=True)
    shown = release(api)
    asset = shown["assets"][0]
    answers = [
        upload(api, "x.bin", b"x", shown["id"]),
        rename(api, asset, "x.dmg"),
        api.delete(asset["url"]),
        api.patch(shown["url"], json={"name": "x"}),
    ]
    assert shown["immutable"] is True
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json()["message"] == "Cannot upload assets to an immutable release."


def test_the_state_survives_a_restart_without_loose_bytes(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    _, new = swap(api, b"the next release")
    place.faults.switch("upload-502", on=True, param="1")
    upload(api, "broken.bin", b"x")
    place.server.stop()
    (place.world.releases / "blobs" / "0123.part").write_bytes(b"left by a kill")
    place.server = Server(place.world)
    assert {name: (a["id"], a["state"]) for name, a in assets(api).items()}["Nexy.dmg"] == (new["id"], "uploaded")
    assert assets(api)["broken.bin"]["state"] == "starter"
    assert anybody.get(DMG_URL, follow_redirects=True).content == b"the next release"
    assert settled(place, 3) == 3


# --- downloading ---


def test_a_download_is_a_redirect_to_another_host_that_wants_no_token(place: Place, api: httpx.Client) -> None:
    redirect = api.get(DMG_URL)
    location = httpx.URL(redirect.headers["location"])
    assert (redirect.status_code, location.host) == (302, ASSET_HOST)
    refused = api.get(location)
    assert refused.status_code == 400
    assert [line for line in place.account() if line["host"] == ASSET_HOST and line["authorized"]] != []
    assert place.world.secrets.artifacts_token not in (place.world.log / "requests.jsonl").read_text()


def test_a_signed_address_is_good_for_one_asset_and_a_few_minutes(place: Place, anybody: httpx.Client) -> None:
    good = anybody.get(DMG_URL).headers["location"]
    assert anybody.head(good).status_code == 200
    assert anybody.get(good.replace("Nexy.dmg", "Other.dmg")).status_code == 403
    assert anybody.get(good.replace(f"X-Amz-Expires={EXPIRES}", "X-Amz-Expires=99999")).status_code == 403
    assert anybody.get(good + "&X-Amz-Date=9").status_code == 403
    assert anybody.get(good.partition("?")[0]).status_code == 403
    blob = httpx.URL(good).path.rpartition("/")[2]
    asset = StoredAsset(1, "Nexy.dmg", "", "", "", blob)
    past = UrlSigner(place.world.secrets.url_signing_key, now=lambda: time.time() - EXPIRES - 2)
    expired = anybody.get(past.url(asset))
    assert (expired.status_code, "AccessDenied" in expired.text) == (403, True)
    fresh = UrlSigner(place.world.secrets.url_signing_key)
    assert anybody.head(fresh.url(asset)).status_code == 200


def test_ranges(place: Place, anybody: httpx.Client) -> None:
    whole = seed.previous_artifact(place.world, "Nexy.dmg").read_bytes()
    url = anybody.get(DMG_URL).headers["location"]

    def get(**headers: str) -> httpx.Response:
        return anybody.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    head = anybody.head(url)
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(len(whole)), "bytes")
    part = get(range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole)}"
    assert get(range="bytes=990000-").content == whole[990000:]
    assert get(range="bytes=-10").content == whole[-10:]
    beyond = get(range=f"bytes={len(whole)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert get(range="bytes=10-", if_range=part.headers["etag"]).status_code == 206
    changed = get(range="bytes=10-", if_range='"another"')
    assert (changed.status_code, changed.content) == (200, whole)


def test_a_download_that_has_begun_ends_whole_though_the_asset_goes(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    content = os.urandom(8_000_000)
    made = upload(api, "long.bin", content).json()
    with anybody.stream("GET", f"{WEB}/releases/download/Update/long.bin", follow_redirects=True) as answer:
        pieces = answer.iter_bytes(1000)
        received = next(pieces)
        rename(api, made, "moved.bin").raise_for_status()
        api.delete(made["url"]).raise_for_status()
        received += b"".join(pieces)
    assert received == content
    assert anybody.get(answer.url).status_code == 404
    assert settled(place) == 2


# --- faults ---


def test_the_fault_missing_tag_hides_the_release_everywhere(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    number = release(api)["id"]
    place.faults.switch("missing-tag", on=True)
    answers = [
        api.get(f"{API}/releases/tags/Update"),
        api.get(f"{API}/releases/{number}"),
        upload(api, "x", b"x", number),
        anybody.get(DMG_URL),
        anybody.get(f"{WEB}/releases/tag/Update"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert [each["tag_name"] for each in api.get(f"{API}/releases").json()] == ["App"]
    place.faults.switch("missing-tag", on=False)
    assert release(api)["id"] == number


def test_the_fault_upload_502_leaves_a_starter_that_blocks_the_name_until_deleted(place: Place, api: httpx.Client) -> None:
    place.faults.switch("upload-502", on=True, param="1")
    assert upload(api, "x.bin", b"x" * 500_000).status_code == 502
    left = assets(api)["x.bin"]
    assert (left["state"], left["size"], left["digest"]) == ("starter", 0, None)
    assert upload(api, "x.bin", b"x").status_code == 422
    assert api.get(left["browser_download_url"]).status_code == 404
    assert api.delete(left["url"]).status_code == 204
    assert upload(api, "x.bin", b"x").status_code == 201


def test_the_fault_upload_drop_ends_the_connection_in_the_middle(place: Place, api: httpx.Client) -> None:
    place.faults.switch("upload-drop", on=True)
    with pytest.raises(httpx.TransportError):
        upload(api, "x.bin", b"x" * 4_000_000)
    assert assets(api)["x.bin"]["state"] == "starter"
    assert settled(place) == 2


def test_a_client_that_goes_away_leaves_a_starter(place: Place, api: httpx.Client) -> None:
    number = release(api)["id"]

    def half() -> Iterator[bytes]:
        yield b"x" * 600_000
        raise KeyError("killed")

    with pytest.raises(KeyError):
        api.post(f"{UPLOADS}/releases/{number}/assets?name=x.bin", content=half(), headers={"content-length": "1200000"})
    assert assets(api)["x.bin"]["state"] == "starter"


def test_an_upload_whose_starter_is_deleted_meanwhile_leaves_nothing(place: Place, api: httpx.Client) -> None:
    number = release(api)["id"]

    def deleted_in_the_middle() -> Iterator[bytes]:
        yield b"x" * 600_000
        with place.client(place.world.secrets.artifacts_token) as other:
            while not (found := assets(other).get("x.bin")):
                pass
            assert other.delete(found["url"]).status_code == 204
        yield b"x" * 600_000

    length = {"content-length": "1200000"}
    answer = api.post(f"{UPLOADS}/releases/{number}/assets?name=x.bin", content=deleted_in_the_middle(), headers=length)
    assert answer.status_code == 404
    assert list(assets(api)) == ["Nexy.dmg"]
    assert settled(place) == 2


def test_the_fault_rename_404_once_passes(place: Place, api: httpx.Client) -> None:
    made = upload(api, "x.bin", b"x").json()
    place.faults.switch("rename-404-once", on=True)
    assert [rename(api, made, "y.bin").status_code for _ in range(2)] == [404, 200]


def test_the_fault_download_other_bytes_keeps_the_length(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    content = os.urandom(2_500_000)
    upload(api, "incoming-Nexy.dmg", content).raise_for_status()
    aside = f"{WEB}/releases/download/Update/incoming-Nexy.dmg"
    true = anybody.get(DMG_URL, follow_redirects=True).content
    place.faults.switch("download-other-bytes", on=True)
    altered = anybody.get(aside, follow_redirects=True).content
    assert len(altered) == len(content) and altered != content
    tail = anybody.get(anybody.get(aside).headers["location"], headers={"range": "bytes=1048000-"}).content
    assert tail == altered[1048000:]
    place.faults.switch("download-other-bytes", on=True, param="final")
    assert anybody.get(aside, follow_redirects=True).content == content
    final = anybody.get(DMG_URL, follow_redirects=True).content
    assert len(final) == len(true) and final != true


def test_the_fault_download_stale_once_serves_the_bytes_from_before(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    before = anybody.get(DMG_URL, follow_redirects=True).content
    place.faults.switch("download-stale-once", on=True)
    old, new = swap(api, b"the next release")
    anybody.head(DMG_URL, follow_redirects=True).raise_for_status()
    first, second = (anybody.get(DMG_URL, follow_redirects=True) for _ in range(2))
    assert (first.content, first.headers["x-nexy-asset-id"]) == (before, str(old["id"]))
    assert (second.content, second.headers["x-nexy-asset-id"]) == (b"the next release", str(new["id"]))


def test_the_fault_download_stale_once_holds_for_delete_and_upload_too(place: Place, api: httpx.Client, anybody: httpx.Client) -> None:
    before = anybody.get(DMG_URL, follow_redirects=True).content
    place.faults.switch("download-stale-once", on=True)
    api.delete(assets(api)["Nexy.dmg"]["url"]).raise_for_status()
    upload(api, "Nexy.dmg", b"clobbered").raise_for_status()
    assert [anybody.get(DMG_URL, follow_redirects=True).content for _ in range(2)] == [before, b"clobbered"]


# --- other people's programs ---


def gh(place: Place, *arguments: str, token: str | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = place.environment(token or place.world.secrets.world_token)
    return subprocess.run(
        ["gh", *arguments], env=environment, cwd=cwd or place.world.dir, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed")
def test_gh_views_uploads_and_downloads(place: Place, tmp_path: Path, anybody: httpx.Client) -> None:
    repository = ("-R", "Seregawpn/Nexy_production")
    viewed = gh(place, "release", "view", "Update", *repository)
    assert viewed.returncode == 0 and "Nexy.dmg" in viewed.stdout, viewed.stderr
    content = os.urandom(600_000)
    (tmp_path / "Nexy.dmg").write_bytes(content)
    uploaded = gh(place, "release", "upload", "Update", "Nexy.dmg", "--clobber", *repository, cwd=tmp_path)
    assert uploaded.returncode == 0, uploaded.stderr
    assert anybody.get(DMG_URL, follow_redirects=True).content == content
    folder = tmp_path / "got"
    downloaded = gh(place, "release", "download", "Update", *repository, "-p", "Nexy.dmg", "-D", str(folder))
    assert downloaded.returncode == 0, downloaded.stderr
    assert (folder / "Nexy.dmg").read_bytes() == content
    assert not [line for line in place.account() if line["host"] == ASSET_HOST and line["authorized"]]
    missing = gh(place, "release", "view", "v9", *repository)
    assert (missing.returncode, "release not found" in missing.stderr) == (1, True)
    refused = gh(
        place, "release", "upload", "Update", "Nexy.dmg", "--clobber", *repository, token=place.world.secrets.code_token, cwd=tmp_path
    )
    assert (refused.returncode, "HTTP 403" in refused.stderr) == (1, True)
    status = gh(place, "auth", "status")
    assert status.returncode == 0 and "nexy-operator" in status.stdout + status.stderr


GITHUB = """
SimpleUser: login id node_id avatar_url gravatar_id url html_url followers_url following_url gists_url starred_url subscriptions_url
 organizations_url repos_url events_url received_events_url type site_admin
PrivateUser: login id node_id avatar_url gravatar_id url html_url followers_url following_url gists_url starred_url subscriptions_url
 organizations_url repos_url events_url received_events_url type site_admin name company blog location email hireable bio public_repos
 public_gists followers following created_at updated_at private_gists total_private_repos owned_private_repos disk_usage collaborators
 two_factor_authentication
FullRepository: id node_id name full_name owner private html_url description fork url archive_url assignees_url blobs_url branches_url
 collaborators_url comments_url commits_url compare_url contents_url contributors_url deployments_url downloads_url events_url forks_url
 git_commits_url git_refs_url git_tags_url git_url issue_comment_url issue_events_url issues_url keys_url labels_url languages_url
 merges_url milestones_url notifications_url pulls_url releases_url ssh_url stargazers_url statuses_url subscribers_url
 subscription_url tags_url teams_url trees_url clone_url mirror_url hooks_url svn_url homepage language forks_count stargazers_count
 watchers_count size default_branch open_issues_count has_issues has_projects has_wiki has_pages has_discussions archived disabled
 pushed_at created_at updated_at subscribers_count network_count license forks open_issues watchers
Release: url html_url assets_url upload_url tarball_url zipball_url id node_id tag_name target_commitish name draft prerelease
 created_at published_at author assets
ReleaseAsset: url browser_download_url id node_id name label state content_type size digest download_count created_at updated_at
 uploader
"""
"""What GitHub's published schema (rest-api-description, 2026-03-10) requires of each document; typed clients insist on it."""

REQUIRED = {name: set(fields.split()) for name, fields in (row.split(":", 1) for row in GITHUB.replace("\n ", " ").strip().splitlines())}


def test_every_document_has_what_githubs_schema_requires(place: Place, api: httpx.Client) -> None:
    shown = release(api)
    (asset, *_) = shown["assets"]
    repository = api.get(API).json()
    found = {
        "SimpleUser": [shown["author"], asset["uploader"], repository["owner"]],
        "PrivateUser": [api.get("https://api.github.com/user").json()],
        "FullRepository": [repository],
        "Release": [shown, *api.get(f"{API}/releases").json()],
        "ReleaseAsset": [asset, api.get(asset["url"]).json()],
    }
    missing = {name: REQUIRED[name] - document.keys() for name, documents in found.items() for document in documents}
    assert missing == {name: set[str]() for name in REQUIRED}
    unset = {key for key, value in repository.items() if value is None}
    assert unset == {"description", "homepage", "language", "license", "mirror_url"}, "GitHub allows null in these alone"


@pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed")
def test_gh_lists_releases_and_views_repositories(place: Place, api: httpx.Client) -> None:
    repository = ("-R", "Seregawpn/Nexy_production")
    listed = gh(place, "release", "list", *repository)
    assert (listed.returncode, [line.split("\t")[2] for line in listed.stdout.splitlines()]) == (0, ["App", "Update"]), listed.stderr
    one = gh(place, "release", "list", "--limit", "1", *repository)
    assert (one.returncode, len(one.stdout.splitlines())) == (0, 1), one.stderr
    viewed = gh(place, "repo", "view", "Seregawpn/Nexy_production")
    assert (viewed.returncode, viewed.stdout.splitlines()[0]) == (0, "name:\tSeregawpn/Nexy_production"), viewed.stderr
    fields = "name,nameWithOwner,owner,defaultBranchRef,isPrivate,viewerPermission,latestRelease,url,licenseInfo,pushedAt,issues"
    told = gh(place, "repo", "view", "Seregawpn/Nexy_production", "--json", fields)
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert (document["owner"]["login"], document["viewerPermission"], document["latestRelease"]["tagName"]) == ("Seregawpn", "ADMIN", "App")
    nowhere = gh(place, "repo", "view", "Seregawpn/Nothing")
    assert (nowhere.returncode, "Could not resolve to a Repository" in nowhere.stderr) == (1, True)


def test_graphql_pages_aliases_fragments_and_names_what_it_does_not_know(api: httpx.Client) -> None:
    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer = api.post("https://api.github.com/graphql", json={"query": query, "variables": variables})
        return dict(answer.raise_for_status().json())

    head = 'query Page($after: String, $n: Int = 1) { repo: repository(owner: "seregawpn", name: "Nexy_production") '
    page = (
        "{ releases(first: $n, after: $after) { ...part totalCount } } } fragment part on ReleaseConnection { nodes { tagName } pageInfo "
    )
    query = head + page + "{ hasNextPage endCursor } }"
    first = ask(query)["data"]["repo"]["releases"]
    rest = ask(query, after=first["pageInfo"]["endCursor"], n=100)["data"]["repo"]["releases"]
    assert [first["nodes"], rest["nodes"]] == [[{"tagName": "App"}], [{"tagName": "Update"}]]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"], rest["totalCount"]) == (True, False, 2)
    unknown = ask("{ viewer { login starredTopics { x } } }")
    assert unknown["errors"][0]["message"] == "Field 'starredTopics' doesn't exist on type 'User'"
    assert "Parse error" in ask("{ viewer { login ")["errors"][0]["message"]
    assert "queries alone" in ask("mutation { x }")["errors"][0]["message"]
    assert ask('{ __type(name: "Release") { fields(includeDeprecated: true) { name } } }')["data"]["__type"]["fields"]


def test_the_fault_repository_renamed_sends_the_api_to_the_number(place: Place) -> None:
    url = "https://api.github.com/repos/seregawpn/Nexy_server"
    place.faults.switch("repository-renamed", True)
    with place.client(place.world.secrets.code_token) as client:
        moved = client.get(f"{url}/releases")
        assert (moved.status_code, moved.json()["message"]) == (301, "Moved Permanently")
        assert moved.headers["location"] == "https://api.github.com/repositories/701/releases"
        assert client.get(moved.headers["location"]).json() == []
        assert client.get(url, follow_redirects=True).json()["full_name"] == "Seregawpn/Nexy_backend"
        assert client.get(f"{API}").status_code == 200
        place.faults.switch("repository-renamed", False)
        assert client.get(url).status_code == 200
        assert client.get("https://api.github.com/repos/Seregawpn/Nexy_backend").status_code == 404
    with place.client(None) as nobody:
        place.faults.switch("repository-renamed", True)
        assert nobody.get(url).status_code == 404, "a private repository is not there for whoever may not see it"


def test_pygithub_publishes(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from github import Auth, Github, GithubException

    for name, value in place.environment("").items():
        if name in ("HTTPS_PROXY", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(name, value)
    for name in ("https_proxy", "NO_PROXY", "no_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    github = Github(auth=Auth.Token(place.world.secrets.artifacts_token), retry=None, seconds_between_requests=0, seconds_between_writes=0)
    repository = github.get_repo("Seregawpn/Nexy_production")
    assert github.get_user().login == "nexy-operator" and repository.permissions.push
    update = repository.get_release("Update")
    content = os.urandom(400_000)
    (tmp_path / "new.dmg").write_bytes(content)
    asset = update.upload_asset(str(tmp_path / "new.dmg"), name="incoming-Nexy.dmg", label="new")
    assert (asset.name, asset.label, asset.state, asset.size) == ("incoming-Nexy.dmg", "new", "uploaded", len(content))
    with pytest.raises(GithubException) as refused:
        asset.update_asset("Nexy.dmg")
    assert refused.value.status == 422
    current = next(each for each in update.get_assets() if each.name == "Nexy.dmg")
    current.update_asset("previous-Nexy.dmg")
    asset.update_asset("Nexy.dmg")
    assert sorted(each.name for each in repository.get_release("Update").get_assets()) == ["Nexy.dmg", "previous-Nexy.dmg"]
    asset.delete_asset()
    assert {each.tag_name for each in repository.get_releases()} == {"Update", "App"}
