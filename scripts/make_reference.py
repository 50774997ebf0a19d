"""Make docs/configuration.md, docs/commands.md, docs/nexy-tui.1 and the tables of docs/operator.md from the code.

`python scripts/make_reference.py [--check]`: what is written is what `--help`, the checklist, the configuration's table of keys and
the table of variables say. `--check` writes nothing, and exits 1 where a page is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402

from nexy_tui.checklist import CHECKLIST  # noqa: E402
from nexy_tui.cli import commands  # noqa: E402
from nexy_tui.cli.examples import COMMON, EXAMPLES  # noqa: E402
from nexy_tui.cli.top import app  # noqa: E402
from nexy_tui.config.keys import KEYS  # noqa: E402
from nexy_tui.config.template import default, literal  # noqa: E402
from nexy_tui.config.variables import VARIABLES  # noqa: E402

DOCS = ROOT / "docs"
EXITS = "Exit codes: 0 verified, 1 refused or failed, 2 bad usage, configuration or world, 3 inconclusive, 130 interrupted. " + (
    "`runs verify` has its own: 0 SEALED+ANCHORED, 10 SEALED, 11 OPEN, 12 TORN, 1 INVALID."
)

CONFIGURATION = """# Configuration

Made from the code by `scripts/make_reference.py`; edit the tables there, not this page.

The configuration is one TOML file of the operator's own, never a file of the checkout. `nexy-tui config path` says where it is read
from: the file that `NEXY_CONFIG` names, else the platform's place (`~/.config/nexy-tui/config.toml` on Linux, `~/Library/Application
Support/nexy-tui/config.toml` on macOS). `nexy-tui setup` writes it, `nexy-tui config template` prints every key with its default,
`nexy-tui config check` judges it and names line and column, `nexy-tui config show` prints what applies and where it comes from.

**Precedence**, first to last: the command line (`--checkout`, `--world`), the environment, the configuration, the default. A secret is
taken from the environment, then from the keyring, then (the artifacts token) from `gh auth token`. A signing key is taken from the
keyring, then from ssh-agent, then from the key file. `~` stands for your home in every path, also in one from the environment.

**Who may write it.** A configuration, a list of trusted keys or a CA that group or others may write is refused, and so is one that lies
in the checkout: it names hosts and keys. Others may read it; it has no secrets in it. `nexy-tui setup` writes it with mode 0600.

## Keys
"""


def main() -> None:
    """Write the pages, or compare them."""
    commands.mount(app)
    pages = {
        DOCS / "configuration.md": configuration(),
        DOCS / "commands.md": reference(),
        DOCS / "nexy-tui.1": manual(),
        DOCS / "operator.md": guide(),
    }
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
        sys.exit(f"stale: {', '.join(stale)}; make them anew: python scripts/make_reference.py" if stale else 0)
    for path, text in pages.items():
        path.write_text(text, "utf-8")
        print(path)


def configuration() -> str:
    """Every key and every variable."""
    lines = [CONFIGURATION, "| key | default | what it is | what it may be | variable |", "| --- | --- | --- | --- | --- |"]
    for key in KEYS:
        variable = f"`{key.variable}`" if key.variable else ""
        lines.append(f"| `{key.name}` | `{literal(default(key.name))}` | {key.about} | {key.wanted} | {variable} |")
    lines += ["", "## Variables of the environment", "", "| variable | what it is | key it overrides |", "| --- | --- | --- |"]
    lines += [f"| `{one.name}` | {one.about} | {f'`{one.key}`' if one.key else ''} |" for one in VARIABLES if not one.by_world]
    lines += ["", "A rehearsal world sets these too, besides those above; nobody sets them by hand:", ""]
    lines += [f"- `{one.name}`: {one.about}" for one in VARIABLES if one.by_world]
    lines += [
        "",
        "These names the tool gives its own scripts (on the VM, at the database, in a world); set elsewhere, they do nothing:",
        "",
    ]
    lines.append(", ".join(f"`{name}`" for name in sorted(own_names())) + ".")
    return "\n".join(lines) + "\n"


def guide() -> str:
    """The operator's guide with each phase's items as the checklist has them."""
    text = (DOCS / "operator.md").read_text("utf-8")
    for phase in CHECKLIST.phases:
        rows = [f"| `{item.id}` | {item.title} | {item.check.why} |" for item in phase.items]
        table = "\n".join(["| item | what must be so | why |", "| --- | --- | --- |", *rows])
        begin, end = f"<!-- items of {phase.id} -->\n", "<!-- end -->"
        if begin not in text:
            sys.exit(f"docs/operator.md has no place for the phase {phase.id}: {begin}{end}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return text


def own_names() -> set[str]:
    """Every NEXY_* name in the code that is no variable of the operator's."""
    found: set[str] = set()
    for room in ("nexy_tui", "screens", "checks"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".sh"):
                found |= set(re.findall(r"\bNEXY_[A-Z]+(?:_[A-Z]+)*\b", path.read_text("utf-8")))
    return found - {one.name for one in VARIABLES}


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words, groups first."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


def usage(path: tuple[str, ...], command: Any) -> str:
    """The command's line."""
    words = ["nexy-tui", *path]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            metavar = (parameter.metavar or parameter.name.upper()).strip("[]")
            words.append(metavar if parameter.required else f"[{metavar}]")
    if any(parameter.param_type_name == "option" for parameter in command.params):
        words.append("[options]")
    return " ".join([*words, *(["COMMAND"] if hasattr(command, "commands") else [])])


def options(command: Any) -> list[tuple[str, str]]:
    """Options and arguments that have something to say, with their help."""
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False) or parameter.name == "help":
            continue
        is_option = parameter.param_type_name == "option"
        names = ", ".join(parameter.opts) if is_option else (parameter.metavar or parameter.name.upper()).strip("[]")
        flag = not is_option or parameter.is_flag or parameter.count
        rows.append((names if flag else f"{names} {parameter.metavar or parameter.name.upper()}", parameter.help or ""))
    return [(name, text) for name, text in rows if text]


def help_of(command: Any) -> str:
    """What a command is for, on one line."""
    return " ".join((command.help or "").split())


def reference() -> str:
    """The command reference."""
    lines = ["# Commands", "", "Made from the same source as `--help` by `scripts/make_reference.py`.", "", EXITS, "", COMMON]
    for path, command in walk(typer.main.get_command(app)):
        name = " ".join(path)
        lines += ["", f"## {'nexy-tui ' + name if name else 'nexy-tui'}".rstrip(), "", f"    {usage(path, command)}", "", help_of(command)]
        rows = options(command)
        if rows:
            lines += ["", *(f"- `{option}`: {text}" for option, text in rows)]
        if name in EXAMPLES:
            lines += ["", "Examples:", "", *(f"    {line}" for line in EXAMPLES[name])]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text as the man page's language takes it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def manual() -> str:
    """The man page."""
    lines = [
        '.TH NEXY-TUI 1 "" "nexy-tui" "User Commands"',
        ".SH NAME",
        "nexy-tui \\- release Nexy step by step, each verified from outside",
    ]
    lines += [".SH SYNOPSIS", ".B nexy-tui", "[\\-\\-checkout DIR] [\\-\\-world DIR] [COMMAND]", ".SH DESCRIPTION"]
    tree = typer.main.get_command(app)
    lines += [roff(help_of(tree)), ".SH COMMANDS"]
    for path, command in walk(tree):
        if not path:
            continue
        lines += [".TP", f".B {roff(usage(path, command))}", roff(help_of(command))]
        for option, text in options(command):
            lines += [".RS", ".TP", f".B {roff(option)}", roff(" ".join(text.split())), ".RE"]
    lines += [".SH EXAMPLES", ".nf", *(roff(line) for row in EXAMPLES.values() for line in row), ".fi", ".SH ENVIRONMENT"]
    for variable in VARIABLES:
        lines += [".TP", f".B {variable.name}", roff(variable.about)]
    return (
        "\n".join([*lines, ".SH EXIT STATUS", roff(EXITS), ".SH FILES", roff("`nexy-tui config path` says where the configuration is.")])
        + "\n"
    )


if __name__ == "__main__":
    main()
