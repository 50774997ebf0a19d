"""Keys and secrets from nothing: made, listed as trusted, replaced and handed to a colleague; and what is said where that cannot be."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.errors import KeyringLocked
from runlog_kit import BEGIN, OPERATOR, SIGNER, MemoryRing, StepClock, opened, sealed
from terminal_kit import Terminal

from nexy_tui.cli.release import find_run
from nexy_tui.config import load_settings
from nexy_tui.config.edit import write_config
from nexy_tui.core.problem import CouldNotLook, Refused, Unusable
from nexy_tui.core.target import Target
from nexy_tui.runlog import keys
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.sign import SeedSigner
from nexy_tui.runlog.trust import AllowedSigners, new_entry
from nexy_tui.services import Services
from nexy_tui.services.secrets import Secrets
from nexy_tui.services.vm import VmHost

TOKEN = "ghp_" + "aB3" * 12


class Locked(MemoryRing):
    """A keyring of a desktop that nobody has logged in to."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"Failed to unlock the collection for {password}!")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "NEXY_SPARKLE_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Terminal(tmp_path, monkeypatch)


@pytest.fixture
def without_keyring(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return terminal


def key_file(path: Path) -> Path:
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("command", [("keys", "create"), ("keys", "export"), ("keys", "rotate", "--yes"), ("keys", "use", "--agent")])
def test_nobody_signs_under_the_login_name(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.delenv("NEXY_OPERATOR")
    answer = terminal.call(*command)
    assert answer.exit_code == 2 and "Who releases is not set" in answer.stderr
    assert "id under [operator]" in answer.stderr and "NEXY_OPERATOR" in answer.stderr and "nexy-tui setup" in answer.stderr
    assert not terminal.signers.exists() and not (terminal.folder / "keyring.cfg").exists()


def test_another_operator_in_the_environment_than_configured_is_refused(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    config = terminal.folder / "config.toml"
    config.write_text('[operator]\nid = "bob@example.com"\n')
    monkeypatch.setenv("NEXY_CONFIG", str(config))
    answer = terminal.keys("create")
    assert answer.exit_code == 2 and f"NEXY_OPERATOR names {OPERATOR.id}" in answer.stderr and "bob@example.com" in answer.stderr
    assert "Unset NEXY_OPERATOR" in answer.stderr
    monkeypatch.delenv("NEXY_OPERATOR")
    assert terminal.keys("create").exit_code == 0


def test_a_key_file_is_used_listed_and_remembered(without_keyring: Terminal) -> None:
    path = key_file(without_keyring.folder / "key")
    refused = without_keyring.keys("create")
    assert refused.exit_code == 2 and "keys use --file" in refused.stderr
    used = without_keyring.keys("use", "--file", path)
    assert used.exit_code == 0, used.stderr
    assert load_settings().key_file == path and load_settings().origins["operator.signing_key_file"] == "line 2 of the file"
    assert (load_settings().config_path.stat().st_mode & 0o777) == 0o600
    (entry,) = AllowedSigners.load(without_keyring.signers).entries
    listed = without_keyring.keys("list")
    assert listed.exit_code == 0 and f"signs with {entry.keyid} (file)" in listed.stdout
    assert without_keyring.keys("use", "--file", path).exit_code == 0
    assert len(AllowedSigners.load(without_keyring.signers).entries) == 1


def test_links_of_the_operators_own_stay_and_what_they_lead_to_is_written(without_keyring: Terminal) -> None:
    folder, path = without_keyring.folder, key_file(without_keyring.folder / "key")
    config, real, listed = load_settings().config_path, folder / "dotfiles.toml", folder / "listed"
    real.write_text('[operator]\nid = "ada@example.com"\n')
    listed.write_text("# ours\n")
    config.parent.mkdir(parents=True)
    config.symlink_to(real)
    without_keyring.signers.symlink_to(listed)
    assert without_keyring.keys("use", "--file", path).exit_code == 0
    assert config.is_symlink() and without_keyring.signers.is_symlink()
    assert str(path) in real.read_text() and "ssh-ed25519" in listed.read_text()


def test_a_configuration_that_cannot_be_written_is_said(without_keyring: Terminal) -> None:
    (without_keyring.folder / "file").write_text("")
    with pytest.raises(Unusable, match="cannot be written"):
        write_config(without_keyring.folder / "file" / "config.toml", "")


def test_an_unlisted_key_is_told_how_to_be_listed(without_keyring: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(without_keyring.folder / "key")
    monkeypatch.setenv("NEXY_SIGNING_KEY_FILE", str(path))
    listed = without_keyring.keys("list")
    assert listed.exit_code == 1 and "list it: nexy-tui keys use" in listed.stdout
    assert without_keyring.keys("use").exit_code == 0
    assert without_keyring.keys("list").exit_code == 0
    other = without_keyring.keys("use", "--file", key_file(without_keyring.folder / "other"))
    assert other.exit_code == 2 and "NEXY_SIGNING_KEY_FILE names another" in other.stderr and "Unset it" in other.stderr


def test_a_key_file_does_not_go_before_the_keyrings_key(terminal: Terminal) -> None:
    terminal.keys("create")
    path = key_file(terminal.folder / "key")
    refused = terminal.keys("use", "--file", path)
    assert refused.exit_code == 1 and f"nexy-tui keys rotate --file {path}" in refused.stderr
    assert terminal.keys("rotate", "--file", path, "--yes").exit_code == 0
    assert f"signs with {keys.read_key_file(path).keyid} (file)" in terminal.keys("list").stdout


def test_a_key_file_is_rotated_in_its_place(without_keyring: Terminal) -> None:
    path = key_file(without_keyring.folder / "key")
    without_keyring.keys("use", "--file", path)
    before = path.read_bytes()
    rotated = without_keyring.keys("rotate", "--yes")
    assert rotated.exit_code == 0, rotated.stderr
    (kept,) = without_keyring.folder.glob("key.ended-*")
    assert kept.read_bytes() == before != path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
    old, new = AllowedSigners.load(without_keyring.signers).entries
    assert (old.valid_before, new.keyid) == (new.valid_after, keys.read_key_file(path).keyid)
    again = without_keyring.keys("use", "--file", kept)
    assert again.exit_code == 1 and "was ended here" in again.stderr and "ssh-keygen -t ed25519" in again.stderr


@pytest.fixture
def agent(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """An ssh-agent that holds two keys."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("OpenSSH is not here")
    socket = terminal.folder / "s"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            assert process.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        made = [key_file(terminal.folder / name) for name in ("one", "two")]
        for path in made:
            subprocess.run(["ssh-add", "-q", str(path)], check=True, stderr=subprocess.DEVNULL)
        yield made
        process.terminate()


def test_an_agents_key_is_used_and_rotated(agent: list[Path], without_keyring: Terminal) -> None:
    first, second = (keys.read_key_file(path).keyid for path in agent)
    unnamed = without_keyring.keys("use", "--agent")
    assert unnamed.exit_code == 2 and first in unnamed.stderr and second in unnamed.stderr and "--key SHA256:" in unnamed.stderr
    assert without_keyring.keys("use", "--agent", "--key", first).exit_code == 0
    assert f"signs with {first} (ssh-agent)" in without_keyring.keys("list").stdout
    unsaid = without_keyring.keys("rotate", "--yes")
    assert unsaid.exit_code == 2 and "keys rotate --agent --key" in unsaid.stderr
    assert without_keyring.keys("rotate", "--agent", "--key", second, "--yes").exit_code == 0
    assert f"signs with {second} (ssh-agent)" in without_keyring.keys("list").stdout
    old, _ = AllowedSigners.load(without_keyring.signers).entries
    assert old.keyid == first and old.valid_before is not None


def made(path: Path, *options: str) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("the witness ssh-keygen is absent")
    subprocess.run(["ssh-keygen", "-q", "-f", str(path), *options], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.mark.parametrize(
    ("kind", "says", "remedy"),
    [
        (("-t", "ed25519", "-N", "secret"), "has a passphrase", "ssh-add {}, then nexy-tui keys use --agent"),
        (("-t", "ecdsa", "-N", ""), "is not an Ed25519 key", "ssh-keygen -t ed25519"),
        (("-t", "rsa", "-N", ""), "is not an Ed25519 key", "ssh-keygen -t ed25519"),
    ],
)
def test_a_key_file_that_does_not_serve_says_why(without_keyring: Terminal, kind: tuple[str, ...], says: str, remedy: str) -> None:
    path = made(without_keyring.folder / "key", *kind)
    refused = without_keyring.keys("use", "--file", path)
    assert refused.exit_code == 1 and says in refused.stderr and remedy.format(path) in refused.stderr
    public = without_keyring.keys("use", "--file", f"{path}.pub")
    assert public.exit_code == 1 and "is a public key" in public.stderr and f"keys use --file {path}\n" in public.stderr
    assert not without_keyring.signers.exists()


def test_what_is_no_key_at_all_and_nobodys_home_are_said(without_keyring: Terminal) -> None:
    path = without_keyring.folder / "key"
    path.touch(0o600)
    empty, nobody = without_keyring.keys("use", "--file", path), without_keyring.keys("use", "--file", "~nobody.here/key")
    assert (empty.exit_code, nobody.exit_code) == (1, 2)
    assert "is not an OpenSSH key file" in empty.stderr and "--file is '~nobody.here/key'" in nobody.stderr


def test_an_agent_without_a_key_that_serves_says_so(agent: list[Path], without_keyring: Terminal) -> None:
    first = keys.read_key_file(agent[0]).keyid
    named = without_keyring.keys("use", "--key", first)
    assert named.exit_code == 0 and f"signs with {first} (ssh-agent)" in named.stdout
    subprocess.run(["ssh-add", "-q", "-D"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["ssh-add", "-q", made(without_keyring.folder / "ec", "-t", "ecdsa", "-N", "")], check=True, stderr=subprocess.DEVNULL)
    without_keyring.signers.unlink()
    refused = without_keyring.keys("use", "--agent")
    assert refused.exit_code == 2 and "has no Ed25519 key" in refused.stderr and "ssh-keygen -t ed25519" in refused.stderr


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_a_keyring_that_keeps_nothing_is_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    created, kept = terminal.keys("create"), terminal.call("secrets", "set", "github-token", given=TOKEN)
    assert created.exit_code == 2 and "keys use --file" in created.stderr and "Unlock" not in created.stderr
    assert kept.exit_code == 2 and "Give it in the environment: GH_TOKEN." in kept.stderr and "Unlock" not in kept.stderr
    listed = terminal.call("secrets", "list")
    assert listed.exit_code == 0 and "GH_TOKEN" in listed.stdout and "secrets set" not in listed.stdout


@pytest.mark.parametrize("backend", ["", "no.such.Keyring"])
def test_a_keyring_chosen_by_a_wrong_name_is_not_to_be_unlocked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    for answer in (terminal.keys("create"), terminal.call("secrets", "set", "github-token", given=TOKEN)):
        assert answer.exit_code == 2 and "Unset PYTHON_KEYRING_BACKEND" in answer.stderr and "Unlock" not in answer.stderr


def test_a_private_key_is_not_handed_over_and_a_bare_public_one_names_nobody(terminal: Terminal) -> None:
    path = made(terminal.folder / "key", "-t", "ed25519", "-N", "")
    private, public = (terminal.keys("trust", name, "--yes") for name in (path, f"{path}.pub"))
    assert (private.exit_code, public.exit_code) == (2, 2) and not terminal.signers.exists()
    assert "Give it to nobody" in private.stderr and "without its operator" in public.stderr and "keys export" in public.stderr


def test_an_id_that_is_none_is_said_by_the_list_of_keys(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXY_OPERATOR", " ")
    listed = terminal.keys("list")
    assert listed.exit_code == 2 and "' ' cannot be an operator's id" in listed.stdout and "keys create" not in listed.stdout


def test_a_colleagues_key_is_trusted_after_its_fingerprint_was_shown(terminal: Terminal) -> None:
    log, line = sealed(terminal.folder), terminal.folder / "ada.pub"
    line.write_text(new_entry(OPERATOR.id, SIGNER.public, BEGIN).line() + "\n")
    unknown = terminal.runs("verify", log)
    assert unknown.exit_code == 1 and "untrusted key; nothing else is wrong" in unknown.stdout
    assert "nexy-tui keys trust FILE" in unknown.stdout and "not forged" in unknown.stdout and SIGNER.keyid in unknown.stdout
    assert json.loads(terminal.runs("verify", log, "--json").stdout)["unknown_signer"] is True
    unasked = terminal.keys("trust", line)
    assert unasked.exit_code == 2 and SIGNER.keyid in unasked.stdout and not terminal.signers.exists()
    assert terminal.keys("trust", line, "--yes").exit_code == 0
    assert terminal.runs("verify", log).exit_code == 10
    assert "Nothing was changed" in terminal.keys("trust", line, "--yes").stdout


def test_a_forged_log_by_somebody_unknown_is_no_intact_one(terminal: Terminal) -> None:
    log = sealed(terminal.folder)
    lines = log.read_bytes().split(b"\n")
    log.write_bytes(b"\n".join([lines[0], lines[2], lines[1], *lines[3:]]))
    forged = terminal.runs("verify", log)
    assert forged.exit_code == 1 and "INVALID (" not in forged.stdout and "intact" not in forged.stdout
    assert json.loads(terminal.runs("verify", log, "--json").stdout)["unknown_signer"] is False


def test_a_colleagues_rotation_ends_his_old_key_here_too(terminal: Terminal) -> None:
    handed = terminal.folder / "line"
    entry = new_entry(OPERATOR.id, SIGNER.public, BEGIN)
    handed.write_text(entry.line() + "\n")
    terminal.keys("trust", handed, "--yes")
    handed.write_text(replace(entry, valid_before=BEGIN + timedelta(days=9)).line() + "\n")
    ended = terminal.keys("trust", handed, "--yes")
    assert ended.exit_code == 0 and "end " in ended.stdout
    (kept,) = AllowedSigners.load(terminal.signers).entries
    assert kept.valid_before is not None


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519 AAAA ada\n", new_entry("ada", SIGNER.public, BEGIN).line().replace("ada", "*", 1), "no list at all"],
)
def test_what_is_no_operators_line_is_not_trusted(terminal: Terminal, text: str) -> None:
    (terminal.folder / "line").write_text(text)
    answer = terminal.keys("trust", terminal.folder / "line", "--yes")
    assert answer.exit_code == 2 and not terminal.signers.exists()


def test_a_run_of_another_machine_is_gone_on_with_there(terminal: Terminal) -> None:
    with pytest.raises(Unusable) as caught:
        find_run(Services(load_settings(), terminal.folder), "01990000-0000-7000-8000-000000000000")
    assert "not on this machine" in caught.value.what and "nexy-tui verify" in str(caught.value.remedy)
    copied = opened(terminal.folder)
    with pytest.raises(Refused) as refused:
        RunLog.resume(copied, SeedSigner.from_seed(bytes(32), "keyring"), StepClock())
    assert f"{OPERATOR.id} on {OPERATOR.host}" in refused.value.what and f"on {OPERATOR.host}" in str(refused.value.remedy)


def test_a_list_of_trusted_keys_that_others_may_write_is_refused(terminal: Terminal) -> None:
    terminal.trust(SIGNER)
    terminal.signers.chmod(0o666)
    for answer in (terminal.keys("list"), terminal.runs("verify", sealed(terminal.folder))):
        assert answer.exit_code == 2 and "chmod go-w" in answer.stderr


def test_secrets_are_kept_listed_and_deleted_unshown(terminal: Terminal) -> None:
    assert terminal.call("secrets", "set", "github-token", given=TOKEN + "\n").exit_code == 0
    assert Secrets(os.environ, Target()).github_token().reveal() == TOKEN
    listed = terminal.call("secrets", "list")
    assert listed.exit_code == 0 and "keyring (keyrings.alt.file)" in listed.stdout and "secrets set sparkle-private-key" in listed.stdout
    assert TOKEN not in listed.stdout
    assert "taken out" in terminal.call("secrets", "delete", "github-token").stdout
    assert "has no" in terminal.call("secrets", "delete", "github-token").stdout


def test_sparkles_key_must_be_the_configured_ones_other_half(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    config = terminal.folder / "config.toml"
    config.write_text(f'[target]\nsparkle_public_key = "{base64.b64encode(private.public_key().public_bytes_raw()).decode()}"\n')
    monkeypatch.setenv("NEXY_CONFIG", str(config))
    for wrong in ("abc", base64.b64encode(bytes(32)).decode(), base64.b64encode(bytes(96)).decode()):
        refused = terminal.call("secrets", "set", "sparkle-private-key", given=wrong)
        assert refused.exit_code == 1 and "generate_keys -x" in refused.stderr and wrong not in refused.output
    right = base64.b64encode(bytes(range(32))).decode()
    assert terminal.call("secrets", "set", "sparkle-private-key", given=right).exit_code == 0
    assert Secrets(os.environ, Target()).sparkle_key() is not None
    monkeypatch.setenv("NEXY_SPARKLE_PRIVATE_KEY", right)
    assert "environment NEXY_SPARKLE_PRIVATE_KEY" in terminal.call("secrets", "list").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set", "signing-key"), "keys create"),
        (("set", "password"), "secrets list"),
        (("delete", "password"), "secrets list"),
        (("set", "github-token"), "secrets set github-token"),
    ],
)
def test_what_is_no_secret_of_ours_is_refused(terminal: Terminal, words: tuple[str, ...], says: str) -> None:
    answer = terminal.call("secrets", *words)
    assert answer.exit_code == 2 and says in answer.stderr


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Locked()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)


def test_a_locked_keyring_is_to_be_unlocked(locked: None, terminal: Terminal) -> None:
    for words in (("keys", "create"), ("keys", "rotate", "--yes"), ("keys", "export")):
        answer = terminal.call(*words)
        assert answer.exit_code == 2 and "the keyring is locked (KeyringLocked: Failed to unlock the collection!)" in answer.stderr
        assert "Unlock the keyring" in answer.stderr and "keys create" not in answer.stderr
    kept = terminal.call("secrets", "set", "github-token", given=TOKEN)
    assert kept.exit_code == 2 and "GH_TOKEN" in kept.stderr and TOKEN not in kept.stderr
    listed = terminal.call("secrets", "list")
    assert listed.exit_code == 3 and "GH_TOKEN" in listed.stdout and "NEXY_SPARKLE_PRIVATE_KEY" in listed.stdout


def test_a_locked_keyring_does_not_bar_gh(locked: None, terminal: Terminal) -> None:
    with pytest.raises(CouldNotLook) as caught:
        Secrets({"PATH": ""}, Target()).github_token()
    assert "GH_TOKEN" in str(caught.value.remedy)
    gh = terminal.folder / "gh"
    gh.write_text(f"#!/bin/sh\necho {TOKEN}\n")
    gh.chmod(0o755)
    assert Secrets({"PATH": str(terminal.folder)}, Target()).github_token().source == "gh auth token"


def test_a_keyring_that_cannot_be_opened_says_why(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("Unable to initialize SecretService: no bus, token=s3cr3t")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    answer = terminal.keys("create")
    assert answer.exit_code == 2 and "RuntimeError: Unable to initialize SecretService: no bus" in answer.stderr
    assert "s3cr3t" not in answer.stderr


def test_no_keyring_that_nobody_chose_is_written_to(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyrings.alt.file import PlaintextKeyring

    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setattr(keyring, "get_keyring", PlaintextKeyring)
    answer = terminal.call("secrets", "set", "github-token", given=TOKEN)
    assert answer.exit_code == 2 and "no keyring that protects" in answer.stderr and "GH_TOKEN" in answer.stderr
    assert not list(terminal.folder.rglob("*.cfg"))


@pytest.mark.parametrize("subscription", ["my-subscription", "11111111-1111", "{1}"])
def test_a_malformed_subscription_is_said_before_azure_is_asked(subscription: str) -> None:
    from nexy_tui.core.clock import SystemClock
    from nexy_tui.services.azure import RunCommands

    commands = RunCommands(Target(), {"AZURE_SUBSCRIPTION_ID": subscription}, SystemClock(1))
    with pytest.raises(Unusable, match="no Azure subscription's id") as caught:
        VmHost(Target(), commands, SystemClock(1)).survey()
    assert "az account show --query id" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("environ", "said", "remedy"),
    [
        ({"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"}, "AZURE_CLIENT_SECRET not set", "Set AZURE_CLIENT_SECRET, or unset"),
        ({"AZURE_CLIENT_SECRET": "s"}, "AZURE_TENANT_ID and AZURE_CLIENT_ID not set", "or unset AZURE_CLIENT_SECRET"),
        ({}, "There is no credential for Azure", "az login"),
    ],
)
def test_half_a_service_principal_is_said(environ: dict[str, str], said: str, remedy: str) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    from nexy_tui.services.azure_errors import problem_of

    tried = "DefaultAzureCredential failed.\nAttempted credentials:\n\tBrokerCredential: not there"
    problem = problem_of(ClientAuthenticationError(tried), "the VM", environ)
    assert isinstance(problem, Unusable) and said in problem.what and remedy in str(problem.remedy)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AADSTS90002: Tenant 'x' not found.", "Correct AZURE_TENANT_ID"),
        ("AADSTS700016: Application 'x' was not found.", "Correct AZURE_CLIENT_ID"),
        ("AADSTS7000222: The provided client secret keys are expired.", "az ad app credential reset"),
        ("AADSTS7000215: Invalid client secret provided.", "AZURE_CLIENT_SECRET"),
    ],
)
def test_a_refused_login_names_the_variable_that_is_wrong(code: str, remedy: str) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    from nexy_tui.services.azure_errors import problem_of

    tried = f"Failed.\nAttempted credentials:\n\tEnvironmentCredential: Authentication failed: {code}"
    problem = problem_of(ClientAuthenticationError(tried), "the VM", {})
    assert isinstance(problem, CouldNotLook) and remedy in str(problem.remedy)


@pytest.mark.parametrize("words", [(), ("keys",), ("keys", "trust"), ("world", "fault"), ("release",)])
def test_h_is_help_everywhere(terminal: Terminal, words: tuple[str, ...]) -> None:
    short, long = terminal.call(*words, "-h"), terminal.call(*words, "--help")
    assert short.exit_code == 0 and short.stdout == long.stdout and "Usage" in short.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(tmp_path: Path, shell: str) -> None:
    import sys

    program = [sys.executable, "-P", "-m", "nexy_tui"]
    script = subprocess.run([*program, "completion", shell], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "_NEXY_TUI_COMPLETE" in script and "nexy-tui" in script
    asked = {
        "bash": {"COMP_WORDS": "nexy-tui keys ro", "COMP_CWORD": "2"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "nexy-tui keys ro"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "nexy-tui keys ro",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": "ro",
        },
    }[shell]
    environ = {**os.environ, **asked, "_NEXY_TUI_COMPLETE": f"complete_{shell}"}
    said = subprocess.run(program, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "rotate" in said.stdout and "create" not in said.stdout
