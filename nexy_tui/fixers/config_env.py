"""Rulebook 4.8: the server crashes on config.env: a name it cannot take, or a reader that splits at the last `=`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.base import Check, Scope
from checks.vm import look_vm
from nexy_tui.actions.base import ActionContext, ActionResult
from nexy_tui.core.finding import Evidence, Verdict, failed, passed
from nexy_tui.core.layout import SETTINGS as SETTINGS_HERE
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Mend
from nexy_tui.core.text import last_lines, printable, unified
from nexy_tui.core.vm_facts import SettingsFile, VmFacts
from nexy_tui.fixers import vm_settings
from nexy_tui.fixers.base import Fixer, Mending, Part, Trouble
from nexy_tui.fixers.target_repository import committing
from nexy_tui.services import Services
from nexy_tui.services.on_vm.settings_files import SETTINGS, split_at_first, without_bad_names, write_all
from nexy_tui.services.plain_file import led_to, read_plain

READER = "server/config/unified_config.py"

_LIMIT = 8 << 20


# --- the checkout ---


@dataclass(frozen=True, slots=True)
class Change:
    """What has to change in one file of the checkout; `said` tells it line by line without any value."""

    path: str
    before: bytes
    after: bytes
    said: tuple[str, ...]
    secret: bool


def look_checkout(scope: Scope) -> tuple[Change, ...]:
    """The files of the checkout that would crash the server."""
    return changes(scope.services)


def changes(services: Services) -> tuple[Change, ...]:
    """What has to change in the checkout's reader and settings files. Raises CouldNotLook when one cannot be read."""
    table: tuple[tuple[str, Callable[[bytes], tuple[bytes, list[str]]], bool], ...] = (
        (READER, split_at_first, False),
        *((path, without_bad_names, True) for path in reversed(SETTINGS_HERE)),
    )
    found = []
    for name, mending, secret in table:
        path = services.layout.relative(name)
        try:
            before = read_plain(services.checkout / path, _LIMIT + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None
        if len(before) > _LIMIT:
            raise CouldNotLook(f"{path} is larger than {_LIMIT} bytes.", remedy="Look at what stands in it.")
        after, said = mending(before)
        if after != before and (real := led_to(services.checkout / path, services.checkout)) is not None:
            raise CouldNotLook(
                f"The server would crash on {path}, and that is a link out of the checkout's own files, to {real}.",
                "Nothing there is shown or changed: whoever may push could have laid the link.",
                f"If {real} is the server's, mend it by hand; else put a plain file in the link's place.",
            )
        if after != before:
            found.append(Change(str(path), before, after, tuple(said), secret))
    return tuple(found)


def judge_checkout(found: tuple[Change, ...], plan: Plan) -> Verdict:
    """Nothing in the checkout would crash the server at its start."""
    evidence = tuple(Evidence(change.path, "; ".join(change.said), "checkout") for change in found)
    if found:
        told = "; ".join(f"{change.path}: {', '.join(change.said[:3])}" for change in found)
        return failed(f"The server would crash on this checkout's {told}.", Mend("config-env", then="mends it."), *evidence)
    return passed("The checkout's reader splits at the first =, and its settings have names the server takes.", *evidence)


class MendCheckout(Mending):
    """Mends reader and settings files of the checkout, all of them or none."""

    name = "fix config-env checkout"
    title = "Mend the checkout's settings and their reader"

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """The reader's diff; of settings files lines and names alone, for their values are secret."""
        lines: list[str] = []
        for change in changes(services):
            told = [f"{change.path} {said}" for said in change.said]
            lines += told if change.secret else unified(change.path, change.before, change.after)
        return lines or ["nothing: the checkout is well"]

    def run(self, context: ActionContext) -> ActionResult:
        """Write them."""
        services, found = context.services, changes(context.services)
        write_all({str(services.checkout / change.path): change.after for change in found})
        left = " ".join(committing(services, change.path) for change in found if not change.secret)
        told = "; ".join(f"{change.path}: {', '.join(change.said)}" for change in found)
        return ActionResult(f"Mended {told}. {left}".strip() if found else "The checkout is well.", changed=bool(found))


# --- the VM ---


def judge_vm(vm: VmFacts, plan: Plan) -> Verdict:
    """Both settings files have names the server takes, no reader splits at the last `=`, and the server did not crash on them."""
    where = f"VM {plan.target.vm.name}"
    bad = [f"{path} {name}" for path in SETTINGS for name in vm.settings.get(path, SettingsFile(there=False)).bad_names]
    splits = [f"{path} line {line}: rsplit" for path, lines in vm.readers.items() for line in lines]
    crashed = vm.signs.get("config-env", 0)
    evidence = [
        Evidence("names", "; ".join(bad) or "all good", where, vm.taken),
        Evidence("readers", "; ".join(splits) or "split at the first =", where, vm.taken),
        Evidence(plan.target.vm.service, vm.service or "unknown", where, vm.taken),
        Evidence("journal, newest lines", printable((last_lines(vm.journal, 4) or "empty").replace("\n", " | "), 600), where, vm.taken),
    ]
    remedy = Mend("config-env", then="mends it and restarts the server.")
    if bad or splits:
        return failed(f"The server on the VM crashes on {'; '.join([*bad, *splits][:4])}.", remedy, *evidence)
    if crashed and vm.service != "active":
        return failed("The files on the VM are well, but the server was not started again since it crashed on them.", remedy, *evidence)
    return passed("The settings on the VM have names the server takes, and their reader splits at the first =.", *evidence)


class MendVm(Mending):
    """Mends settings files and reader on the VM, restarts the service, and sees `/health`."""

    name = "fix config-env vm"
    title = "Mend the settings on the VM and restart"
    writes_outside = True

    def describe(self, services: Services, plan: Plan) -> Sequence[str]:
        """Each line that changes there, by the names alone, and the restart."""
        found = vm_settings.would_change(services, "config-env")
        return [
            *(f"{plan.target.vm.directory}/{line}" for line in found),
            f"sudo systemctl restart {plan.target.vm.service}, and wait for /health",
            *(
                ["mend the reader in the code too (the next deploy checks the code out again)"]
                if any("rsplit" in line for line in found)
                else []
            ),
        ]

    def run(self, context: ActionContext) -> ActionResult:
        """Send the script. Raises ActionFailed saying which state is left."""
        changed = vm_settings.mend(context, "config-env", put_back=False)
        evidence = tuple(Evidence("changed", line, context.services.vm.where) for line in changed)
        said = (
            f"Mended on the VM: {'; '.join(changed)}; the server is up." if changed else "The files on the VM were well; the server is up."
        )
        return ActionResult(said, evidence)


CONFIG_ENV = Fixer(
    Trouble(
        "config-env",
        "4.8",
        "config.env crash",
        "ValueError: illegal environment variable name, from unified_config.py.",
        (
            "Only the first = separates name and value: unified_config.py must use split('=', 1), not rsplit.",
            "A name may hold letters, digits and _ only; mend the line in config.env.",
            "Restart the service and see /health: nexy-tui check --vm deploy.config deploy.service deploy.health",
        ),
    ),
    (
        Part(
            "fix.config-env.checkout",
            "The checkout's settings can be read",
            Check(look_checkout, judge_checkout, "The next deploy brings the checkout's code to the VM."),
            MendCheckout(),
        ),
        Part(
            "fix.config-env.vm",
            "The VM's settings can be read",
            Check(look_vm, judge_vm, "The server reads them at its start, and dies on them.", slow=True),
            MendVm(),
        ),
    ),
)
