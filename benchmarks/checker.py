"""The measured process: looks at items of the checklist in the world it is in, each time as a process that has seen nothing yet.

One line of input is one measurement: the ids of the items to look at together. One line of output answers it: the seconds
it took, and the items that did not hold.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from checks.base import Scope
from nexy_tui.checklist import CHECKLIST
from nexy_tui.config import load_settings
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.engine.notice import unobserved
from nexy_tui.engine.opening import keys_of, look_session
from nexy_tui.services import Services


def main() -> None:
    """Answer every line."""
    for line in sys.stdin:
        names = json.loads(line)
        plan = look_session(_services(), CHECKLIST).plan
        services = _services()
        items = [CHECKLIST.item(name) for name in names]
        begun = time.monotonic()
        found = evaluate(items, Scope(services, plan, keys_of(services).trusted), unobserved)
        took = time.monotonic() - begun
        services.github.close()
        print(json.dumps({"seconds": took, "amiss": [one.item for one in found if not one.status.satisfied]}), flush=True)


def _services() -> Services:
    return Services(load_settings(os.environ), Path(os.environ["NEXY_CHECKOUT"]))


if __name__ == "__main__":
    main()
