"""The troubles from which the remedies are walked: what breaks a world, and which remedies are then carried out there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
from bench import restarted
from breakages import ROWS as BREAKAGES
from breaking import SECOND, asset_of_before, keep, swap_cut_off
from conftest import Inside
from remedying import Hand, by, push_all, typed

from nexy_tui.checklist import CHECKLIST, Item
from nexy_tui.core.layout import MANIFEST_DIRS
from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.database import server as database
from nexy_tui.rehearsal.names import ARTIFACTS, CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS

VERSION = "1.6.1.43"
SCRIPT = "server/scripts/publish_assets_and_sync.py"
RUNBOOK = "server/Docs/DATABASE_SETUP_GUIDE.md"
RULEBOOK = "server/Docs/SERVER_RELEASE_AND_UPDATE_GUIDE.md"

Breaking = Callable[[Inside], object]

_IDS = [item.id for item in CHECKLIST.items]
UPTO_TREE = CHECKLIST.items[: _IDS.index("version.tree") + 1]
UPTO_NUMBER = CHECKLIST.items[: _IDS.index("version.number") + 1]
SECRETS_FIRST = (CHECKLIST.item("version.secrets"), CHECKLIST.item("version.tree"))
ON_VM = CHECKLIST.phase("deploy").items
UPTO_TAG = CHECKLIST.items[: _IDS.index("version.tag") + 1]


@dataclass(frozen=True)
class Row:
    """A trouble: what breaks the world, and the remedies that are seen to be carried out, by item and in words of theirs.

    `hands` are who does what sentences say, None for what undoes the breakage.
    `items` are looked at; none: the checklist as far as the last item named.
    `fixer` is taken first, in place of the remedy.
    """

    id: str
    names: Mapping[str, str]
    break_it: Breaking
    hands: Mapping[str, Hand | None] = field(default_factory=dict)
    items: Sequence[Item] = ()
    fixer: str = ""
    seldom: bool = True


# --- hands that break ---


def add(name: str, text: str = "the operator's own\n") -> Breaking:
    """A file of the operator's, which git does not know."""

    def break_it(inside: Inside) -> None:
        path = inside.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return break_it


def changed(name: str) -> Breaking:
    """A line more in a file that git knows."""

    def break_it(inside: Inside) -> None:
        with (inside.checkout / name).open("a") as stream:
            stream.write("\n# by hand\n")

    return break_it


def replaced(name: str, old: str, new: str) -> Breaking:
    """Words of a file of the checkout in place of others."""

    def break_it(inside: Inside) -> None:
        path = inside.checkout / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new))

    return break_it


def gone(name: str) -> Breaking:
    """A file of the checkout, taken away."""
    return lambda inside: (inside.checkout / name).unlink()


def both(*breaks: Breaking) -> Breaking:
    """One after the other."""

    def break_it(inside: Inside) -> None:
        for one in breaks:
            one(inside)

    return break_it


def git(*words: str) -> Breaking:
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


def committed(name: str, text: str = "x = 1\n") -> Breaking:
    """A commit of the operator's that is not pushed."""

    def break_it(inside: Inside) -> None:
        add(name, text)(inside)
        inside.git("add", "-f", "--", name)
        inside.git("commit", "-qm", f"Add {name}", "--", name)

    return break_it


def pushed(change: Breaking, *names: str) -> Breaking:
    """A change of files that is committed and pushed."""

    def break_it(inside: Inside) -> None:
        change(inside)
        inside.git("add", "-f", "--", *names)
        inside.git("commit", "-qm", "By hand", "--", *names)
        inside.git("push", "-q", "origin", "HEAD:main")

    return break_it


HOOK = ".git/hooks/pre-push"


def refusing_push(inside: Inside) -> None:
    """A hook of the operator's that says no."""
    (inside.checkout / HOOK).write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    (inside.checkout / HOOK).chmod(0o755)


def needing_its_tools(inside: Inside) -> None:
    """A hook that finds its tools in the checkout alone."""
    hook, exclude = inside.checkout / ".git/hooks/pre-commit", inside.checkout / ".git/info/exclude"
    hook.write_text("#!/bin/sh\ntest -e tools/there\n")
    hook.chmod(0o755)
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("/tools/\n")


def half_merged(inside: Inside) -> None:
    """A merge that came to a conflict and was left there."""
    inside.git("stash", "-q")
    inside.git("switch", "-qc", "other")
    committed("NOTES.md", "one\n")(inside)
    inside.git("switch", "-q", "-")
    committed("NOTES.md", "two\n")(inside)
    inside.run("git", "merge", "other", check=False)


def fault(name: str, param: str | None = None) -> Breaking:
    """A fault of the world."""
    return lambda inside: inside.fault(name, param=param)


def well(name: str) -> Hand:
    """Who mends outside what a fault stands for."""
    return by(lambda inside: inside.fault(name, on=False))


def environ(**values: str) -> Breaking:
    """Variables of the operator's terminal."""
    return lambda inside: inside.environ.update(values)


def unset(*names: str) -> Hand:
    """Variables taken out of the operator's terminal."""

    def change(inside: Inside) -> None:
        for name in names:
            del inside.environ[name]

    return by(change)


def sql(*statements: str) -> Breaking:
    """Statements of the database's superuser."""

    def break_it(inside: Inside) -> None:
        settings = database.settings(inside.world)
        made, where = settings.superuser, settings.address
        assert made.password is not None
        with psycopg.connect(
            host=where.host, port=where.port, dbname=where.name, user=made.name, password=made.password.reveal(), autocommit=True
        ) as session:
            for statement in statements:
                session.execute(statement.encode())

    return break_it


def no_such_role(inside: Inside) -> Callable[[], object]:
    """Settings that name a role which is not on the server, and no password of the application's: so the superuser looks."""
    path, before = inside.world.checkout_layout.config_env, dict(inside.environ)
    put_back = keep(path)
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("DB_PASSWORD=")))
    inside.environ.pop("DB_PASSWORD", None)
    inside.environ["DB_USER"] = "nobody_here"

    def undo() -> None:
        put_back()
        inside.environ.clear()
        inside.environ.update(before)

    return undo


def as_superuser(inside: Inside, sentence: str) -> None:
    """The statements that the sentence shows."""
    sql(*re.findall(r"REVOKE \w+ FROM \w+", sentence))(inside)


def of(name: str) -> Breaking:
    """A breakage of the final verification's table."""
    return next(row.break_it for row in BREAKAGES if row.id == name)


def vm(change: Callable[[Path], object]) -> Breaking:
    """A change in the VM's clone."""
    return lambda inside: change(inside.world.vm_clone)


def configured(line: str) -> Breaking:
    """A line of the operator's own configuration, in [target]."""

    def break_it(inside: Inside) -> None:
        config = inside.world.config
        key = line.partition(" =")[0]
        kept = "".join(one for one in config.read_text().splitlines(keepends=True) if not one.startswith(f"{key} "))
        config.write_text(kept.replace("[target]\n", f"[target]\n{line}\n", 1))

    return break_it


def unconfigured(inside: Inside) -> None:
    """The operator's own configuration without that line."""
    config, kept = inside.world.config, inside.world.sparkle_public_key
    lines = [line for line in config.read_text().splitlines() if not line.startswith(("release_branch", "directory", "sparkle"))]
    config.write_text("\n".join(lines).replace("[target]", f'[target]\nsparkle_public_key = "{kept}"', 1) + "\n")


# --- the inbox ---


def lay(inside: Inside) -> None:
    """A finished image of this version, built anew."""
    inbox = inside.world.checkout_layout.inbox
    inbox.mkdir(parents=True, exist_ok=True)
    artifacts.build_dmg(inbox / DMG, VERSION, 900_000)


def lay_published(inside: Inside) -> None:
    """The image that clients get, fetched from its address."""
    inbox = inside.world.checkout_layout.inbox
    inbox.mkdir(parents=True, exist_ok=True)
    inside.run("curl", "-fsSLo", inbox / DMG, f"https://github.com/{ARTIFACTS}/releases/download/Update/{DMG}")


def inbox_of(change: Callable[[Path], object]) -> Breaking:
    """A change in the inbox."""
    return lambda inside: change(inside.world.checkout_layout.inbox)


def in_the_other_inbox(inside: Inside) -> None:
    """The image laid where a nested tree has its inbox."""
    other = inside.checkout / "server/release_inbox"
    other.mkdir()
    (inside.world.checkout_layout.inbox / DMG).rename(other / DMG)


def mkdir_and(hand: Breaking) -> Hand:
    """The folder made as shown, and an image laid there."""

    def do(inside: Inside, sentence: str) -> None:
        typed(r"mkdir -p [^;]+")(inside, sentence)
        hand(inside)

    return do


# --- hands that do what a sentence says ---


def exclude(inside: Inside, sentence: str) -> None:
    """The line that the sentence names, in .git/info/exclude."""
    line = sentence.split("add the line ")[1].split(" to ", maxsplit=1)[0]
    with (inside.checkout / ".git/info/exclude").open("a") as stream:
        stream.write(line + "\n")


def ignore_as_said(inside: Inside, sentence: str) -> None:
    """The lines that the sentence names, added to .gitignore; committed and pushed."""
    if sentence.startswith("git rm"):
        typed(r"git rm --cached -- \S+")(inside, sentence)
    lines = sentence.split("each a line: ")[1].split(". Commit", maxsplit=1)[0].split(", ")
    with (inside.checkout / ".gitignore").open("a") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
    inside.git("add", ".gitignore")
    inside.git("commit", "-qm", "As it was advised")  # of the index: a commit of paths takes up again what was just untracked
    inside.git("push", "-q", "origin", "HEAD:main")


def attributes_as_said(inside: Inside, sentence: str) -> None:
    """The lines that the sentence shows, at the end of .gitattributes; committed and pushed."""
    with (inside.checkout / ".gitattributes").open("a") as stream:
        stream.write("".join(f"{line}\n" for line in re.findall("“([^”]+)”", sentence)))
    push_all(inside)


def without_ignored(inside: Inside) -> None:
    """A .gitignore that knows neither artifacts nor settings, on the branch."""
    path = inside.checkout / ".gitignore"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "inbox" not in line and "config.env" not in line) + "\n")
    push_all(inside)


PUSH: dict[str, Hand | None] = {"push it": by(git("push", "-q", "origin", "HEAD:main"))}
STASH: dict[str, Hand | None] = {"git stash": typed(r"git stash .*$")}
LAY: dict[str, Hand | None] = {rf"Lay .*{DMG}|lay that file|lay its|Build it with": by(lay)}
OUT: dict[str, Hand | None] = {"reset --soft": typed(r"git reset --soft \w+", r"git reset -q -- [^;]+(?=;)")}
PULL: dict[str, Hand | None] = {"git pull": typed(r"git pull [^,;]+")}
SWITCH: dict[str, Hand | None] = {"git switch": typed("git switch .*$")}
NEXT_NUMBER: dict[str, Hand | None] = {
    "Choose a higher version|Release as|release as": by(lambda inside: inside.run("nexy-tui", "bump", VERSION)),
}
NAMED: dict[str, Hand | None] = {"Name the version": by(lambda inside: (inside.checkout / "VERSION").write_text(f"{VERSION}\n"))}


def program(inside: Inside, name: str, script: str, variable: str) -> None:
    """A program that stands before the real one in the operator's terminal."""
    folder = inside.home / "programs"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    inside.environ.setdefault(f"KEPT_{variable}", inside.environ[variable])
    inside.environ[variable] = str(folder) if variable != "PATH" else f"{folder}:{inside.environ['KEPT_PATH']}"


def programs_as_before(inside: Inside) -> None:
    """The real ones again."""
    for name in [name for name in inside.environ if name.startswith("KEPT_")]:
        inside.environ[name.removeprefix("KEPT_")] = inside.environ.pop(name)


def two_untitled(inside: Inside) -> None:
    """Two documents that demand what the rulebook does, under no title of its."""
    path = inside.checkout / RULEBOOK
    text = path.read_text().replace("# Server Release & Update Guide", "# How we release", 1)
    path.write_text(text)
    add("docs/GUIDE.md", text + "\n## 7. More\n\nMore.\n")(inside)


# --- a release that is being prepared ---

BEGUN = (
    Row("remotes wrong", {"remotes.code": "^Mend manifest-repository"}, fault("wrong-code-remote")),
    Row(
        "a hook that lets no push through",
        {"remotes.push": "If that is a hook of yours"},
        refusing_push,
        {"If that is": by(lambda inside: (inside.checkout / HOOK).unlink())},
    ),
    Row(
        "a credential without rights",
        {"remotes.push": "Log in with an account"},
        lambda inside: (inside.world.home / "gitconfig").write_text(
            (inside.world.home / "gitconfig").read_text() + "[credential]\n\thelper =\n"
        ),
        {
            "Log in with": by(
                lambda inside: (inside.world.home / "gitconfig").write_text(
                    (inside.world.home / "gitconfig").read_text().removesuffix("[credential]\n\thelper =\n")
                )
            )
        },
    ),
    Row(
        "a token without rights",
        {"remotes.artifacts": "^Mend github-auth|gh auth login"},
        lambda inside: inside.environ.update(GH_TOKEN=inside.world.secrets.readonly_token),
        {"gh auth": by(lambda inside: inside.environ.update(GH_TOKEN=inside.world.secrets.artifacts_token))},
    ),
    Row(
        "no release under the tag",
        {"remotes.artifacts": "gh release create"},
        of("no release under the tag"),
        {"gh release create": typed(r"gh release create \S+ -R [^;]+")},
    ),
    Row("release immutable", {"remotes.artifacts": "Lift that"}, fault("immutable-release"), {"Lift that": well("immutable-release")}),
    Row("script gone", {"remotes.script": "^Mend script-paths"}, gone(SCRIPT)),
    Row(
        "script elsewhere",
        {"remotes.script": "See which is right: git mv|Commit that move"},
        both(configured('layout = "flat"'), pushed(both(add("server/server/scripts/x"), git("mv", SCRIPT, f"server/{SCRIPT}")), "server")),
        {"git mv": typed(r"git mv \S+ [^\s,]+"), "Commit that move": by(push_all)},
    ),
    Row(
        "script of another target",
        {"remotes.publisher": "^Mend target-repository"},
        pushed(replaced(SCRIPT, 'production"', 'elsewhere"'), SCRIPT),
        {"Commit them": by(push_all), **PUSH},
    ),
    Row(
        "script unreadable",
        {"remotes.publisher": "See TARGET_REPO and the tags"},
        pushed(replaced(SCRIPT, 'TARGET_REPO = "', 'TARGET_REPO = "" + "'), SCRIPT),
        {"See TARGET_REPO": by(both(replaced(SCRIPT, 'TARGET_REPO = "" + "', 'TARGET_REPO = "'), push_all)), **PUSH},
    ),
    Row("colleague pushed", {"version.branch": "git pull"}, elsewhere, PULL, seldom=False),
    Row(
        "colleague pushed, bump begun",
        {"version.branch": "git pull"},
        both(elsewhere, changed("server/main.py")),
        {**PULL, **STASH},
        items=UPTO_TREE,
    ),
    Row("another branch", {"version.branch": "git switch"}, git("switch", "-qc", "feature"), SWITCH),
    Row(
        "another branch, a commit on it",
        {"version.branch": "git switch"},
        both(git("switch", "-qc", "feature"), committed("feature.py")),
        SWITCH,
    ),
    Row("detached", {"version.branch": "git switch"}, git("checkout", "-q", "--detach"), SWITCH),
    Row(
        "a merge half-way",
        {"version.branch": "Finish or abort it"},
        half_merged,
        {"Finish or abort": by(git("merge", "--abort")), "drop it": by(git("reset", "-q", "--hard", "origin/main")), **NAMED},
    ),
    Row("a commit not pushed", {"version.branch": "push it after review"}, committed("more.py"), PUSH),
    Row("a stray file", {"version.tree": "Commit them, look again"}, add("notes.txt"), STASH, seldom=False),
    Row(
        "a stray file beside a dump",
        {"version.tree": "git stash|set them aside"},
        both(add("server/backups/nexy_db_20260101T000000Z.tar.gz"), add("notes.txt")),
        STASH,
    ),
    Row("a stray key", {"version.tree": "move it out of the checkout"}, add("deploy.pem"), {"exclude": exclude}),
    Row("a changed file", {"version.tree": "set them aside"}, changed("server/main.py"), STASH),
    Row(
        "a secret in a commit",
        {"version.secrets": "Take it out of the commits|Change that secret"},
        committed("deploy.pem"),
        {**OUT, "exclude": exclude},
        SECRETS_FIRST,
    ),
    Row(
        "a secret staged",
        {"version.secrets": "git restore --staged"},
        both(add("deploy.pem"), git("add", "-f", "deploy.pem")),
        {"git restore": typed("git restore .*$"), "exclude": exclude},
        SECRETS_FIRST,
    ),
    Row(
        "a secret staged, as the tree shows it",
        {"version.tree": "tracked by git: set it aside"},
        both(add("deploy.pem"), git("add", "-f", "deploy.pem")),
        {"tracked by git": typed(r"git stash push .*$")},
    ),
    Row(
        "a secret's text",
        {"version.secrets": r"Take it out of (?!the)"},
        replaced("server/main.py", "import", f"# ghp_{'a' * 36}\nimport"),
        {"Take it out of": by(git("checkout", "-q", "--", "server/main.py"))},
        SECRETS_FIRST,
    ),
    Row(
        "more than is read",
        {"version.secrets": "Push what is not this release's"},
        committed("big.txt", "line of text\n" * (17 << 20 >> 3)),
        {**PUSH, "Push what": PUSH["push it"]},
    ),
    Row("nothing ignored", {"version.ignored": "Add to .gitignore"}, without_ignored, {"gitignore": ignore_as_said}),
    Row(
        "an image tracked",
        {"version.ignored": "git rm --cached"},
        pushed(lambda inside: None, f"release_inbox/{DMG}"),
        {"gitignore": ignore_as_said},
    ),
    Row(
        "directories differ",
        {"version.manifests": "^Act sync-manifests"},
        pushed(replaced(SECOND, '"critical": false', '"critical": true'), SECOND),
        seldom=False,
    ),
    Row(
        "a lower version",
        dict.fromkeys(("ready.server", "version.number"), "Choose a higher version"),
        lambda inside: (inside.checkout / "VERSION").write_text("1.6.0.99\n"),
        NEXT_NUMBER,
    ),
    Row(
        "no VERSION",
        {
            "ready.server": "Name the version",
            "version.number": "Name the version",
            "version.commit": "Name the version",
            "version.tag": "Name the version",
            "version.files": "Name the version",
        },
        gone("VERSION"),
        {**NAMED},
    ),
    Row("files not bumped", {"version.files": "^Act bump"}, replaced("server/config/unified_config.yaml", VERSION, "1.6.1.42")),
    Row(
        "a file that takes no version",
        {"version.files": "by hand"},
        replaced("server/config/unified_config.yaml", f"default_version: {VERSION}", "default_version: [1, 2]"),
        {"by hand": by(replaced("server/config/unified_config.yaml", "default_version: [1, 2]", f"default_version: {VERSION}"))},
    ),
    Row("database down", {"database.reachable": "See that PostgreSQL runs"}, fault("database-down"), {"": well("database-down")}),
    Row("database elsewhere", {"database.tables": "See that DB_NAME"}, environ(DB_NAME="postgres"), {"DB_NAME": unset("DB_NAME")}),
    Row(
        "a role that is not let in",
        {"database.reachable": "See that PostgreSQL runs"},
        environ(DB_USER="nobody_here"),
        {"DB_USER": unset("DB_USER")},
    ),
    Row(
        "an application's role that is not there",
        {"database.hardening": "Create it as"},
        no_such_role,
        {"DB_USER": None},
    ),
    Row("not hardened", {"database.hardening": "^Act harden"}, sql("GRANT DELETE ON users TO nexy_user")),
    Row(
        "a member of a role",
        {"database.hardening": "As the superuser"},
        sql("CREATE ROLE helper", "GRANT DELETE ON users TO helper", "GRANT helper TO nexy_user"),
        {"As the superuser": as_superuser},
    ),
    Row("no inbox", {"inbox.exists": "mkdir -p"}, inbox_of(shutil.rmtree), {"mkdir": mkdir_and(lay)}),
    Row("no inbox, by the fixer", {"inbox.exists": "^Mend inbox"}, inbox_of(shutil.rmtree), LAY, fixer="inbox"),
    Row("no image", {"inbox.dmg": "Lay "}, inbox_of(lambda inbox: (inbox / DMG).unlink()), LAY, seldom=False),
    Row(
        "an image in iCloud",
        {"inbox.dmg": "Fetch it"},
        inbox_of(lambda inbox: (inbox / DMG).rename(inbox / f".{DMG}.icloud")),
        {"Fetch it": by(both(inbox_of(lambda inbox: (inbox / f".{DMG}.icloud").unlink()), lay))},
    ),
    Row(
        "an image under another name",
        {"inbox.dmg": "If that is this release's build"},
        inbox_of(lambda inbox: (inbox / DMG).rename(inbox / "Nexy 2.dmg")),
        {"mv": typed(r"(?<=`)[^`]+(?=`)")},
    ),
    Row(
        "an image in the other layout's inbox",
        {"inbox.dmg": "If that is this release's build"},
        in_the_other_inbox,
        {"mv": typed(r"(?<=`)[^`]+(?=`)")},
    ),
    Row(
        "half an image",
        {f"inbox.{name}": "Lay a finished" for name in ("dmg", "version", "new", "signature", "application")},
        fault("dmg-truncated"),
        {"Lay a finished": by(both(lambda inside: inside.fault("dmg-truncated", on=False), lay))},
    ),
    Row(
        "an image of another version",
        {"inbox.version": "or release the version that the file has"},
        inbox_of(lambda inbox: artifacts.build_dmg(inbox / DMG, "1.6.1.40", 900_000)),
        LAY,
    ),
    Row("the image of the release before", {"inbox.new": "Build "}, both(lay_published, replaced("VERSION", "", "")), LAY),
    Row("another key inside", {"inbox.application": "Build it with the configured"}, fault("dmg-other-key"), LAY),
    Row("another feed inside", {"inbox.application": "Build it with"}, fault("dmg-other-feed"), LAY),
    Row("a newer macOS inside", {"inbox.application": "Build it with"}, fault("dmg-newer-macos"), LAY),
    Row("not committed", {"version.commit": "^Act commit"}, lambda inside: None, items=UPTO_TAG),
    Row(
        "the tag not made",
        {"version.tag": "^Act commit"},
        lambda inside: inside.commit(f"Release v{VERSION}"),
        items=UPTO_TAG,
    ),
    Row(
        "committed and tagged by hand, not pushed",
        {"publish.pushed": "^Act push"},
        both(lambda inside: inside.commit(f"Release v{VERSION}"), git("tag", f"v{VERSION}")),
    ),
    Row(
        "a tag of the operator's own under that name",
        {"version.number": "git tag -d"},
        both(lambda inside: inside.commit(f"Release v{VERSION}"), git("tag", f"v{VERSION}", "HEAD~1")),
        {"git tag -d": typed(r"git tag -d [^\s,]+")},
        UPTO_NUMBER,
    ),
    Row(
        "a shallow clone",
        {"version.branch": "git fetch --unshallow"},
        lambda inside: (inside.checkout / ".git/shallow").write_text(inside.git("rev-parse", "HEAD") + "\n"),
        {"unshallow": typed(r"git fetch --unshallow \S+")},
    ),
    Row(
        "the file that the unit starts, not in the release",
        {"ready.start": "Bring that file back"},
        pushed(gone("server/main.py"), "server/main.py"),
        {"Bring that file": by(both(git("checkout", "-q", "HEAD~1", "--", "server/main.py"), push_all)), **PUSH},
    ),
    Row(
        "a rulebook without sections",
        {"remotes.rulebook": "Bring it back"},
        pushed(lambda inside: (inside.checkout / RULEBOOK).write_text("# Server Release & Update Guide\n"), RULEBOOK),
        {"Bring it back": by(both(git("checkout", "-q", "HEAD~1", "--", RULEBOOK), push_all)), **PUSH},
    ),
    Row(
        "two rulebooks",
        {"remotes.rulebook": "remove the wrong one"},
        pushed(
            lambda inside: add("docs/GUIDE.md", (inside.checkout / RULEBOOK).read_text() + "\n## 7. More\n\nMore.\n")(inside),
            "docs/GUIDE.md",
        ),
        {"remove the wrong": by(both(git("rm", "-q", "docs/GUIDE.md"), push_all)), **PUSH},
    ),
    Row(
        "an older pg_dump",
        {"database.tools": "Install PostgreSQL"},
        partial(program, name="pg_dump", script="echo 'pg_dump (PostgreSQL) 9.6.24'", variable="NEXY_PG_BIN"),
        {"Install PostgreSQL": by(programs_as_before)},
    ),
    Row(
        "a 7-Zip that fails",
        dict.fromkeys(("inbox.version", "inbox.application"), "Install 7-Zip"),
        both(*(partial(program, name=name, script="exit 2", variable="PATH") for name in ("7zz", "7z", "7za"))),
        {"Install 7-Zip": by(programs_as_before)},
    ),
)

IN_A_RUN = (
    Row(
        "a package nobody announced",
        {"inbox.pkg": "Move it out of"},
        lambda inside: artifacts.build_pkg(inside.world.checkout_layout.inbox / PKG, VERSION, 200_000),
        {"Move it out": by(lambda inside: (inside.world.checkout_layout.inbox / PKG).rename(inside.home / PKG))},
    ),
    Row(
        "the release commit of the pushed tag left again",
        {"version.number": "heck out the release commit"},
        both(
            git("commit", "-aqm", f"Release v{VERSION}"),
            git("tag", f"v{VERSION}"),
            git("push", "-q", "origin", f"v{VERSION}"),
            git("reset", "-q", "--soft", "HEAD~1"),
        ),
        {"heck out": by(git("reset", "-q", "--soft", f"v{VERSION}"))},
    ),
)
"""What only a run sees: a look without one takes what lies there for announced, and a version with a tag for released."""

ATTESTED = (
    Row(
        "a newer rulebook",
        {"remotes.rulebook": "Read those sections"},
        pushed(replaced(RULEBOOK, "## 5. Search", "## 5. Something new"), RULEBOOK),
    ),
    Row(
        "two documents that demand what a rulebook does",
        {"remotes.rulebook": "attest which of them"},
        pushed(two_untitled, RULEBOOK, "docs/GUIDE.md"),
    ),
    Row("a hook whose tools git does not track", {"ready.commit": "attest that"}, both(needing_its_tools, add("tools/there"))),
    Row("no runbook", {"database.runbooks": "Attest that you have"}, pushed(gone(RUNBOOK), RUNBOOK)),
)
"""What a person attests; nothing else is to be done about it."""

# --- a release that is out ---

SEVEN = CHECKLIST.phase("final").items
"""As `verify` looks."""

BESIDE = tuple(item for item in CHECKLIST.items if not item.id.startswith("final."))
"""As `check --all --vm` looks, but for those seven."""

NEXT = "1.6.1.44"


def on_vm(name: str, change: Callable[[str], str]) -> Breaking:
    """A file of the VM's clone, rewritten there."""
    return vm(lambda clone: (clone / name).write_text(change((clone / name).read_text())))


def as_before(text: str) -> str:
    """Settings that say the release before."""
    return text.replace(VERSION, "1.6.1.42")


def as_released(text: str) -> str:
    """Settings that say this release."""
    return text.replace("1.6.1.42", VERSION)


def manifests_before(inside: Inside) -> None:
    """The VM's manifests as the release's own tag has them: those of the release before."""
    inside.git("checkout", "-q", f"v{VERSION}", "--", *map(str, MANIFEST_DIRS), cwd=inside.world.vm_clone)


def lay_of(version: str) -> Breaking:
    """A finished image of a version in the inbox."""
    return inbox_of(lambda inbox: artifacts.build_dmg(inbox / DMG, version, 900_000))


def made_and_laid(inside: Inside, sentence: str) -> None:
    """The image of the version that the sentence names, in the inbox; the release before it, where that has to be made too."""
    if "gh release create" in sentence:
        typed(r"gh release create \S+ -R [^;]+")(inside, sentence)
    (version,) = set(re.findall(r"as (1\.6\.1\.\d+)", sentence))
    lay_of(version)(inside)


def release_next(inside: Inside) -> None:
    """The next version, built and released."""
    lay_of(NEXT)(inside)
    inside.run("nexy-tui", "release", NEXT, "--headless", "--auto", "--json", timeout=180)


def all_four(old: str, new: str, version: str = VERSION) -> Breaking:
    """A field of all four manifests of the checkout, as a hand would that knows no better."""

    def break_it(inside: Inside) -> None:
        for path in inside.world.checkout_layout.manifest_files(version):
            replaced(str(path), old, new)(inside)

    return break_it


def failed_drill(inside: Inside) -> None:
    """A drill of an archive that cannot be restored: a constraint in it asks a table that is not yet found then."""
    body = "SELECT EXISTS (SELECT 1 FROM users)"
    sql(
        f"CREATE FUNCTION someone(int) RETURNS bool LANGUAGE sql AS '{body}'",
        "CREATE TABLE odd (id int CHECK (someone(id)))",
        "INSERT INTO odd VALUES (1)",
    )(inside)
    inside.run("nexy-tui", "db", "harden", "--yes", "--json", check=False)
    inside.run("nexy-tui", "db", "backup", "--yes", "--json")
    inside.run("nexy-tui", "db", "drill", "--yes", "--json", check=False)


def restorable(inside: Inside) -> None:
    """That constraint gone, and a new backup."""
    sql("DROP TABLE odd", "DROP FUNCTION someone")(inside)
    inside.run("nexy-tui", "db", "backup", "--yes", "--json")


def locked(inside: Inside) -> None:
    """Somebody else is releasing."""
    bare = inside.world.bare(CODE)
    tree = inside.git("rev-parse", "main^{tree}", cwd=bare)
    until = (datetime.now(UTC) + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = json.dumps({"operator": "ben@example.org", "host": "other", "run": str(uuid4()), "expires": until})
    commit = inside.git("commit-tree", tree, "-m", document, cwd=bare)
    inside.git("update-ref", "refs/nexy/lock", commit, cwd=bare)


def unlocked(inside: Inside) -> None:
    """That release has ended."""
    inside.git("update-ref", "-d", "refs/nexy/lock", cwd=inside.world.bare(CODE))


def by_the_rulebooks_hand(inside: Inside) -> None:
    """Phase 1 of the rulebook, typed: commit, tag and push of the next version, bumped before."""
    lay_of(NEXT)(inside)
    inside.run("nexy-tui", "bump", NEXT)
    inside.commit(f"Release v{NEXT}")
    inside.git("tag", f"v{NEXT}")
    inside.git("push", "-q", "origin", "HEAD:main", f"v{NEXT}")


def reused(inside: Inside) -> None:
    """The image of the release before under the image's name, and manifests that name its bytes for this version."""
    asset_of_before(inside)
    folder = inside.world.checkout_layout.canonical.parent
    before = json.loads((inside.checkout / folder / f"manifest_{inside.world.previous}.json").read_text())["artifact"]
    for path in inside.world.checkout_layout.manifest_files(VERSION):
        document = json.loads((inside.checkout / path).read_text())
        document["artifact"] |= {key: before[key] for key in ("size", "sha256")}
        (inside.checkout / path).write_text(json.dumps(document, indent=2) + "\n")


LAY_PUBLISHED: dict[str, Hand | None] = {"mkdir -p": mkdir_and(lay_published), "Lay |lay ": by(lay_published)}
RELEASE_NEXT: dict[str, Hand | None] = {"release the next version|Release as": by(release_next)}
AS_IT_WAS: dict[str, Hand | None] = {"": None}
"""What the sentence asks for is what undoes the breakage."""

_SYNCED = dict.fromkeys(("final.publication", "final.manifest"), "^Act sync-manifests")
_MANIFESTS = dict.fromkeys(("final.publication", "final.manifest"), "^Act publish")

RELEASED = (
    Row("inbox missing", {"final.inbox": "mkdir -p"}, of("inbox missing"), LAY_PUBLISHED, SEVEN),
    Row("inbox empty", {"final.inbox": "^Lay .* and look again"}, of("inbox empty"), LAY_PUBLISHED, SEVEN),
    Row("image truncated", {"final.inbox": "Lay a finished"}, of("image truncated"), LAY_PUBLISHED, SEVEN),
    Row("image of another version", {"final.inbox": "Lay the published"}, of("image of another version"), LAY_PUBLISHED, SEVEN),
    Row("image rebuilt", {"final.inbox": "Lay the published"}, of("image rebuilt"), LAY_PUBLISHED, SEVEN),
    *(Row(id, _SYNCED, of(id), {}, SEVEN) for id in ("canonical missing", "canonical cut off", "canonical artifact.url")),
    Row("all four version", _MANIFESTS, of("all four version"), {}, SEVEN),
    Row("canonical copy missing", {"final.manifest": "^Act sync-manifests"}, of("canonical copy missing"), {}, SEVEN),
    Row("commit astray", {"final.publication": "^Mend manifest-repository"}, of("commit astray"), {}, SEVEN),
    Row("served size", {"final.live": "^Mend stale-appcast"}, of("served artifact.size"), {}, SEVEN),
    Row("served no JSON", {"final.live": "^Mend stale-appcast"}, of("served no JSON"), {}, SEVEN),
    Row("server down", {"final.live": "See why the server does not answer"}, of("server down"), AS_IT_WAS, SEVEN),
    Row("SERVER_VERSION in force", {"final.live": "See what runs on the VM"}, of("SERVER_VERSION in force"), AS_IT_WAS, SEVEN),
    Row(
        "its settings stale",
        {"final.live": "See what runs on the VM"},
        both(*(on_vm(name, as_before) for name in CONFIGS), restarted),
        {"See what runs": by(both(*(on_vm(name, as_released) for name in CONFIGS), restarted))},
        SEVEN,
    ),
    Row(
        "not deployed",
        {"final.live": "^Act deploy"},
        both(*(on_vm(name, as_before) for name in CONFIGS), manifests_before, restarted),
        {},
        SEVEN,
    ),
    Row("a name that crashes", {"final.live": ""}, of("a name that crashes"), AS_IT_WAS, SEVEN),
    Row("archive gone", {"final.backup": "Bring .* back"}, of("archive gone"), AS_IT_WAS, SEVEN),
    Row("archive damaged", {"final.backup": "Bring .* back"}, of("archive damaged"), AS_IT_WAS, SEVEN),
    Row("drill never", {"final.drill": "^Act drill"}, of("drill never"), {}, SEVEN),
    Row("drill old", {"final.drill": "^Act drill"}, of("drill old"), {}, SEVEN),
    Row("backup folder gone", {"final.backup": "Bring .* back"}, of("backup folder gone"), AS_IT_WAS, SEVEN),
    Row("no VERSION anywhere", {"final.backup": "Name the version"}, pushed(gone("VERSION"), "VERSION"), NAMED, SEVEN),
    Row(
        "VERSION in the checkout",
        {"version.files": "^Act bump", "version.commit": "^Act commit"},
        of("VERSION in the checkout"),
        {"Build 1.6.1.99": by(lay_of("1.6.1.99")), "Lay|lay": by(lay_of("1.6.1.99"))},
        BESIDE,
    ),
    Row("backup's sum edited", {"database.backup": "^Act backup"}, of("backup's sum edited"), {}, BESIDE),
    Row("drill old, before the next", {"database.drill": "^Act drill"}, of("drill old"), {}, BESIDE),
    Row(
        "a drill that failed",
        {"database.drill": "Mend that, make"},
        failed_drill,
        {"Mend that": by(restorable)},
        BESIDE,
    ),
    Row("SERVER_VERSION unread", {"deploy.config": "^Act deploy"}, of("SERVER_VERSION unread"), {}, BESIDE),
    Row("key expired", {"deploy.service": "^Mend gemini-key"}, of("key expired"), {}, BESIDE),
    Row("slot taken", {"ready.vm": "^Mend azure-busy"}, fault("run-command-busy", "20"), {}, BESIDE, fixer="azure-busy"),
    Row("clone elsewhere", {"deploy.head": "^Act deploy"}, of("clone elsewhere"), {}, BESIDE),
    Row(
        "tag gone",
        dict.fromkeys(("version.number", "publish.pushed", "deploy.head"), "git push"),
        of("tag gone"),
        {"git push": typed(r"git push \S+ \S+")},
        BESIDE,
    ),
    Row("tag moved", {"version.number": "Release as", "publish.pushed": "Never move"}, of("tag moved"), RELEASE_NEXT, BESIDE),
    Row(
        "tag moved here",
        {"version.number": "Release as", "version.tag": "Release as"},
        git("tag", "-f", f"v{VERSION}", "HEAD"),
        RELEASE_NEXT,
        BESIDE,
    ),
    Row("tag lost here", {"version.tag": "git fetch"}, of("tag lost here"), {"git fetch": typed("git fetch .*$")}, BESIDE),
    Row("script lost", {"version.tree": ""}, of("script lost"), STASH, BESIDE),
    Row(
        "canonical edited",
        dict.fromkeys(("version.manifests", "publish.manifests", "gate.manifests", "gate.appcast"), "^Act sync-manifests"),
        of("canonical edited"),
        {},
        BESIDE,
    ),
    Row("a pushurl", {"remotes.code": "^Mend manifest-repository"}, of("pushurl wrong"), {}, BESIDE),
    Row("code released", {"remotes.unmixed": "Delete that release"}, of("code released"), AS_IT_WAS, BESIDE),
    Row("a version's release", {"remotes.unmixed": "Clients follow"}, of("a version's release"), AS_IT_WAS, BESIDE),
    Row(
        "no VERSION",
        {
            "version.number": "Name the version",
            **dict.fromkeys(("publish.pushed", "inbox.version", "gate.files", "gate.manifests", "deploy.head"), "Name the version"),
        },
        gone("VERSION"),
        NAMED,
        BESIDE,
    ),
    Row(
        "a branch that is not there",
        dict.fromkeys(("version.branch", "version.secrets", "publish.pushed", "publish.commit"), "Set target.release_branch"),
        configured('release_branch = "nosuch"'),
        {"release_branch": by(unconfigured)},
        BESIDE,
    ),
    Row("somebody else releases", {"deploy.vm": "Look again when that release"}, locked, {"": by(unlocked)}, BESIDE),
    Row(
        "manifests written alike",
        dict.fromkeys(("publish.commit", "gate.manifests"), "^Act publish"),
        all_four("releases/tag/Update", "releases/tag/update"),
        {},
        BESIDE,
    ),
    Row(
        "unsigned",
        dict.fromkeys(("publish.manifests", "gate.manifests", "gate.appcast"), "^Act publish"),
        of("all four unsigned"),
        {},
        BESIDE,
    ),
    Row("a signature of nothing", {"publish.manifests": "^Act sync"}, of("all four artifact.ed25519"), {}, BESIDE),
    Row(
        "server down, before the deploy",
        {"ready.server": "See why", "gate.live": "See why the server does not answer"},
        of("server down"),
        AS_IT_WAS,
        BESIDE,
    ),
    Row(
        "a third version in force",
        {"ready.server": "See what runs on the VM", "gate.live": "See what runs on the VM"},
        of("SERVER_VERSION in force"),
        AS_IT_WAS,
        BESIDE,
    ),
    Row(
        "service down",
        {"ready.service": "See its journal", "deploy.service": "See why in its journal"},
        of("service down"),
        AS_IT_WAS,
        BESIDE,
    ),
    Row(
        "a name that crashes, on the VM",
        {**dict.fromkeys(("deploy.vm", "deploy.config"), "^Mend config-env")},
        of("a name that crashes"),
        {"See ": None},
        ON_VM,
    ),
    Row(
        "no settings on the VM",
        dict.fromkeys(("deploy.vm", "deploy.config"), "Put the service's settings"),
        vm(lambda clone: [path.rename(path.with_suffix(".gone")) for path in clone.rglob("config.env")]),
        {"Put the service": by(vm(lambda clone: [path.rename(path.with_suffix(".env")) for path in clone.rglob("config.gone")]))},
        ON_VM,
    ),
    Row(
        "no Python on the VM",
        {"deploy.vm": "Make one in the clone"},
        vm(lambda clone: (clone / "venv").rename(clone.with_name("venv-gone"))),
        {"Make one": by(vm(lambda clone: clone.with_name("venv-gone").rename(clone / "venv")))},
        ON_VM,
    ),
    Row(
        "a lock in the VM's clone",
        {"deploy.vm": "See that no git runs"},
        vm(lambda clone: (clone / ".git/index.lock").touch()),
        {"See that no git": by(vm(lambda clone: (clone / ".git/index.lock").unlink()))},
        ON_VM,
    ),
    Row(
        "line ends that git changes",
        {"ready.filters": "at the end of .gitattributes"},
        pushed(add(".gitattributes", "*.json text eol=crlf\n"), ".gitattributes"),
        {"gitattributes": attributes_as_said},
        BESIDE,
    ),
    Row(
        "a wrong remote in the VM's clone",
        {"deploy.vm": "Mend the clone's remote"},
        lambda inside: inside.git("remote", "set-url", "origin", f"https://github.com/{ARTIFACTS}.git", cwd=inside.world.vm_clone),
        {
            "clone's remote": by(
                lambda inside: inside.git("remote", "set-url", "origin", f"https://github.com/{CODE}.git", cwd=inside.world.vm_clone)
            )
        },
        ON_VM,
    ),
    Row(
        "drift on the VM",
        {"ready.drift": "^Act save-drift", "deploy.head": "^Act save-drift"},
        on_vm("server/main.py", lambda text: text + "# by hand\n"),
        {},
        BESIDE,
    ),
    Row(
        "an index that git cannot read",
        {"deploy.head": "See what `git status`"},
        vm(lambda clone: (clone / ".git/index").write_bytes(b"DIRC" + bytes(40))),
        {
            "git status": by(
                both(vm(lambda clone: (clone / ".git/index").unlink()), lambda inside: inside.git("reset", "-q", cwd=inside.world.vm_clone))
            ),
            "": None,
        },
        ON_VM,
    ),
)

HOST = (
    Row("asset gone", {"final.publication": "^Act publish", "final.assets": "^Act publish"}, of("asset gone"), {}, SEVEN),
    Row("asset half there", {"final.publication": "^Act publish", "final.assets": "^Act publish"}, of("asset half there"), {}, SEVEN),
    Row(
        "no release",
        dict.fromkeys(("final.publication", "final.assets"), "gh release create"),
        of("no release under the tag"),
        {"gh release create": typed(r"gh release create \S+ -R [^;]+")},
        SEVEN,
    ),
    Row("asset replaced", {"final.assets": "^Act publish"}, of("asset replaced"), {}, SEVEN),
    Row(
        "asset replaced, before the next",
        dict.fromkeys(("publish.asset", "publish.bytes"), "^Act publish"),
        of("asset replaced"),
        {},
        BESIDE,
    ),
    Row(
        "asset gone, before the next",
        dict.fromkeys(("publish.asset", "publish.manifests", "gate.asset"), "^Act publish"),
        of("asset gone"),
        {},
        BESIDE,
    ),
    Row("the file of the release before", {"publish.manifests": "was built for"}, reused, {}, BESIDE),
    Row("token lost", {"final.assets": "^Mend github-auth"}, of("token lost"), {}, SEVEN, fixer="github-auth"),
    Row("token invalid", {"final.assets": ""}, of("token invalid"), AS_IT_WAS, SEVEN),
    Row(
        "configuration wrong",
        {"final.publication": "^Mend target-repository"},
        of("configuration wrong"),
        {},
        SEVEN,
        fixer="target-repository",
    ),
    Row(
        "by the rulebook's hand",
        {
            **dict.fromkeys(("publish.asset", "publish.bytes", "publish.manifests", "publish.commit"), "^Act publish"),
            **dict.fromkeys(("deploy.head", "deploy.manifests", "deploy.config", "deploy.health"), "^Act deploy"),
        },
        by_the_rulebooks_hand,
        {},
        BESIDE,
    ),
)


# --- a release of the code alone, and of the update alone ---


CODE_ONLY = (
    *(
        Row(
            f"{id}, after the code alone",
            {"final.publication": "lay it into the inbox, then release it in full"},
            of(id),
            {"Build Nexy.dmg": made_and_laid},
            SEVEN,
        )
        for id in ("asset gone", "asset replaced", "no release under the tag")
    ),
    Row("a swap cut off, after the code alone", {"final.publication": "^Act recover"}, swap_cut_off, {}, SEVEN),
    Row(
        "the manifests written alike, and not pushed",
        {"publish.commit": "^Act sync-manifests"},
        all_four('"critical": false', '"critical": true', "1.6.1.42"),
        {},
        BESIDE,
    ),
    Row("a swap cut off", {"publish.manifests": "^Act recover"}, swap_cut_off, {}, BESIDE),
    Row(
        "the manifests on the branch edited",
        dict.fromkeys(("version.manifests", "publish.manifests", "gate.manifests"), "^Act sync-manifests"),
        of("canonical artifact.size"),
        {},
        BESIDE,
    ),
    Row(
        "the manifests raised over the same file",
        dict.fromkeys(
            ("version.manifests", "publish.manifests", "gate.manifests", "deploy.manifests"), "^Act sync-manifests|^Mend stale-appcast"
        ),
        of("all four version"),
        {},
        BESIDE,
    ),
)

UPDATE_ONLY = (
    Row(
        "no release tag on the VM",
        {"deploy.head": "Release the code as well"},
        lambda inside: inside.git("update-ref", "--no-deref", "HEAD", "HEAD~1", cwd=inside.world.vm_clone),
        {"Release the code": by(release_next)},
        BESIDE,
    ),
)

EXCUSED: Mapping[str, str] = {
    "deploy.judge_service: Mend {}": "a service that crashes may be between two starts: deploy.vm names the same fixer",
    "deploy._clone_trouble: See target.vm.directory": "the world's VM says itself where the application stands",
    "publish.judge_target: Act recover": "a note, which stands in nobody's way: publishing heals it first (test_publish_restart)",
    "working_tree.judge_tree: Wait until": "another run at work in the same clone (test_two_operators)",
    "ready_git.judge_rules": "the world's host lets every account push that may write",
    "ready_vm.judge_start: Install it": "the world's service manager has that one unit",
    "deploy._clone_trouble: Install a newer": "the VM's python3 is this machine's",
    "final._see_why": "the VM answers whenever it is asked here, but for its slot",
    "ready.judge_server: See target.update_server": "another host under the update server's name (test_ready)",
    "ready._listing: Run": "a key whose time is over: its making is keys rotate's",
    "ready.look_signing: Run: ": "a key that makes signatures which do not fit it",
    "ready_vm.judge_azure": "the world's cloud has one VM, which runs (test_ready has others)",
    "apple.": "codesign, spctl and stapler are on a Mac alone, and the world's artifacts are signed by nobody",
    "hosts.judge_clocks": "the world's hosts tell this machine's own time",
    "hosts.look_clocks": "the same",
    "hosts.judge_disk": "it takes a file system of its own (test_full_disk has one)",
    "hosts._free": "a file system that does not tell its room",
    "hosts.judge_certificate": "the world's certificate is its own, and new",
    "hosts.look_certificate": "the same",
    "checkout._documents": "whoever may read everything meets no file without that right",
    "checkout.look_rulebook": "the same",
    "checkout.read_publisher": "the same",
    "database.look_runbooks": "the same",
    "hosts._largest": "the same",
    "manifests._judge_signature: Mend that": "the program that verifies signatures is this one",
    "pre_release_backup.judge_pre_release: Run": "a database on the VM, whose folder the checkout does not see (test_database_vm)",
    "publish._trouble: Delete old ones": "a thousand uploads",
    "publish._trouble: Let that upload end": "the world's release host knows no third state",
    "deploy.judge_vm: Look again": "a df that says nothing",
    "deploy._machine_trouble: Make room": "the VM's disk is this machine's",
    "deploy._machine_trouble: Set it there": "the VM's clock is this machine's",
}
"""Remedies that cannot be walked, because."""
