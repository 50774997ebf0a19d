"""What each section of the rulebook demands, told by what it names, in the team's two languages.

Commands, paths and values are the same in either; headings, numbers and the words around them are each edition's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NEVER = r"never|do not|никогда|нельзя|запрещ|не созда|не загруж"
_WEEK = r"\b7\s*(days|дн)"

DEMANDS: Mapping[str, tuple[str, ...]] = {
    "0": ("Nexy_server", "Nexy_production", r"pipeline|пайплайн|конвейер|контур"),
    "0.1": (r"git push|git remote -v", "Nexy_server", "Nexy_production", _NEVER),
    "1.1": ("release_inbox", r"publish_assets_and_sync\.py", "updates/manifests"),
    "1.2": ("Nexy_server", "Nexy_production", _NEVER),
    "1.3": (r"Nexy\.dmg", r"\bUpdate\b", r"Nexy\.pkg", r"\bApp\b"),
    "2": ("SERVER_VERSION", "SERVER_BUILD", r"config\.env", r"manifest|манифест", r"`VERSION`"),
    "3 Phase 1": (r"update_version\.py", "git tag", "git commit"),
    "3 Phase 1.1": (r"db_backup\.sh", r"db_restore_drill\.sh", r"harden_database_protection\.sh", _WEEK),
    "3 Phase 2": (r"publish_assets_and_sync\.py", "sha256", r"sync_update_manifests\.py", r"validate_updates\.sh"),
    "3 Phase 3": ("git checkout -f", "systemctl restart", r"az vm run-command|deploy_azure_guarded", "/health"),
    "4.1": ("inbox", "mkdir -p"),
    "4.2": (r"publish_assets_and_sync\.py", r"can't open|not found|не найден"),
    "4.3": ("gh auth",),
    "4.4": ("TARGET_REPO",),
    "4.5": ("git remote -v", "origin", r"manifest|манифест"),
    "4.6": (r"run.?command", r"in progress|выполня"),
    "4.7": ("GEMINI_API_KEY",),
    "4.8": (r"split\(", "="),
    "4.9": ("appcast", r"sync_update_manifests\.py"),
    "5": ("release_inbox", r"\blogs?\b|stdout|логи|журнал"),
    "6": ("RELEASE COMPLETE", "/health", _WEEK),
}
"""Patterns that one section of an edition has all of. Sections that are headings alone demand nothing of their own."""

_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<title>.*?)\s*")
_NUMBERED = re.compile(r"(?P<number>\d+(\.\d+)*)\.?\s.*")
_PHASE = re.compile(r"(Phase|Фаза|Этап) (?P<phase>\d+(\.\d+)*)\b.*", re.IGNORECASE)
_PHASES = "3 Phase "
"""The phases stand in section 3."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with what stands under it: `own` up to the next heading, `whole` with those below it that have no number of their own."""

    name: str
    level: int
    own: str
    whole: str

    def meets(self, section: str) -> bool:
        """Whether it demands what that section of the mirrored edition does."""
        return all(re.search(pattern, self.whole, re.IGNORECASE if pattern.islower() else 0) for pattern in DEMANDS.get(section, ()))


def lines_with_headings(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Every line without its end, and its heading where it is one: a command's own `#` line is none."""
    fenced = False
    for line in (line.rstrip() for line in text.splitlines()):
        fence = _FENCE.match(line) is not None
        fenced ^= fence
        yield line, None if fence or fenced else _HEADING.fullmatch(line)


def number_of(title: str) -> str:
    """A heading's number as the checklist writes it; empty where it has none."""
    if phase := _PHASE.fullmatch(title):
        return f"{_PHASES}{phase['phase']}"
    return found["number"] if (found := _NUMBERED.fullmatch(title)) else ""


def blocks(text: str) -> tuple[Block, ...]:
    """Every heading below the title, by its number, or by its words where it has none."""
    parts: list[tuple[int, str, list[str]]] = []
    for line, heading in lines_with_headings(text):
        if heading is not None:
            parts.append((len(heading["marks"]), heading["title"], []))
        elif parts and line and line != "---":
            parts[-1][2].append(line)
    found = []
    for index, (level, title, own) in enumerate(parts):
        below = next((place for place in range(index + 1, len(parts)) if parts[place][0] <= level), len(parts))
        under = [part for place, part in enumerate(parts[index:below]) if place == 0 or not number_of(part[1])]
        whole = [line for _, heading, lines in under for line in (heading, *lines)]
        if level > 1:
            found.append(Block(number_of(title) or title, level, "\n".join(own), "\n".join(whole)))
    return tuple(found)
