"""An environment that would crash or hang us: a proxy setting in a form that nobody understands, a keyring that never answers."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend

from checks.base import Scope
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core import bounded
from nexy_tui.core.finding import Status
from nexy_tui.core.kind import Kind
from nexy_tui.core.layout import Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook, Unusable
from nexy_tui.core.target import Target
from nexy_tui.core.version import Version
from nexy_tui.engine.evaluate import verdict_on
from nexy_tui.runlog.keys import load_signer
from nexy_tui.services.http import HttpClients
from nexy_tui.services.secrets import Secrets
from nexy_tui.services.sparkle import Sparkle


class Silent(KeyringBackend):
    """A keyring whose window nobody sees."""

    priority = 1

    asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.get_password(service, username)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    ring = Silent()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(bounded, "KEYRING", 0.05)
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    return ring


def test_a_keyring_that_never_answers_is_left_after_its_time_and_not_asked_again(silent: Silent) -> None:
    secrets = Secrets({"PATH": ""}, Target())
    for _ in range(3):
        with pytest.raises(CouldNotLook) as raised:
            secrets.github_token()
    assert raised.value.exit_code == 3 and "gave no answer" in raised.value.what
    assert "GH_TOKEN" in str(raised.value.remedy) and "PYTHON_KEYRING_BACKEND" in str(raised.value.remedy)
    assert silent.asked == 1


def test_an_item_that_needs_such_a_keyring_is_unknown_and_names_the_variable(silent: Silent, tmp_path: Path) -> None:
    signing = Sparkle(base64.b64encode(bytes(32)).decode(), Secrets({"PATH": ""}, Target()).sparkle_key, {})
    services: Any = SimpleNamespace(sparkle=signing, layout=Layout("flat", tmp_path), environ={})
    plan = Plan(Target(), Version.parse("1.6.1.43"), Kind.FULL, datetime.now(UTC))
    verdict = verdict_on(CHECKLIST.item("ready.sparkle"), Scope(services, plan, lambda: None))  # type: ignore[arg-type, return-value]
    assert verdict.status is Status.INCONCLUSIVE and "gave no answer" in verdict.summary
    assert "NEXY_SPARKLE_PRIVATE_KEY" in str(verdict.remedy) and silent.asked == 1


def test_a_token_of_the_environment_needs_no_keyring(silent: Silent) -> None:
    assert Secrets({"GH_TOKEN": "ghp_x"}, Target()).github_token().source == "environment GH_TOKEN"
    assert silent.asked == 0


def test_a_signing_key_is_looked_for_elsewhere_when_the_keyring_never_answers(silent: Silent, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as raised:
        load_signer("ada", {"HOME": str(tmp_path)}, backend=silent)
    assert "the keyring gave no answer" in raised.value.what and raised.value.exit_code == 2
    assert "ssh-agent" in str(raised.value.remedy)


@pytest.mark.parametrize("name", ["NO_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("value", ["[::1]", "http://[::1", "http://host:port"])
def test_a_proxy_setting_that_nobody_understands_is_bad_configuration(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for other in ("NO_PROXY", "no_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    clients = HttpClients({}, None)
    try:
        clients.client().close()
    except Unusable as problem:
        assert problem.exit_code == 2 and name in problem.what and "NO_PROXY is a list" in str(problem.remedy)
    else:
        assert (name, value) not in {("NO_PROXY", "[::1]"), ("HTTPS_PROXY", "http://host:port")}
