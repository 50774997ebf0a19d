"""Everybody else's programs in a terminal that was taken into a world by `eval "$(nexy-tui world env DIR)"`: unchanged, they work."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Inside

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.home import package_root
from nexy_tui.rehearsal.names import ARTIFACTS, ASSET_HOST, CODE

CODE_URL = f"https://github.com/{CODE}.git"
DOWNLOAD = f"https://github.com/{ARTIFACTS}/releases/download/Update/{DMG}"


def witness(name: str) -> str:
    """A program of the machine's, or the reason for leaving it out."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"the witness {name} is not on this machine")
    return found


@dataclass
class Terminal:
    """A shell that knew nothing of any world before it evaluated what `nexy-tui world env` prints."""

    inside: Inside
    code: str
    work: Path

    def __call__(self, script: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-c", f"{self.code}\n{script}", "bash", *map(str, arguments)],
            cwd=self.work,
            env={"PATH": os.environ["PATH"], "HOME": str(self.inside.home), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{script}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def python(self, script: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A Python program of somebody's that does not know this project."""
        return self('exec "$@"', sys.executable, "-c", script, *arguments, check=check)

    def account(self) -> list[dict[str, object]]:
        """Every request the world's front door has seen."""
        return [json.loads(line) for line in (self.inside.world.log / "requests.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def code(module_world: Inside) -> str:
    """The shell code, as the command line prints it to somebody outside."""
    command = [sys.executable, "-m", "nexy_tui", "world", "env", str(module_world.world.dir)]
    outside = {"PATH": os.environ["PATH"], "HOME": str(module_world.home), "PYTHONPATH": str(package_root())}
    return subprocess.run(command, env=outside, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def terminal(module_world: Inside, code: str, tmp_path: Path) -> Iterator[Terminal]:
    yield Terminal(module_world, code, tmp_path)
    assert list(module_world.home.iterdir()) == []


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_terminal_is_inside_and_has_the_wizard_on_its_path(terminal: Terminal) -> None:
    world = terminal.inside.world
    said = terminal('echo "$NEXY_WORLD $NEXY_CHECKOUT" && nexy-tui --version && nexy-tui config show --json').stdout
    assert said.startswith(f"{world.id} {world.checkout}\nnexy-tui ")
    assert json.loads(said.split("\n", 2)[2])["target"]["world"] == world.id


# --- git ---


def test_git_clones_and_pushes_with_the_worlds_credentials(terminal: Terminal) -> None:
    branch = f"refs/heads/{uuid.uuid4().hex}"
    terminal(f"git clone -q {CODE_URL} clone && cd clone && git commit -q --allow-empty -m Mine && git push -q origin HEAD:{branch}")
    head = terminal("git -C clone rev-parse HEAD").stdout.strip()
    assert terminal(f"git ls-remote {CODE_URL} {branch}").stdout.split() == [head, branch]
    terminal(f"git -C clone tag v0.0.0.1 && git -C clone push -q origin v0.0.0.1 && git -C clone push -q origin :v0.0.0.1 :{branch}")
    terminal(f"git clone -q https://github.com/{ARTIFACTS}.git artifacts")


@pytest.mark.parametrize(
    ("token", "repository", "said"),
    [
        ("readonly_token", CODE, f"Permission to {CODE}.git denied"),
        ("artifacts_token", CODE, f"Permission to {CODE}.git denied"),
        ("code_token", ARTIFACTS, f"Permission to {ARTIFACTS}.git denied"),
        ("", CODE, "Authentication failed"),
        ("code_token", CODE, ""),
        ("artifacts_token", ARTIFACTS, ""),
    ],
)
def test_a_push_needs_rights_in_that_repository(terminal: Terminal, token: str, repository: str, said: str) -> None:
    secret = getattr(terminal.inside.world.secrets, token) if token else "ghp_ofnobody"
    branch = f"refs/heads/{uuid.uuid4().hex}"
    push = f'git clone -q https://github.com/{repository}.git c && git -C c -c credential.helper= push -q "$1" HEAD:{branch}'
    done = terminal(push, f"https://x-access-token:{secret}@github.com/{repository}.git", check=False)
    there = terminal(f"git ls-remote https://github.com/{repository}.git {branch}").stdout
    if said:
        assert done.returncode != 0
        assert said in done.stderr
        assert there == ""
    else:
        assert done.returncode == 0, done.stderr
        assert branch in there


@pytest.mark.parametrize(
    "url",
    [
        "git@github.com:Seregawpn/Nexy_server.git",
        "ssh://git@github.com/Seregawpn/Nexy_server.git",
        "git://github.com/Seregawpn/Nexy_server.git",
    ],
)
def test_git_takes_no_other_way_out(terminal: Terminal, url: str) -> None:
    done = terminal('git ls-remote "$1"', url, check=False)
    assert done.returncode == 128
    assert "not allowed" in done.stderr


# --- the download ---


def test_curl_follows_the_release_url_to_the_bytes_of_the_manifest(terminal: Terminal) -> None:
    manifest = json.loads((terminal.inside.checkout / "server/updates/manifests/manifest.json").read_text())["artifact"]
    assert manifest["url"] == DOWNLOAD
    said = terminal(f"curl -fsSL -o got -w '%{{num_redirects}} %{{url_effective}}' {DOWNLOAD}").stdout
    redirects, _, final = said.partition(" ")
    assert redirects == "1"
    assert final.startswith(f"https://{ASSET_HOST}/")
    got = terminal.work / "got"
    assert (got.stat().st_size, digest(got)) == (manifest["size"], manifest["sha256"])
    last = terminal.account()[-1]
    assert (last["host"], last["authorized"]) == (ASSET_HOST, False)


# --- gh ---


def test_gh_views_uploads_over_the_old_one_and_downloads(terminal: Terminal) -> None:
    witness("gh")
    shown = json.loads(terminal(f"gh release view Update -R {ARTIFACTS} --json tagName,assets").stdout)
    assert shown["tagName"] == "Update"
    assert DMG in [asset["name"] for asset in shown["assets"]]
    assert DMG in terminal(f"gh release view Update -R {ARTIFACTS}").stdout
    terminal(f"gh release download Update -R {ARTIFACTS} -p {DMG} -D before")
    new = artifacts.build(terminal.work / "new" / DMG, DMG, "1.6.1.99", terminal.inside.world.artifact_size, "new")
    for name, sha256 in (("new", new.sha256), ("before", digest(terminal.work / "before" / DMG))):
        terminal(f"gh release upload Update {name}/{DMG} --clobber -R {ARTIFACTS}")
        terminal(f"rm -rf after && gh release download Update -R {ARTIFACTS} -D after && curl -fsSL -o curled {DOWNLOAD}")
        assert digest(terminal.work / "after" / DMG) == digest(terminal.work / "curled") == sha256
    names = json.loads(terminal(f"gh release view Update -R {ARTIFACTS} --json assets").stdout)["assets"]
    assert [asset["name"] for asset in names].count(DMG) == 1


def test_gh_without_rights_is_refused(terminal: Terminal) -> None:
    witness("gh")
    (terminal.work / "other.bin").write_bytes(b"other")
    for token in (terminal.inside.world.secrets.readonly_token, terminal.inside.world.secrets.code_token, "ghp_ofnobody"):
        done = terminal(f'GH_TOKEN="$1" gh release upload Update other.bin -R {ARTIFACTS}', token, check=False)
        assert done.returncode != 0
        assert re.search(r"\b40[134]\b", done.stderr), done.stderr
    assert "other.bin" not in terminal(f"gh release view Update -R {ARTIFACTS}").stdout


# --- Azure's SDK ---

_AZURE = """
import os
from azure.identity import DefaultAzureCredential
from azure.mgmt.compute import ComputeManagementClient

client = ComputeManagementClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"])
script = {"commandId": "RunShellScript", "script": ["cd /home/azureuser/voice-assistant && git rev-parse HEAD", "exit 123"]}
(entry,) = client.virtual_machines.begin_run_command("NetworkWatcherRG", "Nexy", script).result(60).value
print(entry.code, entry.message, sep="\\n")
print(client.virtual_machines.get("NetworkWatcherRG", "Nexy").name)
"""


def test_the_stock_azure_sdk_runs_a_script_on_the_vm(terminal: Terminal) -> None:
    code, *message = terminal.python(_AZURE).stdout.splitlines()
    assert code == "ProvisioningState/succeeded"  # whatever the script's exit status
    head = terminal('git -C "$NEXY_VM/home/azureuser/voice-assistant" rev-parse HEAD').stdout.strip()
    assert message[:4] == ["Enable succeeded: ", "[stdout]", head, ""]
    assert message[-1] == "Nexy"


def test_azure_without_the_worlds_secret_gets_no_token(terminal: Terminal) -> None:
    script = "from azure.identity import EnvironmentCredential as E; E().get_token('https://management.azure.com/.default')"
    done = terminal('AZURE_CLIENT_SECRET=other exec "$@"', sys.executable, "-c", script, check=False)
    assert done.returncode != 0
    assert "AADSTS7000215" in done.stderr


# --- PostgreSQL's programs ---


def test_psql_and_pg_restore_work_on_the_database_and_its_backup(terminal: Terminal) -> None:
    (archive,) = sorted(terminal.inside.world.dir.rglob("nexy_db_*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(terminal.work)
    (dump,) = terminal.work.rglob("db.dump")
    tables = terminal('pg_restore --list "$1"', dump).stdout
    for table in ("users", "sessions", "commands", "token_usage"):
        assert f"TABLE DATA public {table} " in tables
    base = 'psql -qtA -v ON_ERROR_STOP=1 "$NEXY_DATABASE_URL"'
    live = terminal(f'{base} -c "select count(*) from commands"').stdout
    assert int(live) > 1000
    name = f"stock_{uuid.uuid4().hex}"
    terminal(f'{base} -c "create database {name}"')
    try:
        terminal(f'pg_restore --no-owner --exit-on-error -d "${{NEXY_DATABASE_URL%/*}}/{name}" "$1"', dump)
        assert terminal(f'psql -qtA "${{NEXY_DATABASE_URL%/*}}/{name}" -c "select count(*) from commands"').stdout == live
    finally:
        terminal(f'{base} -c "drop database {name}"')
    settings = 'psql -qtA -h "$DB_HOST" -p "$DB_PORT" -U "$DB_USER" "$DB_NAME" -c "select current_user"'
    assert terminal(settings).stdout == "nexy_user\n"  # the password from PGPASSFILE


# --- Python's clients ---

_CLIENTS = {
    "requests": "import requests; r = requests.get(sys.argv[1]); print(r.status_code, len(r.content))",
    "httpx": "import httpx; r = httpx.get(sys.argv[1], follow_redirects=True); print(r.status_code, len(r.content))",
    "urllib": "import urllib.request as u; r = u.urlopen(sys.argv[1]); print(r.status, len(r.read()))",
}


@pytest.mark.parametrize("client", sorted(_CLIENTS))
def test_pythons_clients_come_in_and_do_not_go_out(terminal: Terminal, client: str) -> None:
    script = f"import sys; {_CLIENTS[client]}"
    size = int(terminal(f"curl -fsSLo /dev/null -w '%{{size_download}}' {DOWNLOAD}").stdout)
    assert terminal.python(script, DOWNLOAD).stdout.split() == ["200", str(size)]
    out = terminal.python(script, "https://example.com/", check=False)
    assert out.returncode != 0
    assert "403" in out.stderr


_PYGITHUB = """
import os, sys
from github import Auth, Github, GithubException

release = Github(auth=Auth.Token(os.environ["GH_TOKEN"])).get_repo("Seregawpn/Nexy_production").get_release("Update")
names = lambda: sorted(asset.name for asset in release.get_assets())
before = names()
made = release.upload_asset(sys.argv[1], name="stock.bin")
assert names() == sorted([*before, "stock.bin"]), names()
renamed = made.update_asset("renamed.bin", "a label")
assert names() == sorted([*before, "renamed.bin"]), names()
try:
    renamed.update_asset("Nexy.dmg", "")
except GithubException as refused:
    assert refused.status == 422, refused
else:
    raise SystemExit("a rename onto a name that exists was not refused")
renamed.delete_asset()
assert names() == before, names()
print("Nexy.dmg" in before)
"""


def test_pygithub_lists_uploads_renames_and_deletes(terminal: Terminal) -> None:
    (terminal.work / "file.bin").write_bytes(os.urandom(10_000))
    assert terminal.python(_PYGITHUB, terminal.work / "file.bin").stdout == "True\n"


# --- every other host ---


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://index.example.org/simple/",
        "https://gist.github.com/",
        "https://github.com.example.com/",
        "https://140.82.112.3/",
        "https://[2606:50c0:8000::153]/",
        "https://github.com:8443/",
        "https://github.com:22/",
    ],
)
def test_every_other_host_is_refused_by_the_proxy(terminal: Terminal, url: str) -> None:
    known = len(terminal.account())
    done = terminal('curl -sS "$1"', url, check=False)
    assert done.returncode == 56
    assert "403" in done.stderr
    (line,) = terminal.account()[known:]
    assert (line["method"], line["status"]) == ("CONNECT", 403)


def test_the_proxy_carries_nothing_in_the_clear(terminal: Terminal) -> None:
    for url in ("http://example.com/", "http://github.com/Seregawpn/Nexy_server.git/info/refs"):
        done = terminal('curl -sS -w "%{http_code}" --proxy "$HTTPS_PROXY" "$1"', url)
        assert done.stdout.endswith("403")
        assert "only CONNECT is served" in done.stdout
    script = "import sys, httpx; print(httpx.get(sys.argv[2], proxy=sys.argv[1]).status_code)"
    assert terminal(f'exec "{sys.executable}" -c "$1" "$HTTPS_PROXY" http://example.com/', script).stdout == "403\n"


def test_no_program_takes_the_worlds_hosts_without_its_ca(terminal: Terminal) -> None:
    done = terminal("unset CURL_CA_BUNDLE SSL_CERT_FILE; curl -sS https://api.github.com/", check=False)
    assert done.returncode == 60
    done = terminal(f"unset GIT_SSL_CAINFO CURL_CA_BUNDLE SSL_CERT_FILE; git ls-remote {CODE_URL}", check=False)
    assert done.returncode == 128
    assert "certificate" in done.stderr
