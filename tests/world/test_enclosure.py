"""The VM is shut in: two worlds side by side, and nothing a script on one VM does is seen outside or in the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudworld import CloudWorld, cloud_world

from nexy_tui.rehearsal.net.ports import is_free
from nexy_tui.rehearsal.vm import enclosure, machine


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CloudWorld, CloudWorld]]:
    folder = tmp_path_factory.mktemp("shut-in")
    with cloud_world(folder / "one") as one, cloud_world(folder / "two") as two:
        yield one, two


@pytest.fixture
def shut_in(pair: tuple[CloudWorld, CloudWorld]) -> tuple[CloudWorld, CloudWorld]:
    if enclosure.kind(pair[0].world) != enclosure.NAMESPACES:
        pytest.skip(
            "namespaces are not permitted here: the VM's scripts are only rewritten, and what they name absolutely is this machine's"
        )
    return pair


def test_what_a_script_writes_and_opens_stays_on_its_vm(shut_in: tuple[CloudWorld, CloudWorld]) -> None:
    one, two = shut_in
    mark = f"nexy-shut-in-{os.getpid()}"
    places = (f"/var/tmp/{mark}", f"/tmp/{mark}", f"/home/{mark}")
    port = next(number for number in range(32100, 33000) if is_free(number))
    opened = f'python3 -c \'import socket,time; s=socket.create_server(("127.0.0.1",{port})); print("open",flush=True); time.sleep(60)\''
    written = f"touch {places[0]}; sudo touch {' '.join(places[1:])}; ls {' '.join(places)}"
    script = f"{written}; {opened} & sleep 1; echo up > /dev/tcp/127.0.0.1/{port} && echo reached"
    said = one.run(script)
    assert said.exit == 0 and said.stdout.split() == [*sorted(places), "open", "reached"], said
    assert not any(Path(place).exists() for place in places) and is_free(port)
    assert two.run(f"ls {' '.join(places)}").exit != 0
    assert one.run(f"cat {places[0]}").exit == 0, "it is still there for the next script"
    assert two.run(f"echo x > /dev/tcp/127.0.0.1/{port}").exit != 0


def test_the_rest_of_this_machine_can_only_be_read(shut_in: tuple[CloudWorld, CloudWorld]) -> None:
    seen = "test $(ls -d /proc/[0-9]* | wc -l) -lt 12; echo $?"
    said = shut_in[0].run(f"sudo touch /etc/nexy-mark /usr/nexy-mark; echo $?; {seen}")
    assert said.stdout.split() == ["1", "0"] and said.stderr.count("Read-only file system") == 2
    assert shut_in[0].run(f"kill -0 {os.getpid()}").exit != 0


def test_packages_are_installed_in_name_only(shut_in: tuple[CloudWorld, CloudWorld]) -> None:
    one, two = shut_in
    for program in ("apt-get", "/usr/bin/apt-get"):
        said = one.run(f"sudo {program} update -qq && sudo {program} install -y nexy-no-such-package && echo well")
        assert said.exit == 0 and said.stdout.endswith("Setting up nexy-no-such-package ...\nwell\n")
    assert (one.world.vm / "var/lib/installed-packages").read_text() == "nexy-no-such-package\n" * 2
    assert not (two.world.vm / "var/lib/installed-packages").exists()


def test_the_worlds_own_servers_are_reached_from_inside(shut_in: tuple[CloudWorld, CloudWorld]) -> None:
    one, _ = shut_in
    fetch = "git -C /home/azureuser/voice-assistant fetch && echo fetched"
    look = f"curl -fsS http://127.0.0.1:8080/health; systemctl is-active voice-assistant; {fetch}"
    said = one.run(look)
    assert said.exit == 0 and '"OK"' in said.stdout and said.stdout.endswith("active\nfetched\n"), said
    assert one.run("exit 7").exit == 7 and one.run("kill -9 $$").exit == 137


def test_without_namespaces_a_script_is_rewritten_and_the_world_says_so(pair: tuple[CloudWorld, CloudWorld]) -> None:
    two, found = pair[1], enclosure.kind(pair[1].world)

    def switched_on(permitted: bool) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(enclosure, "_permitted", permitted)
            two.wait(machine.stop(two.world))
            two.wait(machine.start(two.world))

    switched_on(False)
    try:
        assert enclosure.kind(two.world) == enclosure.REWRITING
        said = two.run("cd /home/azureuser/voice-assistant && curl -fsS http://127.0.0.1:8080/health; kill -0 $PPID && pwd")
        assert said.exit == 0 and '"OK"' in said.stdout and said.stdout.endswith("/home/azureuser/voice-assistant\n")
    finally:
        switched_on(found == enclosure.NAMESPACES)
    assert enclosure.kind(two.world) == found
