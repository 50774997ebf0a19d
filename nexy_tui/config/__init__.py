"""Target and settings: the user's own configuration over the rulebook's defaults.

Read from the file NEXY_CONFIG names, else from the platform's configuration directory; never from a file in the
checkout, since whoever can push there could otherwise collect the operator's token (contracts: names).
"""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from nexy_tui.config.file import parse_config
from nexy_tui.config.origins import origins, require_unwritten
from nexy_tui.core.layout import LAYOUTS, PUBLISHER, Layout
from nexy_tui.core.problem import Unusable
from nexy_tui.core.remedy import Run
from nexy_tui.core.target import Target

APP = "nexy-tui"
_CONFIG_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configured, environment applied. `ca` is in force; `configured_ca` is what the user's own file names."""

    target: Target
    state_dir: Path
    operator: str
    host: str
    allowed_signers: Path
    ca: Path | None
    configured_ca: Path | None
    speed: float
    config_path: Path
    config_found: bool
    origins: Mapping[str, str]
    """Where each key's value comes from, by its dotted name: a variable, a line of the file, or the default."""
    key_file: Path | None = None
    """The OpenSSH key file that signs where neither keyring nor ssh-agent has a key."""
    named_operator: str = ""
    """Who the file says releases; empty where it does not say."""


def config_path(environ: Mapping[str, str]) -> Path:
    """The file the configuration is read from, whether or not it is there. Raises Unusable where the home is not known."""
    named = environ.get("NEXY_CONFIG")
    return expanded(named, "NEXY_CONFIG") if named else Path(_of_home(platformdirs.user_config_dir)) / "config.toml"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from file and environment. Raises Unusable naming file, key and what was expected."""
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    text = _read(path, required=bool(environ.get("NEXY_CONFIG")))
    file = parse_config(text or "", str(path))
    target = replace(
        file.target,
        world=environ.get("NEXY_WORLD") or None,
        layout=file.target.layout or file.paths.layout,
        vm=replace(file.target.vm, subscription=file.target.vm.subscription or environ.get("AZURE_SUBSCRIPTION_ID", "")),
    )
    state = environ.get("NEXY_STATE_DIR") or file.paths.state or _of_home(platformdirs.user_state_dir)
    signers = environ.get("NEXY_ALLOWED_SIGNERS") or file.trust.allowed_signers
    configured_ca = expanded(file.tls.ca) if file.tls.ca else None
    ca = environ.get("NEXY_CA")
    key_file = environ.get("NEXY_SIGNING_KEY_FILE") or file.operator.signing_key_file
    return Settings(
        target=target,
        state_dir=expanded(state, "NEXY_STATE_DIR"),
        operator=environ.get("NEXY_OPERATOR") or file.operator.id or _user(),
        host=socket.gethostname(),
        allowed_signers=expanded(signers, "NEXY_ALLOWED_SIGNERS") if signers else path.parent / "allowed_signers",
        ca=expanded(ca, "NEXY_CA") if ca else configured_ca,
        configured_ca=configured_ca,
        speed=file.waiting.speed,
        config_path=path,
        config_found=text is not None,
        origins=origins(text or "", environ),
        key_file=expanded(key_file, "NEXY_SIGNING_KEY_FILE") if key_file else None,
        named_operator=file.operator.id,
    )


def _of_home(folder: Callable[[str], str]) -> str:
    """A folder of the user's own, as platformdirs has it. Raises Unusable where the home is not known."""
    try:
        return folder(APP)
    except RuntimeError:
        raise Unusable(
            "Your home folder is not known: HOME is not set, or is no full path.",
            "Without it nobody can tell where your configuration and run logs are.",
            "Set HOME to a full path, or both NEXY_CONFIG and NEXY_STATE_DIR.",
        ) from None


def expanded(text: str | Path, name: str = "the path") -> Path:
    """A path in full, `~` taken for the home it names. Raises Unusable, naming where it stands, where that is nobody's."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        what = f"{name} is {str(text)[:80]!r}, which names the home of somebody who is not here."
        raise Unusable(what, remedy="Write the path in full.") from None
    try:
        return path.absolute()
    except OSError:  # The folder that this runs in is gone.
        return path


def _read(path: Path, *, required: bool) -> str | None:
    try:
        if path.exists() and not path.is_file():
            raise Unusable(f"The configuration {path} is not a plain file.", remedy="Name a file, or unset NEXY_CONFIG.")
        require_unwritten(path, "configuration")
        with path.open("rb") as stream:
            raw = stream.read(_CONFIG_LIMIT + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise Unusable(
                f"The configuration {path} is a link to {path.readlink()}, which is not there.",
                "Without it the release target is unknown.",
                f"Lay the file there, or take the link away: rm {shlex.quote(str(path))}",
            ) from None
        if required:
            raise Unusable(
                f"NEXY_CONFIG names {path}, which is not there.",
                "Without it the release target is unknown.",
                "Create the file, or unset NEXY_CONFIG to use the rulebook's defaults.",
            ) from None
        return None
    except NotADirectoryError:
        raise Unusable(
            f"The configuration {path} cannot be read: what should be its folder is none.",
            remedy="Name a file in NEXY_CONFIG, or set HOME to your home folder.",
        ) from None
    except OSError as error:
        mend = f"See that you may read it: ls -ld {shlex.quote(str(path.parent))} {shlex.quote(str(path))}"
        raise Unusable(f"The configuration {path} cannot be read: {error.strerror}.", remedy=mend) from None
    if len(raw) > _CONFIG_LIMIT:
        raise Unusable(f"The configuration {path} is larger than {_CONFIG_LIMIT} bytes.", remedy="It should hold a few short tables.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(f"The configuration {path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def find_checkout(start: Path) -> Path:
    """The git root at or above `start`. Raises Unusable outside a checkout."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    raise Unusable(
        f"{start} is not inside a checkout of the code repository.",
        "The release starts from a clone of the server's code.",
        Run("rehearse", "Go into the clone, or name it: --checkout DIR. To practise without one"),
    )


def find_layout(root: Path, wanted: str = "") -> Layout:
    """The checkout's layout: as configured, else where the publisher stands, else where `VERSION` does.

    Real trees hold files of both layouts, so the script decides first. Raises Unusable where it cannot be told.
    """
    if wanted:
        return Layout(wanted, root)
    layouts = [Layout(kind, root) for kind in LAYOUTS]
    for name in (PUBLISHER, "VERSION"):
        there = [layout for layout in layouts if layout.path(name).is_file()]
        if len(there) == 1 and (name == PUBLISHER or not _is_application(root)):
            return there[0]
    if _is_application(root):
        raise Unusable(
            f"{root} is the application itself: its scripts/ stands at the git root.",
            "A release starts from the tree that has the application under server/ (flat) or server/server/ (nested): "
            "its paths, here and on the VM, are named from there.",
            "Go into the clone of that tree, or name it: --checkout DIR",
        )
    names = [str(layout.relative(name)) for name in (PUBLISHER, "VERSION") for layout in layouts if layout.path(name).is_file()]
    nothing = f"neither VERSION nor server/VERSION, and no {PUBLISHER}"
    raise Unusable(
        f"The layout of {root} cannot be told: it has {' and '.join(names) or nothing}.",
        "So it is unknown whether the rulebook's repo root is the git root (flat) or its folder server/ (nested).",
        "If this is not the clone of the server's code, go into that, or name it: --checkout DIR. "
        f'If it is, set layout = "flat" or "nested" under [target] in {config_path(os.environ)}.',
    )


def _is_application(root: Path) -> bool:
    """Whether the git root is what stands under server/ elsewhere."""
    return (root / "scripts").is_dir() and not any(Layout(kind, root).scripts.is_dir() for kind in LAYOUTS)
