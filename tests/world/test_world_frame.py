"""The world as a whole, seen from outside: its life, its front door, its git host, and programs that are not ours inside it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import SMALL, Inside, MakeWorld, seldom
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.core.problem import Unusable
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.environment import environment
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, World
from nexy_tui.services import dmg

CODE_URL = f"https://github.com/{CODE}.git"


def processes_of(world: World) -> list[psutil.Process]:
    """Every process whose command line or working directory is of the world's directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and (
                any(str(world.dir) in word for word in process.cmdline()) or process.cwd().startswith(str(world.dir))
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def note(world: World) -> dict[str, int]:
    found: dict[str, int] = json.loads(world.running.read_text())
    return found


# --- life ---


def test_down_leaves_no_process_no_port_and_no_file_outside(make_world: MakeWorld, tmp_path: Path) -> None:
    inside = make_world()
    world = inside.world
    assert all(listens(port) for port in world.ports.values())
    assert processes_of(world)
    inside.git("ls-remote", "origin")
    assert worlds.stop(world.dir)
    assert processes_of(world) == []
    assert not any(listens(port) for port in world.ports.values())
    assert list(inside.home.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"home0", "world0"}
    assert not worlds.status(world.dir).running
    assert not worlds.stop(world.dir)


@pytest.fixture(scope="module")
def ended_often(make_module_world: MakeWorld) -> Inside:
    return make_module_world()


@pytest.fixture
def mortal(ended_often: Inside) -> Inside:
    """A world for tests that end it; it is up again for each."""
    ended_often.up_again()
    return ended_often


def test_a_world_comes_back_as_it_was(mortal: Inside) -> None:
    inside = mortal
    inside.git("tag", "v9.9.9.9")
    inside.git("push", "-q", "origin", "v9.9.9.9")
    before = inside.world
    worlds.stop(before.dir)
    inside.up_again()
    assert inside.world.id == before.id
    assert "refs/tags/v9.9.9.9" in inside.git("ls-remote", "origin")
    health = inside.run("curl", "-sS", f"https://{inside.world.update_host}/health")
    assert json.loads(health.stdout)["latest_version"] == inside.world.previous


@pytest.mark.exhaustive
def test_a_hundred_cycles_leak_nothing(make_world: MakeWorld) -> None:
    inside = make_world()
    worlds.stop(inside.world.dir)
    files, descriptors = _names(inside.world), psutil.Process().num_fds()
    for _ in range(100):
        inside.up_again()
        inside.git("ls-remote", "origin")
        worlds.stop(inside.world.dir)
        assert processes_of(inside.world) == []
    assert _names(inside.world) == files
    assert psutil.Process().num_fds() <= descriptors


def _names(world: World) -> set[str]:
    """Every file of a world but PostgreSQL's own write-ahead log and statistics, which come and go by its own rules."""
    found = (str(path.relative_to(world.dir)) for path in world.dir.rglob("*"))
    return {name for name in found if not name.startswith("pg/data/")}


def test_a_taken_port_is_given_up_for_a_free_one(mortal: Inside) -> None:
    inside = mortal
    worlds.stop(inside.world.dir)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", inside.world.ports["database"]))
        squatter.listen()
        old = inside.world.ports["database"]
        inside.up_again()
        port = inside.world.ports["database"]
        assert port != old
        assert listens(port)
    assert f"DB_PORT={port}\n" in inside.world.checkout_layout.config_env.read_text()
    assert inside.environ["DB_PORT"] == str(port)
    inside.run("psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", "select 1", "voice_assistant_db")


def test_a_crashed_world_leaves_nothing_and_comes_up_again(mortal: Inside) -> None:
    inside = mortal
    world = inside.world
    for pid in (note(world)["guardian"], note(world)["pid"]):
        os.kill(pid, signal.SIGKILL)
    _until(lambda: not worlds.is_running(world.dir))
    assert not worlds.status(world.dir).running
    inside.up_again()
    inside.git("ls-remote", "origin")
    worlds.stop(world.dir)
    assert processes_of(world) == []


def test_a_killed_supervisor_takes_its_children_with_it(mortal: Inside) -> None:
    world = mortal.world
    os.kill(note(world)["pid"], signal.SIGKILL)
    _until(lambda: not worlds.is_running(world.dir) and processes_of(world) == [])


def test_a_world_ends_with_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    world = worlds.create_or_start(tmp_path / "owned", artifact_size=SMALL, owner=owner.pid)
    try:
        assert worlds.is_running(world.dir)
        owner.kill()  # not reaped yet: a zombie owns nothing
        _until(lambda: not worlds.is_running(world.dir) and processes_of(world) == [])
    finally:
        owner.wait()
        worlds.stop(world.dir)


@pytest.mark.exhaustive
def test_an_interrupted_creation_is_made_anew(make_world: MakeWorld) -> None:
    inside = make_world()
    worlds.stop(inside.world.dir)
    (inside.world.dir / "complete").unlink()
    (inside.world.checkout / "VERSION").unlink()
    before = inside.world.id
    inside.up_again()
    assert inside.world.id != before
    assert (inside.world.checkout / "VERSION").read_text() == f"{inside.world.previous}\n"


def test_two_worlds_side_by_side_know_nothing_of_each_other(mortal: Inside, make_world: MakeWorld) -> None:
    one, two = mortal, make_world("nested")
    assert set(one.world.ports.values()).isdisjoint(two.world.ports.values())
    one.git("push", "-q", "origin", "HEAD:refs/heads/only-here")
    assert "only-here" in one.git("ls-remote", "origin")
    assert "only-here" not in two.git("ls-remote", "origin")
    mixed = two.run("curl", "-sS", "https://api.github.com/", env={"CURL_CA_BUNDLE": str(one.world.ca)}, check=False)
    assert mixed.returncode == 60  # the certificate is not from that world's CA


@pytest.mark.parametrize("name", ["with space", "quote'", "semi;colon", "umlautä"])
def test_a_directory_that_would_need_quoting_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match="letters, digits"):
        worlds.create_or_start(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_other_peoples_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Unusable, match="not empty"):
        worlds.create_or_start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_world_keeps_what_it_was_made_with(module_world: Inside) -> None:
    with pytest.raises(Unusable, match="layout flat, not nested"):
        worlds.create_or_start(module_world.world.dir, "nested")
    with pytest.raises(Unusable, match="artifact size"):
        worlds.create_or_start(module_world.world.dir, artifact_size=SMALL + 1)
    assert worlds.create_or_start(module_world.world.dir, "flat", SMALL) == module_world.world


# --- what is in it ---


@pytest.mark.parametrize("layout", [seldom("flat"), "nested"])
def test_the_release_before_is_published_committed_and_served(make_world: MakeWorld, tmp_path: Path, layout: str) -> None:
    inside = make_world(layout)
    world = inside.world
    inside.git("clone", "-q", CODE_URL, tmp_path / "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    manifests = {(clone / path).read_bytes() for path in world.checkout_layout.manifest_files(world.previous)}
    assert len(manifests) == 1
    artifact = json.loads(manifests.pop())["artifact"]
    dmg = httpx.Client(verify=_context(inside), proxy=world.proxy, follow_redirects=True).get(artifact["url"]).content
    assert len(dmg) == artifact["size"]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(world.sparkle_public_key))
    public.verify(base64.b64decode(artifact["ed25519"]), dmg)
    base = clone / world.checkout_layout.base
    assert (base / "VERSION").read_text() == f"{world.previous}\n"
    assert (base / "server/config/unified_config.yaml").read_text().count(f": {world.previous}") == 4
    before = inside.git("show", f"v{world.previous}:{world.checkout_layout.relative('server/requirements.txt')}", cwd=clone)
    assert before != (base / "server/requirements.txt").read_text().strip()
    subjects = inside.git("log", "--format=%s", cwd=clone).splitlines()
    assert f"Release v{world.previous}" in subjects
    assert subjects.index(f"Update manifest for {world.previous} (Production)") < subjects.index(f"Release v{world.previous}")


def test_the_checkout_differs_in_its_settings_alone_and_goes_to_the_code_repository(module_world: Inside) -> None:
    assert module_world.git("status", "--porcelain").splitlines() == ["M server/config.env", "?? server/backups/"]
    for remote in ("origin", "server_repo"):
        assert module_world.git("remote", "get-url", "--push", remote) == CODE_URL
    inbox = module_world.world.checkout_layout.inbox
    assert (inbox / "Nexy.dmg").stat().st_size == SMALL
    assert not (inbox / "Nexy.pkg").exists()


# --- the git host ---


def test_a_push_needs_the_right_to_that_repository(module_world: Inside, tmp_path: Path) -> None:
    secrets = module_world.world.secrets

    def push(user: str, repository: str = CODE) -> subprocess.CompletedProcess[str]:
        url = f"https://{user}github.com/{repository}.git"
        return module_world.run("git", "-c", "credential.helper=", "push", "-q", url, "HEAD:refs/heads/rights", check=False)

    denied = push(f"x:{secrets.artifacts_token}@")
    assert denied.returncode != 0
    assert f"remote: Permission to {CODE}.git denied" in denied.stderr
    assert "403" in denied.stderr
    assert "403" in push(f"x:{secrets.readonly_token}@").stderr
    assert "Authentication failed" in push("x:ghp_notatokenofthisworld@").stderr
    assert "could not read Username" in push("").stderr
    assert "not found" in push(f"x:{secrets.world_token}@", "Seregawpn/elsewhere").stderr
    assert "rights" not in module_world.git("ls-remote", "origin")
    assert push(f"x:{secrets.code_token}@").returncode == 0
    assert "refs/heads/rights" in module_world.git("ls-remote", "origin")
    module_world.git("push", "-q", "origin", ":refs/heads/rights")


def test_refs_are_created_only_if_absent_and_pushes_are_atomic(module_world: Inside) -> None:
    lock = "refs/nexy/lock"
    module_world.git("push", "-q", f"--force-with-lease={lock}:", "origin", f"HEAD:{lock}")
    second = module_world.run("git", "push", f"--force-with-lease={lock}:", "origin", f"HEAD~1:{lock}", check=False)
    assert "stale info" in second.stderr
    both = module_world.run("git", "push", "--atomic", "origin", "HEAD~1:refs/heads/main", "HEAD:refs/heads/beside", check=False)
    assert both.returncode != 0
    assert "beside" not in module_world.git("ls-remote", "origin")
    module_world.git("push", "-q", "origin", f":{lock}")


def test_a_large_push_is_streamed(module_world: Inside, tmp_path: Path) -> None:
    module_world.git("clone", "-q", f"https://github.com/{ARTIFACTS}.git", tmp_path / "big", cwd=tmp_path)
    (tmp_path / "big" / "blob").write_bytes(os.urandom(8_000_000))
    module_world.git("add", ".", cwd=tmp_path / "big")
    module_world.git("commit", "-qm", "Large", cwd=tmp_path / "big")
    module_world.git("push", "-q", "origin", "HEAD:refs/heads/large", cwd=tmp_path / "big")
    assert module_world.git("ls-remote", "origin", "refs/heads/large", cwd=tmp_path / "big")


# --- the front door ---


def _context(inside: Inside) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(inside.world.ca))


def test_every_other_host_is_refused_and_told(module_world: Inside) -> None:
    for url in ("https://example.com/", "https://index.example.org/simple/", "https://github.com:8443/"):
        refused = module_world.run("curl", "-sS", url, check=False)
        assert refused.returncode == 56, refused
        assert "403" in refused.stderr
    plain = module_world.run("curl", "-sS", "--proxy", module_world.world.proxy, "http://github.com/", check=False)
    assert "only CONNECT is served" in plain.stdout
    lines = (module_world.world.log / "requests.jsonl").read_text().splitlines()
    assert {"method": "CONNECT", "status": 403, "path": ""}.items() <= next(
        line for line in map(json.loads, lines) if line["host"] == "example.com:443"
    ).items()


def test_the_certificate_says_which_world_it_is_from(module_world: Inside) -> None:
    said = module_world.run("curl", "-sSv", "-o", "/dev/null", "https://api.github.com/").stderr
    assert f"nexy-tui rehearsal world {module_world.world.id}" in said
    assert "ALPN: server accepted http/1.1" in said


def test_a_large_upload_and_download_do_not_enter_memory(module_world: Inside, tmp_path: Path) -> None:
    size = 200_000_000
    with (tmp_path / "large.bin").open("wb") as stream:
        stream.truncate(size)
    supervisor = psutil.Process(note(module_world.world)["pid"])
    before = supervisor.memory_info().rss
    header = tmp_path / "header"
    header.write_text(f"Authorization: Bearer {module_world.world.secrets.artifacts_token}")
    api = partial(module_world.run, "curl", "-fsS", "-H", f"@{header}", "-H", "Content-Type: application/octet-stream")
    release = json.loads(api(f"https://api.github.com/repos/{ARTIFACTS}/releases/tags/Update").stdout)
    uploads = release["upload_url"].partition("{")[0]
    asset = json.loads(api("-X", "POST", "-T", tmp_path / "large.bin", f"{uploads}?name=large.bin").stdout)
    url = f"https://github.com/{ARTIFACTS}/releases/download/Update/large.bin"
    got = module_world.run("curl", "-sSL", "-o", tmp_path / "back", "-w", "%{size_download}", url)
    assert int(got.stdout) == size
    assert supervisor.memory_info().rss - before < 60_000_000
    api("-X", "DELETE", asset["url"])


def test_bandwidth_is_capped_while_the_world_runs(module_world: Inside) -> None:
    url = f"https://github.com/{ARTIFACTS}/releases/download/Update/Nexy.dmg"

    def seconds() -> float:
        return float(module_world.run("curl", "-sSL", "-o", "/dev/null", "-w", "%{time_total}", url).stdout)

    free = seconds()
    module_world.fault("bandwidth", param="10000000")
    try:
        assert 0.6 < seconds() < 3  # 8 Mbit at 10 Mbit/s
    finally:
        module_world.fault("bandwidth", on=False)
    assert free < 0.5


# --- faults of the code repository ---


def test_wrong_code_remote_and_back(module_world: Inside) -> None:
    module_world.fault("wrong-code-remote")
    try:
        assert module_world.git("remote", "get-url", "--push", "origin") == f"https://github.com/{ARTIFACTS}.git"
    finally:
        module_world.fault("wrong-code-remote", on=False)
    assert module_world.git("remote", "get-url", "--push", "origin") == CODE_URL


def test_push_rejected_refuses_branches_but_not_dry_runs(module_world: Inside) -> None:
    module_world.fault("push-rejected")
    try:
        module_world.git("push", "-q", "--dry-run", "origin", "HEAD:refs/heads/moved")
        refused = module_world.run("git", "push", "origin", "HEAD:refs/heads/moved", check=False)
        assert refused.returncode != 0
        assert "denying non-fast-forward refs/heads/moved" in refused.stderr
        module_world.git("push", "-q", "origin", "HEAD:refs/nexy/free")
    finally:
        module_world.fault("push-rejected", on=False)
    module_world.git("push", "-q", "origin", "HEAD:refs/heads/moved")


def test_manifests_differ_on_the_branch_and_after_every_push_of_manifests(make_world: MakeWorld) -> None:
    inside = make_world()
    first, second = (inside.checkout / directory / "manifest.json" for directory in MANIFEST_DIRS)
    head = inside.git("rev-parse", "HEAD")
    inside.fault("manifests-differ")
    assert first.read_bytes() != second.read_bytes()
    assert inside.changes() == []
    second.write_bytes(first.read_bytes())
    inside.commit("Update manifest for 1.6.1.42 (Production)")
    inside.git("push", "-q", "origin", "HEAD:main")
    inside.git("fetch", "-q", "origin")
    assert inside.git("show", f"origin/main:{MANIFEST_DIRS[1]}/manifest.json") != first.read_text().strip()
    assert first.read_bytes() != second.read_bytes()
    inside.fault("manifests-differ", on=False)
    assert inside.changes() == []
    assert first.read_bytes() == second.read_bytes()
    assert inside.git("ls-remote", "origin", "refs/heads/main").split()[0] == inside.git("rev-parse", "HEAD") != head


def test_manifests_differ_alone_is_taken_back_whole(module_world: Inside) -> None:
    inside = module_world
    head = inside.git("rev-parse", "HEAD")
    inside.fault("manifests-differ")
    assert inside.git("rev-parse", "HEAD") != head
    inside.fault("manifests-differ", on=False)
    assert inside.git("rev-parse", "HEAD") == head == inside.git("rev-parse", "origin/main")
    assert inside.git("ls-remote", "origin", "refs/heads/main").split()[0] == head


def test_an_unknown_fault_is_refused_by_name(module_world: Inside) -> None:
    with pytest.raises(Unusable, match="no fault 'gremlins'"):
        module_world.fault("gremlins")


# --- inside, with programs that are not ours ---


def test_a_hostile_home_reaches_nothing_and_is_not_written_to(module_world: Inside, tmp_path: Path) -> None:
    home, record = tmp_path / "hostile", tmp_path / "recorded"
    (home / "bin").mkdir(parents=True)
    helper = home / "bin" / "helper"
    helper.write_text(f'#!/bin/sh\necho "$0 $@" >> {record}\ncat >> {record}\n')
    helper.chmod(0o755)
    ssh = home / "bin" / "ssh"
    ssh.write_text(f"#!/bin/sh\necho ssh >> {record}\nexit 255\n")
    ssh.chmod(0o755)
    (home / ".gitconfig").write_text(
        '[url "git@github.com:"]\n\tinsteadOf = https://github.com/\n'
        f"[http]\n\tproxy = http://127.0.0.1:9\n[credential]\n\thelper = {helper}\n"
    )
    (home / ".netrc").write_text("machine github.com login thief password hunter2\nmachine api.github.com login thief password hunter2\n")
    (home / ".curlrc").write_text("proxy = http://127.0.0.1:9\n")
    (home / ".pg_service.conf").write_text("[nexy]\nhost=127.0.0.2\n")
    before = _snapshot(home)
    hostile = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "http_proxy": "http://127.0.0.1:9",
        "all_proxy": "http://127.0.0.1:9",
        "no_proxy": "*",
        "NO_PROXY": "*",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": "http://127.0.0.1:9",
        "GIT_SSL_NO_VERIFY": "1",
        "PGHOST": "127.0.0.2",
        "PGSERVICE": "nexy",
        "GITHUB_TOKEN": "ghp_real",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    inside = Inside(module_world.world, home, environment(module_world.world, hostile).apply(hostile))
    inside.git("clone", "-q", CODE_URL, tmp_path / "clone", cwd=tmp_path)
    inside.git("push", "-q", "origin", "HEAD:refs/heads/hostile", cwd=tmp_path / "clone")
    inside.git("push", "-q", "origin", ":refs/heads/hostile", cwd=tmp_path / "clone")
    inside.run("curl", "-fsSL", "-o", "/dev/null", f"https://github.com/{ARTIFACTS}/releases/download/Update/Nexy.dmg")
    gh = shutil.which("gh")
    if gh is not None:
        inside.run("gh", "release", "view", "Update", "-R", ARTIFACTS)
    assert inside.run("psql", "-tAc", "select count(*) > 1000 from commands", inside.environ["NEXY_DATABASE_URL"]).stdout.strip() == "t"
    kept = "import keyring; print(len(keyring.get_password('nexy-tui', 'sparkle-private-key')))"
    assert inside.run(sys.executable, "-c", kept).stdout.strip() == "44"
    urls = "import urllib.request as u; print(u.urlopen('https://api.github.com/').status)"
    assert inside.run(sys.executable, "-c", urls).stdout.strip() == "200"
    assert not record.exists(), record.read_text()
    assert _snapshot(home) == before
    if gh is None:
        pytest.skip("the witness gh is absent: all but that was seen")


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_credential_helper_keeps_and_forgets_nothing(module_world: Inside) -> None:
    helper = module_world.git("config", "--get-all", "credential.helper").splitlines()[-1]
    for verb in ("store", "erase"):
        done = subprocess.run([helper, verb], input="protocol=https\nhost=github.com\n\n", capture_output=True, text=True, check=True)
        assert done.stdout == ""
    other = subprocess.run([helper, "get"], input="protocol=https\nhost=example.com\n\n", capture_output=True, text=True, check=True)
    assert other.stdout == ""


def test_a_machine_without_7_zip_has_one_in_a_world_and_its_own_comes_first(module_world: Inside, tmp_path: Path) -> None:
    world = module_world.world
    path = environment(world, {"PATH": str(tmp_path)}).set["PATH"]
    image = world.checkout / "release_inbox/Nexy.dmg"
    assert set(dmg.application(image, {"PATH": path}, platform="linux").versions.values()) == {"1.6.1.43"}
    own = tmp_path / "7zz"
    own.touch(0o700)
    assert shutil.which("7zz", path=path) == str(own)


def test_shell_code_takes_a_terminal_in(module_world: Inside) -> None:
    world = module_world.world
    start = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PGPASSWORD": "x", "AWS_PROFILE": "real", "KEPT": "yes"}
    code = environment(world, start).shell()
    shown = subprocess.run(["sh", "-c", f"{code}\nenv -0"], env=start, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in shown.split("\0") if line)
    assert found["KEPT"] == "yes"
    assert "PGPASSWORD" not in found
    assert "AWS_PROFILE" not in found
    assert found["NEXY_WORLD"] == world.id
    folders = found["PATH"].split(":")
    assert folders[0] == str(world.home / "bin")
    assert set(os.environ["PATH"].split(":")) < set(folders)


# --- the command line ---


def _cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nexy_tui", "world", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_line_brings_up_breaks_and_brings_down(tmp_path: Path) -> None:
    place = tmp_path / "w"
    up = _cli("up", place, "--artifact-size", "1MB", "--owner", str(os.getpid()), "--json")
    try:
        assert up.returncode == 0, up.stderr
        assert json.loads(up.stdout)["running"] is True
        table = json.loads(_cli("env", place, "--json").stdout)
        assert table["set"]["NEXY_CHECKOUT"] == str(place / "checkout")
        assert "AWS_PROFILE" in table["unset"]
        assert _cli("fault", place, "push-rejected", "on").returncode == 0
        assert json.loads(_cli("status", place, "--json").stdout)["faults"] == {"push-rejected": None}
        listed = {row["name"]: row for row in json.loads(_cli("fault", place, "--list", "--json").stdout)}
        assert listed["push-rejected"]["on"] is True
        assert _cli("fault", place, "gremlins", "on").returncode == 2
        built = json.loads(_cli("build", place, "1.6.1.44", "--with", "Nexy.pkg", "--json").stdout)
        assert [Path(each["path"]).name for each in built] == ["Nexy.dmg", "Nexy.pkg"]
        assert all(Path(each["path"]).stat().st_size == SMALL for each in built)
    finally:
        assert _cli("down", place).returncode == 0
    assert json.loads(_cli("status", place, "--json").stdout)["running"] is False
    gone = _cli("env", place)
    assert gone.returncode == 2
    assert gone.stdout == ""
    assert _cli("status", tmp_path / "nowhere").returncode == 2


def _until(holds: object, patience: float = 10.0) -> None:
    assert callable(holds)
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
