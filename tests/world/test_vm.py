"""The rehearsal VM: scripts written for the real one run on it unchanged, and leave nothing outside its directory."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.identity import EnvironmentCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute.models import RunCommandInput
from cloudworld import CloudWorld, cloud_world, has_ended, has_gone, runs

from nexy_tui.core.layout import Layout
from nexy_tui.rehearsal.names import CODE, NEXT, PREVIOUS
from nexy_tui.rehearsal.net import ports
from nexy_tui.rehearsal.vm import machine as vm
from nexy_tui.rehearsal.vm.rewrite import Rewrite
from nexy_tui.rehearsal.vm.scripts import ScriptJob

APP = "/home/azureuser/voice-assistant"
ENTER = f"cd {APP}; . venv/bin/activate; "

RULEBOOK = r"""
    set -e
    export HOME=/home/azureuser
    cd /home/azureuser/voice-assistant
    git config --global --add safe.directory /home/azureuser/voice-assistant
    git fetch --all --tags
    git checkout -f $TAG_NAME
    . venv/bin/activate
    if [ -f server/server/requirements.txt ]; then
      REQ_FILE=server/server/requirements.txt
    elif [ -f server/requirements.txt ]; then
      REQ_FILE=server/requirements.txt
    else
      REQ_FILE=requirements.txt
    fi
    pip install --upgrade -r $REQ_FILE
    if [ -f server/server/scripts/update_server_version.sh ]; then
      UPDATE_SCRIPT=server/server/scripts/update_server_version.sh
    else
      UPDATE_SCRIPT=server/scripts/update_server_version.sh
    fi
    chmod +x $UPDATE_SCRIPT
    VERSION=${TAG_NAME#v}
    $UPDATE_SCRIPT $VERSION || true
    if [ -f server/server/config.env ]; then
      sed -i "s/^SERVER_VERSION=.*/SERVER_VERSION=$VERSION/" server/server/config.env || true
      sed -i "s/^SERVER_BUILD=.*/SERVER_BUILD=$VERSION/" server/server/config.env || true
    fi
    if [ -f server/config.env ]; then
      sed -i "s/^SERVER_VERSION=.*/SERVER_VERSION=$VERSION/" server/config.env || true
      sed -i "s/^SERVER_BUILD=.*/SERVER_BUILD=$VERSION/" server/config.env || true
    fi
    sudo systemctl restart voice-assistant.service
    sleep 10
    sudo systemctl is-active voice-assistant.service
    curl -s http://127.0.0.1:8080/health
"""
"""The manual deploy of the rulebook's Phase 3, as it reaches the VM."""


@pytest.fixture(params=["flat", "nested"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path / "world") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path_factory.mktemp("vm")) as made:
        yield made


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def tag_next(place: CloudWorld) -> str:
    """Put the next release's tag on the code repository's branch, as a release does before it deploys."""
    git(place.world.bare(CODE), "tag", f"v{NEXT}", "main")
    return git(place.world.bare(CODE), "rev-parse", "main")


def health(place: CloudWorld) -> dict[str, Any]:
    answer = httpx.get(f"http://127.0.0.1:{place.world.ports['update']}/health")
    return dict(answer.json())


def test_it_stands_as_the_last_deploy_left_it(tmp_path: Path, layout: str) -> None:
    with cloud_world(tmp_path / "world", layout) as place:
        app, bare = place.world.vm_clone, place.world.bare(CODE)
        assert git(app, "rev-parse", "HEAD") == git(bare, "rev-parse", f"v{PREVIOUS}")
        four = [str(path) for path in Layout(layout, app).manifest_files(PREVIOUS)]
        assert git(app, "status", "--porcelain", "--", ":!server/updates", ":!server/server/updates") == ""
        assert len({(app / name).read_bytes() for name in four}) == 1
        assert json.loads((app / four[0]).read_bytes())["version"] == PREVIOUS
        assert git(app, "diff", "origin/HEAD", "--name-only", "--", *four) == ""
        for name in ("server/config.env", "server/server/config.env"):
            lines = (app / name).read_text().splitlines()
            assert {f"SERVER_VERSION={PREVIOUS}", f"SERVER_BUILD={PREVIOUS}", "SESSION_COOKIE_OPTIONS=Secure; SameSite=Lax; Path=/"} <= set(
                lines
            )
            assert any(line.startswith("GEMINI_API_KEY=AIza") for line in lines)
        assert health(place)["latest_version"] == PREVIOUS
        listed = place.run(ENTER + "pip list --format=freeze; python -m pip list --format=freeze; which pip python")
        assert listed.stdout.splitlines() == ["nexy-wire==1.0", "nexy-wire==1.0", f"{APP}/venv/bin/pip", f"{APP}/venv/bin/python"]


@pytest.mark.exhaustive
def test_the_rulebooks_own_script_deploys_through_the_stock_sdk(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with cloud_world(tmp_path / "world", layout) as place:
        for name, value in place.client().items():
            monkeypatch.setenv(name, value)
        commit = tag_next(place)
        # one of the two layouts takes the script to the letter, ten seconds of sleep included
        script = RULEBOOK if layout == "flat" else RULEBOOK.replace("sleep 10", "sleep 0")
        body = RunCommandInput(command_id="RunShellScript", script=[f"TAG_NAME=v{NEXT}\n{script}"])
        with ComputeManagementClient(EnvironmentCredential(), place.world.azure.subscription) as client:
            result: Any = client.virtual_machines.begin_run_command("NetworkWatcherRG", "Nexy", body).result(120)
        (entry,) = result.value
        assert f"updated {APP}/server/config.env\n" in entry.message
        assert f'active\n{{"status": "OK", "latest_version": "{NEXT}"' in entry.message
        assert git(place.world.vm_clone, "rev-parse", "HEAD") == commit
        assert health(place)["latest_build"] == NEXT
        freeze = place.run(ENTER + "pip list --format=freeze").stdout.split()
        assert freeze == ["nexy-voice==2.0", "nexy-wire==1.1"]
        assert f"safe.directory={APP}" in place.run("HOME=/home/azureuser git config --global --list").stdout


def test_the_rulebooks_script_as_az_receives_it(fresh: CloudWorld) -> None:
    """Its shell fills in `$TAG_NAME` once; `\\${TAG_NAME#v}` is then empty on the VM, and the application falls back to the manifest."""
    commit = tag_next(fresh)
    script = RULEBOOK.replace("checkout -f $TAG_NAME", f"checkout -f v{NEXT}").replace("sleep 10", "sleep 0")
    outcome = fresh.run(script)
    assert outcome.exit == 0, outcome.stderr
    assert git(fresh.world.vm_clone, "rev-parse", "HEAD") == commit
    assert "SERVER_VERSION=\n" in (fresh.world.vm_clone / "server/config.env").read_text()
    assert health(fresh)["latest_version"] == PREVIOUS


def test_the_clones_scripts_run_with_the_worlds_paths_and_git_sees_them_unchanged(shared: CloudWorld) -> None:
    name = "server/scripts/update_server_version.sh"
    outcome = shared.run(
        f"cd {APP}; {APP}/{name} {PREVIOUS} && git status --porcelain -- {name}; git hash-object {name}; git rev-parse HEAD:{name}"
    )
    updated, *_, hashed, committed = outcome.stdout.splitlines()
    assert outcome.exit == 0, outcome.stderr
    assert updated.startswith(f"updated {APP}/")
    assert hashed == committed
    assert str(shared.world.vm) in (shared.world.vm_clone / name).read_text()


@pytest.mark.parametrize(
    ("text", "inward"),
    [
        ("cd /home/azureuser/voice-assistant", "cd {home}/voice-assistant"),
        ('APP="${{APP:-/home/azureuser}}"', 'APP="${{APP:-{home}}}"'),
        ("A=/home/azureuser:/home/azureuser/bin", "A={home}:{home}/bin"),
        ("/home/azureuser2 /srv/home/azureuser /home/azureuser.bak", "/home/azureuser2 /srv/home/azureuser /home/azureuser.bak"),
        ("curl http://127.0.0.1:8080/health", "curl http://127.0.0.1:{port}/health"),
        ("${{PORT:-8080}} 8080:8080", "${{PORT:-{port}}} {port}:{port}"),
        ("18080 8080x 1.8080.2 80801", "18080 8080x 1.8080.2 80801"),
        ("{home}/x", "{home}/x"),
    ],
)
@pytest.mark.parametrize("home", ["/tmp/w/vm/home/azureuser", "/home/azureuser/w/vm/home/azureuser", "/tmp/8080/vm/home/azureuser"])
def test_whole_tokens_are_rewritten_alike_in_what_is_sent_and_in_the_clone(text: str, inward: str, home: str) -> None:
    rewrite = Rewrite(home, 23456)
    sent, expected = text.format(home=home, port=23456), inward.format(home=home, port=23456)
    assert rewrite.inward(sent) == expected
    assert rewrite.inward(expected) == expected
    if home not in sent:
        smudged = subprocess.run(["sh", "-c", rewrite.smudge()], input=sent, capture_output=True, text=True, check=True).stdout
        assert smudged == expected
        assert subprocess.run(["sh", "-c", rewrite.clean()], input=smudged, capture_output=True, text=True, check=True).stdout == sent
    assert rewrite.outward(f"{home}/x http://127.0.0.1:23456/ 23456".encode()) == b"/home/azureuser/x http://127.0.0.1:8080/ 23456"


def test_git_on_the_vm_reads_over_https_and_may_not_write(shared: CloudWorld) -> None:
    outcome = shared.run(
        f"cd {APP}; git remote get-url origin; git ls-remote --tags origin v{PREVIOUS}; git push origin HEAD:refs/heads/from-vm; echo $?"
    )
    address, tag, status = outcome.stdout.splitlines()
    assert address == "https://github.com/Seregawpn/Nexy_server.git"
    assert tag.endswith(f"refs/tags/v{PREVIOUS}")
    assert (status, "denied" in outcome.stderr) == ("128", True)


def test_the_release_environment_names_paths_and_port(shared: CloudWorld) -> None:
    outcome = shared.run(
        '. "$NEXY_VM_ENV"; cd "$NEXY_APP_DIR" && echo "$PWD $NEXY_VENV"; curl -s "$NEXY_HEALTH_URL"; systemctl is-active "$NEXY_SERVICE"'
    )
    assert outcome.stdout.startswith(f"{APP} {APP}/venv\n")
    assert outcome.stdout.endswith("}active\n")
    assert shared.run('. "$NEXY_VM_ENV"; "$NEXY_PG_BIN/pg_dump" --version').stdout.startswith("pg_dump (PostgreSQL)")


def test_pip_installs_from_the_worlds_index_into_the_environment_alone(fresh: CloudWorld) -> None:
    outside = fresh.run("python3 -m pip install nexy-voice || pip install nexy-voice || pip3 install nexy-voice")
    assert outside.exit != 0
    inside = fresh.run(
        ENTER + "pip install nexy-voice==2.0 && python -c 'import nexy_voice; print(nexy_voice.__file__)'; pip install no-such-thing"
    )
    assert f"{APP}/venv/lib/" in inside.stdout
    places = {line for line in inside.stdout.splitlines() if line.startswith("Looking in")}
    assert places == {f"Looking in indexes: http://127.0.0.1:{fresh.world.ports['index']}/simple/"}
    assert "No matching distribution found for no-such-thing" in inside.stderr


def test_a_damaged_wheel_fails_to_install_and_leaves_the_old_one(fresh: CloudWorld) -> None:
    fresh.faults.switch("wheel-broken", True)
    outcome = fresh.run(ENTER + "pip install --upgrade nexy-wire==1.1; echo $?; pip list --format=freeze")
    assert outcome.stdout.splitlines()[-2:] == ["1", "nexy-wire==1.0"]
    assert "nexy" in outcome.stderr
    fresh.faults.switch("wheel-broken", False)
    assert fresh.run(ENTER + "pip install --upgrade nexy-wire==1.1").exit == 0


def test_checkout_fails_with_123_while_the_fault_is_on(fresh: CloudWorld) -> None:
    tag_next(fresh)
    before = git(fresh.world.vm_clone, "rev-parse", "HEAD")
    fresh.faults.switch("deploy-exit-123", True)
    outcome = fresh.run(f"TAG_NAME=v{NEXT}\n{RULEBOOK}")
    assert outcome.exit == 123
    assert git(fresh.world.vm_clone, "rev-parse", "HEAD") == before
    assert fresh.run(f"git -C {APP} -c advice.detachedHead=false checkout -f v{NEXT}").exit == 123
    assert fresh.run(f"{ENTER} git rev-parse HEAD").stdout == f"{before}\n"
    fresh.faults.switch("deploy-exit-123", False)
    assert fresh.run(f"git -C {APP} checkout -q -f v{NEXT}").exit == 0


def test_the_service_manager_starts_stops_and_reports(fresh: CloudWorld) -> None:
    machine = vm.machine(fresh.world)
    first = machine.service.pid
    outcome = fresh.run(
        "sudo -n systemctl stop voice-assistant; systemctl is-active voice-assistant; echo $?;curl -s http://127.0.0.1:8080/health; echo $?"
    )
    assert outcome.stdout == "inactive\n3\n7\n"
    outcome = fresh.run(
        "systemctl restart voice-assistant.service && systemctl show -p ActiveState,SubState --value voice-assistant"
        " && journalctl -u voice-assistant -n 2 --no-pager -o cat && systemctl status --no-pager voice-assistant | head -3"
    )
    assert outcome.exit == 0, outcome.stderr
    said = outcome.stdout.splitlines()
    listening = f"Nexy {PREVIOUS} (nexy-wire 1.0) listening on http://127.0.0.1:8080"
    journal = {listening, "Started voice-assistant.service - Nexy voice assistant server."}
    assert said[:2] == ["active", "running"] and set(said[2:4]) == journal, "the manager's line and the server's, in either order"
    assert "Active: active (running) since" in outcome.stdout
    assert machine.service.pid not in (0, first)
    wrong = fresh.run("systemctl restart nginx; echo $?; systemctl is-active nginx; echo $?; journalctl --frobnicate; echo $?")
    assert wrong.stdout == "5\ninactive\n4\n1\n"
    assert "Unit nginx.service not found." in wrong.stderr


def test_a_service_that_does_not_come_up_says_so(fresh: CloudWorld) -> None:
    fresh.faults.switch("service-down", True)
    outcome = fresh.run(
        "systemctl restart voice-assistant; echo $?; systemctl is-active voice-assistant; echo $?;journalctl -u voice-assistant -n 3 -o cat"
    )
    assert outcome.stdout.startswith("1\nfailed\n3\n")
    assert "Main process exited, code=exited, status=1/FAILURE" in outcome.stdout
    assert "Job for voice-assistant.service failed" in outcome.stderr
    fresh.faults.switch("service-down", False)
    assert fresh.run("systemctl restart voice-assistant && systemctl is-active voice-assistant").stdout == "active\n"


def test_a_service_that_dies_is_seen_as_failed(fresh: CloudWorld) -> None:
    machine = vm.machine(fresh.world)
    os.kill(machine.service.pid, 9)
    deadline = time.monotonic() + 10
    while machine.service.active == "active" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert fresh.run("systemctl is-failed voice-assistant; systemctl show -p Result voice-assistant").stdout == "failed\nResult=signal\n"


def test_it_comes_back_as_it_was(fresh: CloudWorld) -> None:
    world, machine = fresh.world, vm.machine(fresh.world)
    fresh.run("systemctl stop voice-assistant")
    fresh.wait(vm.stop(world))
    fresh.wait(vm.start(world))
    assert vm.machine(world).service.active == "inactive"
    fresh.run("systemctl start voice-assistant")
    pid = vm.machine(world).service.pid
    fresh.wait(vm.stop(world))
    assert has_gone(pid)
    fresh.wait(vm.start(world))
    assert vm.machine(world).service.active == "active"
    assert machine is not vm.machine(world)


def test_its_scripts_follow_a_new_port(fresh: CloudWorld) -> None:
    committed = fresh.run(
        f"cd {APP}; echo 'curl -s http://127.0.0.1:8080/health' > server/scripts/look.sh; git add server/scripts/look.sh;"
        "git -c user.name=x -c user.email=x@y commit -qm look; git show HEAD:server/scripts/look.sh | grep -c ':80''80/'"
    )
    assert committed.exit == 0, committed.stderr
    fresh.wait(vm.stop(fresh.world))
    moved = replace(fresh.world, ports=ports.allocate(fresh.world.ports | {"update": fresh.world.ports["index"]}))
    assert moved.ports["update"] != fresh.world.ports["update"]
    fresh.wait(vm.start(moved))
    try:
        look = ScriptJob(f"bash {APP}/server/scripts/look.sh; git -C {APP} status --porcelain -- '*.sh'")
        outcome = fresh.wait(vm.machine(moved).run(look))
        assert outcome.stdout.startswith('{"status": "OK"') and outcome.stdout.endswith("}")
    finally:
        fresh.wait(vm.stop(moved))
        fresh.wait(vm.start(fresh.world))


def test_no_process_and_no_file_outlives_the_world(tmp_path: Path) -> None:
    left, long = ("sleep", f"63.{os.getpid()}"), ("sleep", f"64.{os.getpid()}")
    with cloud_world(tmp_path / "world") as place:
        outcome = place.run(f"mktemp; git config --global user.name x; {' '.join(left)} >/dev/null 2>&1 & echo started")
        assert outcome.stdout.startswith(f"{place.world.vm}/tmp/")
        assert has_ended(*left)
        service = vm.machine(place.world).service.pid
        script = asyncio.run_coroutine_threadsafe(vm.machine(place.world).run(ScriptJob(f"{' '.join(long)} & wait")), place.loop)
        while not runs(*long):
            time.sleep(0.02)
    assert script.result(10).exit == 128 + 9
    assert has_gone(service)
    assert has_ended(*long)
    assert [path.name for path in tmp_path.iterdir()] == ["world"]
