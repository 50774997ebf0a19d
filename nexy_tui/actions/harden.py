"""Take from the application's role what it must not have, and refuse hard deletes (rulebook section 3, Phase 1.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.database import judge_hardening
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.database_rules import FORBIDDEN, GRANTED, SQLSTATE, TRIGGER
from nexy_tui.core.finding import Evidence, Status
from nexy_tui.core.plan import Plan
from nexy_tui.services import Services
from nexy_tui.services.database.facts import seen


class Harden:
    """Applies the hardening in one transaction, as the superuser. The check reads from the catalog whether it is in force."""

    name = "harden"
    title = "Apply database hardening"
    writes_outside = True

    def applies(self, _: Plan) -> bool:
        """Every kind of run may need it."""
        return True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """What changes in the database's rights."""
        return [
            f"In {services.database.place.address()}, from {services.database.seen_from}, in one transaction:",
            "give whatever the application's role (DB_USER) owns to the superuser (PG_SUPERUSER)",
            f"grant it {', '.join(GRANTED)} on every table of the schema public, now and by default",
            f"revoke {', '.join(FORBIDDEN)} there, and CREATE on the schema, from it and from PUBLIC",
            f"lay {TRIGGER} on the service's tables: DELETE ends with SQLSTATE {SQLSTATE}",
        ]

    def confirmation(self, services: Services, plan: Plan) -> str | None:
        """The host, where it is not this very machine's (or the VM's) loopback."""
        address = services.database.place.address()
        return None if address.loopback else address.host

    def run(self, context: ActionContext) -> ActionResult:
        """Apply it, unless it is in force by the catalog. Raises CouldNotLook, Refused or ActionFailed; then nothing was changed."""
        place = context.services.database.place
        survey = place.survey(context.emit)
        verdict = judge_hardening(seen(survey.catalog), context.plan)
        if verdict.status is Status.PASSED:
            return ActionResult("Nothing to do: " + verdict.summary, verdict.evidence, changed=False)
        context.intent("apply the database hardening", database=str(survey.address))
        place.harden()
        return ActionResult(
            f"The hardening was applied to {survey.address}.",
            tuple(Evidence("before", evidence.value, evidence.source) for evidence in verdict.evidence),
        )
