"""The wizard under a test's hand. What is found in it are the unit tests' facts; their folder is no package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
