"""The release as a value: what must hold, what acts and what mends. `release.py` is the page to read; `model.py` has the types."""

from nexy_tui.checklist.model import Checklist, Item, Need, Phase, ReleaseAction, Role
from nexy_tui.checklist.release import CHECKLIST

__all__ = ["CHECKLIST", "Checklist", "Item", "Need", "Phase", "ReleaseAction", "Role"]
