"""The world's cloud, driven by the stock azure-identity and azure-mgmt-compute through the front door, by environment alone."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute.models import RunCommandInput, VirtualMachineRunCommand
from cloudworld import CloudWorld, cloud_world, has_ended, runs

from nexy_tui.rehearsal.cloud.commands import RunCommandEndpoint

GROUP, VM = "NetworkWatcherRG", "Nexy"
SCOPE = "https://management.azure.com/.default"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path_factory.mktemp("cloud")) as made:
        yield made


@pytest.fixture
def place(shared: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> CloudWorld:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("AZURE_", "SSL_CERT")):
            monkeypatch.delenv(name)
    for name, value in shared.client().items():
        monkeypatch.setenv(name, value)
    return shared


@pytest.fixture
def client(place: CloudWorld) -> Iterator[ComputeManagementClient]:
    with ComputeManagementClient(DefaultAzureCredential(), place.world.azure.subscription) as made:
        yield made


def act(client: ComputeManagementClient, *lines: str, **more: Any) -> str:
    asked = RunCommandInput({"commandId": "RunShellScript", "script": list(lines), **more})
    poller = client.virtual_machines.begin_run_command(GROUP, VM, asked)
    result: Any = poller.result(60)
    assert poller.status() == "Succeeded"
    (entry,) = result.value
    assert (entry.code, entry.display_status) == ("ProvisioningState/succeeded", "Provisioning succeeded")
    return str(entry.message)


def put(client: ComputeManagementClient, name: str, script: str, **properties: Any) -> Any:
    said = {"source": {"script": script}, "timeoutInSeconds": 60, **properties}
    body = VirtualMachineRunCommand({"location": "canadacentral", "properties": said})
    client.virtual_machine_run_commands.begin_create_or_update(GROUP, VM, name, body).result(60)
    return client.virtual_machine_run_commands.get_by_virtual_machine(GROUP, VM, name, expand="instanceView").properties


def test_an_action_answers_in_azures_form_and_without_the_sdks_thirty_second_wait(client: ComputeManagementClient) -> None:
    began = time.monotonic()
    message = act(client, "sleep 0.3", "echo out", "echo err >&2")
    assert message == "Enable succeeded: \n[stdout]\nout\n\n[stderr]\nerr\n"
    assert time.monotonic() - began < 10


def test_an_action_succeeds_whatever_its_exit_status(client: ComputeManagementClient) -> None:
    assert act(client, "echo before", "exit 123") == "Enable succeeded: \n[stdout]\nbefore\n\n[stderr]\n"


def test_each_stream_is_cut_to_its_last_4096_bytes(client: ComputeManagementClient) -> None:
    message = act(client, "for i in $(seq 10000 11999); do echo $i; echo e$i >&2; done")
    out, _, err = message.removeprefix("Enable succeeded: \n[stdout]\n").partition("\n[stderr]\n")
    assert (len(out), len(err)) == (4096, 4096)
    assert out.endswith("11998\n11999\n")
    assert err.endswith("e11999\n")


def test_parameters_of_an_action_are_variables_and_arguments(client: ComputeManagementClient) -> None:
    message = act(client, 'echo "$who:$1:$2"', parameters=[{"name": "who", "value": "me"}, {"name": "arg2", "value": "two words"}])
    assert "me:me:two words\n" in message


def test_the_script_runs_in_the_agents_folder_with_a_clean_environment(
    client: ComputeManagementClient, monkeypatch: pytest.MonkeyPatch, place: CloudWorld
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    message = act(client, 'echo "${LEAKED-no} $HOME $PWD"; test -t 0 || read -r line || echo closed')
    root = place.world.vm
    assert f"no {root}/root {root}/var/lib/waagent/run-command/download/" in message
    assert "closed" in message


def test_a_managed_command_tells_exit_status_output_and_times(client: ComputeManagementClient) -> None:
    view = put(client, "status", "echo out; echo err >&2; exit 7").instance_view
    assert (view.execution_state, view.exit_code, view.output, view.error) == ("Failed", 7, "out\n", "err\n")
    assert view.start_time is not None and view.end_time is not None and view.start_time <= view.end_time


def test_a_managed_command_fails_the_deployment_only_when_asked_to(client: ComputeManagementClient) -> None:
    assert put(client, "lenient", "exit 1").provisioning_state == "Succeeded"
    with pytest.raises(HttpResponseError, match="exit status=1"):
        put(client, "strict", "exit 1", treatFailureAsDeploymentFailure=True)


def test_protected_parameters_reach_the_script_and_nothing_else(client: ComputeManagementClient, place: CloudWorld) -> None:
    secret = "s3cret-" + "x" * 20
    properties = put(
        client,
        "protected",
        'echo "${#PASSWORD} $OPEN"',
        parameters=[{"name": "OPEN", "value": "plain"}],
        protectedParameters=[{"name": "PASSWORD", "value": secret}],
    )
    assert properties.instance_view.output == f"{len(secret)} plain\n"
    assert properties.parameters[0].value == "plain"
    assert not properties.protected_parameters
    (listed,) = [each for each in client.virtual_machine_run_commands.list_by_virtual_machine(GROUP, VM) if each.name == "protected"]
    assert listed.properties is not None and not listed.properties.protected_parameters
    found = subprocess.run(["grep", "-rlF", secret, str(place.world.dir)], check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (1, "")


def test_a_script_out_of_time_is_ended_with_all_it_started(client: ComputeManagementClient) -> None:
    sleep = ("sleep", f"61.{os.getpid()}")
    view = put(client, "slow", f"{' '.join(sleep)} & wait", timeoutInSeconds=1).instance_view
    assert (view.execution_state, view.exit_code) == ("TimedOut", -1)
    assert has_ended(*sleep)


def test_one_script_at_a_time(client: ComputeManagementClient, place: CloudWorld) -> None:
    gate = place.world.vm / "tmp" / "gate"
    first = client.virtual_machines.begin_run_command(
        GROUP, VM, RunCommandInput(command_id="RunShellScript", script=[f"while [ ! -e {gate} ]; do sleep 0.05; done; echo done"])
    )
    for attempt in (lambda: act(client, "echo second"), lambda: put(client, "second", "echo second")):
        with pytest.raises(ResourceExistsError) as caught:
            attempt()
        assert caught.value.error is not None
        assert caught.value.error.code == "Conflict"
        assert "Run command extension execution is in progress" in caught.value.message
    gate.touch()
    result: Any = first.result(60)
    assert "done" in result.value[0].message
    assert "again" in act(client, "echo again")


def test_the_busy_fault_strikes_as_often_as_it_is_told(client: ComputeManagementClient, place: CloudWorld) -> None:
    place.faults.switch("run-command-busy", True, "2")
    for _ in range(2):
        with pytest.raises(ResourceExistsError, match="is in progress"):
            act(client, "echo no")
    assert "yes" in act(client, "echo yes")


def test_the_busy_fault_without_a_number_lasts_until_it_is_off(client: ComputeManagementClient, place: CloudWorld) -> None:
    place.faults.switch("run-command-busy", True)
    try:
        for _ in range(3):
            with pytest.raises(ResourceExistsError):
                act(client, "echo no")
    finally:
        place.faults.switch("run-command-busy", False)
    assert "yes" in act(client, "echo yes")


def test_deleting_a_managed_command_ends_its_script(client: ComputeManagementClient, place: CloudWorld) -> None:
    sleep = ("sleep", f"62.{os.getpid()}")
    put(client, "endless", f"{' '.join(sleep)}; true", asyncExecution=True)
    while not runs(*sleep):
        time.sleep(0.02)
    client.virtual_machine_run_commands.begin_delete(GROUP, VM, "endless").result(60)
    assert has_ended(*sleep)
    with pytest.raises(ResourceNotFoundError):
        client.virtual_machine_run_commands.get_by_virtual_machine(GROUP, VM, "endless")
    assert "free" in act(client, "echo free")


def test_the_vm_is_seen_to_run(client: ComputeManagementClient) -> None:
    seen: Any = client.virtual_machines.get(GROUP, VM, expand="instanceView")
    assert seen.properties.os_profile.computer_name == "Nexy"
    assert "PowerState/running" in [status.code for status in seen.properties.instance_view.statuses]
    view: Any = client.virtual_machines.instance_view(GROUP.upper(), VM.lower())
    assert "PowerState/running" in [status.code for status in view.statuses]


@pytest.mark.parametrize(
    ("subscription", "group", "name", "code"),
    [
        ("11111111-2222-3333-4444-555555555555", GROUP, VM, "SubscriptionNotFound"),
        ("", "OtherGroup", VM, "ResourceGroupNotFound"),
        ("", GROUP, "Other", "ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_named(place: CloudWorld, subscription: str, group: str, name: str, code: str) -> None:
    with (
        ComputeManagementClient(EnvironmentCredential(), subscription or place.world.azure.subscription) as client,
        pytest.raises(ResourceNotFoundError) as caught,
    ):
        client.virtual_machines.begin_run_command(group, name, {"commandId": "RunShellScript", "script": ["true"]})
    assert caught.value.error is not None
    assert caught.value.error.code == code


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"client_secret": "wrong"}, "AADSTS7000215"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "AADSTS700016"),
        ({"tenant_id": "11111111-2222-3333-4444-555555555555"}, "double check your tenant name"),
    ],
)
def test_a_wrong_credential_is_refused_as_entra_does(place: CloudWorld, wrong: dict[str, str], number: str) -> None:
    made = place.world.azure
    right = {"tenant_id": made.tenant, "client_id": made.client, "client_secret": place.world.secrets.azure_client_secret}
    with pytest.raises((ClientAuthenticationError, ValueError)) as caught:
        ClientSecretCredential(**(right | wrong)).get_token(SCOPE)
    assert number in str(caught.value)


def arm(place: CloudWorld, method: str, path: str, body: Any = None, version: str = "2026-04-01") -> httpx.Response:
    """A request as `az` makes it, past the SDK."""
    url = f"https://management.azure.com/subscriptions/{place.world.azure.subscription}{path}"
    token = {"Authorization": f"Bearer {place.world.secrets.azure_bearer}"}
    trust = ssl.create_default_context(cafile=str(place.world.ca))
    query = {"api-version": version} if version else {}
    return httpx.request(method, url, params=query, json=body, headers=token, verify=trust)


def test_the_group_and_the_machines_are_listed_as_az_asks(place: CloudWorld, client: ComputeManagementClient) -> None:
    """`az group show`, `az group exists`, `az group list`, `az vm list` with and without a group."""
    group = arm(place, "GET", f"/resourcegroups/{GROUP.upper()}").json()
    assert (group["name"], group["location"], group["properties"]["provisioningState"]) == (GROUP, "canadacentral", "Succeeded")
    assert arm(place, "HEAD", f"/resourcegroups/{GROUP}").status_code == 204
    assert arm(place, "HEAD", "/resourcegroups/Other").status_code == 404
    assert arm(place, "GET", "/resourcegroups").json()["value"] == [group]
    for machines in (client.virtual_machines.list_all(), client.virtual_machines.list(GROUP)):
        assert [(machine.name, machine.location) for machine in machines] == [(VM, "canadacentral")]
    with pytest.raises(ResourceNotFoundError) as caught:
        list(client.virtual_machines.list("Other"))
    assert caught.value.error is not None and caught.value.error.code == "ResourceGroupNotFound"


COMMAND = f"/resourceGroups/{GROUP}/providers/Microsoft.Compute/virtualMachines/{VM}/runCommands/here"


@pytest.mark.parametrize(
    ("method", "path", "body", "version", "status", "code"),
    [
        ("PUT", COMMAND, {"properties": {"source": {"script": "true"}}}, "2026-04-01", 400, "LocationRequired"),
        ("PUT", COMMAND, [], "2026-04-01", 400, "InvalidRequestContent"),
        ("GET", f"/resourceGroups/{GROUP}", None, "", 400, "MissingApiVersionParameter"),
        ("GET", f"/resourceGroups/{GROUP}", None, "latest", 400, "InvalidApiVersionParameter"),
        ("GET", "/resourceGroups/Other", None, "2026-04-01", 404, "ResourceGroupNotFound"),
        ("GET", COMMAND, None, "2026-04-01", 404, "NotFound"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_arms_form(
    place: CloudWorld, method: str, path: str, body: Any, version: str, status: int, code: str
) -> None:
    answer = arm(place, method, path, body, version)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"] and answer.headers["x-ms-request-id"]


def test_nothing_is_told_without_the_worlds_token(place: CloudWorld) -> None:
    url = f"https://management.azure.com/subscriptions/{place.world.azure.subscription}?api-version=2026-04-01"
    for headers, code in (({}, "AuthenticationFailed"), ({"Authorization": "Bearer other"}, "InvalidAuthenticationToken")):
        answer = httpx.get(url, headers=headers, verify=ssl.create_default_context(cafile=str(place.world.ca)))
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == code


def test_managed_commands_come_back_with_the_world(client: ComputeManagementClient, place: CloudWorld) -> None:
    put(client, "kept", "echo kept")
    again = RunCommandEndpoint(place.world, place.faults).managed()
    assert again["kept"]["view"]["output"] == "kept\n"
