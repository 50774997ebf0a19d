"""The release as a value: what is verified, what acts and what mends. `release.py` is the page to read; `model.py` has the types."""

from nexy_tui.checklist.model import ActionRole, Checklist, Item, Need, Phase, ReleaseAction
from nexy_tui.checklist.release import CHECKLIST

__all__ = ["CHECKLIST", "ActionRole", "Checklist", "Item", "Need", "Phase", "ReleaseAction"]
