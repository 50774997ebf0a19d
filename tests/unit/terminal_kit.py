"""Commands as somebody at a terminal meets them, with a state directory, trusted keys and a keyring of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runlog_kit import BEGIN, OPERATOR
from typer.testing import CliRunner, Result

from nexy_tui.cli import commands
from nexy_tui.cli.top import app
from nexy_tui.runlog.trust import new_entry

commands.mount(app)


class Terminal:
    """Runs commands with a state directory, a list of trusted keys and a file keyring of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.signers = folder / "allowed_signers"
        environ = {
            "NEXY_STATE_DIR": str(folder),
            "NEXY_OPERATOR": OPERATOR.id,
            "NEXY_ALLOWED_SIGNERS": str(self.signers),
            "NEXY_CHECKOUT": str(folder),
            "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
            "KEYRING_PROPERTY_FILE_PATH": str(folder / "keyring.cfg"),
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        for name in ("NEXY_CONFIG", "NEXY_WORLD", "SSH_AUTH_SOCK", "NEXY_SIGNING_KEY_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("keyring.core._keyring_backend", None)

    def trust(self, *signers: Any) -> None:
        self.signers.write_text("".join(new_entry(OPERATOR.id, signer.public, BEGIN).line() + "\n" for signer in signers))

    def runs(self, *words: object) -> Result:
        return CliRunner().invoke(app, ["runs", *(str(word) for word in words)])

    def call(self, *words: object, given: str = "") -> Result:
        """Any command, `given` on its standard input."""
        return CliRunner().invoke(app, [str(word) for word in words], input=given)

    def keys(self, *words: object) -> Result:
        return CliRunner().invoke(app, ["keys", *(str(word) for word in words)])
