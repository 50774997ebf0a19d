"""Run-command on the VM through the stock Azure SDK (contracts: Azure run-command; rulebook phase 3 and 4.6).

The SDK takes proxy, CA and credentials from the process's environment (DefaultAzureCredential). Every wait of its polling
goes through the one clock. What Azure calls success says nothing about the script: the caller judges the output.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from nexy_tui.config.keys import SUBSCRIPTION
from nexy_tui.core.clock import Clock
from nexy_tui.core.event import Emit, Waiting, silent
from nexy_tui.core.given import lent
from nexy_tui.core.problem import Cancelled, CouldNotLook, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.target import Target
from nexy_tui.core.text import printable
from nexy_tui.services.azure_errors import A_SUBSCRIPTION, Busy, problem_of

if TYPE_CHECKING:
    from azure.core.polling import LROPoller
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.compute import ComputeManagementClient

POLL_EVERY = 2.0
"""Seconds between polls where Azure names no Retry-After; the SDK's own default of 30 would dominate a short script."""

BUSY_RETRY = 15.0
"""Seconds between two tries while another command holds the VM's one slot."""

PATIENCE = 600.0
"""Seconds of waiting for a busy VM before giving up, for whoever is going to change it."""

MANAGED_NAME = "nexy-tui"
"""One managed run-command resource, used again each time, so that none pile up on the VM (Azure allows 25)."""

_CONNECT_TRIES = 3
_LOOK_EVERY = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ManagedOutput:
    """How a managed run-command ended. `exit` is None where Azure does not say."""

    exit: int | None
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A VM of a subscription. `power` is Azure's word (`running`, `deallocated`), empty where it does not say."""

    subscription: str
    location: str
    power: str


class RunCommands:
    """Sends scripts to the target's VM, one at a time, and brings back what they printed."""

    def __init__(self, target: Target, environ: Mapping[str, str], clock: Clock) -> None:
        self._vm = target.vm
        self._environ = environ
        self._subscription = target.vm.subscription or environ.get("AZURE_SUBSCRIPTION_ID", "")
        self._clock = clock
        self._turn = threading.Lock()
        self._credential: DefaultAzureCredential | None = None

    @property
    def where(self) -> str:
        """The VM, for people: resource group and name."""
        return f"{self._vm.resource_group}/{self._vm.name}"

    def look(self) -> Machine:
        """The VM as Azure has it; its slot is not taken. Raises CouldNotLook (Denied for what is wrong), Unusable without credentials."""
        with self._client() as client:
            found = client.virtual_machines.get(self._vm.resource_group, self._vm.name, expand="instanceView")
        view = found.instance_view
        codes = [status.code or "" for status in (view.statuses if view is not None else None) or []]
        power = next((code.partition("/")[2] for code in codes if code.startswith("PowerState/")), "")
        return Machine(self._subscription, found.location or "", power)

    def action(
        self,
        script: str,
        *,
        timeout: float,
        patience: float = PATIENCE,
        emit: Emit = silent,
        cancelled: Callable[[], bool] | None = None,
        begun: Callable[[], None] | None = None,
    ) -> str:
        """Run a script by the action kind (RunShellScript) and return Azure's message with both outputs in it.

        Waits up to `patience` seconds of the clock for a busy VM, then raises Busy; raises CouldNotLook when the outcome
        cannot be known, Unusable without credentials, Cancelled while waiting (the script itself cannot be cancelled).
        `begun` is called once Azure has taken the command: from then on it runs to its end.
        """
        from azure.mgmt.compute import models

        body = models.RunCommandInput(command_id="RunShellScript", script=script.split("\n"))

        def begin(client: ComputeManagementClient) -> LROPoller[Any]:
            return client.virtual_machines.begin_run_command(
                self._vm.resource_group, self._vm.name, body, polling=_polling(), retry_total=0
            )

        result = self._execute(begin, timeout=timeout, patience=patience, emit=emit, cancelled=cancelled, begun=begun)
        entries = result.value or [] if result is not None else []
        if len(entries) != 1 or entries[0].message is None:
            raise CouldNotLook(
                f"Azure ended the command on {self.where} with {len(entries)} results, where one is expected.",
                "What the script did is unknown.",
                "Look at the VM's activity log in the portal, then run again.",
            )
        return str(entries[0].message)

    def managed(
        self,
        script: str,
        protected: Mapping[str, Secret],
        *,
        timeout: float,
        patience: float = PATIENCE,
        emit: Emit = silent,
        cancelled: Callable[[], bool] | None = None,
        begun: Callable[[], None] | None = None,
    ) -> ManagedOutput:
        """Run a script by the managed kind: `protected` reaches it as environment variables nobody can read afterwards."""
        from azure.mgmt.compute import models

        group, name = self._vm.resource_group, self._vm.name
        properties = models.VirtualMachineRunCommandProperties(
            source=models.VirtualMachineRunCommandScriptSource(script=script),
            protected_parameters=[models.RunCommandInputParameter(name=key, value=value.reveal()) for key, value in protected.items()],
            timeout_in_seconds=int(timeout),
            async_execution=False,
        )

        def begin(client: ComputeManagementClient) -> LROPoller[Any]:
            location = client.virtual_machines.get(group, name).location
            body = models.VirtualMachineRunCommand(location=location, properties=properties)
            return client.virtual_machine_run_commands.begin_create_or_update(
                group, name, MANAGED_NAME, body, polling=_polling(), retry_total=0
            )

        secrets = tuple(protected.values())
        self._execute(begin, timeout=timeout, patience=patience, emit=emit, cancelled=cancelled, begun=begun, secrets=secrets)
        with self._client(secrets) as client:
            view = client.virtual_machine_run_commands.get_by_virtual_machine(group, name, MANAGED_NAME, expand="instanceView")
        seen = view.properties.instance_view if view.properties is not None else None
        if seen is None:
            raise CouldNotLook(
                f"Azure keeps no result of the command on {self.where}.",
                "What the script did is unknown.",
                "Look at the VM, then run again.",
            )
        return ManagedOutput(seen.exit_code, seen.output or "", seen.error or "")

    def _execute(
        self,
        begin: Callable[[ComputeManagementClient], LROPoller[Any]],
        *,
        timeout: float,
        patience: float,
        emit: Emit,
        cancelled: Callable[[], bool] | None,
        begun: Callable[[], None] | None,
        secrets: tuple[Secret, ...] = (),
    ) -> Any:
        """Begin an operation, waiting while the VM is busy, and follow it to its end."""
        waited = 0.0
        while True:
            try:
                with self._ours(cancelled), self._client(secrets) as client:
                    poller = self._begin(lambda: begin(client))
                    if begun is not None:
                        begun()
                    return self._follow(poller, timeout, cancelled)
            except Busy:
                if waited >= patience:
                    raise
                delay = min(BUSY_RETRY, patience - waited)
                emit(Waiting(f"{self.where} runs another command (one at a time); trying again", delay))
                self._clock.sleep(delay, cancelled)
                waited += delay

    @contextmanager
    def _ours(self, cancelled: Callable[[], bool] | None) -> Iterator[None]:
        """Looks and actions of this process take turns, so that they do not find each other's commands in the way."""
        while not self._turn.acquire(timeout=_LOOK_EVERY):
            if cancelled is not None and cancelled():
                raise Cancelled(f"The operator stopped waiting for {self.where}.", "Nothing was started there.", "Start it again.")
        try:
            yield
        finally:
            self._turn.release()

    def _begin(self, begin: Callable[[], LROPoller[Any]]) -> LROPoller[Any]:
        """Begin; again only where the request never left, so that no script runs twice."""
        from azure.core.exceptions import ServiceRequestError

        for _ in range(_CONNECT_TRIES - 1):
            try:
                return begin()
            except ServiceRequestError:
                self._clock.sleep(POLL_EVERY)
        return begin()

    def _follow(self, poller: LROPoller[T], timeout: float, cancelled: Callable[[], bool] | None) -> T:
        """Wait for a long-running operation; the SDK polls in a thread of its own, which ends with the client."""
        deadline = self._clock.monotonic() + timeout
        while not poller.done():
            poller.wait(_LOOK_EVERY)
            if poller.done():
                break
            if cancelled is not None and cancelled():
                raise Cancelled(
                    f"The operator stopped waiting for {self.where}.",
                    "The command goes on there: run-command cannot be cancelled.",
                    "Look again when it has ended.",
                )
            if self._clock.monotonic() > deadline:
                raise CouldNotLook(
                    f"The command on {self.where} has not ended within {timeout:.0f} s.",
                    "Run-command cannot be cancelled: it may still be at work.",
                    "Wait until the VM is free again, look at its state, then go on.",
                )
        return poller.result()

    @contextmanager
    def _client(self, secrets: tuple[Secret, ...] = ()) -> Iterator[ComputeManagementClient]:
        """A client of its own, closed at the end; Azure's errors leave as Problems."""
        if not self._subscription:
            raise Unusable(
                "The Azure subscription of the VM is not known.",
                "Deploying and looking at the VM go through it.",
                "Set AZURE_SUBSCRIPTION_ID, or target.vm.subscription in the configuration (`az account show --query id`).",
            )
        if SUBSCRIPTION.fullmatch(self._subscription) is None:
            raise Unusable(
                f"{printable(self._subscription, 60)!r} is no Azure subscription's id.", "The VM is looked for in it.", A_SUBSCRIPTION
            )
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential
        from azure.mgmt.compute import ComputeManagementClient

        if self._credential is None:
            logging.getLogger("azure").addHandler(logging.NullHandler())  # Else its warnings reach the terminal the wizard draws on.
            try:
                with lent(self._environ, "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"):
                    self._credential = DefaultAzureCredential()
            except ValueError as error:
                raise Unusable(
                    f"The AZURE_* variables are half set: {error}.",
                    "Azure's client takes them for a credential, and cannot use them.",
                    "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or unset all three and log in: az login",
                ) from None
        stop = threading.Event()
        transport = _transport(self._clock, stop)
        try:
            with ComputeManagementClient(self._credential, self._subscription, transport=transport, polling_interval=POLL_EVERY) as client:
                yield client
        except AzureError as error:
            raise problem_of(error, self.where, self._environ, secrets) from None
        finally:
            stop.set()


def _polling() -> Any:
    from azure.mgmt.core.polling.arm_polling import ARMPolling

    return ARMPolling(POLL_EVERY)


def _transport(clock: Clock, stop: threading.Event) -> Any:
    """The SDK's own transport, its sleeps taken by the clock, and ended when nobody waits for the answer any more."""
    from azure.core.pipeline.transport import RequestsTransport

    class ClockTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it through a module-level __getattr__.
        def sleep(self, duration: float) -> None:
            clock.sleep(duration, stop.is_set)

    return ClockTransport()
