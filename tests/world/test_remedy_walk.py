"""Every remedy of a failing judge, carried out in the world: it is accepted, loses nothing, and leads on, never back to itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from breakages import ROWS, Breakage
from conftest import Inside, MakeWorld, seldom
from driving import release
from remedying import Count, Hand, by, found, push_all, typed, walk

from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.names import CODE

VERSION = "1.6.1.43"


def upto(item: str) -> list[Item]:
    """The checklist as far as an item, as an operator goes through it; without the VM's."""
    ids = [one.id for one in CHECKLIST.items]
    return [one for one in CHECKLIST.items[: ids.index(item) + 1] if not one.needs]


@pytest.fixture(scope="module")
def count() -> Iterator[Count]:
    made = Count()
    yield made
    print(f"\n{made}")


# --- a release that is being prepared ---


@dataclass(frozen=True)
class Row:
    """A trouble of a release that is being prepared: the item that does not hold, what breaks it, and who does what sentences say."""

    id: str
    item: str
    break_it: Callable[[Inside], object]
    hands: dict[str, Hand] = field(default_factory=dict)
    seldom: bool = True


def add(name: str, text: str = "the operator's own\n") -> Callable[[Inside], None]:
    """A file of the operator's, which git does not know."""

    def break_it(inside: Inside) -> None:
        path = inside.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return break_it


def changed(name: str) -> Callable[[Inside], None]:
    """A line more in a file that git knows."""

    def break_it(inside: Inside) -> None:
        with (inside.checkout / name).open("a") as stream:
            stream.write("\n# by hand\n")

    return break_it


def both(*breaks: Callable[[Inside], object]) -> Callable[[Inside], None]:
    """One after the other."""

    def break_it(inside: Inside) -> None:
        for one in breaks:
            one(inside)

    return break_it


def git(*words: str) -> Callable[[Inside], object]:
    """A git command in the checkout."""
    return lambda inside: inside.git(*words)


def elsewhere(inside: Inside) -> None:
    """A colleague has pushed to the release branch."""
    clone = inside.home / "colleague"
    inside.git("clone", "-q", f"https://github.com/{CODE}.git", clone)
    for key, value in (("user.name", "Colleague"), ("user.email", "c@example.org")):
        inside.git("config", key, value, cwd=clone)
    (clone / "NOTES.md").write_text("by a colleague\n")
    inside.git("add", "NOTES.md", cwd=clone)
    inside.git("commit", "-qm", "Notes", cwd=clone)
    inside.git("push", "-q", "origin", "HEAD:main", cwd=clone)


def committed(name: str, text: str = "x = 1\n") -> Callable[[Inside], None]:
    """A commit of the operator's that is not pushed."""

    def break_it(inside: Inside) -> None:
        add(name, text)(inside)
        inside.git("add", "-f", "--", name)
        inside.git("commit", "-qm", f"Add {name}")

    return break_it


def lay(inside: Inside) -> None:
    """A finished image of this version, built anew."""
    inbox = inside.world.checkout_layout.inbox
    inbox.mkdir(parents=True, exist_ok=True)
    artifacts.build_dmg(inbox / DMG, VERSION, 900_000)


def inbox_of(change: Callable[[Path], object]) -> Callable[[Inside], None]:
    """A change in the inbox."""

    def break_it(inside: Inside) -> None:
        change(inside.world.checkout_layout.inbox)

    return break_it


def inbox_gone(inside: Inside) -> None:
    """The inbox's folder, taken away with what was in it."""
    shutil.rmtree(inside.world.checkout_layout.inbox)


def mkdir_and_lay(inside: Inside, sentence: str) -> None:
    """The folder made as shown, and an image laid there."""
    typed(r"mkdir -p [^;]+")(inside, sentence)
    lay(inside)


def ignore_as_said(inside: Inside, sentence: str) -> None:
    """The lines that the sentence names, added to .gitignore; committed and pushed."""
    lines = sentence.split("each a line: ")[1].split(". Commit", maxsplit=1)[0].split(", ")
    with (inside.checkout / ".gitignore").open("a") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
    push_all(inside)


def without_ignored(inside: Inside) -> None:
    """A .gitignore that knows neither artifacts nor settings, on the branch."""
    path = inside.checkout / ".gitignore"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "inbox" not in line and "config.env" not in line) + "\n")
    push_all(inside)


STASH = {"git stash": typed(r"git stash .*$")}
LAY = {rf"Lay .*{DMG}|lay that file|lay its": by(lay)}
OUT = {"reset --soft": typed(r"git reset --soft \w+", r"git reset -q -- [^;]+(?=;)")}


def exclude(inside: Inside, sentence: str) -> None:
    """The line that the sentence names, in .git/info/exclude."""
    line = sentence.split("add the line ")[1].split(" to ", maxsplit=1)[0]
    with (inside.checkout / ".git/info/exclude").open("a") as stream:
        stream.write(line + "\n")


def pull(inside: Inside, sentence: str) -> None:
    typed(r"git pull [^,;]+")(inside, sentence)


BEGUN = (
    Row("colleague pushed", "version.branch", elsewhere, {"git pull": pull}, seldom=False),
    Row("colleague pushed, bump begun", "version.branch", both(elsewhere, changed("server/main.py")), {"git pull": pull, **STASH}),
    Row("another branch", "version.branch", git("switch", "-qc", "feature"), {"git switch": typed("git switch .*$")}),
    Row(
        "another branch, a commit on it",
        "version.branch",
        both(git("switch", "-qc", "feature"), committed("feature.py")),
        {"git switch": typed("git switch .*$")},
    ),
    Row("detached", "version.branch", git("checkout", "-q", "--detach"), {"git switch": typed("git switch .*$")}),
    Row("a commit not pushed", "version.branch", committed("more.py"), {"Push it": by(git("push", "-q", "origin", "HEAD:main"))}),
    Row("a stray file", "version.tree", add("notes.txt"), STASH, seldom=False),
    Row("a stray file beside a dump", "version.tree", both(add("server/backups/nexy_db_20260101T000000Z.tar.gz"), add("notes.txt")), STASH),
    Row("a stray key", "version.tree", add("deploy.pem"), {"exclude": exclude}),
    Row("a changed file", "version.tree", changed("server/main.py"), STASH),
    Row(
        "a secret in a commit",
        "version.secrets",
        committed("deploy.pem"),
        {**OUT, "Push it": by(git("push", "-q", "origin", "HEAD:main")), "exclude": exclude},
    ),
    Row(
        "a secret staged",
        "version.secrets",
        both(add("deploy.pem"), git("add", "-f", "deploy.pem")),
        {"git restore": typed("git restore .*$"), "exclude": exclude, "tracked by git": typed(r"git stash push .*$")},
    ),
    Row("nothing ignored", "version.ignored", without_ignored, {"gitignore": ignore_as_said}),
    Row("no inbox", "inbox.exists", inbox_gone, {"mkdir": mkdir_and_lay}),
    Row("no image", "inbox.dmg", inbox_of(lambda inbox: (inbox / DMG).unlink()), LAY, seldom=False),
    Row("an image of another version", "inbox.version", inbox_of(lambda inbox: artifacts.build_dmg(inbox / DMG, "1.6.1.40", 900_000)), LAY),
)


@pytest.fixture
def begun(make_world: MakeWorld) -> Inside:
    """A world in which a release is being prepared: its version is written, and not committed."""
    inside = make_world()
    inside.run("nexy-tui", "bump", VERSION)
    return inside


@pytest.mark.parametrize("row", [seldom(row, id=row.id) if row.seldom else pytest.param(row, id=row.id) for row in BEGUN])
def test_from_a_trouble_of_a_begun_release_the_remedies_lead_on(begun: Inside, count: Count, row: Row) -> None:
    row.break_it(begun)
    items = upto(row.item)
    assert row.item in {one.item for one in found(begun, items, released=False)}
    walk(begun, items, row.hands, count)


# --- a release that is out ---


SEVEN = CHECKLIST.phase("final").items
BESIDE = [one for one in CHECKLIST.items if not one.id.startswith("final.")]


@pytest.fixture(scope="module")
def released(module_world: Inside) -> Inside:
    """A world in which a whole release has been done."""
    run = release(module_world, VERSION)
    assert run.exit == 0, run.said
    return module_world


def hands_of(undo: Callable[[], object]) -> dict[str, Hand]:
    """Who does what the sentences of a released world's remedies say: mostly what undoes the breakage is exactly that."""

    def back(inside: Inside, sentence: str) -> None:
        undo()

    def made(inside: Inside, sentence: str) -> None:
        typed(r"mkdir -p [^;]+")(inside, sentence)
        undo()

    return {
        r"gh release create": typed(r"gh release create \S+ -R [^;]+"),
        r"mkdir -p": made,
        r"": back,
    }


WALKED = (
    *(row.id for row in ROWS if row.kind.startswith(("inbox", "backup"))),
    *("asset gone", "asset half there", "drill's record edited", "drill's record emptied", "pushurl wrong", "remotes wrong"),
    *("drill never", "drill old", "database down", "service down", "server down", "VERSION on the branch"),
    *{row.kind: row.id for row in ROWS if row.kind.startswith(("branch", "vm")) and row.id != "commit astray"}.values(),
)
"""Breakages of a released world whose remedies are walked."""

RELEASED = sorted((row for row in ROWS if row.id in WALKED), key=lambda row: row.kind == "host")
"""Those of the release host last: a publish mends them with an asset of its own, which what undoes the breakage does not know."""


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) if row.id == "pushurl wrong" else seldom(row, id=row.id) for row in RELEASED])
def test_from_a_trouble_of_a_released_version_the_remedies_lead_on(released: Inside, count: Count, row: Breakage) -> None:
    """As `verify` names it, or `check --all --vm` where it is none of the seven."""
    undo = row.break_it(released)
    try:
        walk(released, SEVEN if row.verify else BESIDE, hands_of(undo), count, released=bool(row.verify))
    finally:
        undo()
