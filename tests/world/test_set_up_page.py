"""docs/setup.md followed word for word: in a bare HOME without a keyring to a released log that a second HOME verifies."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld

PAGE = Path(__file__).parents[2] / "docs" / "setup.md"
OWN = re.compile(r"NEXY_(?!WORLD$|CA$|VM$|DATABASE_URL$|PG_BIN$)|KEYRING|XDG_|GH_TOKEN|GITHUB_TOKEN|SSH_AUTH_SOCK")
"""What the operator sets up himself; the rest is the way to the world's hosts, and Azure's login."""

NEXT = "1.6.1.43"


def blocks(heading: str) -> list[str]:
    """The shell blocks of a section, and of those below it."""
    text = PAGE.read_text("utf-8")
    level = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert level is not None, heading
    rest = text[level.end() :]
    end = re.search(rf"^#{{1,{len(level[1])}}} ", rest, re.MULTILINE)
    return re.findall(r"^```sh\n(.*?)^```", rest[: end.start()] if end else rest, re.MULTILINE | re.DOTALL)


class Person:
    """Somebody with a home of his own, at a shell."""

    def __init__(self, inside: Inside, home: Path) -> None:
        home.mkdir()
        kept = {name: value for name, value in inside.environ.items() if not OWN.match(name)}
        self.environ = {**kept, "HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        self.home, self.checkout = home, inside.checkout

    def follows(self, *commands: str, ends: int = 0) -> str:
        """Type these into one shell, in the clone; what was said."""
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(commands)],
            cwd=self.checkout,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == ends, f"{commands}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.mark.exhaustive
def test_the_page_leads_from_nothing_to_a_verified_log(make_world: MakeWorld) -> None:
    inside = make_world()
    world = inside.world
    ada, bob = Person(inside, inside.home / "ada"), Person(inside, inside.home / "bob")
    (ada.home / "artifacts-token").write_text(world.secrets.world_token + "\n")
    (ada.home / "sparkle-private-key").write_text(world.secrets.sparkle_seed + "\n")
    configuration, key, secrets = blocks("Without a desktop: a server, CI")
    values = {
        "SUPublicEDKey of the application's Info.plist": world.sparkle_public_key,
        "as az account show --query id prints it": world.azure.subscription,
        "END\nchmod": '[target.database]\nwhere = "local"\n[waiting]\nspeed = 200\nEND\nchmod',  # So much a test may hurry.
    }
    for before, after in values.items():
        assert before in configuration
        configuration = configuration.replace(before, after)
    assert "config.toml fits." in ada.follows(configuration)
    assert "signs with SHA256:" in ada.follows(key)
    said = ada.follows(secrets)
    assert "environment GH_TOKEN" in said and "environment NEXY_SPARKLE_PRIVATE_KEY" in said and world.secrets.world_token not in said
    (doctor,) = blocks("See that all is ready")
    assert "14 of 14 ready." in ada.follows(secrets, doctor)
    drill, release = blocks("The first release")
    ada.follows(secrets, drill)
    ada.follows(secrets, release)
    (log,) = (ada.home / ".local/state/nexy-tui/runs" / NEXT).glob("*.intoto.jsonl")
    handed, trusted = blocks("Two operators")
    ada.follows(f"cd {ada.home}", handed)
    unknown = bob.follows(f"nexy-tui runs verify {log}", ends=1)
    assert "untrusted key; nothing else is wrong" in unknown and "nexy-tui keys trust FILE" in unknown
    trusted = trusted.replace("ada.pub", f"--yes {ada.home / 'ada.pub'}").replace("FILE", str(log))
    assert "SEALED+ANCHORED" in bob.follows(trusted)
