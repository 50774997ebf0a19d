"""The operating system's keyring: opened, read and written in one place, each way in which it may fail said with its cause."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from nexy_tui.config import APP
from nexy_tui.core import bounded
from nexy_tui.core.secret import Secret, redact
from nexy_tui.core.text import printable

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

UNLOCK = "Unlock the keyring (log in to the desktop, or open its password manager), or name another in PYTHON_KEYRING_BACKEND"
"""What a keyring that does not answer usually waits for."""

CORRECT = "Unset PYTHON_KEYRING_BACKEND, or correct it: it names no keyring that is here"
"""What a keyring that was chosen by a wrong name waits for."""

_ASSIGNED = re.compile(r"(?i)\b(\w*(?:password|passphrase|secret|token|key|pin)\s*[=:]\s*)\S+")


class NoRing(Exception):
    """There is no keyring here that protects what it holds. The text says which was found."""


class RingFailed(Exception):
    """The keyring is there and could not be used; what it holds is not known. The text says why, `cure` what to do."""

    def __init__(self, what: str, cure: str = UNLOCK) -> None:
        super().__init__(what)
        self.cure = cure


def open_ring() -> KeyringBackend:
    """The keyring in force, by `keyring`'s own choice: not a last resort of its own (a plain file, say) that nobody chose.

    Raises NoRing where there is none, RingFailed where one that was chosen cannot be opened.
    """
    import keyring
    from keyring import core
    from keyring.backends import fail, null
    from keyring.errors import NoKeyringError

    try:
        ring = keyring.get_keyring()
        chosen = core.recommended(ring) or core.load_env() is not None or core.load_config() is not None
    except NoKeyringError:
        raise NoRing("this machine offers no keyring") from None
    except (ImportError, AttributeError, ValueError) as error:  # What finding a backend by its name raises.
        named = "PYTHON_KEYRING_BACKEND" in os.environ
        raise RingFailed(f"the keyring cannot be opened ({_said(error)})", CORRECT if named else UNLOCK) from None
    except Exception as error:  # A backend that cannot be loaded raises whatever it likes.
        raise RingFailed(f"the keyring cannot be opened ({_said(error)})") from None
    if isinstance(ring, (fail.Keyring, null.Keyring)) or not chosen:
        raise NoRing("this machine offers no keyring that protects what it keeps")
    return ring


def read(ring: KeyringBackend, name: str) -> str | None:
    """What the keyring holds of this tool's under `name`, or None. Raises RingFailed."""
    return _asked("read", lambda: ring.get_password(APP, name))


def write(ring: KeyringBackend, name: str, value: str) -> None:
    """Keep a value, and read it back. Raises RingFailed, also when it is not given back."""
    hidden = Secret("the caller", value)
    _asked("written", lambda: ring.set_password(APP, name, value), hidden)
    if _asked("read", lambda: ring.get_password(APP, name), hidden) != value:
        raise RingFailed(f"the keyring {type(ring).__module__} took the value and did not give it back")


def delete(ring: KeyringBackend, name: str) -> bool:
    """Remove a value; whether there was one. Raises RingFailed."""
    if read(ring, name) is None:
        return False
    _asked("written", lambda: ring.delete_password(APP, name))
    return True


def _asked(done: str, call: Callable[[], T], *hidden: Secret) -> T:
    from keyring.errors import KeyringLocked

    try:
        return bounded.within(bounded.KEYRING, call)
    except TimeoutError:
        raise RingFailed(
            f"the keyring gave no answer in {bounded.KEYRING:.0f} s: it may be locked, or wait for a window nobody sees"
        ) from None
    except KeyringLocked as error:
        raise RingFailed(f"the keyring is locked ({_said(error, *hidden)})") from None
    except Exception as error:  # Backends raise KeyringError, RuntimeError, and their D-Bus library's own.
        raise RingFailed(f"the keyring cannot be {done} ({_said(error, *hidden)})") from None


def _said(error: Exception, *hidden: Secret) -> str:
    """The error's kind and its own first line, what may be a secret in it taken out."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    text = _ASSIGNED.sub(r"\1[redacted]", redact(text, *hidden))
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__, 240)
