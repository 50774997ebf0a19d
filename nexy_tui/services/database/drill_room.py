"""A drill's own database and role: made and dropped by the superuser, who never comes back in once anything is restored there."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexy_tui.core.database_rules import DRILL_DATABASE
from nexy_tui.core.event import Emit, OutputLine
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Refused
from nexy_tui.core.remedy import Act
from nexy_tui.core.secret import Secret
from nexy_tui.services.database.connect import connection, said
from nexy_tui.services.database.dump import Extension
from nexy_tui.services.database.settings import DatabaseSettings, Role
from nexy_tui.services.database.sql import DRILL_COMMENT, DRILL_LEFTOVERS, DRILL_LOCK, DRILL_ROLE, MAINTENANCE, SILENCE

if TYPE_CHECKING:
    from psycopg import Connection

RESTORED = "-c search_path=pg_catalog -c statement_timeout=3600000"
"""Session options among restored tables: what the archive sets for its database or role does not count, and nothing runs for ever."""

_ROLE = f"CREATE ROLE {{name}} {DRILL_ROLE} PASSWORD {{password}}"


@dataclass(frozen=True)
class DrillRoom:
    """The superuser's session on the maintenance database, which holds the drill lock."""

    settings: DatabaseSettings
    session: Connection
    emit: Emit

    def clear(self) -> None:
        """Drop what drills that were killed have left: databases, and then the roles that own them."""
        rows = self.session.execute(DRILL_LEFTOVERS.encode()).fetchall()
        for kind, name in rows:
            self._drop(str(kind), str(name))
            self.emit(OutputLine(f"removed the {kind} {name}, left by a drill that was killed", "nexy-tui"))

    @contextlib.contextmanager
    def made(self, name: str) -> Iterator[Role]:
        """A database of that name and the role that owns it, both dropped at the end. The role has no right but over that database."""
        from psycopg import sql

        role = Role(name, Secret("this drill", secrets.token_hex(24)))
        assert role.password is not None
        names = {"name": sql.Identifier(name), "comment": sql.Literal(DRILL_COMMENT)}
        verifier = self.session.pgconn.encrypt_password(role.password.reveal().encode(), name.encode()).decode()
        try:
            with self.session.transaction():
                self.session.execute(SILENCE.encode())
                self.session.execute(sql.SQL(_ROLE).format(**names, password=sql.Literal(verifier)))
                self.session.execute(sql.SQL("COMMENT ON ROLE {name} IS {comment}").format(**names))
            self.session.execute(sql.SQL("CREATE DATABASE {name} OWNER {name} TEMPLATE template0").format(**names))
            self.session.execute(sql.SQL("COMMENT ON DATABASE {name} IS {comment}").format(**names))
            self.session.execute(sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(**names))
            yield role
        finally:
            self._drop("database", name)
            self._drop("role", name)

    def furnish(self, role: Role, extensions: Sequence[Extension]) -> None:
        """Make the extensions, and give the role the schema `public`. The superuser's only visit, to a database that is still empty.

        Raises ActionFailed where the server does not have one of them.
        """
        import psycopg
        from psycopg import sql

        owner = sql.Identifier(role.name)
        with connection(self.settings, self.settings.superuser, database=role.name, autocommit=True) as empty:
            empty.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
            for extension in extensions:
                name, schema = sql.Identifier(extension.name), sql.Identifier(extension.schema)
                if extension.own_schema:
                    empty.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(schema, owner))
                try:
                    empty.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {}").format(name, schema))
                except psycopg.Error as error:
                    raise ActionFailed(f"the extension {extension.name} could not be made: {said(error)}") from None

    @contextlib.contextmanager
    def inside(self, role: Role) -> Iterator[Connection]:
        """A session of the drill's role in its database. Raises Refused where the server does not let such a role in."""
        try:
            with connection(self.settings, role, database=role.name, options=RESTORED, autocommit=True) as session:
                yield session
        except CouldNotLook as problem:
            raise Refused(
                f"The drill's own role was not let in: {problem.what}",
                "An archive is restored by a role without rights, never by the superuser.",
                Act(
                    "drill",
                    "db drill",
                    f"Let roles in to databases of their name, in pg_hba.conf: `{_hba(self.settings)}`; then",
                ),
            ) from None

    def _drop(self, kind: str, name: str) -> None:
        """Drop a drill's database or role, and no other, also while a killed client's session is still there."""
        from psycopg import sql

        if DRILL_DATABASE.fullmatch(name) is None:
            raise ActionFailed(
                f"{name!r} is marked as a drill's {kind}, but has not the name of one.",
                f"Only a {kind} named restore_drill_<date>_<time> is dropped.",
                "Drop it by hand if it is not needed.",
            )
        text = "DROP DATABASE IF EXISTS {} WITH (FORCE)" if kind == "database" else "DROP ROLE IF EXISTS {}"
        self.session.execute(sql.SQL(text).format(sql.Identifier(name)))


@contextlib.contextmanager
def alone(settings: DatabaseSettings, emit: Emit) -> Iterator[DrillRoom]:
    """The room, with leftovers of killed drills removed. Raises Refused while another drill runs on that server."""
    with connection(settings, settings.superuser, database=MAINTENANCE, autocommit=True) as session:
        row = session.execute("SELECT pg_try_advisory_lock(%s)", (DRILL_LOCK,)).fetchone()
        if row is None or not row[0]:
            what = f"Another restore drill is running on {settings.address.host}."
            raise Refused(what, "Each counts on being alone.", "Wait for its end.")
        room = DrillRoom(settings, session, emit)
        room.clear()
        yield room


def _hba(settings: DatabaseSettings) -> str:
    """The line that lets a drill's role in."""
    return "local sameuser all scram-sha-256" if settings.address.host.startswith("/") else "host sameuser all all scram-sha-256"
