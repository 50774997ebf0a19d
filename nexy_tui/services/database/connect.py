"""Connections to PostgreSQL from here, and its errors in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nexy_tui.core.problem import ActionFailed, CouldNotLook
from nexy_tui.core.remedy import Remedy
from nexy_tui.core.text import printable
from nexy_tui.services.database.settings import DatabaseSettings, Role
from nexy_tui.services.database.sql import COUNT_TABLES

if TYPE_CHECKING:
    from psycopg import Connection, Error

LOOKING = "-c default_transaction_read_only=on -c statement_timeout=20000"
"""Session options of a look: it cannot write, and it does not wait for ever."""


@contextlib.contextmanager
def connection(
    settings: DatabaseSettings, role: Role, *, database: str | None = None, options: str = "", autocommit: bool = False
) -> Iterator[Connection]:
    """A session of `role`, closed at the end. Raises CouldNotLook when the server does not let us in.

    Every setting is given, so that none comes from a PG* variable; `hostaddr` above all, which would win over the host. A password
    never leaves in cleartext, whatever the server asks for.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo

    address = settings.address
    try:
        session = psycopg.connect(
            make_conninfo(**settings.options),
            host=address.host,
            hostaddr="",
            port=address.port,
            dbname=database or address.name,
            user=role.name,
            password=role.password.reveal() if role.password is not None else None,
            application_name="nexy-tui",
            client_encoding="utf8",
            connect_timeout=10,
            options=options,
            autocommit=autocommit,
        )
    except psycopg.OperationalError as error:
        raise _unreachable(settings, role, error) from None
    with contextlib.closing(session):
        yield session


def count_rows(session: Connection) -> dict[str, int]:
    """How many rows each table of `public` has, seen by this session."""
    from psycopg import sql

    tables = [str(name) for (name,) in session.execute(COUNT_TABLES)]
    counts: dict[str, int] = {}
    for table in tables:
        row = session.execute(sql.SQL("SELECT count(*) FROM ONLY public.{}").format(sql.Identifier(table))).fetchone()
        counts[table] = int(row[0]) if row else 0
    return counts


def refused(error: Error, doing: str, remedy: Remedy) -> ActionFailed:
    """What the server answered to a statement, in words."""
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return ActionFailed(f"{doing} failed: {said(error)}{state}.", "The server undid the statement.", remedy)


def said(error: Error) -> str:
    """The first line of the server's message, fit for a screen."""
    return printable((str(error).strip() or type(error).__name__).splitlines()[0].rstrip("."))


def _unreachable(settings: DatabaseSettings, role: Role, error: Error) -> CouldNotLook:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = printable(lines[0].removeprefix("connection failed: "), 300) if lines else type(error).__name__
    user = "PG_SUPERUSER" if role is settings.superuser else "DB_USER"
    where = f"{settings.address.host}:{settings.address.port}"
    remedy = f"See that PostgreSQL runs at {where}, and that DB_HOST, DB_PORT, DB_NAME and {user} are right"
    if role.password is None:
        missing = "PG_SUPERUSER_PASSWORD" if role is settings.superuser else "DB_PASSWORD"
        remedy += f"; {missing} is not set, in the environment or in config.env"
    if not settings.address.loopback:
        remedy += (
            "; off loopback its certificate must verify (tls.ca names a private CA), and where it has none, "
            f"tunnel to it: ssh -L {settings.address.port}:localhost:{settings.address.port} {settings.address.host}"
        )
    return CouldNotLook(f"The database {settings.address} did not let {role.name} in: {reason.rstrip('.')}.", remedy=remedy + ".")
