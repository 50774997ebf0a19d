"""Phase database: the server, its tables, its hardening, and the tools (rulebook section 3, Phase 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from checks.base import Check, Scope
from checks.vm import look_database
from nexy_tui.core.database_rules import FORBIDDEN, GRANTED, PROTECTED_TABLES, REQUIRED_TABLES, SQLSTATE, TRIGGER, always_refuses
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, passed, rfc3339
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Act
from nexy_tui.services.database.facts import Catalog, Survey, Tool, Unseen, seen

RUNBOOKS = ("server/Docs/DB_BACKUP_AND_RESTORE_RUNBOOK.md", "server/Docs/DATABASE_SETUP_GUIDE.md")
"""The canon for database operations, from the rulebook's repo root (rulebook section 3, Phase 1.1.4)."""

HARDEN = Act("harden", "db harden")


def look_survey(scope: Scope) -> Survey:
    """The database's survey, once a pass. On the VM it is not started while somebody else releases."""

    def survey() -> Survey:
        if scope.plan.target.database.where == "vm":
            return look_database(scope)
        return scope.services.database.place.survey(scope.emit)

    return scope.once("database.survey", survey)


def judge_reachable(survey: Survey, plan: Plan) -> Verdict:
    """The server lets us in, and its catalog can be read."""
    where = "from the VM" if survey.where == "vm" else "from this machine"
    address = Evidence("effective address", str(survey.address), f"settings in force, {where}")
    if isinstance(survey.catalog, Unseen):
        problem = survey.catalog.problem
        return failed(problem.what, problem.remedy or "See that PostgreSQL runs there, then look again.", address)
    catalog = survey.catalog
    server = Evidence("server", f"PostgreSQL {catalog.short_version}", str(survey.address), rfc3339(survey.taken))
    return passed(f"PostgreSQL {catalog.short_version} answers at {survey.address}, {where}.", address, server)


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """pg_dump, and the server it is meant for."""

    pg_dump: Tool | Unseen
    server: str
    major: int


def look_tools(scope: Scope) -> ToolFacts:
    """pg_dump and the server's version."""
    survey = look_survey(scope)
    catalog = seen(survey.catalog)
    return ToolFacts(survey.pg_dump, catalog.short_version, catalog.number // 10000)


def judge_tools(facts: ToolFacts, plan: Plan) -> Verdict:
    """pg_dump is there and not older than the server, whose dump it could not make."""
    if isinstance(facts.pg_dump, Unseen):
        problem = facts.pg_dump.problem
        return failed(problem.what, problem.remedy)
    tool = facts.pg_dump
    evidence = (Evidence("pg_dump", tool.version, tool.path), Evidence("server", facts.server, "the server"))
    if tool.major < facts.major:
        return failed(
            f"pg_dump {tool.version} is older than the server, {facts.server}.",
            f"Install PostgreSQL {facts.major}'s client programs, or name their folder in NEXY_PG_BIN.",
            *evidence,
        )
    return passed(f"pg_dump {tool.version} can dump a server of version {facts.server}.", *evidence)


def look_catalog(scope: Scope) -> Catalog:
    """The catalog alone."""
    return seen(look_survey(scope).catalog)


def judge_tables(catalog: Catalog, plan: Plan) -> Verdict:
    """The service's tables are there."""
    missing = [table for table in REQUIRED_TABLES if table not in catalog.tables]
    known = [table for table in PROTECTED_TABLES if table in catalog.tables]
    evidence = Evidence("tables", ", ".join(known) or "none of the service's", f"catalog of {catalog.database}")
    if missing:
        return failed(
            f"{catalog.database} has no table {', '.join(missing)}.",
            "See that DB_NAME names the service's database; server/Docs/DB_BACKUP_AND_RESTORE_RUNBOOK.md says how to restore it.",
            evidence,
        )
    return passed(f"{', '.join(REQUIRED_TABLES)} are in {catalog.database}.", evidence)


def judge_hardening(catalog: Catalog, plan: Plan) -> Verdict:
    """The application's role owns nothing, may not delete, and a trigger refuses DELETE; all as the catalog has it."""
    if catalog.app is None:
        create = "Create it as server/Docs/DATABASE_SETUP_GUIDE.md says, or set DB_USER."
        return failed("The application's role (DB_USER) is not on the server.", create)
    source = f"catalog of {catalog.database}"
    troubles = [*_role_troubles(catalog), *_right_troubles(catalog), *_guard_troubles(catalog)]
    if troubles:
        evidence = [Evidence(f"finding {number}", trouble, source) for number, trouble in enumerate(troubles, 1)]
        more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
        return failed(f"The database is not hardened: {troubles[0]}{more}.", _remedy(catalog), *evidence)
    guarded = ", ".join(sorted(guard.table for guard in catalog.guards))
    return passed(
        f"{catalog.app} owns nothing and may not delete; {TRIGGER} refuses DELETE with {SQLSTATE}.",
        Evidence("rights", f"{', '.join(GRANTED)} and none of {', '.join(FORBIDDEN)}", source),
        Evidence("guarded tables", guarded, source),
    )


def _role_troubles(catalog: Catalog) -> list[str]:
    troubles = []
    if catalog.app_superuser:
        troubles.append(f"{catalog.app} is a superuser")
    if catalog.app_createrole:
        troubles.append(f"{catalog.app} may create roles")
    if catalog.owned_count:
        some = ", ".join(catalog.owned_some)
        troubles.append(f"{catalog.app} owns {some}{' and more' if catalog.owned_count > len(catalog.owned_some) else ''}")
    return troubles


def _right_troubles(catalog: Catalog) -> list[str]:
    app = catalog.app
    troubles = [
        f"{app} has {excess.privileges} on {excess.table}" + (f", as a member of {excess.via}" if excess.via != app else "")
        for excess in catalog.excess
    ]
    troubles += [f"{app} lacks {privileges} on {table}" for table, privileges in catalog.lacking]
    if catalog.may_create:
        troubles.append(f"{app} may create objects in the schema public")
    if lacking := [privilege for privilege in GRANTED if privilege not in catalog.default_granted]:
        troubles.append(f"default privileges do not give {app} {', '.join(lacking)} on new tables")
    if catalog.default_excess:
        troubles.append(f"default privileges give {app} {', '.join(sorted(catalog.default_excess))} on new tables")
    return troubles


def _guard_troubles(catalog: Catalog) -> list[str]:
    guards = {guard.table: guard for guard in catalog.guards}
    troubles = []
    for table in PROTECTED_TABLES:
        guard = guards.get(table)
        if table not in catalog.tables:
            continue
        if guard is None:
            troubles.append(f"{table} has no {TRIGGER}")
        elif not guard.armed:
            troubles.append(f"{TRIGGER} on {table} is disabled, or does not fire for every DELETE")
        elif not always_refuses(guard.language, guard.source):
            troubles.append(f"the function of {TRIGGER} on {table} cannot be seen to refuse with {SQLSTATE}")
    return troubles


def _remedy(catalog: Catalog) -> Act:
    """Hardening, and before it what hardening leaves alone: memberships are somebody's decision about roles it does not know."""
    roles = sorted({*(excess.via for excess in catalog.excess), *catalog.owned_via} - {catalog.app, "pg_database_owner"})
    if not roles or catalog.app_superuser:
        return HARDEN
    revoked = "; ".join(f"REVOKE {role} FROM {catalog.app}" for role in roles)
    return replace(HARDEN, first=f"As the superuser: {revoked}. Then apply it")


def look_runbooks(scope: Scope) -> Mapping[str, bool]:
    """Whether each runbook is in the checkout and has something in it."""
    layout = scope.services.layout
    found = {}
    for name in RUNBOOKS:
        path = layout.path(name)
        try:
            found[str(layout.relative(name))] = path.is_file() and path.stat().st_size > 0
        except OSError as error:
            raise CouldNotLook(f"{path} cannot be looked at: {error.strerror}.", remedy="Mend its permissions.") from None
    return found


def judge_runbooks(found: Mapping[str, bool], plan: Plan) -> Verdict:
    """Both runbooks are at hand. A tree may be without them: then a person says where they are."""
    evidence = [Evidence("runbook", "there" if there else "missing", path) for path, there in found.items()]
    missing = [path for path, there in found.items() if not there]
    if missing:
        it, are = ("it", "is") if len(missing) == 1 else ("them", "are")
        return inconclusive(
            f"{' and '.join(missing)} {are} not in the checkout.",
            f"Attest that you have {it} at hand; or bring {it} back (git log --all -- {' '.join(missing)} names who took {it} away).",
            *evidence,
        )
    return passed("Both database runbooks are in the checkout.", *evidence)


def judge_ready(survey: Survey, plan: Plan) -> Verdict:
    """A backup can be made: the reader and the dumper are let in, pg_dump is new enough, and there is something to dump."""
    reachable = judge_reachable(survey, plan)
    if isinstance(survey.catalog, Unseen):
        return reachable
    catalog = survey.catalog
    if isinstance(survey.dumper, Unseen):
        problem = survey.dumper.problem
        return failed(problem.what, problem.remedy, *reachable.evidence)
    tools = judge_tools(ToolFacts(survey.pg_dump, catalog.short_version, catalog.number // 10000), plan)
    tables = judge_tables(catalog, plan)
    wrong = next((verdict for verdict in (tools, tables) if not verdict.status.satisfied), None)
    if wrong is not None:
        return wrong
    dumper = Evidence("dumper", survey.dumper or "not told", str(survey.address), rfc3339(survey.taken))
    what = f"PostgreSQL {catalog.short_version} lets its reader and {survey.dumper or 'its dumper'} in; {catalog.database} can be dumped."
    return passed(what, *reachable.evidence, dumper, *tools.evidence, *tables.evidence)


READY = Check(look_survey, judge_ready, "A password that has changed is otherwise found after the release commit.")
REACHABLE = Check(look_survey, judge_reachable, "Nothing about it can be said otherwise.")
TOOLS = Check(look_tools, judge_tools, "An older pg_dump refuses or loses what a newer server has.")
TABLES = Check(look_catalog, judge_tables, "A backup of an empty database is no backup.")
HARDENING = Check(look_catalog, judge_hardening, "The app user must not be able to delete; a restore quietly takes this protection away.")
RUNBOOKS_HERE = Check(look_runbooks, judge_runbooks, "When the database is lost, they are what people read.")
