"""A rehearsal's database by itself, for tests: the real cluster, without the rest of its world."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.database_record import BackupRecord, DrillRecord
from nexy_tui.core.event import silent
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.target import Database
from nexy_tui.core.version import Version
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.rehearsal.database import server as database
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import DATABASE_NAME, World
from nexy_tui.rehearsal.seed import database_settings
from nexy_tui.runlog.sign import SeedSigner, sign_statement
from nexy_tui.runlog.trust import AllowedSigners, new_entry
from nexy_tui.services import Services
from nexy_tui.services.database.host import DatabaseAccess, DatabaseHost
from nexy_tui.services.git import Git

DOCS = ("server/Docs/DB_BACKUP_AND_RESTORE_RUNBOOK.md", "server/Docs/DATABASE_SETUP_GUIDE.md")


class Loop:
    """An event loop in a thread of its own, as a supervisor's is in a process of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


@dataclass
class Bench:
    """A running database, a checkout folder with its settings, and an operator's key."""

    world: World
    loop: Loop = field(repr=False)
    signer: SeedSigner
    allowed: AllowedSigners
    now: datetime
    extra: dict[str, str] = field(default_factory=dict)
    vm: Any = None
    hosts: tuple[str, ...] = ()

    @property
    def backups(self) -> Path:
        return self.world.checkout_layout.backups

    def files(self) -> list[str]:
        """What lies in the backup folder."""
        return sorted(path.name for path in self.backups.iterdir()) if self.backups.exists() else []

    def services(self, where: str = "local") -> Services:
        """As much of the container as the database needs."""
        target = replace(self.world.target, database=Database(where=where, hosts=self.hosts))
        made = SimpleNamespace(
            target=target,
            layout=self.world.checkout_layout,
            environ={"PATH": "/usr/bin:/bin", "NEXY_PG_BIN": str(postgresql()), **database_settings(self.world), **self.extra},
            clock=SystemClock(),
            settings=SimpleNamespace(target=target, ca=None, config_path=Path("/operator/config.toml")),
            vm=self.vm,
        )
        made.git = Git(self.world.checkout_layout.root, self.world.target, {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull})
        made.database = DatabaseHost(cast(Services, made))
        return cast(Services, made)

    def place(self, where: str = "local") -> DatabaseAccess:
        return self.services(where).database.place

    def plan(self, **changes: Any) -> Plan:
        """A run that began an hour ago, and has made its backup."""
        now = datetime.now(UTC)
        plan = Plan(self.world.target, Version.parse("1.6.1.43"), Kind.FULL, now, run="run", started=now - timedelta(hours=1))
        plan = replace(plan, tried=frozenset({"backup"}))
        return replace(plan, **changes)

    def scope(self, plan: Plan | None = None, where: str = "local", allowed: AllowedSigners | None = None) -> Scope:
        return Scope(self.services(where), plan or self.plan(), lambda: allowed or self.allowed)

    def context(
        self, plan: Plan | None = None, where: str = "local", cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[ActionContext, list[tuple[str, Mapping[str, str]]]]:
        """What an action gets, and the intents it announced."""
        intents: list[tuple[str, Mapping[str, str]]] = []

        def intent(step: str, /, **facts: str) -> None:
            intents.append((step, facts))

        made = {
            "services": self.services(where),
            "plan": plan or self.plan(),
            "emit": silent,
            "cancelled": cancelled,
            "intent": intent,
            "signer": lambda: self.signer,
            "trusted": lambda: self.allowed,
            "journal": lambda: None,
        }
        return ActionContext(**cast(Any, made)), intents

    def sql(self, *statements: str, role: str = "superuser", dbname: str = DATABASE_NAME) -> list[tuple[Any, ...]]:
        """Statements of the superuser (or `app`), each its own transaction; the last one's rows."""
        made = getattr(database.settings(self.world), role)
        where = database.settings(self.world).address
        with psycopg.connect(
            host=where.host, port=where.port, dbname=dbname, user=made.name, password=made.password.reveal(), autocommit=True
        ) as session:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                cursor = session.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
            return rows

    def drill(self, where: str = "local", cancelled: Callable[[], bool] = lambda: False) -> DrillRecord:
        """Drill the newest archive as it lies there, as if its record were believed."""
        place = self.place(where)
        newest = place.shelf().archives[0].name
        return place.drill(place.measure(newest), silent, cancelled)

    def vouch(self, where: str = "local") -> str:
        """Lay a signed record beside the newest archive, whatever it holds. Its name."""
        place = self.place(where)
        shelf = place.shelf()
        archive, now = place.measure(shelf.archives[0].name), datetime.now(UTC)
        record = BackupRecord(archive, shelf.database, now, now, "18", "18", {})
        place.keep_backup_record(archive.name, sign_statement(record.statement(), self.signer))
        return archive.name

    def drill_roles(self) -> list[str]:
        return [name for (name,) in self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'restore_drill%' ORDER BY 1")]

    def drill_databases(self) -> list[str]:
        return [name for (name,) in self.sql("SELECT datname FROM pg_database WHERE datname LIKE 'restore_drill%' ORDER BY 1")]

    def clear(self) -> None:
        """Back to a new world's state: no archives, hardened."""
        if self.backups.exists():
            shutil.rmtree(self.backups)
        for name in self.drill_databases():
            self.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
        for name in self.drill_roles():
            self.sql(f'DROP ROLE "{name}"')
        self.sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
        self.extra.clear()
        self.hosts = ()
        self.place().harden()


def verdict(bench: Bench, check: Check, **plan: object) -> Status:
    """What a check says of the database now."""
    scope = bench.scope(bench.plan(**plan))
    return check.judge(check.look(scope), scope.plan).status


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One database for a module's tests."""
    folder = tmp_path_factory.mktemp("db") / "world"
    folder.mkdir(mode=0o700)
    world = invent(folder, "flat", 1 << 20)
    world.save()
    for name in DOCS:
        path = world.checkout_layout.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Runbook\n")
    subprocess.run(["git", "init", "-q", str(world.checkout_layout.root)], check=True)
    loop = Loop()
    signer = SeedSigner.from_seed(secrets.token_bytes(32), "a test")
    now = datetime.now(UTC)
    allowed = AllowedSigners((new_entry("tester@example.com", signer.public, now - timedelta(days=30)),))
    bench = Bench(world, loop, signer, allowed, now)
    try:
        loop.run(database.create(world))
        loop.run(database.start(world))
        yield bench
    finally:
        loop.run(database.stop(world))
        loop.close()


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    """The database as in a new world, whatever the test before did to it."""
    running.clear()
    yield running
