"""The third source of trust: the code repository's own list of keys, as of the release before the one that is judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nexy_tui.runlog.read import list_runs, read_log, summary

SIGNERS = ".nexy/allowed_signers"


def previous_release_signers(
    state_dir: Path, judged: Path, holds: Callable[[Path], bool], show: Callable[[str, str], bytes | None]
) -> bytes | None:
    """`.nexy/allowed_signers` as of the commit of the last complete release before `judged` whose own log `holds`.

    `show(commit, path)` reads a file as of a commit. Nothing that the run under judgement could have changed is read.
    """
    this = summary(judged).run
    for run in list_runs(state_dir):
        earlier = run.run < this and run.outcome == "complete"
        if earlier and holds(run.path):
            commit = read_log(run.path)[-1].subject[0].digest.get("gitCommit")
            return show(commit, SIGNERS) if commit else None
    return None
