"""A run as one HTML page: it says how it ended, escapes every value, asks for nothing, and can be read by everybody."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import seldom
from runlog_kit import OPERATOR, create, trusting

from nexy_tui.core.finding import Evidence
from nexy_tui.report import page
from nexy_tui.report.palette import DAY, GROUNDS, INKS, NIGHT
from nexy_tui.runlog.append import RunLog
from nexy_tui.runlog.state import Checkpoint, Errand, Purpose
from nexy_tui.runlog.verify import verify

EVIL = "\"><script>alert(1)</script><img src=http://evil.example/x onerror=y> & \x1b[31m \u202e | `# ' \ud800"
VOID = frozenset(("meta", "link", "br"))
SHA = "5e" * 32


def released(log: RunLog) -> None:
    """A release to its end, one item attested, the gate compared."""
    log.check("remotes.code", "passed", "The remote is the code repository.", [Evidence("remote", "origin", "git remote -v", "")])
    log.intent("backup", message="Back the database up.")
    log.result("backup", "done", duration_ms=900, message="A backup was made.")
    log.attestation("inbox.apple", "I opened it on a Mac.")
    log.intent("publish", message="Replace Nexy.dmg.")
    log.progress_checkpoint("publish", "", mark=Checkpoint.EXPOSED)
    log.result("publish", "done", duration_ms=1200, message="Nexy.dmg is replaced.")
    seen = [Evidence(f"appcast {row}", f"{value} (passed)", "appcast", "") for row, value in (("version", "1.6.1.43"), ("sha256", SHA))]
    log.check("gate.appcast", "passed", "It is sound.", seen)
    log.progress_checkpoint("publish", "", mark=Checkpoint.AGREED)
    log.seal("complete")


def refused(log: RunLog) -> None:
    """A release that was refused, with words from outside everywhere."""
    log.check("inbox.dmg", "failed", EVIL, [Evidence(EVIL, EVIL, EVIL, "")], remedy={"words": EVIL})
    log.check("gate.live", "inconclusive", "HTTP 502.", [Evidence("live version", f"{EVIL} (failed)", "live", "")])
    log.attestation("inbox.version", EVIL)
    log.result("advance", "refused", message=EVIL)
    log.intent("publish", message=EVIL)
    log.seal("failed")


def fixed(log: RunLog) -> None:
    """A fixer's run."""
    log.check("fix.inbox.folder", "failed", "The inbox is not there.")
    log.intent("fix-inbox", message="Make it.")
    log.result("fix-inbox", "done", message="It is made.")
    log.check("fix.inbox.folder", "passed", "The inbox is there.")
    log.seal("complete")


RUNS = {
    "verified": (released, Purpose(Errand.RELEASE)),
    "refused": (refused, Purpose(Errand.RELEASE)),
    "fixer": (fixed, Purpose(Errand.FIX, ("inbox",))),
}


@dataclass
class Tag:
    """An element of the page."""

    name: str
    attributes: dict[str, str]
    children: list[Tag] = field(default_factory=list)
    text: str = ""

    def all(self, *names: str) -> Iterator[Tag]:
        for child in self.children:
            if child.name and (not names or child.name in names):
                yield child
            yield from child.all(*names)

    @property
    def words(self) -> str:
        return self.text + "".join(child.words for child in self.children)


class Tree(HTMLParser):
    """The page as a tree; a tag that is not closed in its place is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Tag("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        made = Tag(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(Tag("", {}, text=data))


@pytest.fixture(params=RUNS)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str, Path]:
    """A run's name, its page, and its log."""
    write, purpose = RUNS[request.param]
    log = create(tmp_path, details=purpose.details())
    write(log)
    log.close()
    verdict = verify(log.path, trusting())
    return str(request.param), page(verdict.chain.records, verdict), log.path


def test_it_says_how_the_run_ended_and_is_signed(told: tuple[str, str, Path]) -> None:
    name, text, path = told
    words = Tree(text).root.words
    ended = {"verified": "1.6.1.43 is released and verified.", "refused": "It was refused, or failed", "fixer": "Fixed and verified."}
    assert ended[name] in words and "production" in words
    command = f"ssh-keygen -Y verify -f <allowed_signers> -I {OPERATOR.id} -n release-log@nexy-tui -Overify-time=20260501120000Z"
    assert f"{command} -s {path}.sig < {path}" in words and f"nexy-tui runs verify {path}" in words
    assert "the test's own list" in words and "ada@example.com on workbench" in words


def test_a_release_tells_who_did_what_and_the_gate(tmp_path: Path) -> None:
    log = create(tmp_path)
    released(log)
    log.close()
    verdict = verify(log.path, trusting())
    root = Tree(page(verdict.chain.records, verdict)).root
    part = {section.attributes["aria-labelledby"]: section for section in root.all("section")}
    rows = [[cell.words for cell in row.all("th", "td")] for row in part["done"].all("tr")]
    assert rows[0] == ["When", "Phase", "What", "By", "How it ended"]
    assert any(row[1:] == ["Database", "Back up the databaseA backup was made.", OPERATOR.id, "✓ done"] for row in rows[1:]), rows
    assert any("customers cannot update" in row[2] for row in rows) and any("customers can update" in row[2] for row in rows)
    assert [cell.words for cell in list(part["gate"].all("tr"))[1].all("th", "td")] == ["appcast", "✓ verified1.6.1.43", f"✓ verified{SHA}"]
    assert "I opened it on a Mac." in part["attested"].words and "git remote -v" in part["evidence"].words


def test_every_value_is_escaped(told: tuple[str, str, Path]) -> None:
    name, text, _ = told
    root = Tree(text).root
    known = {
        *("html", "head", "meta", "title", "link", "style", "body", "header", "main", "section", "h1", "h2", "p", "span", "br", "code"),
        *("pre", "table", "caption", "thead", "tbody", "tr", "th", "td", "svg", "desc", "line", "rect", "text"),
    }
    assert {tag.name for tag in root.all()} <= known
    assert text.isascii() and "\x1b" not in text and "202e" not in text.replace("\\u202e", "")
    assert (name == "refused") == ("<script>alert(1)</script>" in root.words)


def test_it_asks_for_nothing_and_runs_nothing(told: tuple[str, str, Path]) -> None:
    root = Tree(told[1]).root
    for tag in root.all():
        for attribute, value in tag.attributes.items():
            assert not attribute.startswith("on") and attribute not in ("src", "srcset", "style", "action", "xlink:href")
            assert attribute != "href" or value == "data:,"
    (style,) = root.all("style")
    assert "url(" not in style.words and "@import" not in style.words
    policy = [meta.attributes["content"] for meta in root.all("meta") if meta.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_it_can_be_read_by_everybody(told: tuple[str, str, Path]) -> None:
    root = Tree(told[1]).root
    (html,), (first,) = root.all("html"), root.all("h1")
    (title,) = next(root.all("head")).all("title")
    assert html.attributes["lang"] == "en" and title.words.strip() and first.words.strip()
    levels = [int(tag.name[1]) for tag in root.all(*(f"h{level}" for level in range(1, 7)))]
    assert levels[0] == 1 and levels.count(1) == 1 and all(after <= before + 1 for before, after in pairwise(levels))
    ids = [tag.attributes["id"] for tag in root.all() if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    assert all(tag.attributes["aria-labelledby"] in ids for tag in root.all() if "aria-labelledby" in tag.attributes)
    for table in root.all("table"):
        assert next(table.all("caption")).words.strip()
        assert all(head.words.strip() and head.attributes["scope"] in ("row", "col") for head in table.all("th"))
        widths = {len(list(row.all("th", "td"))) for row in table.all("tr")}
        assert len(widths) == 1, table.words
    (picture,) = root.all("svg")
    assert picture.attributes["role"] == "img" and next(picture.all("title")).words


def test_its_colours_are_told_apart_by_day_and_by_night() -> None:
    for colours in (DAY, NIGHT):
        for ink in INKS:
            for ground in GROUNDS:
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours[ink])


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2 computes it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def chromium() -> str:
    """A headless browser of Chromium's kind. Skips where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("the witness is absent: no Chromium here")
    return found


QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--disable-domain-reliability", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"),
)
"""Nothing leaves this machine: no name is resolved."""


def browse(address: str, folder: Path, *options: str) -> tuple[str, str, set[str]]:
    """The page as the browser has it then, its console, and every address that the page (not the browser itself) asked for."""
    net = folder / "net.json"
    argv = [chromium(), *QUIET, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={net}", *options, "--dump-dom", address]
    seen = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True, env={"HOME": str(folder)})
    asked = re.findall(r'"initiator":"([^"]*)".*?"url":"([^"]*)"', net.read_text())
    return seen.stdout, seen.stderr, {url for who, url in asked if who != "not an origin" and not url.startswith("chrome")}


WITNESSED = pytest.mark.parametrize("told", ["refused", seldom("verified"), seldom("fixer")], indirect=True)


@WITNESSED
def test_chromium_opens_it_without_a_message_or_a_request(told: tuple[str, str, Path], tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_text(told[1])
    dom, said, asked = browse(place.as_uri(), tmp_path)
    assert "Signatures, and how to check them" in dom
    assert "CONSOLE" not in said and not asked, (said, asked)


def test_the_browser_would_show_a_message_and_a_request(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_text("<!DOCTYPE html><title>x</title><img src='http://elsewhere.example/x.png'><script>console.log('heard')</script>")
    _, said, asked = browse(place.as_uri(), tmp_path)
    assert "heard" in said and asked == {"http://elsewhere.example/x.png"}, (said, asked)


@WITNESSED
def test_axe_finds_nothing_against_it(told: tuple[str, str, Path], tmp_path: Path) -> None:
    chromium()
    axe = axe_source()
    if axe is None:
        pytest.skip("the witness is absent: axe-core is not installed (npm install --global axe-core)")
    run = "axe.run(document).then(r => { document.documentElement.setAttribute('data-axe', JSON.stringify(r.violations)); });"
    text = re.sub(r"<meta http-equiv[^>]*>", "", told[1])
    place = tmp_path / "page.html"
    place.write_text(text.replace("</body>", f"<script>{axe}</script><script>{run}</script></body>"))
    for options in ((), ("--blink-settings=preferredColorScheme=0",)):
        dom, _, _ = browse(place.as_uri(), tmp_path, "--virtual-time-budget=20000", *options)
        (html,) = Tree(re.sub(r"(?s)<script>.*</script>", "", dom)).root.all("html")
        violations = json.loads(html.attributes["data-axe"])
        assert not violations, [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in violations]


def axe_source() -> str | None:
    """axe-core's own script, from where npm keeps what is installed for everybody."""
    if shutil.which("npm") is None:
        return None
    root = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    script = Path(root) / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8") if root and script.is_file() else None
