"""A whole rehearsal from a home that would lead every program astray: nothing of it is read, asked, run or written to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexy_tui.rehearsal.home import package_root

STRANGERS = ("ssh", "gpg", "az", "azd", "aws", "pwsh", "security", "psql", "pg_dump", "pg_restore", "helper", "editor", "askpass", "hook")
"""Programs in the hostile PATH, or named in its settings: each records that it was run."""

_PROGRAM = '#!/bin/sh\necho "$0 $*" >> {record}\nexit 1\n'

_KEYRING = """
from keyring.backend import KeyringBackend


def record(what):
    with open({record!r}, "a") as stream:
        stream.write("keyring " + what + "\\n")


class Keyring(KeyringBackend):
    priority = 99

    def get_password(self, service, username):
        record(f"get {{service}} {{username}}")

    def set_password(self, service, username, password):
        record(f"set {{service}} {{username}}")

    def delete_password(self, service, username):
        record(f"delete {{service}} {{username}}")
"""

_GITCONFIG = """[url "git@github.com:"]
	insteadOf = https://github.com/
[http]
	proxy = {proxy}
	sslVerify = false
[https]
	proxy = {proxy}
[credential]
	helper = {bin}/helper
[core]
	sshCommand = {bin}/ssh
	hooksPath = {home}/hooks
	askPass = {bin}/askpass
	editor = {bin}/editor
	pager = {bin}/editor
[commit]
	gpgSign = true
[tag]
	gpgSign = true
[gpg]
	program = {bin}/gpg
[user]
	name = Somebody Else
	email = somebody@else.example
"""


class Recorder:
    """Sockets that anybody may connect to, and that tell who did."""

    def __init__(self, agent: Path) -> None:
        self.heard: list[bytes] = []
        self._sockets = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self._sockets[1].bind(str(agent))
        self._sockets[1].listen()
        self.url = f"http://127.0.0.1:{self._sockets[0].getsockname()[1]}"
        for each in self._sockets:
            threading.Thread(target=self._listen, args=(each,), daemon=True).start()

    def _listen(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(1)
                    with contextlib.suppress(OSError):
                        self.heard.append(connection.recv(4096) or b"(a connection)")

    def close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@dataclass
class Hostile:
    """The home, the environment of a terminal in it, and what its recorders have recorded."""

    home: Path
    environ: dict[str, str]
    recorder: Recorder
    record: Path
    temporary: Path

    def recorded(self) -> list[str]:
        """What strangers' programs, the keyring and the sockets saw."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return lines + [f"socket: {heard[:200]!r}" for heard in self.recorder.heard]


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    """A home with traps, outside every world."""
    home, record, temporary = tmp_path / "home", tmp_path / "recorded", tmp_path / "temporary"
    temporary.mkdir()
    recorder = Recorder(tmp_path / "agent")
    _furnish(home, record, recorder.url)
    try:
        yield Hostile(home, _environ(home, temporary, tmp_path / "agent", recorder.url), recorder, record, temporary)
    finally:
        recorder.close()


def _furnish(home: Path, record: Path, proxy: str) -> None:
    programs = home / "bin"
    for name in STRANGERS:
        _write(programs / name, _PROGRAM.format(record=record), 0o755)
    for name in ("pre-commit", "commit-msg", "pre-push", "reference-transaction", "post-checkout"):
        _write(home / "hooks" / name, _PROGRAM.format(record=record), 0o755)
    settings = _GITCONFIG.format(proxy=proxy, bin=programs, home=home)
    files = {
        ".gitconfig": settings,
        ".config/git/config": settings,
        ".git-credentials": "https://thief:hunter2@github.com\n",
        ".config/gh/hosts.yml": "github.com:\n  oauth_token: ghp_somebodyelses\n  user: somebody\n  git_protocol: ssh\n",
        ".config/gh/config.yml": f"http_unix_socket: {home}/socket\ngit_protocol: ssh\n",
        ".netrc": "".join(f"machine {name} login thief password hunter2\n" for name in ("github.com", "api.github.com", "127.0.0.1")),
        ".curlrc": f'proxy = "{proxy}"\ninsecure\n',
        ".pg_service.conf": "[nexy]\nhost=127.0.0.2\nport=1\n",
        ".pgpass": "*:*:*:*:hunter2\n",
        ".psqlrc": f"\\! {programs}/hook\n",
        ".config/pip/pip.conf": f"[global]\nindex-url = {proxy}/simple\n",
        ".azure/config": "[cloud]\nname = SomebodyElses\n",
        ".config/python_keyring/keyringrc.cfg": f"[backend]\ndefault-keyring=recording_keyring.Keyring\nkeyring-path={home}/lib\n",
        ".config/nexy-tui/config.toml": '[target.update_server]\nhost = "somebody.else.example"\n',
        "lib/recording_keyring.py": _KEYRING.format(record=str(record)),
        "bash_env": f"echo bash_env >> {record}\n",
        "thesis.txt": "mine\n",
    }
    for name, text in files.items():
        _write(home / name, text, 0o600)


def _environ(home: Path, temporary: Path, agent: Path, proxy: str) -> dict[str, str]:
    stranger = home / "bin"
    proxies = {name: proxy for upper in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "FTP_PROXY") for name in (upper, upper.lower())}
    return proxies | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PATH": f"{stranger}:{os.environ['PATH']}",
        "PYTHONPATH": f"{package_root()}:{home / 'lib'}",
        "NO_PROXY": "*",
        "no_proxy": "*",
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "SSL_CERT_FILE": "/nonexistent/ca.pem",
        "SSL_CERT_DIR": "/nonexistent",
        "REQUESTS_CA_BUNDLE": "/nonexistent/ca.pem",
        "CURL_CA_BUNDLE": "/nonexistent/ca.pem",
        "CURL_HOME": str(home),
        "NETRC": str(home / ".netrc"),
        "BASH_ENV": str(home / "bash_env"),
        "ENV": str(home / "bash_env"),
        "EDITOR": str(stranger / "editor"),
        "PAGER": str(stranger / "editor"),
        "GIT_EDITOR": str(stranger / "editor"),
        "GIT_PAGER": str(stranger / "editor"),
        "GIT_SSH": str(stranger / "ssh"),
        "GIT_SSH_COMMAND": str(stranger / "ssh"),
        "GIT_ASKPASS": str(stranger / "askpass"),
        "SSH_ASKPASS": str(stranger / "askpass"),
        "GIT_EXTERNAL_DIFF": str(stranger / "hook"),
        "GIT_TRACE": str(home / "git.trace"),
        "GIT_TRACE2_EVENT": str(home / "git.trace2"),
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "url.git@github.com:.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "GIT_CONFIG_KEY_1": "http.proxy",
        "GIT_CONFIG_VALUE_1": proxy,
        "GIT_AUTHOR_NAME": "Somebody Else",
        "SSH_AUTH_SOCK": str(agent),
        "GH_TOKEN": "ghp_somebodyelses",
        "GITHUB_TOKEN": "ghp_somebodyelses",
        "GH_HOST": "github.else.example",
        "GH_REPO": "somebody/else",
        "AZURE_TENANT_ID": "somebody-elses",
        "AZURE_CLIENT_ID": "somebody-elses",
        "AZURE_CLIENT_SECRET": "somebody-elses",
        "AZURE_CLIENT_CERTIFICATE_PATH": str(home / "certificate.pem"),
        "AZURE_USERNAME": "somebody",
        "AZURE_PASSWORD": "hunter2",
        "AZURE_AUTHORITY_HOST": proxy,
        "AZURE_CONFIG_DIR": str(home / ".azure"),
        "AZURE_SUBSCRIPTION_ID": "somebody-elses",
        "AZURE_STORAGE_ACCOUNT": "somebody",
        "IDENTITY_ENDPOINT": proxy,
        "IDENTITY_HEADER": "x",
        "AWS_PROFILE": "somebody",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_S3_BACKUP_URI": "s3://somebody-elses",
        "BACKUP_OFFSITE_PROVIDER": "aws",
        "BACKUP_LOCAL_DIR": str(home / "backups"),
        "PGHOST": "127.0.0.1",
        "PGPORT": proxy.rpartition(":")[2],
        "PGUSER": "somebody",
        "PGPASSWORD": "hunter2",
        "PGSERVICE": "nexy",
        "PGSSLMODE": "verify-full",
        "PGPASSFILE": str(home / ".pgpass"),
        "PGSERVICEFILE": str(home / ".pg_service.conf"),
        "DB_HOST": "127.0.0.1",
        "DB_PORT": proxy.rpartition(":")[2],
        "DB_NAME": "somebody_elses",
        "PIP_INDEX_URL": f"{proxy}/simple",
        "PIP_CONFIG_FILE": str(home / ".config/pip/pip.conf"),
        "PYTHON_KEYRING_BACKEND": "recording_keyring.Keyring",
        "SERVER_VERSION": "9.9.9.9",
        "NEXY_STATE_DIR": str(home / "state"),
        "NEXY_CONFIG": str(home / ".config/nexy-tui/config.toml"),
        "NEXY_OPERATOR": "somebody@else.example",
        "NEXY_SIGNING_KEY_FILE": str(home / "thesis.txt"),
    }


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def digest_of(folder: Path) -> dict[str, str]:
    """Every path below a folder with its kind, mode, time of change and bytes; folders by their being there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        text = "folder" if path.is_dir() else f"{status.st_mode:o} {status.st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        found[str(path.relative_to(folder))] = text
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("no_proxy", ["*", ""])
def test_a_whole_release_touches_nothing_of_a_hostile_home(hostile: Hostile, no_proxy: str) -> None:
    """With `*` what forgets the world's proxy would go out directly; without, it would reach the recorder."""
    hostile.environ.update(NO_PROXY=no_proxy, no_proxy=no_proxy)
    before = digest_of(hostile.home)
    command = [sys.executable, "-m", "nexy_tui", "rehearse", "--headless", "--auto", "--json", "--artifact-size", "1MB"]
    done = subprocess.run(
        command, cwd=hostile.home, env=hostile.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    assert hostile.recorded() == []
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["outcome"] == "verified"
    assert digest_of(hostile.home) == before
    assert list(hostile.temporary.iterdir()) == []
    assert "The world is gone, and with it every run and log in it." in done.stderr, "what was said of the run leads nowhere now"


def test_outside_the_world_the_same_traps_do_close(hostile: Hostile) -> None:
    """What the test above rests on: these recorders record, given half a chance."""

    def run(*argv: str) -> None:
        place = hostile.temporary
        subprocess.run(argv, cwd=place, env=hostile.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)

    run("git", "ls-remote", "https://github.com/Seregawpn/Nexy_server.git")
    run(sys.executable, "-c", "import keyring; keyring.get_password('nexy-tui', 'github-token')")
    run("bash", "-c", "true")
    run("psql", "postgres")
    programs = hostile.home / "bin"
    assert {line.split()[0] for line in hostile.recorded()} >= {f"{programs}/ssh", f"{programs}/psql", "keyring", "bash_env"}
    if curl := shutil.which("curl"):
        run(curl, "-s", "--noproxy", "", "https://github.com/")
        assert any("CONNECT github.com:443" in line for line in hostile.recorded())
