"""What the rulebook wants of the database, as names: tables, the trigger, privileges (contracts: database)."""

from __future__ import annotations

import re
from datetime import timedelta

REQUIRED_TABLES = ("users", "sessions", "commands", "token_usage")
"""Without these it is not the service's database."""

PROTECTED_TABLES = (
    *REQUIRED_TABLES,
    "llm_answers",
    "screenshots",
    "performance_metrics",
    "subscriptions",
    "subscription_events",
    "payments",
)
"""Where they exist, nobody deletes rows of these."""

GRANTED = ("SELECT", "INSERT", "UPDATE")
FORBIDDEN = ("DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

TRIGGER = "prevent_hard_delete_trigger"
SQLSTATE = "42501"

HOST = re.compile(r"/[A-Za-z0-9._/-]{1,100}|[A-Za-z0-9:]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
"""One name, address or socket folder: no list, no port, nothing that a client library would take apart."""

DRILL_DATABASE = re.compile(r"restore_drill_[0-9]{8}_[0-9]{6}")
"""The only databases a drill creates, and the only ones it ever drops."""

SKEW = timedelta(minutes=5)
"""How far another machine's clock may be ahead before what it dates counts as dated in the future."""

LEAST_KEPT = timedelta(days=7)
"""What a record speaks of that is younger than this is never removed; a retention shorter than this removes nothing."""

DRILL_EXTENSIONS = (
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "ltree",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "seg",
    "tablefunc",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
)
"""What the superuser makes in a drill's database before anything is restored: extensions that reach neither files, programs nor servers."""

DRILL_LEFT_OUT = (
    "ACL",
    "DEFAULT ACL",
    "COMMENT",
    "SECURITY LABEL",
    "EXTENSION",
    "EVENT TRIGGER",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "FOREIGN DATA WRAPPER",
    "SERVER",
    "USER MAPPING",
    "FOREIGN TABLE",
    "PROCEDURAL LANGUAGE",
    "TRANSFORM",
    "ACCESS METHOD",
)
"""Entries of a dump, as pg_restore lists them, that a role without rights cannot make and that hold no row of the service's tables."""

DRILL_UNSAID = ("ACL", "DEFAULT ACL", "COMMENT", "SECURITY LABEL")
"""Those of them that say nothing of what a restore brings back."""

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"\w+")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_RAISE = re.compile(
    r"""BEGIN\s+RAISE\s+(?!(?:DEBUG|LOG|INFO|NOTICE|WARNING)\b)(?:EXCEPTION\b\s*)?
    (?:INSUFFICIENT_PRIVILEGE\b|SQLSTATE\s+'42501'|[^;]*\bERRCODE\s*:?=\s*'(?:42501|INSUFFICIENT_PRIVILEGE)')[^;]*;""",
    re.IGNORECASE | re.VERBOSE,
)
_HANDLER = re.compile(r"\bEXCEPTION\s+WHEN\b", re.IGNORECASE)


def always_refuses(language: str, source: str) -> bool:
    """Whether a trigger function can only end in SQLSTATE 42501: its first statement raises it, and nothing catches it.

    A body of any other form may be right too, but cannot be seen to be; hardening writes one that can.
    """
    if language != "plpgsql":
        return False
    code = _COMMENT.sub(" ", _LITERAL.sub(lambda literal: f"'{_word(literal[1])}'", source)).strip()
    return _RAISE.match(code) is not None and _HANDLER.search(code) is None


def _word(literal: str) -> str:
    """A literal's content if it is one word (an error code), else nothing: prose may hold any character."""
    return literal if _WORD.fullmatch(literal) else ""
