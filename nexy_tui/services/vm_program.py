"""Makes one script of a job for the VM: the modules it is written in, its parameters as data, and the sentinel's nonce.

The first line names the interpreter, which run-command honours; what is sent needs nothing but a Python of 3.9 or later.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from nexy_tui.core.python_source import tree

JOBS: Mapping[str, tuple[str, ...]] = {
    "survey": ("steps", "settings_files", "drift", "survey"),
    "deploy": ("steps", "settings_files", "drift", "deploy"),
    "save_drift": ("steps", "settings_files", "drift", "save_drift"),
    "settings": ("steps", "settings_files", "drift", "settings"),
}
"""Each job's modules, what is imported before what imports it; the last has the function of the job's name."""

LIMIT = 190 * 1024
"""Bytes of a script: run-command takes 256 KiB of base64."""

_PACKAGE = "nexy_tui.services.on_vm"

_HEAD = """#!/usr/bin/env python3
from __future__ import annotations

import json
import sys

if sys.version_info < (3, 9):
    sys.exit("nexy: python3 on this VM is %d.%d; 3.9 or later is needed" % sys.version_info[:2])
"""


def compose(job: str, parameters: Mapping[str, Any], nonce: str) -> str:
    """The script. Raises ValueError when it is larger than run-command takes."""
    text = "\n\n".join((_HEAD, source(job), f"sys.exit(run_job({job}, json.loads({_literal(parameters)}), {json.dumps(nonce)}))\n"))
    if len(text.encode()) > LIMIT:
        raise ValueError(f"the script of {job} is larger than {LIMIT} bytes")
    return text


def source(job: str) -> str:
    """The job's modules as one text: what does not change from run to run."""
    return "\n\n".join(_body(name) for name in JOBS[job])


def _literal(value: object) -> str:
    """A value as JSON, as a string literal that JSON and Python read alike: it stands there as data and cannot end it."""
    return json.dumps(json.dumps(value))


def _body(name: str) -> str:
    """A module without what one script has once: its import of the others, and of the grammar to come."""
    text = files(_PACKAGE).joinpath(f"{name}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in tree(text).body:
        if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or (node.module or "").startswith(_PACKAGE)):
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return f"# --- {name} ---\n" + "\n".join(lines).strip()
