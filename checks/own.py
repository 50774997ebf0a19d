"""What is this machine's and the operator's own: the installation, the configuration, who releases, the key and whom it trusts."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from checks import ready, remotes
from checks.base import Check, Scope
from checks.gate_cells import UnseenSource
from checks.live import Live, look_live
from checks.ready import SigningFacts
from nexy_tui import __version__
from nexy_tui.config import Settings
from nexy_tui.config.operator import require_operator
from nexy_tui.config.origins import require_unwritten
from nexy_tui.core.finding import Evidence, Status, Verdict, failed, inconclusive, noted, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Problem, Refused, Unusable
from nexy_tui.core.remedy import Remedy
from nexy_tui.services import dmg
from nexy_tui.services.git import GitFailure, Remote
from nexy_tui.services.update_server import HealthFacts

NEEDED = ("git",)
"""Programs that every release starts from here."""

_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?!.*extra\s*==)")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What stands against something, and the next step; both are a problem's own words."""

    what: str
    remedy: Remedy

    @classmethod
    def of(cls, problem: Problem) -> Trouble:
        """A problem as a fact."""
        return cls(" ".join(part for part in (problem.what, problem.why) if part), problem.remedy or "Mend that, then look again.")


# --- installation ---


@dataclass(frozen=True, slots=True)
class InstallFacts:
    """The interpreter, what of libraries and programs is missing, and what images are read with (None: nothing is here)."""

    python: str
    libraries: tuple[str, ...]
    programs: tuple[str, ...]
    image_reader: str | None


def look_install(scope: Scope) -> InstallFacts:
    """What this very process runs on."""
    return installed(scope.services.environ)


def installed(environ: Mapping[str, str]) -> InstallFacts:
    """The interpreter, the libraries that the distribution names, and the programs in PATH."""
    missing = []
    for line in metadata.requires("nexy-tui") or ():
        named = _REQUIREMENT.match(line)
        if named is not None:
            try:
                metadata.version(named["name"])
            except metadata.PackageNotFoundError:
                missing.append(named["name"])
    programs = tuple(name for name in NEEDED if shutil.which(name, path=environ.get("PATH")) is None)
    return InstallFacts(sys.version.split()[0], tuple(missing), programs, dmg.reader(environ))


def judge_install(facts: InstallFacts, plan: Plan) -> Verdict:
    """Everything that a release starts or imports is there."""
    evidence = (Evidence("nexy-tui", __version__, sys.prefix), Evidence("Python", facts.python, sys.executable))
    if facts.libraries:
        again = "Install nexy-tui anew, as docs/setup.md says: pipx reinstall nexy-tui, or uv tool upgrade --reinstall nexy-tui"
        return failed(f"Not all of nexy-tui is installed: {', '.join(facts.libraries)} missing.", again, *evidence)
    if facts.programs:
        return failed(f"{', '.join(facts.programs)} is not in PATH.", "Install it: apt install git, or xcode-select --install", *evidence)
    said = f"nexy-tui {__version__} on Python {facts.python}."
    if facts.image_reader is None:
        warning = "Warning: neither hdiutil nor 7-Zip is in PATH, so the application in Nexy.dmg cannot be read here."
        return noted(f"{said} {warning} Before a release with an image: apt install 7zip", *evidence)
    return passed(said, *evidence)


# --- configuration ---


@dataclass(frozen=True, slots=True)
class ConfigurationFacts:
    """Where the configuration is, its file's mode (empty: there is no file), each key's origin, and what stands against it."""

    path: str
    mode: str
    origins: Mapping[str, str]
    trouble: Trouble | None = None


def look_configuration(scope: Scope) -> ConfigurationFacts:
    """The settings in force, with the files that they name."""
    settings = scope.services.settings
    mode = f"{settings.config_path.stat().st_mode & 0o777:04o}" if settings.config_found else ""
    trouble = None
    try:
        require_whole(settings)
    except Problem as problem:
        trouble = Trouble.of(problem)
    return ConfigurationFacts(str(settings.config_path), mode, settings.origins, trouble)


def require_whole(settings: Settings) -> None:
    """Pass where the files that the configuration names are there and can be used. Raises Unusable, Refused."""
    import ssl

    from nexy_tui.runlog.keymaking import own_list

    if settings.ca is not None:
        require_unwritten(settings.ca, "CA")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=str(settings.ca))
        except (OSError, ssl.SSLError) as error:
            raise Unusable(
                f"The CA {settings.ca} cannot be read: {error.strerror or error}.",
                "Without it no connection is believed.",
                "Correct tls.ca in the configuration (or NEXY_CA), or take it out where your network re-signs nothing.",
            ) from None
    own_list(settings.allowed_signers)


def judge_configuration(facts: ConfigurationFacts, plan: Plan) -> Verdict:
    """It can be read, its values are sound, and nobody else writes it."""
    set_here = {key: origin for key, origin in facts.origins.items() if origin not in ("default", "your login name")}
    evidence = [
        Evidence("mode", facts.mode or "no file", facts.path),
        *(Evidence(key, origin, facts.path) for key, origin in set_here.items()),
    ]
    if facts.trouble is not None:
        return failed(facts.trouble.what, facts.trouble.remedy, *evidence)
    if not facts.mode:
        return noted(f"{facts.path} is not there: the rulebook's defaults and the environment apply. nexy-tui setup writes one.", *evidence)
    return passed(f"{facts.path} (mode {facts.mode}) sets {len(set_here)} of {len(facts.origins)} keys.", *evidence)


# --- operator and key ---


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """Who releases, where that is said, and what stands against it."""

    operator: str
    origin: str
    trouble: Trouble | None = None


def look_operator(scope: Scope) -> OperatorFacts:
    """Who releases, by environment or configuration."""
    settings = scope.services.settings
    try:
        require_operator(settings)
    except Unusable as problem:
        return OperatorFacts(settings.operator, settings.origins["operator.id"], Trouble.of(problem))
    return OperatorFacts(settings.operator, settings.origins["operator.id"])


def judge_operator(facts: OperatorFacts, plan: Plan) -> Verdict:
    """Somebody has said who releases."""
    evidence = Evidence("operator", facts.operator, facts.origin)
    if facts.trouble is not None:
        return failed(facts.trouble.what, facts.trouble.remedy, evidence)
    return passed(f"{facts.operator} (from {facts.origin}).", evidence)


def judge_key(facts: SigningFacts, plan: Plan) -> Verdict:
    """It is there, and can be used."""
    evidence = Evidence("signing key", facts.keyid, facts.source or "nowhere")
    if not facts.source:
        return failed(facts.trouble, facts.remedy, evidence)
    return passed(f"{facts.keyid} ({facts.source}).", evidence)


def judge_trusted(facts: SigningFacts, plan: Plan) -> Verdict:
    """What it signs is believed here."""
    evidence = Evidence("list of trusted keys", facts.signers, "this machine")
    if facts.trouble:
        return failed(facts.trouble, facts.remedy, evidence)
    return passed(f"{facts.signers} lists it.", evidence)


# --- the outside ---


@dataclass(frozen=True, slots=True)
class PushFacts:
    """Where the checkout's remotes lead, and whether the code repository takes a push (None: it does)."""

    remotes: tuple[Remote, ...]
    refused: GitFailure | None


def look_push(scope: Scope) -> PushFacts:
    """The remotes, and a push that writes nothing."""
    return PushFacts(remotes.look_remotes(scope), remotes.look_push(scope))


def judge_push(facts: PushFacts, plan: Plan) -> Verdict:
    """A remote leads to the code repository, and it takes a push."""
    led = remotes.judge_remotes(facts.remotes, plan)
    return remotes.judge_push(facts.refused, plan) if led.status is Status.PASSED else led


def look_sparkle(scope: Scope) -> ready.SparkleFacts:
    """As before a release; without a checkout there is no inbox to find a signature in."""
    try:
        return ready.look_sparkle(scope)
    except Unusable:
        try:
            return ready.SparkleFacts(scope.services.sparkle.at_hand(scope.services.settings.state_dir / "no-inbox"))
        except Refused as problem:
            return ready.SparkleFacts("", problem.what, problem.remedy)


def look_server(scope: Scope) -> Live:
    """The three live addresses."""
    return look_live(scope)


def judge_server(live: Live, plan: Plan) -> Verdict:
    """The configured host is the update server, and is well."""
    server = Evidence("update server", plan.target.update_server.base_url, "target.update_server")
    if live.misled:
        return failed(live.misled, "Correct target.update_server in the configuration, or the name's entry.", server)
    unseen = next((facts for facts in (live.health, live.updates) if isinstance(facts, UnseenSource)), None)
    if unseen is not None:
        return inconclusive(unseen.why, "See that the server runs and this machine reaches it: nexy-tui check ready.server", server)
    for facts in (live.health, live.updates):
        assert isinstance(facts, HealthFacts)
        if facts.said is None or not facts.said.healthy:
            said = facts.problem or f"its status is {facts.said.status if facts.said is not None else 'not told'}"
            return failed(f"{facts.url} is not well: {said}.", "See what is wrong, and which fixer cures it: nexy-tui fix", server)
    return passed(f"{plan.target.update_server.host} answers and is well.", server)


INSTALL = Check(look_install, judge_install, "What is missing is otherwise missed half-way.")
CONFIGURATION = Check(look_configuration, judge_configuration, "It says where a release goes; whoever can write it decides that.")
OPERATOR = Check(look_operator, judge_operator, "The id stands in every run log, and others trust keys by it.")
KEY = Check(ready.look_signing, judge_key, "Every record is signed before the step that it announces.")
TRUSTED = Check(ready.look_signing, judge_trusted, ready.SIGNING.why)
PUSH = Check(look_push, judge_push, remotes.PUSH.why)
SPARKLE = Check(look_sparkle, ready.judge_sparkle, ready.SPARKLE.why)
SERVER = Check(look_server, judge_server, ready.SERVER.why)
