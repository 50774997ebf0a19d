"""`setup` from nothing to ready, by keys in a terminal: what it asks for, what it writes, and that nothing secret is seen."""

from __future__ import annotations

import shlex
from pathlib import Path

from conftest import Inside, MakeWorld
from driving import NEXY
from tmux import Terminal, terminal

from nexy_tui.rehearsal.names import World

ADA = "ada@example.com"


def nothing_yet(inside: Inside) -> dict[str, str]:
    """The world's hosts and credentials for them that are no secrets of this tool, and nothing else set up."""
    gone = {"GH_TOKEN", "NEXY_OPERATOR", "NEXY_ALLOWED_SIGNERS"}
    return {name: value for name, value in inside.environ.items() if name not in gone} | {
        "NEXY_CONFIG": str(inside.home / "config" / "config.toml"),
        "KEYRING_PROPERTY_FILE_PATH": str(inside.home / "keyring.cfg"),
    }


def ask(hand: Terminal, question: str, answer: str) -> None:
    """Wait for a question, and answer it."""
    hand.until(question, lambda now: question in "".join(now.split("\n")))
    hand.write(answer)
    hand.type("Enter")


def setup_by_keys(inside: Inside, environ: dict[str, str]) -> str:
    """Answer what setup asks; the screen at its end."""
    world: World = inside.world
    with terminal(f"{shlex.quote(NEXY)} setup; echo ENDED $?; exec cat", inside.checkout, environ, size=(160, 50)) as hand:
        ask(hand, "Who releases?", "two words")
        ask(hand, "It must be", ADA)
        ask(hand, "SUPublicEDKey", world.sparkle_public_key)
        ask(hand, "github-token (it is not shown", world.secrets.world_token)
        ask(hand, "sparkle-private-key (it is not shown", world.secrets.sparkle_seed)
        return hand.until("the end", lambda now: "ENDED" in now)


def test_from_nothing_to_ready_by_keys(make_world: MakeWorld) -> None:
    inside = make_world()
    environ = nothing_yet(inside)
    screen = setup_by_keys(inside, environ)
    assert "14 of 14 ready." in screen and "ENDED 0" in screen, screen
    assert inside.world.secrets.world_token not in screen and inside.world.secrets.sparkle_seed not in screen
    config = Path(environ["NEXY_CONFIG"])
    assert config.stat().st_mode & 0o777 == 0o600 and f'id = "{ADA}"' in config.read_text() and "# team_id" in config.read_text()
    listed = inside.run("nexy-tui", "keys", "list", env={**environ, "NEXY_OPERATOR": "", "NEXY_ALLOWED_SIGNERS": ""})
    assert f"{ADA} signs with" in listed.stdout
