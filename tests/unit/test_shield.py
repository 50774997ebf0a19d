"""Search paths are cleaned of the checkout, and each program gets the variables of its kind alone."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nexy_tui.core.shield import PACKAGES, interpreter, shielded
from nexy_tui.core.surroundings import Needs, surroundings

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    name: f"the {name}"
    for name in (
        *("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "AZURE_CLIENT_SECRET", "DB_PASSWORD", "PG_SUPERUSER_PASSWORD", "PGPASSWORD"),
        *("NEXY_NEW_GEMINI_KEY", "AWS_SECRET_ACCESS_KEY", "FOO_SECRET", "FOO", "GCM_CLIENT_SECRET", "PGPASSFILE", "NEXY_DATABASE_URL"),
        *("MY_TOKEN", "SENTRY_DSN", "AZURE_STORAGE_KEY", "NPM_TOKEN", "LC_RELEASE_TOKEN", "GIT_HTTP_TOKEN", "GCM_PAT", "KRB5_SECRET"),
        *("GIT_SSL_KEY_PASSWORD", "GIT_TOKEN"),
    )
}
REDIRECTIONS = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_EXEC_PATH"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_TEMPLATE_DIR", "GIT_CEILING_DIRECTORIES", "GIT_TRACE", "GIT_TRACE_CURL", "GIT_PREFIX"),
    *("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_CONFIG", "GIT_QUARANTINE_PATH"),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    place = tmp_path / "clone"
    (place / ".git").mkdir(parents=True)
    (place / "server" / "bin").mkdir(parents=True)
    (tmp_path / "tools").mkdir()
    return place


def path_of(checkout: Path, *entries: str | Path, start: Path | None = None) -> str:
    return shielded({"PATH": os.pathsep.join(map(str, entries))}, start or checkout)["PATH"]


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "..", "~/bin"])
def test_an_entry_that_is_not_absolute_is_never_searched(checkout: Path, entry: str) -> None:
    tools = checkout.parent / "tools"
    assert path_of(checkout, entry, tools) == path_of(checkout, tools, entry) == str(tools)


@pytest.mark.parametrize("inside", [".", "server/bin", "server/../server/bin", "nowhere/yet", ".git/hooks"])
def test_an_entry_inside_the_checkout_is_never_searched(checkout: Path, inside: str) -> None:
    tools = checkout.parent / "tools"
    entry = f"{checkout}/{inside}"
    assert path_of(checkout, entry, tools) == str(tools)
    assert path_of(checkout, entry, tools, start=checkout / "server") == str(tools)


def test_links_are_followed_either_way(checkout: Path) -> None:
    tools, into = checkout.parent / "tools", checkout.parent / "into"
    into.symlink_to(checkout / "server" / "bin")
    (checkout / "out").symlink_to(tools)
    also = checkout.parent / "also"
    also.symlink_to(checkout)
    assert path_of(checkout, into, tools) == str(tools)
    assert path_of(checkout, checkout / "server" / "bin", tools, start=also) == str(tools)
    assert path_of(checkout, checkout / "out", tools) == f"{checkout}/out:{tools}", "a link that leaves is the operator's own place"


def test_where_nothing_is_left_the_system_s_own_path_is_searched(checkout: Path) -> None:
    for given in ("", ".", str(checkout)):
        assert path_of(checkout, given) == os.defpath
    assert surroundings(Needs.PLAIN, {"PATH": ""}).variables["PATH"] == os.defpath


def test_a_home_that_is_itself_a_repository_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of(tmp_path, tmp_path / "bin") == str(tmp_path / "bin")


def test_every_other_search_path_is_cleaned_too(checkout: Path) -> None:
    tools = str(checkout.parent / "tools")
    names = ("PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
    clean = shielded(dict.fromkeys(names, f":{tools}:lib:{checkout}"), checkout)
    assert {name: clean[name] for name in names} == dict.fromkeys(names, tools)
    assert not set(names) & set(shielded(dict.fromkeys(names, ":"), checkout))
    places = (
        *("PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME"),
        *("GNUPGHOME", "PASSWORD_STORE_DIR", "OPENSSL_CONF"),
    )
    assert not set(places) & set(shielded(dict.fromkeys(places, "config"), checkout))
    assert not set(places) & set(shielded(dict.fromkeys(places, f"{checkout}/server"), checkout))
    assert set(places) <= set(shielded(dict.fromkeys(places, tools), checkout))


@pytest.mark.parametrize("name", ["GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROXY_COMMAND"])
def test_no_program_of_the_checkout_is_named_to_git(checkout: Path, name: str) -> None:
    tool = checkout.parent / "tools/ssh"
    for theirs in ("./evil", "server/bin/evil -q", f"{checkout}/server/bin/evil", "'./evil' -q", "../clone/evil"):
        assert name not in shielded({name: theirs}, checkout)
    for ours in ("ssh", "ssh -i ~/.ssh/release", str(tool), f"{tool} -o BatchMode=yes"):
        assert shielded({name: ours}, checkout)[name] == ours


@pytest.mark.parametrize("kind", Needs)
def test_no_kind_gets_a_secret_or_a_redirection(kind: Needs) -> None:
    plain = {"PATH": "/usr/bin", "HOME": "/home/o", "LC_TIME": "C"}
    for_this_call = {"NEXY_NEW_GEMINI_KEY"} if kind is Needs.REHEARSAL else set()
    got = surroundings(kind, {**SECRETS, **dict.fromkeys(REDIRECTIONS, "elsewhere"), **plain}).variables
    assert got.keys() - for_this_call == plain.keys()
    assert "the " not in repr(surroundings(kind, plain, SECRETS))


def test_only_what_talks_to_the_remote_gets_the_way_there() -> None:
    way = {"HTTPS_PROXY": "http://u:p@proxy", "GIT_ASKPASS": "/bin/ask", "GCM_CREDENTIAL_STORE": "cache", "GH_CONFIG_DIR": "/gh"}
    identity = {"GIT_CONFIG_COUNT": "0", "GIT_AUTHOR_NAME": "O", "SSH_AUTH_SOCK": "/agent", "GPG_TTY": "/dev/pts/1", "PATH": "/bin"}
    assert surroundings(Needs.GIT, way | identity).variables == identity
    assert surroundings(Needs.GIT_REMOTE, way | identity).variables == way | identity


def test_a_token_in_git_s_configuration_by_environment_is_for_the_remote_alone() -> None:
    pairs = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "http.https://github.com/.extraHeader", "GIT_CONFIG_VALUE_0": "Authorization: x"}
    pairs |= {"GIT_CONFIG_KEY_1": "user.name", "GIT_CONFIG_VALUE_1": "O", "PATH": "/bin"}
    assert surroundings(Needs.GIT, pairs).variables == {**pairs, "GIT_CONFIG_VALUE_0": ""}
    assert surroundings(Needs.GIT_REMOTE, pairs).variables == pairs


def test_our_interpreter_imports_nothing_of_the_folder_it_is_started_in(tmp_path: Path) -> None:
    for name in ("nexy_tui", "sitecustomize", "usercustomize", "runpy", "typing", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('trapped')")
    (tmp_path / "x.pth").write_text("import sys; sys.exit('trapped')\n")
    (tmp_path / ".git").mkdir()
    environ = shielded({"PATH": os.environ["PATH"], "PYTHONPATH": f":{tmp_path}:."}, tmp_path)
    done = subprocess.run(
        interpreter("nexy_tui", "--version"), cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("nexy-tui ")


def test_there_is_one_place_that_starts_programs() -> None:
    """In the tool itself. The rehearsal starts its servers from environments that it builds, and what is for the VM runs there."""
    starters = {"subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"}
    starters |= {"os.system", "os.popen", "os.execv", "os.execve", "os.execvp", "os.spawnv", "os.posix_spawn", "os.fork", "pty.spawn"}
    found = {
        (str(path.relative_to(ROOT)), ast.unparse(node.func))
        for package in ("nexy_tui", "screens", "checks")
        for path in (ROOT / package).rglob("*.py")
        if "rehearsal" not in path.parts and "on_vm" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and (ast.unparse(node.func) in starters or "create_subprocess" in ast.unparse(node.func))
    }
    ourselves_again = {("cli/wizard.py", "os.execve"), ("cli/common.py", "os.execve"), ("cli/rehearse.py", "subprocess.Popen")}
    assert found == {(f"nexy_tui/{name}", call) for name, call in {("services/processes.py", "subprocess.Popen"), *ourselves_again}}


def test_our_packages_are_found_from_their_own_folder() -> None:
    assert (Path(PACKAGES) / "nexy_tui" / "core" / "shield.py").is_file() and interpreter("m", "a")[0] == sys.executable
