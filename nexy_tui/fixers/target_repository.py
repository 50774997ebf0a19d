"""Rulebook 4.4: artifacts go to an unexpected repository or tag, by our own configuration or by the team's script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from checks.base import Check, Scope
from checks.checkout import TARGET_KEYS, PublisherFacts, judge_target, read_publisher
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.config import load_settings
from nexy_tui.config.file import parse_config
from nexy_tui.core import publisher_script
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.layout import PUBLISHER
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.remedy import Mend, Run
from nexy_tui.core.target import Target
from nexy_tui.core.text import unified
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.services import Services
from nexy_tui.services.github import ReleaseHost
from nexy_tui.services.plain_file import read_plain, replace_file, require_inside

RULEBOOK = Target()
"""The rulebook's own values."""


_KEY_LINE = re.compile(
    r"""(?P<head>[ \t]*(?P<key>(?:target\.)?[A-Za-z_]+)[ \t]*=[ \t]*)(?P<value>"[^"\\]*"|'[^']*')(?P<tail>[ \t]*(?:#.*)?)"""
)
_TABLE = re.compile(r"[ \t]*\[(?P<name>[^\[\]]+)\][ \t]*(?:#.*)?")


def by_rulebook(target: Target) -> Target:
    """The same target with the rulebook's artifacts repository and tags."""
    return replace(target, artifacts_repository=RULEBOOK.artifacts_repository, dmg_tag=RULEBOOK.dmg_tag, pkg_tag=RULEBOOK.pkg_tag)


def named(target: Target) -> dict[str, str]:
    """What 4.4 is about, by configuration key."""
    return {key: str(getattr(target, key)) for key in TARGET_KEYS}


# --- our own configuration ---


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What the configuration names, what the rulebook does, and what is missing at the host of each (empty: nothing)."""

    ours: Mapping[str, str]
    missing: str
    rulebook_missing: str


def look_place(scope: Scope) -> PlaceFacts:
    """Both targets at the release host. The configuration is read anew: a fix may have just changed it."""
    services = scope.services
    ours = _target_now(services)
    missing = _missing(services, ours)
    same = named(ours) == named(RULEBOOK)
    return PlaceFacts(named(ours), missing, missing if same else _missing(services, by_rulebook(ours)) if missing else "")


def _target_now(services: Services) -> Target:
    return load_settings(services.environ).target


def _missing(services: Services, target: Target) -> str:
    """What the release host lacks of a target. Raises CouldNotLook when it cannot be asked."""
    host = ReleaseHost(target, services.http, services.secrets, services.clock)
    try:
        if not host.rights().visible:
            return f"{target.artifacts_repository} is not there, or the token may not see it"
        tags = host.release_tags(target.artifacts_repository)
        lacking = [tag for tag in (target.dmg_tag, target.pkg_tag) if tag not in tags and host.release(tag) is None]
        return f"{target.artifacts_repository} has no release under the tag {', '.join(lacking)}" if lacking else ""
    finally:
        host.close()


def judge_place(facts: PlaceFacts, plan: Plan) -> Verdict:
    """The configured repository and tags are there. The configuration decides where artifacts go, also where it is not the rulebook's."""
    evidence = [Evidence(f"target.{key}", value, f"configuration (rulebook: {named(RULEBOOK)[key]})") for key, value in facts.ours.items()]
    if not facts.missing:
        note = "" if facts.ours == named(RULEBOOK) else " They are not the rulebook's; the configuration decides."
        return passed(f"The configured repository and tags are at the release host.{note}", *evidence)
    if facts.rulebook_missing:
        return failed(f"{facts.missing}.", "Name the right repository and tags in the configuration: nexy-tui config path.", *evidence)
    return failed(f"{facts.missing}; the rulebook's are there.", Mend("target-repository", then="mends the configuration."), *evidence)


class MendConfiguration(Mending):
    """Puts the rulebook's repository and tags into the user's own configuration, where only those exist."""

    name = "fix target-repository configuration"
    title = "Name the right repository in the configuration"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The diff of the configuration file."""
        path, before, after = _configuration(services)
        return unified(path.name, before, after) or [f"nothing: {path} names {RULEBOOK.artifacts_repository}"]

    def run(self, context: ActionContext) -> ActionResult:
        """Write it in one step. Raises Refused where it has another form, or where the rulebook's target is not there either."""
        path, before, after = _configuration(context.services)
        if before == after:
            return ActionResult(f"{path} says so already.", changed=False)
        if missing := _missing(context.services, by_rulebook(_target_now(context.services))):
            what = f"Neither the configured target nor the rulebook's is there: {missing}."
            raise Refused(what, "Nothing was changed.", f"Name the right one in {path}.")
        replace_file(path, after)
        return ActionResult(f"{path} names {RULEBOOK.artifacts_repository}, {RULEBOOK.dmg_tag}, {RULEBOOK.pkg_tag}.")


def _configuration(services: Services) -> tuple[Path, bytes, bytes]:
    path = services.settings.config_path
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        raise Refused(
            f"There is no {path} to mend.", "The rulebook's values are in force already.", Run("config show", "See them")
        ) from None
    return path, before, retargeted(before.decode("utf-8-sig"), named(RULEBOOK), str(path)).encode()


def retargeted(text: str, wanted: Mapping[str, str], name: str) -> str:
    """A configuration with the values of its `[target]` keys replaced; keys it does not name stay unnamed (their default is in force).

    Raises Refused when the file spells them in a form that cannot be changed line by line.
    """
    lines, table = text.splitlines(keepends=True), ""
    for index, line in enumerate(lines):
        body = line.rstrip("\r\n")
        if header := _TABLE.fullmatch(body):
            table = header["name"].strip()
        elif found := _KEY_LINE.fullmatch(body):
            full = found["key"] if found["key"].startswith("target.") else f"{table}.{found['key']}" if table else found["key"]
            key = full.removeprefix("target.") if full.startswith("target.") else ""
            if key in wanted:
                lines[index] = f'{found["head"]}"{wanted[key]}"{found["tail"]}' + line[len(body) :]
    after = "".join(lines)
    try:
        mended = named(parse_config(after, name).target) == dict(wanted)
    except Unusable:
        mended = False
    if not mended:
        raise Refused(
            f"{name} names its target in a form that is not changed by a program.",
            "Nothing was changed.",
            "Set under [target]: " + "; ".join(f'{key} = "{value}"' for key, value in wanted.items()),
        )
    return after


# --- the team's script ---


def look_script(scope: Scope) -> PublisherFacts:
    """The script beside the configuration, which is read anew: a fix may have just changed it."""
    return read_publisher(scope.services, _target_now(scope.services))


class MendScript(Mending):
    """Replaces the constants at their places in the script's source; every other byte stays."""

    name = "fix target-repository script"
    title = "Name the right repository in the publisher script"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The script's diff."""
        path, before, after = _script(services)
        return unified(path, before, after) or [f"nothing: {path} names the target"]

    def run(self, context: ActionContext) -> ActionResult:
        """Write it in one step. Raises Refused where the constants are no literals."""
        path, before, after = _script(context.services)
        if before == after:
            return ActionResult(f"{path} says so already.", changed=False)
        script = context.services.checkout / path
        require_inside(script.parent, context.services.checkout)
        replace_file(script, after)
        return ActionResult(f"{path} names the configured target. {committing(context.services, path)}")


def committing(services: Services, path: str) -> str:
    """What is left to do with a source file that was mended in the working tree."""
    if all(changed != path for _, changed in services.git.changes()):
        return "It is what the commit has."
    return f'It differs from the commit now: look at it, then git commit -m "Mend {Path(path).name}" -- {path}'


def _script(services: Services) -> tuple[str, bytes, bytes]:
    path, target = str(services.layout.relative(PUBLISHER)), _target_now(services)
    try:
        before = _source(services)
        return path, before, publisher_script.mend(before, *(named(target)[key] for key in TARGET_KEYS))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.", remedy=Mend("script-paths")) from None
    except publisher_script.UnreadableScript as error:
        what = f"{path} cannot be mended by a program: {error}."
        raise Refused(
            what, "Nothing was changed.", "Set TARGET_REPO and the tags (ARTIFACT_MAPPING, or DMG_TAG and PKG_TAG) by hand, as plain texts."
        ) from None


def _source(services: Services) -> bytes:
    return read_plain(services.layout.path(PUBLISHER), publisher_script.MAX_SIZE + 1, services.checkout)


TARGET_REPOSITORY = Fixer(
    Trouble(
        "target-repository",
        "4.4",
        "Wrong target repository",
        "Assets were published to an unexpected repository or URL.",
        (
            "See the target in force: nexy-tui config show",
            "Mend target.artifacts_repository, target.dmg_tag and target.pkg_tag in your configuration (nexy-tui config path).",
            "In the team's script, TARGET_REPO and the tags (ARTIFACT_MAPPING, or DMG_TAG and PKG_TAG) must say the same.",
        ),
    ),
    (
        Part(
            "fix.target-repository.configuration",
            "The configured target is there",
            Check(look_place, judge_place, "It decides where every artifact goes."),
            MendConfiguration(),
        ),
        Part(
            "fix.target-repository.script",
            "The publisher script names the configured target",
            Check(look_script, judge_target, "Whoever runs it publishes where it says."),
            MendScript(),
        ),
    ),
)
