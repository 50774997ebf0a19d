"""What a checkout could put in the way of a program: nothing of it is ever imported or executed by us.

A checkout's files come from whoever may push. Python, the system and git search the current folder wherever a search path
has an empty or relative entry, and a folder of the checkout that somebody named; those entries are taken out before anything
is looked for. Our own interpreter is started again without the current folder on its path.

Standard library only, and no more of it than the interpreter has loaded: `python -m nexy_tui` calls `raise_shield` before
any other import.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
"""The folder our packages are imported from."""

_SEARCHED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_NAMED = (
    *("PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME"),
    *("GNUPGHOME", "PASSWORD_STORE_DIR", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"),
)
"""Each names a place that is imported or executed from. Relative to a checkout it would be the checkout's."""

_COMMANDS = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_PROXY_COMMAND")
"""Each names a program. One without a folder is found on the search path, any other by git, in the checkout."""

_ELSEWHERE = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
    *("GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT"),
)
"""Git's redirections to another repository, which a git hook or alias leaves set, and what makes an interpreter run something."""

_BOOT = (
    "import sys, runpy; root, module = sys.argv[1:3]; del sys.argv[1:3]; root in sys.path or sys.path.insert(0, root); "
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


def raise_shield(*starts: str | os.PathLike[str]) -> None:
    """Clean this process's own search paths of the checkout around it, around NEXY_CHECKOUT and around `starts`."""
    named = os.environ.get("NEXY_CHECKOUT")
    roots = _roots([os.curdir, *([named] if named else []), *starts])
    theirs = (PACKAGES, *(os.path.realpath(place) for place in (sys.prefix, sys.base_prefix)))
    sys.path[:] = [entry for entry in sys.path if _is_outside(entry, roots) or (os.path.isabs(entry) and _is_within(entry, theirs))]
    clean = _cleaned(os.environ, roots)
    for name in [name for name in os.environ if name not in clean]:
        del os.environ[name]
    os.environ.update(clean)


def shielded(environ: Mapping[str, str], *starts: str | os.PathLike[str]) -> dict[str, str]:
    """An environment in which no search path leads into the checkouts around `starts`, and git is redirected nowhere."""
    return _cleaned(environ, _roots(starts))


def interpreter(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours in this interpreter: found where this one was, never in the current folder."""
    return [sys.executable, "-P", "-c", _BOOT, PACKAGES, module, *arguments]


def program(path: str) -> list[str]:
    """The command that runs a file of ours that imports nothing of ours: without our packages its start takes half the time."""
    return [sys.executable, "-P", path]


def _cleaned(environ: Mapping[str, str], roots: tuple[str, ...]) -> dict[str, str]:
    clean = {name: value for name, value in environ.items() if name not in _ELSEWHERE}
    for name in _SEARCHED:
        if name in clean:
            kept = [entry for entry in clean[name].split(os.pathsep) if _is_outside(entry, roots)]
            clean[name] = os.pathsep.join(kept)
            if not kept:
                del clean[name]
    if "PATH" not in clean:
        clean["PATH"] = os.defpath
    for name in _NAMED:
        if name in clean and not _is_outside(clean[name], roots):
            del clean[name]
    for name in _COMMANDS:
        program = clean.get(name, "").strip().partition(" ")[0].strip("'\"")
        if os.sep in program and not _is_outside(program, roots):
            del clean[name]
    return clean


def _roots(starts: list[str | os.PathLike[str]] | tuple[str | os.PathLike[str], ...]) -> tuple[str, ...]:
    """The git roots around some folders. One that holds the user's home is no checkout of the server's code."""
    found = (_root(start) for start in starts)
    home = os.path.realpath(os.path.expanduser("~"))
    return tuple({root for root in found if root is not None and not _is_within(home, (root,))})


def _root(start: str | os.PathLike[str]) -> str | None:
    try:
        folder = os.path.realpath(start)
    except FileNotFoundError:  # The current folder was removed.
        return None
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _is_outside(entry: str, roots: tuple[str, ...]) -> bool:
    return os.path.isabs(entry) and not _is_within(entry, roots)


def _is_within(place: str, folders: tuple[str, ...]) -> bool:
    """Whether a place lies in one of some folders, all links resolved; spelt otherwise on a disk that does not mind, too."""
    place = os.path.realpath(place)
    while folders:
        if place in folders or any(_is_same(place, folder) for folder in folders):
            return True
        above = os.path.dirname(place)
        if above == place:
            break
        place = above
    return False


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
