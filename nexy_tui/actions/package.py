"""Whether the package in place came with a release: then it goes back with it, though the inbox may have been tidied since."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from checks.publish import previous_name, read_place
from nexy_tui.actions.base import ActionContext
from nexy_tui.core.event import OutputLine
from nexy_tui.core.target import PKG
from nexy_tui.services import xar
from nexy_tui.services.github import ReleaseHost


def with_its_package(context: ActionContext) -> ActionContext:
    """The same run, with the package announced where the one that clients download is of its version and an older one stands aside."""
    plan = context.plan
    if plan.with_pkg or plan.version is None or not plan.kind.publishes:
        return context
    host = context.services.github.watched(context.emit, context.cancelled)
    place = read_place(host, plan.target, PKG)
    older = place.assets.get(previous_name(PKG))
    if older is None or not older.ready:
        return context
    if not place.interrupted and not _is_of(context, host, str(plan.version)):
        return context
    context.emit(OutputLine(f"{PKG} came with {plan.version}: it goes back too.", "rollback"))
    return replace(context, plan=replace(plan, with_pkg=True))


def _is_of(context: ActionContext, host: ReleaseHost, version: str) -> bool:
    """Whether the package in place names this version, and no other. One that cannot be read is no release's."""
    settings, tag = context.services.settings, context.plan.target.tag_for(PKG)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="download-", dir=settings.state_dir) as folder:
        path = Path(folder) / PKG
        with path.open("w+b") as sink:
            got = host.download(tag, PKG, subject=PKG, phase="downloading", sink=cast(BinaryIO, sink))
        if got is None:
            return False
        try:
            return set(xar.versions(path).values()) == {version}
        except xar.NotAnArchive:
            return False
