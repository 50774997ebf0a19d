"""Keep what stands on the VM that nobody released under a ref of ours, then lay the clone's own files there again. Twice is as once.

Parameters: directory, service; manifest_directories; commit, the release that would be checked out (or empty).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from nexy_tui.services.on_vm.drift import changed_by_hand, in_the_way, save_aside
from nexy_tui.services.on_vm.steps import Place, Report, StepFailed, git, place_of, try_git


def save_drift(parameters: Mapping[str, Any], report: Report) -> int:
    """Save, then restore: what cannot be saved is left as it is. Raises StepFailed."""
    place = place_of(parameters)
    report.begin("look")
    if not os.path.isdir(place.app):
        raise StepFailed(f"{place.app} is not there")
    folder = os.path.join(place.app, git(place, "rev-parse", "--git-dir").strip())
    if os.path.exists(os.path.join(folder, "index.lock")):
        raise StepFailed(f"{folder}/index.lock is there: another git works in the clone, or was killed in it")
    folders = parameters["manifest_directories"]
    changed = changed_by_hand(place, folders)
    blocking = (in_the_way(place, parameters["commit"], folders) or []) if parameters["commit"] else []
    if not changed and not blocking:
        report.say("drift none")
        return 0
    report.begin("save")
    reference = time.strftime("refs/nexy/drift/%Y%m%dT%H%M%SZ", time.gmtime())
    commit = save_aside(place, changed + blocking, reference)
    report.say(f"drift {commit} {reference} {len(changed) + len(blocking)}")
    report.begin("restore")
    for path in changed:
        _restore(place, path)
    for path in blocking:
        os.unlink(os.path.join(place.app, path))
    left = changed_by_hand(place, folders)
    if left:
        raise StepFailed(f"still changed: {', '.join(left[:8])}")
    return 0


def _restore(place: Place, path: str) -> None:
    """The file as HEAD has it; one that HEAD does not have goes, from the index too."""
    if try_git(place, "cat-file", "-e", f"HEAD:{path}") is not None:
        git(place, "--literal-pathspecs", "checkout", "--quiet", "--force", "HEAD", "--", path)
        return
    git(place, "--literal-pathspecs", "rm", "--quiet", "--force", "--ignore-unmatch", "--", path)
