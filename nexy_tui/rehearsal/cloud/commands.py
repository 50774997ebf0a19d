"""Run-command, both kinds: the action (`RunShellScript`) and the managed resource. One script at a time, on the world's one VM.

Azure says "succeeded" when its agent ran the script, whatever the script's exit status was: the action never tells the
status, the managed kind has it in its instance view (contracts: Azure run-command).
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nexy_tui.rehearsal.fault import Fault, Faults
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.vm import machine as vm
from nexy_tui.rehearsal.vm.files import VmFiles
from nexy_tui.rehearsal.vm.scripts import LONGEST, ScriptJob, ScriptOutcome

RUN_COMMAND_BUSY = Fault(
    "run-command-busy",
    "deploy",
    "The VM's run-command slot is taken: requests are answered 409 Conflict, the given number of times or until switched off.",
    parameter="how many requests",
)

RUN_COMMAND_SLOW = Fault(
    "run-command-slow",
    "deploy",
    "Every run-command takes as long as it does in a real cloud: its answer is held back until the given seconds have passed.",
    parameter="seconds (default: 20)",
)

_BUSY = "Run command extension execution is in progress. Please wait for completion before invoking a run command."
_UNREADABLE = frozenset(("protectedParameters", "runAsPassword", "instanceView", "provisioningState"))
"""Properties of a managed run-command that are never given back as they were sent."""


class ArmError(Exception):
    """An error answer of Azure Resource Manager: HTTP status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(slots=True)
class Operation:
    """A long-running operation: what a client polls until it is over."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    status: str = "InProgress"
    output: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def end(self, output: dict[str, Any] | None = None, error: dict[str, str] | None = None) -> None:
        """Note how it ended."""
        self.ended, self.output, self.error = datetime.now(UTC), output, error
        self.status = "Succeeded" if error is None else "Failed"
        self.over.set()

    def document(self) -> dict[str, Any]:
        """What `Azure-AsyncOperation` answers."""
        document: dict[str, Any] = {"startTime": stamp(self.started), "status": self.status, "name": self.id}
        if self.ended is not None:
            document["endTime"] = stamp(self.ended)
        if self.output is not None:
            document["properties"] = {"output": self.output}
        if self.error is not None:
            document["error"] = self.error
        return document


class RunCommandEndpoint:
    """The VM's run-commands: its slot, the operations under way, and the managed resources, which outlive a restart of the world."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.operations: dict[str, Operation] = {}
        self._slot: asyncio.Task[None] | None = None
        self._holder = ""
        self._file = VmFiles(world.vm).managed
        self._managed: dict[str, dict[str, Any]] | None = None

    # --- the action ---

    def act(self, body: dict[str, Any]) -> Operation:
        """Start a script sent as an action. Raises ArmError when the slot is taken or the request makes no sense."""
        if body.get("commandId", "").lower() != "runshellscript":
            raise ArmError(400, "InvalidParameter", f"The command id '{body.get('commandId')}' is not known.")
        values = _named(body.get("parameters"))
        job = ScriptJob(_lines(body.get("script")), values, tuple(values.values()))
        self._claim()
        operation = self._new_operation()
        self._slot = asyncio.create_task(self._perform(operation, job))
        return operation

    async def _perform(self, operation: Operation, job: ScriptJob) -> None:
        try:
            outcome = await self._run(job)
        except Exception as error:
            operation.end(error={"code": "InternalExecutionError", "message": f"An internal execution error occurred: {error}"})
            return
        if outcome.exit is None:
            text = "Provisioning of VM extension RunCommandLinux has timed out."
            operation.end(error={"code": "VMExtensionProvisioningTimeout", "message": text})
            return
        message = f"Enable succeeded: \n[stdout]\n{outcome.stdout}\n[stderr]\n{outcome.stderr}"
        entry = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded", "message": message}
        operation.end({"value": [entry]})

    async def _run(self, job: ScriptJob) -> ScriptOutcome:
        """Run a script; while run-command-slow is on, its outcome is not told before its time."""
        due = asyncio.get_running_loop().time() + self._slowness()
        outcome = await vm.machine(self.world).run(job)
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        return outcome

    def _slowness(self) -> float:
        if not self.faults.active(RUN_COMMAND_SLOW.name):
            return 0.0
        try:
            return float(self.faults.param(RUN_COMMAND_SLOW.name, "20"))
        except ValueError:
            return 20.0

    # --- the managed kind ---

    def put(self, name: str, body: dict[str, Any]) -> tuple[Operation, bool]:
        """Create or replace a managed run-command and start its script; also whether the name is new."""
        if not body.get("location"):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        properties = body.get("properties") or {}
        script = (properties.get("source") or {}).get("script")
        if not isinstance(script, str):
            raise ArmError(400, "InvalidParameter", "Only a managed run-command whose source is a script can run here.")
        variables = _named(properties.get("parameters")) | _named(properties.get("protectedParameters"))
        job = ScriptJob(script, variables, timeout=float(properties.get("timeoutInSeconds") or LONGEST))
        self._claim()
        known = self.managed()
        new = name not in known
        kept = {key: value for key, value in properties.items() if key not in _UNREADABLE}
        resource = {
            "location": body["location"],
            "tags": body.get("tags") or {},
            "properties": kept | {"provisioningState": "Creating" if new else "Updating"},
            "view": {"executionState": "Running", "executionMessage": "Execution in progress", "startTime": stamp(datetime.now(UTC))},
        }
        known[name] = resource
        self._keep()
        operation = self._new_operation()
        if properties.get("asyncExecution"):
            resource["properties"]["provisioningState"] = "Succeeded"
            operation.end()
        self._holder = name
        self._slot = asyncio.create_task(self._perform_managed(operation, resource, job))
        return operation, new

    async def _perform_managed(self, operation: Operation, resource: dict[str, Any], job: ScriptJob) -> None:
        properties = resource["properties"]
        try:
            outcome = await self._run(job)
        except asyncio.CancelledError:
            operation.end(error={"code": "OperationPreempted", "message": "The run-command was deleted while its script ran."})
            raise
        except Exception as error:
            resource["view"] |= {"executionState": "Failed", "executionMessage": str(error), "endTime": stamp(datetime.now(UTC))}
            properties["provisioningState"] = "Failed"
            operation.end(error={"code": "InternalExecutionError", "message": f"An internal execution error occurred: {error}"})
        else:
            resource["view"] = _view(outcome)
            failed = outcome.exit != 0 and bool(properties.get("treatFailureAsDeploymentFailure"))
            properties["provisioningState"] = "Failed" if failed else "Succeeded"
            if operation.status == "InProgress":
                message = resource["view"]["executionMessage"]
                operation.end(error={"code": "VMRunCommandScriptFailed", "message": message} if failed else None)
        finally:
            self._keep()

    async def delete(self, name: str) -> bool:
        """Remove a managed run-command, ending its script if it runs. False when there is none of that name."""
        removed = self.managed().pop(name, None)
        if removed is None:
            return False
        if self._slot is not None and not self._slot.done() and self._holder == name:
            self._slot.cancel()
            await asyncio.wait([self._slot])
        self._keep()
        return True

    def managed(self) -> dict[str, dict[str, Any]]:
        """Every managed run-command by its name. What ran when the world went down has failed."""
        if self._managed is None:
            self._managed = json.loads(self._file.read_text(encoding="utf-8")) if self._file.is_file() else {}
            for resource in self._managed.values():
                if resource["view"]["executionState"] == "Running":
                    resource["view"] |= {"executionState": "Failed", "executionMessage": "The VM was switched off.", "exitCode": -1}
                    resource["properties"]["provisioningState"] = "Failed"
        return self._managed

    def _keep(self) -> None:
        temporary = self._file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.managed(), indent=1), encoding="utf-8")
        temporary.replace(self._file)

    def _claim(self) -> None:
        """Raise the 409 that Azure gives while a script runs on the VM."""
        if (self._slot is not None and not self._slot.done()) or self.faults.spend(RUN_COMMAND_BUSY.name):
            raise ArmError(409, "Conflict", _BUSY)
        self._holder = ""

    def _new_operation(self) -> Operation:
        operation = Operation()
        self.operations[operation.id] = operation
        return operation


def stamp(moment: datetime) -> str:
    """A time as Azure writes it."""
    return moment.isoformat(timespec="microseconds")


def _view(outcome: ScriptOutcome) -> dict[str, Any]:
    """The instance view of a script that has ended."""
    state, message = "Succeeded", "Execution completed"
    if outcome.exit is None:
        state, message = "TimedOut", "Script execution timed out"
    elif outcome.exit != 0:
        state, message = "Failed", f"Execution failed: failed to execute command: command terminated with exit status={outcome.exit}"
    return {
        "executionState": state,
        "executionMessage": message,
        "exitCode": -1 if outcome.exit is None else outcome.exit,
        "output": outcome.stdout,
        "error": outcome.stderr,
        "startTime": stamp(outcome.started),
        "endTime": stamp(outcome.ended),
        "statuses": [],
    }


def _named(parameters: Iterable[dict[str, Any]] | None) -> dict[str, str]:
    """Run-command's list of named values; a value without a name is called as az calls it, `arg1` onwards."""
    return {str(item.get("name") or f"arg{number}"): str(item.get("value", "")) for number, item in enumerate(parameters or (), 1)}


def _lines(script: object) -> str:
    if not isinstance(script, list) or not all(isinstance(part, str) for part in script):
        raise ArmError(400, "InvalidParameter", "The property 'script' must be a list of strings.")
    return "\n".join(script) + "\n"
