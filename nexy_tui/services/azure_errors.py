"""Azure's errors as problems an operator can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexy_tui.core.problem import CouldNotLook, Problem, Unusable
from nexy_tui.core.remedy import Mend
from nexy_tui.core.secret import Secret, redact
from nexy_tui.core.text import printable

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

_BUSY_TEXT = "execution is in progress"
_LAST_SOURCES = ("AzureDeveloperCliCredential", "BrokerCredential")
"""Where the SDK looks last: when it came that far, no source is configured at all."""


_SUBSCRIPTION = ("InvalidSubscriptionId", "SubscriptionNotFound")

A_SUBSCRIPTION = (
    "Correct target.vm.subscription in the configuration, or AZURE_SUBSCRIPTION_ID: `az account show --query id` prints it, "
    "and az account list every one that you may use."
)


class Busy(CouldNotLook):
    """Another command holds the VM's run-command slot (409; rulebook 4.6)."""


class Denied(CouldNotLook):
    """Azure answered, and the answer will not change by itself: credential, right or name is wrong."""


_LASTING = frozenset((400, 401, 403, 404))


def problem_of(error: AzureError, where: str, environ: Mapping[str, str], secrets: tuple[Secret, ...] = ()) -> Problem:
    """What an error of the SDK means for the operator; no secret stands in it."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    text = redact(str(getattr(error, "message", "") or error), *secrets)
    said = printable(next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__), 240)
    status = getattr(error, "status_code", None)
    if isinstance(error, ClientAuthenticationError):
        return _not_authenticated(text, said, environ)
    if isinstance(error, HttpResponseError):
        if status == 409 and _BUSY_TEXT in str(error):
            return Busy(
                f"{where} is busy: run command extension execution is in progress (HTTP 409).",
                "A VM runs one command at a time, who started it Azure does not tell, and it can last 90 minutes.",
                Mend("azure-busy", "Ask your colleagues or the VM's activity log who is running a command there", "waits for its end."),
            )
        code = str(getattr(getattr(error, "error", None), "code", "") or "")
        if code in _SUBSCRIPTION:
            return Denied(f"Azure knows no such subscription: {said}", f"HTTP {status}, {code}.", A_SUBSCRIPTION)
        kind = Denied if status in _LASTING else CouldNotLook
        return kind(f"Azure refused {where}: {said}", f"HTTP {status}.", _remedy(status))
    return CouldNotLook(
        f"Azure cannot be reached ({type(error).__name__}: {said})",
        "The VM could not be asked.",
        "See that the network, the proxy and REQUESTS_CA_BUNDLE are right, then run again.",
    )


_PRINCIPAL = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")

_CURES = {
    r"AADSTS(90002|900021|900023|50049)\b|[Ii]nvalid tenant": "Correct AZURE_TENANT_ID: az account show --query tenantId",
    r"AADSTS(700016|900144)\b": "Correct AZURE_CLIENT_ID, and see that AZURE_TENANT_ID is the tenant that it is registered in.",
    r"AADSTS7000222\b": "The secret has expired. Make a new one (az ad app credential reset) and set AZURE_CLIENT_SECRET.",
    r"AADSTS7000215\b": "Renew or correct AZURE_CLIENT_SECRET: the secret's value is wanted, not its id.",
}
"""What each of the login endpoint's refusals is cured by (Microsoft identity platform, AADSTS error codes)."""


def _not_authenticated(text: str, said: str, environ: Mapping[str, str]) -> Problem:
    """DefaultAzureCredential tries one source after the other, and stops at the first that is configured but fails."""
    attempts = [line.strip() for line in text.partition("Attempted credentials:")[2].splitlines() if "Credential: " in line]
    if attempts and attempts[-1].startswith(_LAST_SOURCES):
        return _no_credential(environ)
    kind = Denied if "AADSTS" in text else CouldNotLook  # Entra's own numbers: else the line may have broken.
    return kind(
        f"There is no token for Azure: {printable(attempts[-1], 240) if attempts else said}",
        "Without it the VM can neither be looked at nor deployed to.",
        next(
            (cure for form, cure in _CURES.items() if re.search(form, text)),
            "Renew the secret of the service principal (AZURE_CLIENT_SECRET), or log in anew: az login; and see that the network works.",
        ),
    )


def _no_credential(environ: Mapping[str, str]) -> Unusable:
    there = [name for name in _PRINCIPAL if environ.get(name)]
    missing = " and ".join(name for name in _PRINCIPAL if name not in there)
    if there and missing:
        return Unusable(
            f"There is no credential for Azure: the service principal is only half there, {missing} not set.",
            "Azure's client passes over half a principal, and found no other login.",
            f"Set {missing}, or unset {' and '.join(there)} and log in: az login",
        )
    return Unusable(
        "There is no credential for Azure.",
        "Deploying and looking at the VM need one.",
        "Log in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
    )


def _remedy(status: int | None) -> str:
    return {
        401: "Log in anew: az login",
        403: "Ask for the role Virtual Machine Contributor on the VM.",
        404: "See that target.vm.resource_group, target.vm.name and the subscription name the VM: az vm list --output table",
        409: "See that the VM is running: az vm get-instance-view; then try again.",
        429: "Azure asks for fewer requests: wait a minute, then run again.",
    }.get(status or 0, "Try again; if it stays, see the VM's activity log in the portal.")
