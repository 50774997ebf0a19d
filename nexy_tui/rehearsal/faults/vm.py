"""Faults of the VM's settings: states that stay until somebody mends them, or the fault is switched off."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from nexy_tui.rehearsal.fault import Fault
from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.vm.files import VmFiles, environment
from nexy_tui.rehearsal.vm.seed import CONFIGS
from nexy_tui.rehearsal.vm.systemd import Journal

READERS = ("server/config/unified_config.py", "server/server/config/unified_config.py")
BY_HAND = "# mended by hand at night\n"
BAD_LINE = "FEATURE-FLAGS=voice"
EXPIRED_KEY = "AIzaEXPIRED" + "0" * 28
"""A key in the form a key has, which this world's server takes for expired."""


def _break_settings(world: World, parameter: str | None) -> None:
    """A name no environment variable can have, and a reader that splits at the last `=`; the parameter chooses one of them."""
    if parameter in (None, "names"):
        _change(world, CONFIGS, lambda text: text if BAD_LINE in text else f"{text}{BAD_LINE}\n")
    if parameter in (None, "reader"):
        _change(world, READERS, lambda text: text.replace(".split('=', 1)", ".rsplit('=', 1)"))
    _restart(world)


def _mend_settings(world: World, _: str | None) -> None:
    _change(world, CONFIGS, lambda text: text.replace(f"{BAD_LINE}\n", ""))
    _change(world, READERS, lambda text: text.replace(".rsplit('=', 1)", ".split('=', 1)"))
    _restart(world)


def _expire_key(world: World, _: str | None) -> None:
    _change(world, CONFIGS, lambda text: re.sub(r"(?m)^GEMINI_API_KEY=.*$", f"GEMINI_API_KEY={EXPIRED_KEY}", text))
    _restart(world)


def _renew_key(world: World, _: str | None) -> None:
    _change(world, CONFIGS, lambda text: text.replace(EXPIRED_KEY, world.secrets.gemini_api_key))
    _restart(world)


def _change(world: World, names: tuple[str, ...], change: Callable[[str], str]) -> None:
    for path in (world.vm_clone / name for name in names):
        if path.is_file():
            _rewrite(path, change(path.read_text(encoding="utf-8")))


def _rewrite(path: Path, text: str) -> None:
    if path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _restart(world: World) -> None:
    """Have the service manager restart the service, where the world is up; one that does not come up is the fault's point."""
    files = VmFiles(world.vm)
    if files.manager.exists():
        argv = [str(files.bin / "systemctl"), "restart", world.target.vm.service]
        subprocess.run(argv, env=environment(world), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)


def _drift(world: World, _: str | None) -> None:
    """A tracked file of the clone, changed as somebody does at night."""
    path = world.vm_clone / world.checkout_layout.relative("server/main.py")
    if BY_HAND not in (text := path.read_text(encoding="utf-8")):
        path.write_text(text + BY_HAND, encoding="utf-8")


def _no_drift(world: World, _: str | None) -> None:
    path = world.vm_clone / world.checkout_layout.relative("server/main.py")
    _rewrite(path, path.read_text(encoding="utf-8").replace(BY_HAND, ""))


def _restarted(world: World, _: str | None) -> None:
    """The journal of a service that ended by itself three times just now."""
    unit = world.target.vm.service
    journal = Journal(VmFiles(world.vm).journal)
    for count in range(1, 4):
        journal.write("systemd", 1, f"{unit}: Scheduled restart job, restart counter is at {count}.")


def _steady(world: World, _: str | None) -> None:
    path = VmFiles(world.vm).journal
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "Scheduled restart job" not in line), encoding="utf-8")


FAULTS: tuple[Fault, ...] = (
    Fault("vm-credential-gone", "ready", "The VM's own credential for the code repository is not valid any more."),
    Fault("vm-drift", "ready", "A tracked file of the VM's clone was changed by hand.", on=_drift, off=_no_drift),
    Fault("service-restarts", "ready", "systemd has restarted the service three times in the last minutes.", on=_restarted, off=_steady),
    Fault(
        "config-env-broken",
        "deploy",
        "Both settings files on the VM have a name no environment variable can have, and their reader splits at the last =: "
        "the server crashes at its start. With `names` or `reader` as parameter only one of them.",
        on=_break_settings,
        off=_mend_settings,
        parameter="names|reader",
    ),
    Fault(
        "gemini-key-invalid",
        "deploy",
        "The Gemini key in both settings files on the VM has expired: the server runs, and says API_KEY_INVALID in its journal.",
        on=_expire_key,
        off=_renew_key,
    ),
)
