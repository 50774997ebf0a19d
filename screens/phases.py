"""Which screen shows which phase."""

from __future__ import annotations

from screens.conductor import Conductor
from screens.database import DatabaseScreen
from screens.deploy import DeployScreen
from screens.final import FinalScreen
from screens.gate import GateScreen
from screens.inbox import InboxScreen
from screens.phase import PhaseScreen
from screens.publish import PublishScreen
from screens.remotes import RemotesScreen
from screens.version import VersionScreen

SCREENS: dict[str, type[PhaseScreen]] = {
    "remotes": RemotesScreen,
    "version": VersionScreen,
    "database": DatabaseScreen,
    "inbox": InboxScreen,
    "publish": PublishScreen,
    "gate": GateScreen,
    "deploy": DeployScreen,
    "final": FinalScreen,
}


def screen_for(conductor: Conductor, phase: str) -> PhaseScreen:
    """The screen of a phase; a phase without one of its own gets the plain one."""
    assert conductor.session is not None
    return SCREENS.get(phase, PhaseScreen)(conductor, conductor.session.checklist.phase(phase))
