"""Where a database password may go: hosts that a `config.env` brings, and servers that ask for more than they may have."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from conftest import Inside, some
from databaseworld import Bench, bench, running
from test_database_vm import Machine, machine

from nexy_tui.core.database_record import Archive
from nexy_tui.core.event import silent
from nexy_tui.core.layout import Layout
from nexy_tui.core.problem import Problem, Unusable
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.services import processes
from nexy_tui.services.database.reach import Reach
from nexy_tui.services.database.settings import load, settings_of
from nexy_tui.services.database.tools import Tools

__all__ = ["bench", "machine", "running"]

SOMETHING = b"something to drill"
TO_DRILL = Archive("nexy_db_20260101T000000Z.tar.gz", len(SOMETHING), hashlib.sha256(SOMETHING).hexdigest())
CONFIG = Path("/operator/config.toml")
HERE = ("localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "/run/postgresql", "/var/run/postgresql")
ELSEWHERE = (
    "192.0.2.1",
    "db.internal",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "127.1",
    "127.0.0.256",
    "127.0.0.010",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "::ffff:192.0.2.1",
    "/tmp",
    "/var/run/postgresql/../../../tmp",
    "/var/run/postgresql/",
)
NOT_ONE_HOST = ("127.0.0.1,192.0.2.1", "localhost.", "fe80::1%eth0", "@abstract", "me@db", "localhost port=1", "[::1]", "-h")


def reach(*hosts: str) -> Reach:
    return Reach(hosts, CONFIG, Path("ca.pem"))


def pushed(root: Path, host: str) -> Layout:
    layout = Layout("flat", root)
    layout.config_env.parent.mkdir(exist_ok=True)
    layout.config_env.write_text(f"# settings\nDB_HOST={host}\n")
    return layout


# --- which hosts count ---


@pytest.mark.parametrize("host", HERE)
def test_this_machines_own_server_counts(tmp_path: Path, host: str) -> None:
    assert load(pushed(tmp_path, host), {}, reach()).address.host == host


@pytest.mark.parametrize("host", ELSEWHERE)
def test_another_host_counts_only_where_the_operator_names_it(tmp_path: Path, host: str) -> None:
    layout = pushed(tmp_path, host)
    for environ, origin in (({}, "server/config.env, line 2"), ({"DB_HOST": host}, "environment")):
        with pytest.raises(Unusable, match="DB_HOST") as refusal:
            load(layout, environ, reach("other.internal"))
        assert host in refusal.value.what and origin in refusal.value.what
        assert str(CONFIG) in str(refusal.value.remedy) and f'[target.database] the line hosts = ["{host}"]' in str(refusal.value.remedy)
    assert load(layout, {}, reach("other.internal", host.upper())).address.host == host


@pytest.mark.parametrize("host", NOT_ONE_HOST)
def test_what_is_not_one_host_counts_nowhere(tmp_path: Path, host: str) -> None:
    with pytest.raises(Unusable, match="DB_HOST"):
        load(pushed(tmp_path, host), {}, reach(host))


@pytest.mark.parametrize("key", ["DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "BACKUP_LOCAL_DIR"])
def test_an_address_in_a_setting_s_place_is_shown_without_credentials(tmp_path: Path, key: str) -> None:
    layout = pushed(tmp_path, "localhost")
    layout.config_env.write_text(f"{key}=postgresql://me:hunter2@db.internal/nexy\u202e\n", encoding="utf-8")
    with pytest.raises(Unusable, match=key) as refusal:
        load(layout, {}, reach())
    assert "hunter2" not in str(refusal.value) and "\u202e" not in str(refusal.value)


def test_off_loopback_only_a_verified_server_may_ask(tmp_path: Path) -> None:
    options = load(pushed(tmp_path, "db.internal"), {}, reach("db.internal")).options
    assert (options["sslmode"], options["sslrootcert"], options["require_auth"]) == ("verify-full", "ca.pem", "scram-sha-256,md5")


@pytest.mark.parametrize("host", some(HERE, ("LocalHost", "/run/postgresql")))
def test_the_vms_own_server_counts(bench: Bench, machine: Machine, host: str) -> None:
    machine.configure(DB_HOST=host, DB_PORT="1")
    assert bench.place("vm").address().host == host


@pytest.mark.parametrize("host", some(ELSEWHERE, ("192.0.2.1", "127.0.0.256", "localhost.example.com", "/tmp")))
def test_another_host_of_the_vms_counts_only_where_the_operator_names_it(bench: Bench, machine: Machine, tmp_path: Path, host: str) -> None:
    trap = tmp_path / "bin"
    trap.mkdir()
    for program in ("psql", "pg_dump", "pg_restore"):
        (trap / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\necho '{program} (PostgreSQL) 18.0'\nexit 1\n")
        (trap / program).chmod(0o755)
    (tmp_path / "release.env").write_text(f"NEXY_APP_DIR={machine.app}\nNEXY_PG_BIN={trap}\n")
    machine.configure(DB_HOST=host)
    place = bench.place("vm")
    acts: tuple[Callable[[], object], ...] = (
        place.survey,
        lambda: place.back_up(silent, lambda: False),
        lambda: place.drill(TO_DRILL, silent, lambda: False),
        place.harden,
    )
    for act in acts:
        with pytest.raises(Unusable) as refusal:
            act()
        assert host in refusal.value.what and "on VM" in refusal.value.what
        assert str(CONFIG) in str(refusal.value.remedy) and f'hosts = ["{host}"]' in str(refusal.value.remedy)
    assert not (tmp_path / "started").exists() and machine.files() == []
    bench.hosts = ("other.internal", host.upper())
    assert bench.place("vm").address().host == host
    assert (tmp_path / "started").exists()


# --- what a server gets ---


@dataclass
class Rogue:
    """A server of PostgreSQL's protocol that asks for the password in cleartext. With a context it offers TLS first."""

    context: ssl.SSLContext | None = None
    heard: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._talk, args=(self.listener.accept()[0],), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(10)
            first = client.recv(4096)
            self.heard.append(first)
            if first[4:8] == struct.pack("!I", 80877103):
                if self.context is not None:
                    client.sendall(b"S")
                    client = self.context.wrap_socket(client, server_side=True)
                else:
                    client.sendall(b"N")
                self.heard.append(client.recv(4096))
            client.sendall(b"R" + struct.pack("!II", 8, 3))
            self.heard.append(client.recv(4096))


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    made = Rogue()
    yield made
    made.listener.close()


def passwords(bench: Bench) -> tuple[bytes, bytes]:
    return bench.world.secrets.database_password.encode(), bench.world.secrets.database_superuser_password.encode()


def asked_for_everything(bench: Bench, where: str) -> None:
    place = bench.place(where)
    place.survey()
    for act in (lambda: place.back_up(silent, lambda: False), lambda: place.drill(TO_DRILL, silent, lambda: False), place.harden):
        with pytest.raises(Problem):
            act()


@pytest.mark.parametrize("where", ["local", "vm"])
def test_no_password_goes_out_in_cleartext(bench: Bench, machine: Machine, rogue: Rogue, where: str) -> None:
    bench.backups.mkdir(parents=True)
    machine.backups.mkdir(parents=True)
    for folder in (bench.backups, machine.backups):
        (folder / TO_DRILL.name).write_bytes(SOMETHING)
    bench.extra["DB_PORT"] = str(rogue.port)
    machine.configure(DB_PORT=str(rogue.port))
    asked_for_everything(bench, where)
    assert len(rogue.heard) >= 4
    assert not [heard for heard in rogue.heard if any(password in heard for password in passwords(bench))]


def test_a_client_program_sends_no_password_in_cleartext(bench: Bench, rogue: Rogue) -> None:
    bench.extra |= {"DB_PORT": str(rogue.port), "PGREQUIREAUTH": "password", "PGSSLMODE": "disable"}
    services = bench.services()
    settings = settings_of(services)
    environment = Tools(services.environ).environment(settings, settings.superuser)
    done = processes.run([str(postgresql() / "pg_dump"), "--no-password"], env=environment, check=False)
    assert done.exit != 0 and "server requested a cleartext password" in done.stderr
    assert not [heard for heard in rogue.heard if any(password in heard for password in passwords(bench))]


@pytest.mark.parametrize("where", ["local", "vm"])
@pytest.mark.parametrize("tls", [False, True])
def test_off_loopback_an_unverified_server_learns_nothing(bench: Bench, machine: Machine, where: str, tls: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
    if context is not None:
        trustme.CA().issue_cert("127.1", "127.0.0.1").configure_cert(context)
    rogue = Rogue(context)
    try:
        bench.hosts = ("127.1",)
        bench.extra |= {"DB_HOST": "127.1", "DB_PORT": str(rogue.port)}
        machine.configure(DB_HOST="127.1", DB_PORT=str(rogue.port))
        asked_for_everything(bench, where)
    finally:
        rogue.listener.close()
    assert rogue.heard or where == "vm"  # The rehearsal's client programs have no TLS, and say so without asking.
    assert not [heard for heard in rogue.heard if b"nexy_user" in heard or b"postgres" in heard]


# --- the commands ---


@pytest.fixture
def stranger(module_world: Inside) -> Iterator[dict[str, str]]:
    """A pushed config.env names somebody else's server; the environment of the terminal does not name one."""
    file = module_world.world.checkout_layout.config_env
    before = file.read_text()
    file.write_text(before + "DB_HOST=192.0.2.1\n")
    yield {"DB_HOST": ""}
    file.write_text(before)


@pytest.mark.parametrize("command", ["db backup", "db drill", "db harden"])
def test_no_action_follows_a_pushed_host(module_world: Inside, stranger: dict[str, str], command: str) -> None:
    done = module_world.run("nexy-tui", *command.split(), "--yes", env=stranger, check=False)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "DB_HOST is 192.0.2.1" in done.stdout + done.stderr
    assert 'hosts = ["192.0.2.1"]' in done.stdout + done.stderr and module_world.environ["NEXY_CONFIG"] in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["db status", "check --all", "verify"])
def test_no_look_follows_a_pushed_host(module_world: Inside, stranger: dict[str, str], command: str) -> None:
    done = module_world.run("nexy-tui", *command.split(), "--json", env=stranger, check=False)
    assert done.returncode in (1, 3), done.stderr
    found = {finding["id"]: finding for finding in json.loads(done.stdout)["items"]}
    looked = {"database.reachable", "database.backup", "database.drill", "final.backup", "final.drill"} & set(found)
    assert len(looked) >= 2
    for finding in (found[name] for name in looked):
        assert (finding["status"], "DB_HOST is 192.0.2.1" in finding["summary"]) == ("inconclusive", True)
        assert 'hosts = ["192.0.2.1"]' in finding["remedy"]


def test_a_host_is_followed_once_it_is_named(module_world: Inside, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    text = Path(module_world.environ["NEXY_CONFIG"]).read_text()
    config.write_text(text.replace("[target.database]\n", '[target.database]\nhosts = ["127.1"]\n'))
    env = {"DB_HOST": "127.1", "NEXY_CONFIG": str(config)}
    done = module_world.run("nexy-tui", "check", "database.reachable", "--json", env=env, check=False)
    [finding] = json.loads(done.stdout)["items"]
    assert (done.returncode, finding["status"]) == (1, "failed")
    assert "does not support SSL" in finding["summary"] and "ssh -L" in finding["remedy"]
    assert "target.database.hosts = 127.1" in module_world.run("nexy-tui", "config", "show", env=env).stdout
