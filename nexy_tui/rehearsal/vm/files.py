"""Where things stand on the rehearsal VM, and the environment its scripts run in."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from nexy_tui.rehearsal.names import VM_HOME, World

_TOOLS = ("python3", "bash", "git", "curl", "sed", "tar", "sha256sum", "timeout")
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True, slots=True)
class VmFiles:
    """The VM's file system below DIR/vm, by what each place is for."""

    root: Path

    @property
    def bin(self) -> Path:
        """First in PATH: stand-ins for what a directory does not have (service manager, sudo)."""
        return self.root / "bin"

    @property
    def broken_bin(self) -> Path:
        """Before `bin` in PATH while the fault deploy-exit-123 is on."""
        return self.root / "broken-bin"

    @property
    def full_bin(self) -> Path:
        """Before `bin` in PATH while the fault vm-disk-full is on."""
        return self.root / "full-bin"

    @property
    def etc(self) -> Path:
        """Settings of git, pip and the release scripts."""
        return self.root / "etc"

    @property
    def release_env(self) -> Path:
        """The one file the wizard's own script takes paths and ports from."""
        return self.etc / "nexy-release.env"

    @property
    def gitconfig(self) -> Path:
        """What /etc/gitconfig is on a real VM; holds the helper for the read-only deploy credential."""
        return self.etc / "gitconfig"

    @property
    def pip_conf(self) -> Path:
        """pip's settings: the world's index, and no other place."""
        return self.etc / "pip.conf"

    @property
    def superuser_home(self) -> Path:
        """HOME of run-command's user."""
        return self.root / "root"

    @property
    def user_home(self) -> Path:
        """The application user's home."""
        return self.root / VM_HOME.lstrip("/")

    @property
    def app(self) -> Path:
        """The clone the service runs from."""
        return self.user_home / "voice-assistant"

    @property
    def venv(self) -> Path:
        """The application's Python environment."""
        return self.app / "venv"

    @property
    def run(self) -> Path:
        """What is only true while the world is up, and whether the service is wanted."""
        return self.root / "run"

    @property
    def manager(self) -> Path:
        """How the stand-ins in `bin` reach the service manager: its port and a token, a line each."""
        return self.run / "manager"

    @property
    def journal(self) -> Path:
        """The journal, one JSON object a line."""
        return self.root / "var" / "log" / "journal.jsonl"

    @property
    def downloads(self) -> Path:
        """Where the agent lays each script and its output."""
        return self.root / "var" / "lib" / "waagent" / "run-command" / "download"

    @property
    def managed(self) -> Path:
        """The managed run-commands this VM has, for a world that comes back."""
        return self.root / "var" / "lib" / "waagent" / "run-command" / "managed.json"

    @property
    def var_tmp(self) -> Path:
        """What is /var/tmp inside."""
        return self.root / "var" / "tmp"

    @property
    def tmp(self) -> Path:
        """TMPDIR, and what is /tmp inside."""
        return self.root / "tmp"


def search_path(files: VmFiles) -> str:
    """PATH on the VM: the stand-ins, the system's folders, and wherever this machine keeps the tools scripts use."""
    found = (shutil.which(tool) for tool in _TOOLS)
    extra = (str(Path(place).parent) for place in found if place is not None)
    return os.pathsep.join(dict.fromkeys((str(files.bin), *_SYSTEM, *extra)))


def environment(world: World) -> dict[str, str]:
    """The whole environment of a script on the VM: nothing of this process's own gets in."""
    files = VmFiles(world.vm)
    loopback = "127.0.0.1,localhost,::1"
    ca = str(world.ca)
    return {
        "HOME": str(files.superuser_home),
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TMPDIR": str(files.tmp),
        "PATH": search_path(files),
        "HTTPS_PROXY": world.proxy,
        "https_proxy": world.proxy,
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "SSL_CERT_FILE": ca,
        "CURL_CA_BUNDLE": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "GIT_SSL_CAINFO": ca,
        "GIT_SSL_CAPATH": str(world.no_cas),
        "GIT_CONFIG_SYSTEM": str(files.gitconfig),
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_SSH_COMMAND": "false",
        "GIT_TERMINAL_PROMPT": "0",
        "PIP_CONFIG_FILE": str(files.pip_conf),
        "PIP_REQUIRE_VIRTUALENV": "1",
        "NEXY_VM_ENV": str(files.release_env),
    }
