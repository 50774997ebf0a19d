"""The gate's `rulebook` profile: the literal rules of `validate_updates.sh` (rulebook phase 2.7; contracts: its literal rules).

The rules are textual, as the team's script applies them: the first `name="…"` of the appcast's body, not its parsed XML. They
are kept word for word, contradictions included, so that the script's verdict is known without the script. Everything here
is pure; `checks.rulebook_sources` looks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from checks.rulebook_facts import CANONICAL, SECOND, RulebookFacts, Said, has_keys, json_object, said
from nexy_tui.core.text import printable

RULES = {
    1: "/health answers with latest_version and latest_build",
    2: "latest_version and latest_build are the same",
    3: "The appcast answers",
    4: "The appcast's version is /health's",
    5: "The appcast's address is https, under the fixed tag",
    6: "The appcast's length is the download's",
    7: "A local manifest is there",
    8: "The manifest has version and build",
    9: "The manifest's version is its build's, /health's and the appcast's",
    10: "The manifest's address, size and sha256 are sound",
    11: "Both local manifests are the same",
}
"""What each rule asks, by its number in the contract."""


class Level(StrEnum):
    """What a rule found. Errors and warnings count; a remark does not."""

    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"
    HELD = "held"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One thing one rule found. `about` names the cells `(source, row)` of the matrix it speaks of."""

    rule: int
    level: Level
    text: str
    about: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RulebookVerdict:
    """The script's verdict: its counts, and every finding in the order of the rules."""

    errors: int
    warnings: int
    findings: tuple[RuleFinding, ...]

    @property
    def exit_code(self) -> int:
        """1 with any error, else 0."""
        return 1 if self.errors else 0

    def of(self, rule: int) -> tuple[RuleFinding, ...]:
        """What one rule found."""
        return tuple(finding for finding in self.findings if finding.rule == rule)


def rulebook_gate(facts: RulebookFacts) -> RulebookVerdict:
    """The rules, one after the other. Pure."""
    return _Judging(facts, said(facts)).verdict()


HEALTH, APPCAST, DOWNLOAD = "/health", "appcast", "release URL"
_DOTTED = re.compile(r"[0-9]+(\.[0-9]+){1,3}")
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass
class _Judging:
    """The rules over one set of facts."""

    facts: RulebookFacts
    said: Said
    findings: list[RuleFinding] = field(default_factory=list)

    def verdict(self) -> RulebookVerdict:
        if self.rule_1():
            self.rule_2()
            if self.rule_3():
                self.rule_4()
                self.rule_5()
                self.rule_6()
            else:
                self.skip("the appcast gives no body", 4, 5, 6)
            if self.rule_7():
                if self.rule_8():
                    self.rule_9()
                    self.rule_10()
                else:
                    self.skip("the manifest does not say version and build", 9, 10)
                self.rule_11()
            else:
                self.skip("no local manifest is there", 8, 9, 10, 11)
        else:
            self.skip("the script dies on a body that is no JSON object", *range(2, 12))
        touched = {finding.rule for finding in self.findings if finding.level is not Level.REMARK}
        self.findings += [RuleFinding(rule, Level.HELD, title + ".") for rule, title in RULES.items() if rule not in touched]
        self.findings.sort(key=lambda finding: finding.rule)
        count = [finding.level for finding in self.findings].count
        return RulebookVerdict(count(Level.ERROR), count(Level.WARNING), tuple(self.findings))

    def rule_1(self) -> bool:
        """False where the script dies."""
        body, about = self.facts.health, (HEALTH, "reachability")
        if not body.had:
            self.error(1, f"/health gives no answer ({body.why}).", about)
            return True
        if body.data.rstrip(b"\n") == b"{}":
            self.error(1, "/health's body is {}.", about)
            return True
        if not body.there:
            self.warn(1, "/health's body is empty.", about)
            return True
        if not has_keys(body.data):
            self.error(1, "/health's body is no JSON object, so the script dies here.", about)
            return False
        if not self.said.health_version or not self.said.health_build:
            missing = [row for row, value in (("version", self.said.health_version), ("build", self.said.health_build)) if not value]
            self.warn(1, f"/health has no {' and no '.join('latest_' + row for row in missing)}.", *((HEALTH, row) for row in missing))
        return True

    def rule_2(self) -> None:
        version, build = self.said.health_version, self.said.health_build
        if version and build and version != build:
            self.error(2, f"/health's latest_version {version} is not its latest_build {build}.", (HEALTH, "version"), (HEALTH, "build"))
        if version and _DOTTED.fullmatch(version) is None:
            text = f"/health's version {printable(version, 60)} is not 2, 3 or 4 dotted numbers."
            self.findings.append(RuleFinding(2, Level.REMARK, text))

    def rule_3(self) -> bool:
        body = self.facts.appcast
        if not body.there:
            self.error(3, f"/updates/appcast.xml gives no body ({body.why or 'it is empty'}).", (APPCAST, "reachability"))
        return body.there

    def rule_4(self) -> None:
        version, health = self.said.appcast_version, self.said.health_version
        if not version:
            self.warn(4, 'The appcast has no sparkle:version="…".', (APPCAST, "version"))
        elif health and version != health:
            self.error(4, f"The appcast's version {version} is not /health's {health}.", (APPCAST, "version"), (HEALTH, "version"))

    def rule_5(self) -> None:
        if not self.said.appcast_url:
            self.warn(5, 'The appcast has no url="…".', (APPCAST, "url"))
        else:
            self._address(5, "The appcast's", self.said.appcast_url, (APPCAST, "url"))

    def rule_6(self) -> None:
        length, there = self.said.appcast_length, self.facts.content_length
        if not length:
            self.warn(6, 'The appcast has no length="…".', (APPCAST, "size"))
        elif there is None:
            self.warn(6, "The download's content-length could not be read.", (DOWNLOAD, "size"))
        elif length != there:
            self.error(6, f"The appcast's length {length} is not the download's {there}.", (APPCAST, "size"), (DOWNLOAD, "size"))

    def rule_7(self) -> bool:
        there = self.facts.manifest is not None
        if not there:
            text = f"There is no local manifest, neither {SECOND} nor {CANONICAL}."
            self.warn(7, text, (CANONICAL, "reachability"), (SECOND, "reachability"))
        return there

    def rule_8(self) -> bool:
        if self.said.version and self.said.build:
            return True
        missing = [row for row, value in (("version", self.said.version), ("build", self.said.build)) if not value]
        read = "" if json_object(self.facts.manifest or b"") is not None else " (it is no JSON object)"
        self.warn(8, f"The manifest has no {' and no '.join(missing)}{read}.", *((self._manifest, row) for row in missing))
        return False

    def rule_9(self) -> None:
        version, build, here = self.said.version, self.said.build, (self._manifest, "version")
        if version != build:
            self.error(9, f"The manifest's version {version} is not its build {build}.", here, (self._manifest, "build"))
        if self.said.health_version and version != self.said.health_version:
            self.error(9, f"The manifest's version {version} is not /health's {self.said.health_version}.", here, (HEALTH, "version"))
        if self.said.appcast_version and version != self.said.appcast_version:
            self.error(9, f"The manifest's version {version} is not the appcast's {self.said.appcast_version}.", here, (APPCAST, "version"))

    def rule_10(self) -> None:
        if self.said.url:
            self._address(10, "The manifest's", self.said.url, (self._manifest, "url"))
        size, length = self.said.size, self.said.appcast_length
        if size and length and size != length:
            self.error(10, f"The manifest's size {size} is not the appcast's length {length}.", (self._manifest, "size"), (APPCAST, "size"))
        if _HEX64.fullmatch(self.said.sha256) is None:
            self.error(10, f"The manifest's sha256 is {self.said.sha256 or 'missing'}, not 64 hex digits.", (self._manifest, "sha256"))

    def rule_11(self) -> None:
        first, second = self.facts.canonical, self.facts.second
        if first is not None and second is not None and first != second:
            self.error(11, f"{SECOND} and {CANONICAL} are not the same bytes.", (CANONICAL, "reachability"), (SECOND, "reachability"))

    def skip(self, why: str, *rules: int) -> None:
        self.findings += [RuleFinding(rule, Level.SKIPPED, f"Skipped: {why}.") for rule in rules]

    def error(self, rule: int, text: str, *about: tuple[str, str]) -> None:
        self.findings.append(RuleFinding(rule, Level.ERROR, printable(text, 400), about))

    def warn(self, rule: int, text: str, *about: tuple[str, str]) -> None:
        self.findings.append(RuleFinding(rule, Level.WARNING, printable(text, 400), about))

    def _address(self, rule: int, whose: str, url: str, about: tuple[str, str]) -> None:
        if not url.startswith("https://"):
            self.error(rule, f"{whose} address {url} is not https.", about)
        fixed = f"/releases/download/{self.facts.tag}/"
        if fixed not in url:
            self.error(rule, f"{whose} address {url} is not under {fixed}.", about)

    @property
    def _manifest(self) -> str:
        return self.facts.manifest_path
