"""A world's database and its first backup as copies of an earlier world's of the same tests: made and drilled once, and given this
world's passwords, port and signature."""

from __future__ import annotations

import asyncio
import fcntl
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from psycopg import sql

from nexy_tui.core.database_record import BackupRecord, DrillRecord
from nexy_tui.core.secret import Secret
from nexy_tui.rehearsal.database import server
from nexy_tui.rehearsal.database.cluster import launcher
from nexy_tui.rehearsal.names import World
from nexy_tui.services.database.connect import connection
from nexy_tui.services.database.sql import MAINTENANCE

_PASSWORD = "copied-from"
"""File beside a copied data directory: the superuser's password in it still."""


def install(folder: Path) -> None:
    """From now on worlds made by this process and those it forks share what lies in this folder."""
    make, start = server.create, server.start

    async def create(world: World) -> None:
        with (folder / "lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            if not (folder / _PASSWORD).exists():
                await make(world)
                shutil.copytree(world.pg / "data", folder / "data")
                (folder / _PASSWORD).write_text(world.secrets.database_superuser_password)
                return
        await asyncio.to_thread(_copied, folder, world)

    async def started(world: World) -> None:
        await start(world)
        if (world.pg / _PASSWORD).exists():
            await asyncio.to_thread(_claimed, world)

    server.create, server.start, server.drilled = create, started, partial(_drilled, server.drilled, folder)


def _drilled(make: Callable[[World], tuple[BackupRecord, DrillRecord]], folder: Path, world: World) -> tuple[BackupRecord, DrillRecord]:
    records, backups = folder / "records", world.checkout_layout.backups
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not records.exists():
            made = make(world)
            _kept(backups, folder / "backups", made[0].archive.name)
            records.write_bytes(pickle.dumps(made))
            return made
    backup, drill = pickle.loads(records.read_bytes())
    _kept(folder / "backups", backups, backup.archive.name)
    here = replace(backup.database, port=world.ports["database"])
    return replace(backup, database=here), replace(drill, database=here)


def _kept(origin: Path, place: Path, archive: str) -> None:
    """The archive, and what lies beside it under its name."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in origin.glob(f"{archive}*"):
        shutil.copy2(path, place)


def _copied(folder: Path, world: World) -> None:
    how = launcher()
    world.pg.mkdir(mode=0o700)
    how.adopt(world.pg)
    data = shutil.copytree(folder / "data", world.pg / "data")
    for path in (data, *data.rglob("*")) if how.user is not None else ():
        how.own(path)
    shutil.copy(folder / _PASSWORD, world.pg)


def _claimed(world: World) -> None:
    """Both roles get this world's passwords."""
    made, copied = server.settings(world), world.pg / _PASSWORD
    before = replace(made.superuser, password=Secret("the world", copied.read_text()))
    with connection(made, before, database=MAINTENANCE, autocommit=True) as session:
        for role, password in (
            (made.app.name, world.secrets.database_password),
            (made.superuser.name, world.secrets.database_superuser_password),
        ):
            session.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
    copied.unlink()
