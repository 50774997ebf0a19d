"""After a rollback: the live server must offer the release that was put back, or clients refuse its very bytes.

A release that was never deployed is rolled back by the swap and the manifests alone: the live server offers the one before all
the time. One that was deployed is offered still; then the manifests that were put back are laid on the VM as an update-only
deploy lays them (contracts: kinds of run), and every live address says that version again.
"""

from __future__ import annotations

from dataclasses import replace

from checks.base import Scope
from checks.rulebook_gate import Level, rulebook_gate
from checks.rulebook_sources import look_rulebook
from nexy_tui.actions.base import ActionContext
from nexy_tui.actions.deploy import Deploy
from nexy_tui.core.event import Exposure, OutputLine
from nexy_tui.core.finding import Evidence
from nexy_tui.core.kind import Kind
from nexy_tui.core.manifest import Manifest
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, CouldNotLook, Problem, Refused
from nexy_tui.core.remedy import Act, preceded
from nexy_tui.core.version import Version
from nexy_tui.services.update_server import Offer, look_offer

AGAIN = Act("rollback", "rollback", "Then", "once more: it goes on from here.")


def require_use(offer: Offer, plan: Plan, stated: Manifest) -> None:
    """Raises Refused where the live server offers a third release: clients would refuse what is put back just the same."""
    if offer.appcast is not None and offer.appcast.build not in (str(plan.version), stated.version):
        raise Refused(
            f"The live server offers {offer.appcast.build}; what can be put back is {stated.version}.",
            "Only the release directly before is kept, and clients that follow the live appcast would refuse it too.",
            "Go on with this release (nexy-tui release), or publish the file of the release that is offered anew.",
        )


def reoffer(context: ActionContext, stated: Manifest) -> tuple[Evidence, ...]:
    """See that the live server offers the release that was put back, bring it to that where it does not, then run the gate.

    Raises ActionFailed or CouldNotLook saying what clients get now.
    """
    offer = look_offer(context.services.update_server)
    if not offer.is_of(stated):
        _lay(context, stated, offer)
        offer = look_offer(context.services.update_server)
        if offer.appcast is None:
            what = f"{stated.version} is back and laid on the VM; what the live server offers could not be seen: {offer.problem}"
            raise CouldNotLook(what, "If it offers another release, clients refuse the download.", preceded("See that it answers.", AGAIN))
        if not offer.is_of(stated):
            what = (
                f"{stated.version} is back and laid on the VM, but the live server does not offer it."
                f" It offers {offer.appcast.build}, {offer.appcast.length} bytes."
            )
            raise ActionFailed(what, "Clients refuse the download until it does.", preceded("See the service's journal.", AGAIN))
    context.emit(Exposure(0.0, open=False))
    return (Evidence("live appcast", f"{stated.version}, {stated.size} bytes", context.plan.target.update_server.base_url), _gate(context))


def _lay(context: ActionContext, stated: Manifest, offer: Offer) -> None:
    """The manifests on the VM, its settings and a restart, which a service that is down needs too; HEAD there stays where it is."""
    offers = f"still offers {offer.appcast.build}" if offer.appcast is not None else f"could not be seen ({offer.problem})"
    context.emit(OutputLine(f"The live server {offers}: the manifests of {stated.version} are laid on the VM.", "rollback"))
    plan = replace(context.plan, version=Version.parse(stated.version), kind=Kind.UPDATE_ONLY)
    try:
        Deploy().run(replace(context, plan=plan))
    except Problem as error:
        what = f"{stated.version} is back and its manifests are pushed, but the live server {offers}: {error.what}"
        why = "Clients that follow the live appcast refuse the download until it serves them."
        raise ActionFailed(what, why, preceded(str(error.remedy), AGAIN)) from None


def _gate(context: ActionContext) -> Evidence:
    """The rulebook's gate, for people and for the log; its errors may be older than this rollback."""
    verdict = rulebook_gate(look_rulebook(Scope(context.services, context.plan, context.trusted, emit=context.emit)))
    for finding in verdict.findings:
        if finding.level in (Level.ERROR, Level.WARNING):
            context.emit(OutputLine(f"gate, rule {finding.rule}: {finding.text}", "rollback"))
    counted = f"{'fails' if verdict.errors else 'passes'}: {verdict.errors} errors, {verdict.warnings} warnings"
    context.emit(OutputLine(f"The rulebook's gate {counted}.", "rollback"))
    return Evidence("gate, profile rulebook", counted, context.plan.target.update_server.base_url)
