"""The table of what a world sets and unsets: every line of it was asked for, and nothing of the user's gets past it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexy_tui.rehearsal.environment import UNSET, EnvTable, environment
from nexy_tui.rehearsal.invent import invent
from nexy_tui.rehearsal.names import World


@pytest.fixture(scope="module")
def world() -> World:
    return invent(Path("/nonexistent/world"), "flat", 1_000_000)


REQUIRED = """
HTTPS_PROXY https_proxy NO_PROXY no_proxy SSL_CERT_FILE GIT_SSL_CAINFO CURL_CA_BUNDLE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS
GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_ALLOW_PROTOCOL GIT_SSH_COMMAND GIT_TERMINAL_PROMPT GH_TOKEN GH_CONFIG_DIR
AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_SUBSCRIPTION_ID AZURE_CONFIG_DIR CURL_HOME NETRC PGPASSFILE PGSERVICEFILE
DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD PYTHON_KEYRING_BACKEND NEXY_STATE_DIR NEXY_CONFIG PATH NEXY_WORLD NEXY_CHECKOUT NEXY_CA
NEXY_DATABASE_URL NEXY_PG_BIN NEXY_VM NEXY_ALLOWED_SIGNERS NEXY_OPERATOR
"""


def test_everything_that_must_be_set_is_set(world: World) -> None:
    table = environment(world, {"PATH": "/usr/bin"})
    assert [name for name in REQUIRED.split() if not table.set.get(name)] == []
    assert table.set["HTTPS_PROXY"] == table.set["https_proxy"] == f"http://127.0.0.1:{world.ports['front']}"
    assert table.set["GIT_ALLOW_PROTOCOL"] == "https"
    assert table.set["GIT_SSH_COMMAND"] == "false"


LEAKS = """
ALL_PROXY all_proxy HTTP_PROXY http_proxy SSL_CERT_DIR SSH_AUTH_SOCK GITHUB_TOKEN GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
GIT_CONFIG_KEY_17 PGHOST PGPASSWORD PGSERVICE PGTZ PGLOADBALANCEHOSTS AWS_PROFILE AWS_ENDPOINT_URL PIP_INDEX_URL PIP_TARGET
AZURE_CLIENT_CERTIFICATE_PATH AZURE_STORAGE_SAS_TOKEN BACKUP_LOCAL_DIR NEXY_SIGNING_KEY_FILE NEXY_UNHEARD_OF
KEYRING_PROPERTY_SCHEME GIT_SSL_NO_VERIFY GIT_TRACE_CURL GEMINI_API_KEY
"""


@pytest.mark.parametrize("name", LEAKS.split())
def test_what_would_leak_is_gone(world: World, name: str) -> None:
    outside = {"PATH": "/usr/bin", name: "leak", "HOME": "/home/somebody", "TERM": "xterm"}
    inside = environment(world, outside).apply(outside)
    assert name not in inside
    assert inside["HOME"] == "/home/somebody"
    assert inside["TERM"] == "xterm"


def test_what_is_set_inside_wins_and_is_not_unset(world: World) -> None:
    outside = {"PATH": "/usr/bin", "NEXY_WORLD": "other", "DB_HOST": "prod.example", "AZURE_CLIENT_SECRET": "real", "PGPASSFILE": "/x"}
    table = environment(world, outside)
    inside = table.apply(outside)
    assert inside["NEXY_WORLD"] == world.id
    assert inside["DB_HOST"] == "127.0.0.1"
    assert inside["AZURE_CLIENT_SECRET"] == world.secrets.azure_client_secret
    assert inside["PGPASSFILE"].startswith(str(world.dir))
    assert not set(table.set) & set(table.unset)


def test_every_path_that_is_set_lies_inside_the_world(world: World) -> None:
    table = environment(world, {"PATH": "/usr/bin"})
    outside = {name: value for name, value in table.set.items() if value.startswith("/") and not value.startswith(str(world.dir))}
    assert set(outside) <= {"PATH", "NEXY_PG_BIN"}


def test_the_programs_of_the_world_come_first_and_its_spare_ones_last_each_once(world: World) -> None:
    once = environment(world, {"PATH": "/usr/bin:/bin"}).set["PATH"]
    assert once.split(":")[0] == str(world.home / "bin")
    assert once.endswith(":/usr/bin:/bin:/nonexistent/world/home/spare")
    assert environment(world, {"PATH": once}).set["PATH"] == once


def test_the_unset_list_names_what_is_not_there_too(world: World) -> None:
    table = environment(world, {"PATH": "/usr/bin"})
    assert table.unset == UNSET
    assert {"AWS_PROFILE", "PGHOST", "GITHUB_TOKEN"} <= set(table.unset)
    assert len(set(UNSET)) == len(UNSET)


def test_shell_code_quotes_what_it_must() -> None:
    code = EnvTable({"A": "it's; rm -rf $HOME", "B": "plain"}, ("C", "D")).shell()
    assert code == "unset C D\nexport A='it'\"'\"'s; rm -rf $HOME'\nexport B=plain\n"
