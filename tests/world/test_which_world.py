"""Which world am I in? Both mix-ups end with exit 2 before anything that could be a credential leaves the process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import trustme
from conftest import Inside, seldom
from doors import standing
from test_outside import CASES, CHECKOUT

from nexy_tui.cli.backend import RealBackend
from nexy_tui.config import load_settings
from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.fault import Faults
from nexy_tui.rehearsal.home import package_root
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import ARM_HOST, LOGIN_HOST, World
from nexy_tui.rehearsal.net import authority
from nexy_tui.rehearsal.net.front_door import FrontDoor
from nexy_tui.rehearsal.net.wire import Request, Response, json_response
from nexy_tui.services import Services
from nexy_tui.services.identity import require_world

_CALLS = {name: [arguments for arguments, what in calls.items() if what == CHECKOUT] for name, calls in CASES.items()}
_LOCAL = ("scaffold", "where")
_ONE_EACH = [f"{name} {arguments[0]}".strip() for name, arguments in _CALLS.items() if arguments and name not in _LOCAL]
COMMANDS = [*_ONE_EACH, "fix github-auth --yes", "fix gemini-key --yes", "fix stale-appcast --yes"]
"""Every command that looks at a release target or acts on it: those that want a checkout, but for two that ask nothing outside."""


@dataclass
class Door:
    """Somebody else's front door: another world's, or one whose certificates an ordinary CA signs, as production's are."""

    world: World
    requests: list[str] = field(default_factory=list)
    connections: int = 0

    async def answer(self, request: Request) -> Response:
        credential = request.headers.get("authorization", "") or request.headers.get("cookie", "")
        self.requests.append(f"{request.method} {request.host}{request.path} {credential}".strip())
        await request.read()
        return json_response({})


@contextmanager
def door(folder: Path, organization: str | None) -> Iterator[Door]:
    """A door served from a thread; with `organization`, of an ordinary CA of that name, else of another rehearsal world."""
    made = Door(invent(folder, "flat", 1))
    if organization is None:
        authority.create(made.world)
    else:
        ca = trustme.CA(organization_name=organization)
        made.world.ca_dir.mkdir()
        ca.cert_pem.write_to_path(made.world.ca)
        ca.private_key_pem.write_to_path(made.world.ca_dir / "ca.key")
    made.world.log.mkdir()
    hosts = made.world.target.hosts
    names = (hosts.web, hosts.api, hosts.uploads, made.world.update_host, LOGIN_HOST, ARM_HOST)
    with standing(FrontDoor(made.world, dict.fromkeys(names, made.answer), Faults(made.world.faults))):
        yield made


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("other"), None) as made:
        yield made


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("production"), "An Ordinary CA") as made:
        yield made


class Database:
    """A socket in the database's place: a connection to it would be a password on its way."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._socket.getsockname()[1])
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    try:
        yield made
    finally:
        made.close()


def through(environ: Mapping[str, str], proxy: str) -> dict[str, str]:
    return {**environ, "HTTPS_PROXY": proxy, "https_proxy": proxy}


def without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


def nexy(inside: Inside, words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nexy_tui", *words.split()],
        cwd=inside.checkout,
        env={**environ, "PYTHONPATH": str(package_root())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def each(inside: Inside, environ: Mapping[str, str], commands: Sequence[str]) -> list[tuple[str, subprocess.CompletedProcess[str]]]:
    """Every command, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(zip(commands, pool.map(lambda words: nexy(inside, words, environ), commands), strict=True))


def account(world: World) -> list[dict[str, object]]:
    """Every request a world has answered."""
    return [json.loads(line) for line in (world.log / "requests.jsonl").read_text().splitlines()]


def assert_refused(done: subprocess.CompletedProcess[str], words: str, *needed: str) -> None:
    assert done.returncode == 2, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stdout == "", words
    for text in (*needed, "  next: ", "open a new terminal"):
        assert text.lower() in done.stderr.lower(), f"{words}: {text!r} is not said\n{done.stderr}"


def assert_untouched(inside: Inside, state: dict[str, bytes]) -> None:
    """No run was begun, nothing in the checkout was changed."""
    assert runs(inside) == state
    assert inside.changes() == []


def runs(inside: Inside) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in inside.world.state.rglob("*") if path.is_file()}


# --- NEXY_WORLD is set, and the host is not that world's ---


PARTS = 12
SHARES = pytest.mark.parametrize("share", [0, *map(seldom, range(1, PARTS))])
"""Every twelfth command; all of them in the exhaustive run."""


@SHARES
def test_in_another_worlds_proxy_no_command_sends_a_credential(module_world: Inside, other: Door, database: Database, share: int) -> None:
    state, known = runs(module_world), len(account(module_world.world))
    environ = {**through(module_world.environ, other.world.proxy), "DB_PORT": database.port}
    said = (f"rehearsal world {module_world.world.id}", "api.github.com", f"not from its CA ({module_world.world.ca})")
    for words, done in each(module_world, environ, COMMANDS[share::PARTS]):
        assert_refused(done, words, *said)
    assert other.requests == []
    assert account(module_world.world)[known:] == []
    assert database.connections == 0
    assert_untouched(module_world, state)


def test_at_productions_hosts_no_rehearsal_sends_a_credential(module_world: Inside, production: Door) -> None:
    """The stand-in for the real release host: an ordinary CA signs it, and it would keep what it is sent."""
    environ = through(module_world.environ, production.world.proxy)
    for words, done in each(module_world, environ, ["release --headless --yes", "check --all --vm"]):
        assert_refused(done, words, f"rehearsal world {module_world.world.id}", "api.github.com")
    trusting = {**environ, "SSL_CERT_FILE": str(production.world.ca), "GIT_SSL_CAINFO": str(production.world.ca)}
    for words, done in each(module_world, trusting, ["release --headless --yes", "verify"]):
        assert_refused(done, words, f"rehearsal world {module_world.world.id}", "api.github.com")
    assert production.requests == []


@pytest.mark.exhaustive
def test_half_of_another_world_is_no_world(module_world: Inside, other: Door, tmp_path: Path) -> None:
    """All of the other world's network with this one's name, a CA that is gone, and one that is none."""
    mine, state = module_world.environ, runs(module_world)
    (tmp_path / "ca.pem").write_text("no certificate\n")
    mixed = {**through(mine, other.world.proxy), "NEXY_CA": str(other.world.ca), "SSL_CERT_FILE": str(other.world.ca)}
    cases = {
        "is not that of rehearsal world": mixed,
        "is not there": {**mine, "NEXY_CA": str(tmp_path / "gone" / "ca.pem")},
        "NEXY_CA is not set": without(mine, "NEXY_CA"),
        "cannot be read": {**mine, "NEXY_CA": str(tmp_path / "ca.pem")},
    }
    known = len(account(module_world.world))
    for said, environ in cases.items():
        assert_refused(nexy(module_world, "release --headless --yes", environ), said, said, f"rehearsal world {module_world.world.id}")
    assert other.requests == []
    assert account(module_world.world)[known:] == []
    assert_untouched(module_world, state)


def test_a_world_that_is_down_is_said_to_be(make_world: object) -> None:
    assert callable(make_world)
    inside: Inside = make_world()
    worlds.stop(inside.world.dir)
    for words, done in each(inside, inside.environ, ["release --headless --yes", "verify"]):
        assert_refused(done, words, f"rehearsal world {inside.world.id}", "cannot be reached through its proxy", "nexy-tui world up")
    entered = nexy(inside, f"--world {inside.world.dir} verify", os.environ)
    assert entered.returncode == 2
    assert f"Bring it up: nexy-tui world up {inside.world.dir}" in entered.stderr


# --- NEXY_WORLD is not set, and the host is a world's ---


@SHARES
def test_a_terminal_left_in_a_world_does_not_release_for_real(module_world: Inside, database: Database, share: int) -> None:
    state, known = runs(module_world), len(account(module_world.world))
    environ = {**without(module_world.environ, "NEXY_WORLD"), "DB_PORT": database.port}
    for words, done in each(module_world, environ, COMMANDS[share::PARTS][::-1]):
        assert_refused(done, words, "NEXY_WORLD is not set", "api.github.com", f"rehearsal world {module_world.world.id}", "tls.ca")
    assert [line for line in account(module_world.world)[known:] if line["authorized"] or line["host"] == LOGIN_HOST] == []
    assert database.connections == 0
    assert_untouched(module_world, state)


def test_a_worlds_ca_in_the_users_configuration_makes_it_no_production(module_world: Inside, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[tls]\nca = "{module_world.world.ca}"\n')
    known = len(account(module_world.world))
    left = without(module_world.environ, "NEXY_WORLD")
    for environ in (left, without(left, "NEXY_CA") | {"NEXY_WORLD": ""}):
        done = nexy(module_world, "release --headless --yes", {**environ, "NEXY_CONFIG": str(config)})
        assert_refused(done, "release", "NEXY_WORLD is not set", f"rehearsal world {module_world.world.id}")
    assert [line for line in account(module_world.world)[known:] if line["authorized"]] == []


def test_somebody_in_between_is_refused_and_a_network_that_resigns_is_named(
    module_world: Inside, production: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = through(without(module_world.environ, "NEXY_WORLD", "NEXY_CA", "NEXY_CONFIG"), production.world.proxy)
    done = nexy(module_world, "release --headless --yes", {**outside, "SSL_CERT_FILE": str(production.world.ca)})
    assert_refused(done, "release", "NEXY_WORLD is not set", "no public CA signed", "tls.ca in the configuration")
    assert production.requests == []
    config = tmp_path / "config.toml"
    config.write_text(f'[tls]\nca = "{production.world.ca}"\n')
    _become(monkeypatch, {**outside, "NEXY_CONFIG": str(config)})
    require_world(load_settings())
    assert production.requests == ["HEAD api.github.com/"]
    production.requests.clear()


# --- the wizard, and the proof's other half ---


def test_the_wizard_asks_first_too(module_world: Inside, other: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    log = module_world.world.state / "none.intoto.jsonl"
    for environ in (through(module_world.environ, other.world.proxy), without(module_world.environ, "NEXY_WORLD")):
        _become(monkeypatch, environ)
        known = len(account(module_world.world))
        backend = RealBackend(Services(load_settings(), module_world.checkout))
        for act in (backend.proposal, backend.look_session, partial(backend.resume, log)):
            with pytest.raises(Unusable, match="NEXY_WORLD"):
                act()
        assert [line for line in account(module_world.world)[known:] if line["authorized"]] == []
    assert other.requests == []


def test_in_its_own_world_the_same_command_does_send_the_token(module_world: Inside) -> None:
    """What the tests above rest on: the account tells when a credential was sent."""
    known = len(account(module_world.world))
    done = nexy(module_world, "check remotes.artifacts remotes.push", module_world.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = {line["host"] for line in account(module_world.world)[known:] if line["authorized"]}
    assert sent == {"api.github.com", "github.com"}


def test_a_worlds_name_is_taken_whole(module_world: Inside) -> None:
    settings = load_settings(module_world.environ)
    part = replace(settings, target=replace(settings.target, world=module_world.world.id[:-1]))
    with pytest.raises(Unusable, match="not that of rehearsal world"):
        require_world(part)


def _become(monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(environ):
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
