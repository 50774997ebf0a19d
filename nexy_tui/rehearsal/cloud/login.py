"""The login endpoint as azure-identity speaks to it: discovery, and tokens for the world's one application by its client secret."""

from __future__ import annotations

import hmac
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import ARM_HOST, LOGIN_HOST, World
from nexy_tui.rehearsal.net.wire import Request, Response, json_response

_LIFETIME = 3599
_AUDIENCES = frozenset((f"https://{ARM_HOST}", "https://management.core.windows.net"))
_ALIASES = [LOGIN_HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"]


class LoginError(Exception):
    """An answer of the token endpoint that is not a token: HTTP status, OAuth's error, Entra's number and text."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text

    def response(self) -> Response:
        """The error as Entra puts it, with its trailer of ids."""
        trace, correlation, now = uuid.uuid4(), uuid.uuid4(), datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        document = {
            "error": self.error,
            "error_description": f"AADSTS{self.number}: {self.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}",
            "error_codes": [self.number],
            "timestamp": now,
            "trace_id": str(trace),
            "correlation_id": str(correlation),
            "error_uri": f"https://{LOGIN_HOST}/error?code={self.number}",
        }
        return json_response(document, self.status)


SECRET_EXPIRED = Fault("azure-secret-expired", "ready", "The client secret of the service principal has expired: no token for Azure.")


async def login(world: World, faults: Faults, request: Request) -> Response:
    """Answer one request to the login host."""
    parts = request.path.strip("/").split("/")
    try:
        match request.method, parts:
            case "GET", ["common", "discovery", "instance"]:
                return json_response(_discovery(request.query.get("authorization_endpoint", "")))
            case "GET", [tenant, *_, ".well-known", "openid-configuration"]:
                return json_response(_configuration(_known(world, tenant)))
            case "POST", [tenant, "oauth2", "v2.0", "token"]:
                if faults.active(SECRET_EXPIRED.name):
                    raise LoginError(401, "invalid_client", 7000222, "The provided client secret keys for app are expired.")
                return await _token(_known(world, tenant), world, request)
            case _:
                return json_response({"error": "not_found", "error_description": "The world's login has no such endpoint."}, 404)
    except LoginError as error:
        return error.response()


def _known(world: World, tenant: str) -> str:
    if tenant.lower() in (world.azure.tenant, "common", "organizations"):
        return tenant
    raise LoginError(
        400,
        "invalid_tenant",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    )


async def _token(tenant: str, world: World, request: Request) -> Response:
    form = dict(parse_qsl((await request.read(64 * 1024)).decode("utf-8", "replace")))
    client = form.get("client_id", "")
    if form.get("grant_type") != "client_credentials":
        raise LoginError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if client.lower() != world.azure.client:
        text = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
        raise LoginError(400, "unauthorized_client", 700016, text)
    if not hmac.compare_digest(form.get("client_secret", "").encode(), world.secrets.azure_client_secret.encode()):
        text = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client}'."
        )
        raise LoginError(401, "invalid_client", 7000215, text)
    scope = form.get("scope", "")
    if scope.split(" ")[0].removesuffix("/.default").rstrip("/") not in _AUDIENCES:
        text = f"The resource principal named {scope.removesuffix('/.default')} was not found in the tenant named {tenant}."
        raise LoginError(400, "invalid_resource", 500011, text)
    token = {"token_type": "Bearer", "expires_in": _LIFETIME, "ext_expires_in": _LIFETIME, "access_token": world.secrets.azure_bearer}
    return json_response(token, 200, [("cache-control", "no-store, no-cache"), ("pragma", "no-cache")])


def _configuration(tenant: str) -> dict[str, object]:
    base = f"https://{LOGIN_HOST}/{tenant}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "response_types_supported": ["token"],
        "tenant_region_scope": "NA",
        "cloud_instance_name": "microsoftonline.com",
    }


def _discovery(authorization_endpoint: str) -> dict[str, object]:
    tenant = authorization_endpoint.removeprefix(f"https://{LOGIN_HOST}/").partition("/")[0] or "common"
    return {
        "tenant_discovery_endpoint": f"https://{LOGIN_HOST}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": LOGIN_HOST, "preferred_cache": "login.windows.net", "aliases": _ALIASES}],
    }
