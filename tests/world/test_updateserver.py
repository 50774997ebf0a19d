"""The update server, seen from outside through the front door: what it says, from which file, and how each fault looks."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import httpx
import pytest
from cloudworld import CloudWorld, cloud_world
from defusedxml.ElementTree import fromstring

from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.rehearsal.names import PREVIOUS
from nexy_tui.rehearsal.vm import machine as vm
from nexy_tui.rehearsal.vm import update_app as updateapp

BASE = "https://nexy-server.canadacentral.cloudapp.azure.com"
SPARKLE = "{http://www.andymatuschak.org/xml-namespaces/sparkle}"
CANONICAL, OTHER = (directory / "manifest.json" for directory in MANIFEST_DIRS)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path_factory.mktemp("updates")) as made:
        yield made


@pytest.fixture
def place(shared: CloudWorld) -> Iterator[CloudWorld]:
    """The world, put back as it was afterwards."""
    app = shared.world.vm_clone
    touched = [app / CANONICAL, app / OTHER, app / "server/config.env", app / "server/server/config.env"]
    before = {path: path.read_bytes() for path in touched}
    yield shared
    for path, content in before.items():
        path.write_bytes(content)
    for name in shared.faults.all():
        shared.faults.switch(name, False)
    assert restart(shared)


@pytest.fixture
def client(place: CloudWorld) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=str(place.world.ca))
    with httpx.Client(base_url=BASE, proxy=place.world.proxy, verify=context, trust_env=False) as made:
        yield made


def restart(place: CloudWorld) -> bool:
    return place.run("systemctl restart voice-assistant").exit == 0


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def set_version(path: Path, version: str) -> None:
    path.write_text(path.read_text().replace(f"={PREVIOUS}", f"={version}"))


def test_both_health_addresses_and_the_appcast_agree_with_the_release(place: CloudWorld, client: httpx.Client) -> None:
    versions = {"latest_version": PREVIOUS, "latest_build": PREVIOUS}
    application, updates = client.get("/health"), client.get("/updates/health")
    assert application.json() == {"status": "OK", **versions}
    assert updates.json().items() >= {"status": "healthy", "version": PREVIOUS, **versions}.items()
    assert application.headers["cache-control"] == updates.headers["cache-control"] == "public, max-age=30"
    manifest = json.loads((place.world.vm_clone / CANONICAL).read_bytes())
    feed = fromstring(client.get("/updates/appcast.xml").content)
    (enclosure,) = feed.iterfind("channel/item/enclosure")
    assert enclosure.attrib == {
        "url": manifest["artifact"]["url"],
        "length": str(manifest["artifact"]["size"]),
        "type": "application/octet-stream",
        f"{SPARKLE}version": PREVIOUS,
        f"{SPARKLE}shortVersionString": PREVIOUS,
        f"{SPARKLE}minimumSystemVersion": "11.0",
        f"{SPARKLE}dsaSignature": manifest["artifact"]["ed25519"],
    }


def test_the_services_have_ports_of_their_own_behind_the_web_server(place: CloudWorld) -> None:
    application, updates = (f"http://127.0.0.1:{place.world.ports[name]}" for name in ("update", "updates"))
    assert [httpx.get(base + "/health", trust_env=False).status_code for base in (application, updates)] == [200, 404]
    assert [httpx.get(base + "/updates/health", trust_env=False).status_code for base in (application, updates)] == [404, 200]
    assert [httpx.get(base + "/updates/appcast.xml", trust_env=False).status_code for base in (application, updates)] == [404, 200]


def test_the_switch_more_fields_adds_to_health_alone(place: CloudWorld, client: httpx.Client) -> None:
    plain = client.get("/health").json()
    place.faults.switch("health-more-fields", True)
    assert len(client.get("/health").json()) > len(plain) and client.get("/health").json() | plain == client.get("/health").json()
    assert "version" not in client.get("/health").json()


def test_the_switch_from_the_manifest_shows_in_updates_health_alone(place: CloudWorld, client: httpx.Client) -> None:
    place.faults.switch("updates-health-from-manifest", True)
    edit(place.world.vm_clone / OTHER, lambda document: document.update(version="1.6.1.62", build="1.6.1.62"))
    said = client.get("/updates/health").json()
    assert {said[key] for key in ("version", "latest_version", "latest_build")} == {"1.6.1.62"}
    assert client.get("/health").json()["latest_version"] == PREVIOUS
    (place.world.vm_clone / OTHER).unlink()
    (place.world.vm_clone / CANONICAL).unlink()
    assert (client.get("/updates/health").status_code, client.get("/health").status_code) == (500, 200)


def test_the_switch_from_config_joins_its_version_and_the_newest_artifact(place: CloudWorld, client: httpx.Client) -> None:
    place.faults.switch("appcast-from-config", True)
    folder = (place.world.vm_clone / OTHER).parent
    kept = {path: path.read_bytes() for path in folder.glob("manifest_[0-9]*.json")}
    made = folder / "manifest_1.6.1.10.json"
    made.write_bytes((folder / "manifest.json").read_bytes())
    edit(made, lambda document: document["artifact"].update(size=77))
    os.utime(made, (4102444800, 4102444800))
    try:
        feed = client.get("/updates/appcast.xml")
        assert b'length="77"' in feed.content and f'sparkle:version="{PREVIOUS}"'.encode() in feed.content
        assert feed.headers["cache-control"] == "public, max-age=60"
        for path in (made, *kept):
            path.unlink()
        assert client.get("/updates/appcast.xml").status_code == 500
    finally:
        made.unlink(missing_ok=True)
        for path, content in kept.items():
            path.write_bytes(content)


def test_head_has_the_length_and_no_body(client: httpx.Client) -> None:
    whole, head = client.get("/updates/appcast.xml"), client.head("/updates/appcast.xml")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert client.get("/elsewhere").status_code == 404


def test_health_comes_from_config_env_as_it_stood_at_the_start(place: CloudWorld, client: httpx.Client) -> None:
    first, second = place.world.vm_clone / "server/server/config.env", place.world.vm_clone / "server/config.env"
    set_version(first, "1.6.1.50")
    set_version(second, "1.6.1.51")
    assert client.get("/health").json()["latest_version"] == PREVIOUS
    assert restart(place)
    assert client.get("/health").json()["latest_build"] == "1.6.1.50"
    content = first.read_bytes()
    first.unlink()
    assert restart(place)
    assert client.get("/health").json()["latest_version"] == "1.6.1.51"
    first.write_bytes(content)


def test_without_settings_the_manifest_speaks_and_then_the_version_file(place: CloudWorld, client: httpx.Client) -> None:
    app = place.world.vm_clone
    for name in ("server/config.env", "server/server/config.env"):
        (app / name).write_text("# nothing\n")
    edit(app / OTHER, lambda document: document.update(version="1.6.1.60"))
    assert restart(place)
    assert client.get("/health").json()["latest_version"] == "1.6.1.60"
    for path in (CANONICAL, OTHER):
        (app / path).unlink()
    assert restart(place)
    assert client.get("/health").json()["latest_version"] == PREVIOUS
    assert client.get("/updates/appcast.xml").status_code == 500


def test_the_appcast_follows_the_manifest_at_once_and_the_inner_directory_wins(place: CloudWorld, client: httpx.Client) -> None:
    app = place.world.vm_clone
    edit(app / CANONICAL, lambda document: document.update(version="1.6.1.61", build="1.6.1.61"))
    assert b"1.6.1.61" not in client.get("/updates/appcast.xml").content
    edit(app / OTHER, lambda document: document.update(version="1.6.1.62", build="1.6.1.62"))
    assert b'sparkle:version="1.6.1.62"' in client.get("/updates/appcast.xml").content


def test_no_appcast_is_made_from_an_address_that_is_not_https(place: CloudWorld, client: httpx.Client) -> None:
    edit(place.world.vm_clone / OTHER, lambda document: document["artifact"].update(url="http://github.com/x"))
    assert client.get("/updates/appcast.xml").status_code == 500


@pytest.mark.parametrize(
    ("line", "starts"),
    [("SPARE-KEY=1", False), ("=1", False), ("TOKEN=a=b==", True), ("  # SPARE-KEY=1", True), ("no equals sign", True)],
)
def test_a_bad_name_in_config_env_crashes_the_server_at_start(place: CloudWorld, client: httpx.Client, line: str, starts: bool) -> None:
    path = place.world.vm_clone / "server/server/config.env"
    path.write_text(path.read_text() + line + "\n")
    assert restart(place) is starts
    if not starts:
        journal = place.run("journalctl -u voice-assistant -n 20 --no-pager").stdout
        assert "ValueError: illegal environment variable name" in journal
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/health")


def test_a_value_keeps_its_equals_signs(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server/config.env").write_text("TOKEN=a=b==\nEMPTY=\n")
    assert updateapp.read_config(tmp_path) == {"TOKEN": "a=b==", "EMPTY": ""}


def test_a_library_that_is_missing_keeps_it_from_starting(place: CloudWorld) -> None:
    enter = "cd /home/azureuser/voice-assistant; . venv/bin/activate; "
    assert place.run(enter + "pip uninstall -y nexy-wire").exit == 0
    assert not restart(place)
    assert "No module named 'nexy_wire'" in place.run("journalctl -u voice-assistant").stdout
    assert place.run(enter + "pip install nexy-wire==1.0").exit == 0


def test_a_key_that_cannot_be_gemini_is_told_in_the_journal(place: CloudWorld, client: httpx.Client) -> None:
    path = place.world.vm_clone / "server/server/config.env"
    path.write_text(path.read_text().replace("GEMINI_API_KEY=", "GEMINI_API_KEY=expired-"))
    assert restart(place)
    assert "API_KEY_INVALID" in place.run("journalctl -u voice-assistant -n 3 -o cat").stdout
    assert client.get("/health").json()["status"] == "OK"


def test_down_inside_is_down_outside(place: CloudWorld, client: httpx.Client) -> None:
    place.wait(vm.machine(place.world).stop_service())
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/health")


def test_the_fault_server_down_drops_connections_and_leaves_the_vm_alone(place: CloudWorld, client: httpx.Client) -> None:
    place.faults.switch("server-down", True)
    for address in ("/health", "/updates/appcast.xml"):
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(address)
    assert PREVIOUS in place.run("curl -s http://127.0.0.1:8080/health").stdout
    place.faults.switch("server-down", False)
    assert client.get("/health").status_code == 200


def test_the_fault_third_version_shows_on_both_health_addresses(place: CloudWorld, client: httpx.Client) -> None:
    place.faults.switch("server-third-version", True)
    versions = dict.fromkeys(("latest_version", "latest_build"), "1.6.0.7")
    assert client.get("/health").json() == {"status": "OK", **versions}
    assert client.get("/updates/health").json().items() >= {"status": "healthy", "version": "1.6.0.7", **versions}.items()
    assert PREVIOUS.encode() in client.get("/updates/appcast.xml").content


def test_the_fault_appcast_broken_is_not_xml(place: CloudWorld, client: httpx.Client) -> None:
    place.faults.switch("appcast-broken", True)
    with pytest.raises(ParseError):
        fromstring(client.get("/updates/appcast.xml").content)
    assert client.get("/health").json()["latest_version"] == PREVIOUS
