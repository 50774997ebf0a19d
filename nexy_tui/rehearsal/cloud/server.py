"""The world's cloud: the login host, and as much of Azure Resource Manager as run-command needs, for one subscription with one VM."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from nexy_tui.rehearsal.cloud.commands import RUN_COMMAND_BUSY, RUN_COMMAND_SLOW, ArmError, Operation, RunCommandEndpoint
from nexy_tui.rehearsal.cloud.login import SECRET_EXPIRED, login
from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import ARM_HOST, LOGIN_HOST, World
from nexy_tui.rehearsal.net.wire import Handler, Request, Response, json_response

VM_DEALLOCATED = Fault("vm-deallocated", "ready", "Azure has switched the VM off: it is found, and takes no run-command.")
FAULTS: tuple[Fault, ...] = (SECRET_EXPIRED, VM_DEALLOCATED, RUN_COMMAND_BUSY, RUN_COMMAND_SLOW)

LOCATION = "canadacentral"
POLL_MILLISECONDS = 2000
"""How soon a client should ask again. Given in milliseconds only: a `Retry-After` is whole seconds, and 0 means the client's own 30."""
_HOLD = 1.0
"""Seconds for which the answer "still in progress" is held back, for clients whose every wait is divided."""

_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def handlers(world: World, faults: Faults) -> dict[str, Handler]:
    """Login and management, by host name."""
    manager = ResourceManager(world, RunCommandEndpoint(world, faults), faults)

    async def login_host(request: Request) -> Response:
        return await login(world, faults, request)

    return {LOGIN_HOST: login_host, ARM_HOST: manager.answer}


@dataclass(frozen=True, slots=True)
class ResourceManager:
    """Answers management.azure.com for the world's VM."""

    world: World
    commands: RunCommandEndpoint
    faults: Faults

    async def answer(self, request: Request) -> Response:
        """Answer one request, errors in ARM's form."""
        try:
            self._authenticate(request)
            response = await self._route(request)
        except ArmError as error:
            challenge = [("www-authenticate", f'Bearer authorization_uri="https://{LOGIN_HOST}/{self.world.azure.tenant}"')]
            document = {"error": {"code": error.code, "message": error.message}}
            response = json_response(document, error.status, challenge if error.status == 401 else [])
        return Response(response.status, [*response.headers, ("x-ms-request-id", str(uuid.uuid4()))], response.body)

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self.world.secrets.azure_bearer.encode()):
            raise ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if not request.query.get("api-version"):
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", text)
        if _VERSION.fullmatch(request.query["api-version"]) is None:
            raise ArmError(400, "InvalidApiVersionParameter", f"The api-version '{request.query['api-version']}' is invalid.")

    async def _route(self, request: Request) -> Response:
        match request.path.strip("/").split("/"):
            case ["subscriptions"] if request.method == "GET":
                return json_response({"value": [self._subscription()], "count": {"type": "Total", "value": 1}})
            case ["tenants"] if request.method == "GET":
                tenant = self.world.azure.tenant
                return json_response({"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, "tenantCategory": "Home"}]})
            case ["subscriptions", subscription, *rest]:
                self._check_subscription(subscription)
                return await self._in_subscription(request, rest)
            case _:
                raise _no_such_route(request)

    async def _in_subscription(self, request: Request, rest: list[str]) -> Response:
        parts = [part.lower() for part in rest]
        if parts[:1] == ["resourcegroups"] and len(parts) > 1:
            self._check_group(rest[1], parts[1])
        if request.method in ("GET", "HEAD") and (listed := self._listed(parts, _with_view(request))) is not None:
            return json_response(listed) if request.method == "GET" else Response(204)
        match parts:
            case ["providers", "microsoft.compute", "locations", _, "operations", operation] if request.method == "GET":
                return await self._poll(request, operation)
            case ["resourcegroups", _, "providers", "microsoft.compute", "virtualmachines", name, *tail]:
                self._check_vm(rest[1], rest[5], name)
                return await self._in_vm(request, tail, rest[-1])
            case _:
                raise _no_such_route(request)

    def _listed(self, parts: list[str], with_view: bool) -> dict[str, Any] | None:
        """The subscription, its groups and its machines; None for any other path."""
        match parts:
            case []:
                return self._subscription()
            case ["resourcegroups"]:
                return {"value": [self._group()]}
            case ["resourcegroups", _]:
                return self._group()
            case ["providers", "microsoft.compute", "virtualmachines"]:
                return {"value": [self._vm(with_view)]}
            case ["resourcegroups", _, "providers", "microsoft.compute", "virtualmachines"]:
                return {"value": [self._vm(with_view)]}
        return None

    async def _in_vm(self, request: Request, tail: list[str], last: str) -> Response:
        match request.method, tail:
            case "GET", []:
                return json_response(self._vm(_with_view(request)))
            case "GET", ["instanceview"]:
                return json_response(self._instance_view())
            case ("POST", ["runcommand"]) | ("PUT", ["runcommands", _]) if self.faults.active(VM_DEALLOCATED.name):
                raise ArmError(409, "OperationNotAllowed", "Cannot modify extensions in the VM when the VM is not running.")
            case "POST", ["runcommand"]:
                operation = self.commands.act(await _document(request))
                return Response(202, self._follow(operation, located=True))
            case "GET", ["runcommands"]:
                names = self.commands.managed()
                return json_response({"value": [self._managed(name, request) for name in names]})
            case _, ["runcommands", _]:
                return await self._in_managed(request, last)
            case _:
                raise _no_such_route(request)

    async def _in_managed(self, request: Request, name: str) -> Response:
        match request.method:
            case "PUT":
                operation, new = self.commands.put(name, await _document(request))
                return json_response(self._managed(name, request), 201 if new else 200, self._follow(operation))
            case "GET":
                return json_response(self._managed(name, request))
            case "DELETE":
                return Response(200 if await self.commands.delete(name) else 204)
            case _:
                raise _no_such_route(request)

    # --- operations ---

    def _follow(self, operation: Operation, *, located: bool = False) -> list[tuple[str, str]]:
        place = f"/subscriptions/{self.world.azure.subscription}/providers/Microsoft.Compute/locations/{LOCATION}/operations/{operation.id}"
        url = f"https://{ARM_HOST}{place}?{urlencode({'api-version': '2026-04-01'})}"
        headers = [("azure-asyncoperation", url), ("x-ms-retry-after-ms", str(POLL_MILLISECONDS))]
        return [*headers, ("location", f"{url}&monitor=true")] if located else headers

    async def _poll(self, request: Request, name: str) -> Response:
        operation = self.commands.operations.get(name)
        if operation is None:
            raise ArmError(404, "NotFound", f"The entity was not found: operation {name}.")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(operation.over.wait(), _HOLD)
        again = [] if operation.ended is not None else [("x-ms-retry-after-ms", str(POLL_MILLISECONDS))]
        if request.query.get("monitor") != "true":
            return json_response(operation.document(), 200, again)
        if operation.ended is None:
            return Response(202, self._follow(operation, located=True))
        if operation.error is not None:
            return json_response({"error": operation.error}, 409)
        return json_response(operation.output, 200)

    # --- resources ---

    def _check_subscription(self, subscription: str) -> None:
        if _GUID.fullmatch(subscription) is None:
            text = f"The provided subscription identifier '{subscription}' is malformed or invalid."
            raise ArmError(400, "InvalidSubscriptionId", text)
        if subscription.lower() != self.world.azure.subscription:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    def _check_group(self, group: str, group_lower: str) -> None:
        if group_lower != self.world.target.vm.resource_group.lower():
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def _check_vm(self, group: str, name: str, name_lower: str) -> None:
        if name_lower != self.world.target.vm.name.lower():
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.Compute/virtualMachines/{name}' under resource group '{group}' was not found. "
                "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )

    def _subscription(self) -> dict[str, Any]:
        made = self.world.azure
        return {
            "id": f"/subscriptions/{made.subscription}",
            "subscriptionId": made.subscription,
            "tenantId": made.tenant,
            "displayName": "Rehearsal",
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
        }

    def _group(self) -> dict[str, Any]:
        name, state = self.world.target.vm.resource_group, {"provisioningState": "Succeeded"}
        kind = "Microsoft.Resources/resourceGroups"
        return {"id": self._group_id, "name": name, "type": kind, "location": LOCATION, "tags": {}, "properties": state}

    @property
    def _group_id(self) -> str:
        return f"/subscriptions/{self.world.azure.subscription}/resourceGroups/{self.world.target.vm.resource_group}"

    @property
    def _vm_id(self) -> str:
        return f"{self._group_id}/providers/Microsoft.Compute/virtualMachines/{self.world.target.vm.name}"

    def _vm(self, with_view: bool) -> dict[str, Any]:
        name = self.world.target.vm.name
        properties: dict[str, Any] = {
            "vmId": str(uuid.uuid5(uuid.NAMESPACE_URL, self.world.id)),
            "hardwareProfile": {"vmSize": "Standard_B2s"},
            "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "FromImage"}},
            "osProfile": {"computerName": name, "adminUsername": "azureuser"},
            "provisioningState": "Succeeded",
        }
        if with_view:
            properties["instanceView"] = self._instance_view()
        kind = "Microsoft.Compute/virtualMachines"
        return {"id": self._vm_id, "name": name, "type": kind, "location": LOCATION, "properties": properties}

    def _instance_view(self) -> dict[str, Any]:
        def status(code: str, text: str) -> dict[str, str]:
            return {"code": code, "level": "Info", "displayStatus": text}

        off = self.faults.active(VM_DEALLOCATED.name)
        power = status("PowerState/deallocated", "VM deallocated") if off else status("PowerState/running", "VM running")
        agent = {"vmAgentVersion": "2.11.1.4", "statuses": [status("ProvisioningState/succeeded", "Ready")]}
        return {
            "computerName": "Nexy",
            "osName": "ubuntu",
            "vmAgent": agent,
            "statuses": [status("ProvisioningState/succeeded", "Provisioning succeeded"), power],
        }

    def _managed(self, name: str, request: Request) -> dict[str, Any]:
        resource = self.commands.managed().get(name)
        if resource is None:
            text = f"The entity was not found: run command '{name}' of VM '{self.world.target.vm.name}'."
            raise ArmError(404, "NotFound", text)
        properties = dict(resource["properties"])
        if _with_view(request):
            properties["instanceView"] = resource["view"]
        return {
            "id": f"{self._vm_id}/runCommands/{name}",
            "name": name,
            "type": "Microsoft.Compute/virtualMachines/runCommands",
            "location": resource["location"],
            "tags": resource["tags"],
            "properties": properties,
        }


def _with_view(request: Request) -> bool:
    return "instanceview" in request.query.get("$expand", "").lower()


async def _document(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(await request.read())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
    return document


def _no_such_route(request: Request) -> ArmError:
    return ArmError(404, "NotFound", f"The world's cloud has no {request.method} {request.path}.")
