"""The rehearsal's database: a real PostgreSQL with the service's schema, hardened, and a drill a few days old."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nexy_tui.core.clock import SystemClock
from nexy_tui.core.database_record import BackupRecord, DrillRecord
from nexy_tui.core.event import silent
from nexy_tui.core.problem import Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.rehearsal.bundled import postgresql
from nexy_tui.rehearsal.database import drill_faults as drillfaults
from nexy_tui.rehearsal.database.cluster import Cluster
from nexy_tui.rehearsal.database.schema import ROWS, SCHEMA
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import DATABASE_NAME, DATABASE_SUPERUSER, DATABASE_USER, World
from nexy_tui.runlog.sign import Signer, sign_statement
from nexy_tui.services.database.connect import connection
from nexy_tui.services.database.local import LocalDatabase
from nexy_tui.services.database.reach import OPTIONS_HERE
from nexy_tui.services.database.settings import Address, DatabaseSettings, Role
from nexy_tui.services.database.sql import MAINTENANCE

DRILLED = timedelta(days=2)
"""How long ago a new world's drill was."""

TOO_OLD = timedelta(days=8)
"""How long ago it was while the fault drill-old is on."""

_POLL = 0.1
_HOOK_LIMIT = 15.0
_DOWN = "database-down"
_KEEPERS: dict[Path, _Keeper] = {}


def settings(world: World) -> DatabaseSettings:
    """The settings the operator's checkout has, as a value."""
    secret = world.secrets
    return DatabaseSettings(
        address=Address("127.0.0.1", world.ports["database"], DATABASE_NAME),
        app=Role(DATABASE_USER, Secret("the world", secret.database_password)),
        superuser=Role(DATABASE_SUPERUSER, Secret("the world", secret.database_superuser_password)),
        backup_dir=world.checkout_layout.backups,
        retention_days=30,
        offsite_provider="none",
        options=OPTIONS_HERE,
    )


async def create(world: World) -> None:
    """Make the cluster, the two roles, the schema and its rows, hardened as in production."""
    cluster = _cluster(world)
    await cluster.initialise(DATABASE_SUPERUSER, world.secrets.database_superuser_password)
    async with _up(world):
        await asyncio.to_thread(_fill, world)


async def start(world: World) -> None:
    """Start the server, and keep it as the fault database-down wants it."""
    keeper = _Keeper(_cluster(world), world.ports["database"], Faults(world.faults))
    await keeper.settle()
    _KEEPERS[world.dir] = keeper
    keeper.task = asyncio.create_task(keeper.watch(), name="database")


async def stop(world: World) -> None:
    """Stop the server; no process of it stays."""
    keeper = _KEEPERS.pop(world.dir, None)
    if keeper is None:
        return
    if keeper.task is not None:
        keeper.task.cancel()
        await asyncio.gather(keeper.task, return_exceptions=True)
    await keeper.cluster.stop()


async def seed_drill_record(world: World, signer: Signer) -> None:
    """Make a backup and drill it for real, both two days ago by the world's word; starts the server for it where it is down."""
    async with _up(world):
        await asyncio.to_thread(_seed, world, signer)


@dataclass
class _Keeper:
    """Holds the server in the state the faults want. The supervisor alone starts it, so that it ends with the supervisor."""

    cluster: Cluster
    port: int
    faults: Faults
    task: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        down = self.faults.active(_DOWN)
        if down and self.cluster.running:
            await self.cluster.stop()
        elif not down and not self.cluster.running:
            await self.cluster.start(self.port)

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(Unusable):  # its log says why; the checks will find the database down
                await self.settle()
            await asyncio.sleep(_POLL)


@contextlib.asynccontextmanager
async def _up(world: World) -> AsyncIterator[None]:
    """The server, started for the moment unless it runs already."""
    keeper = _KEEPERS.get(world.dir)
    if keeper is not None and keeper.cluster.running:
        yield
        return
    cluster = _cluster(world)
    await cluster.start(world.ports["database"])
    try:
        yield
    finally:
        await cluster.stop()


def _cluster(world: World) -> Cluster:
    return Cluster(world.pg / "data", world.log / "postgres.log")


def _fill(world: World) -> None:
    from psycopg import sql

    made = settings(world)
    role, password = sql.Identifier(made.app.name), sql.Literal(world.secrets.database_password)
    with connection(made, made.superuser, database=MAINTENANCE, autocommit=True) as session:
        session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE_NAME)))
    with connection(made, made.superuser) as session, session.transaction():
        session.execute(SCHEMA.encode())
        session.execute(ROWS.encode())
    _local(world, SystemClock()).harden()


def _local(world: World, clock: SystemClock) -> LocalDatabase:
    return LocalDatabase(lambda: settings(world), {"NEXY_PG_BIN": str(postgresql())}, clock)


class _Earlier(SystemClock):
    """A clock that is some days behind."""

    def __init__(self, behind: timedelta) -> None:
        super().__init__()
        self._behind = behind

    def now(self) -> datetime:
        return datetime.now(UTC) - self._behind


def drilled(world: World) -> tuple[BackupRecord, DrillRecord]:
    """A backup in the checkout's folder, and its drill."""
    database = _local(world, _Earlier(DRILLED))
    backup = database.back_up(silent, lambda: False).record
    return backup, database.drill(backup.archive, silent, lambda: False)


def _seed(world: World, signer: Signer) -> None:
    backup, drill = drilled(world)
    database = _local(world, _Earlier(DRILLED))
    database.keep_backup_record(backup.archive.name, sign_statement(backup.statement(), signer))
    database.keep_drill_record(drill.archive.name, sign_statement(drill.statement(), signer))
    older = TOO_OLD - DRILLED
    old = replace(drill, started=drill.started - older, finished=drill.finished - older)
    drillfaults.prepare(world, drill.archive.name, sign_statement(old.statement(), signer))


# --- faults ---


def _wait_until(world: World, up: bool) -> None:
    """Wait until the supervisor has brought the server into the wanted state; a world that is not up has none to wait for."""
    limit = time.monotonic() + _HOOK_LIMIT
    while world.running.exists() and _state(world) != ("ready" if up else ""):
        if time.monotonic() > limit:
            what = f"The rehearsal's database did not {'come up' if up else 'go down'}."
            raise Unusable(what, "The fault is switched all the same.", f"See {world.log}.")
        time.sleep(_POLL / 2)


def _state(world: World) -> str:
    """The server's own word in postmaster.pid, the last file it removes: starting, ready, stopping; empty once it is gone."""
    try:
        lines = (world.pg / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) >= 8 else "starting"


def _down_on(world: World, _: str | None) -> None:
    _wait_until(world, up=False)


def _down_off(world: World, _: str | None) -> None:
    _wait_until(world, up=True)


FAULTS: tuple[Fault, ...] = (
    Fault(_DOWN, "database", "The database's server is stopped.", on=_down_on, off=_down_off),
    *drillfaults.FAULTS,
)
