"""What each kind of program gets of the environment: names that are allowed in, and nothing else.

The operator's environment holds tokens and passwords for a dozen programs. A program gets the variables that it needs for
its own work; what it starts itself (git's hooks and filters, 7-Zip reading a stranger's image) gets no more than that.

Git is the one that starts other people's programs. Local commands run hooks and filters, and need no credential. Commands
that talk to the remote also get the way there: proxy, CA, ssh's agent, the credential helper's settings. A token is passed
to them in one case only, that of an operator who has nothing but GH_TOKEN: where git's own configuration names `gh` as the
credential helper, which answers from that variable, and no hook of the operator's would run (`Git` decides). With such a
hook, gh has to be logged in: `gh auth login`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

_EVERYWHERE = (
    r"PATH|HOME|USER|LOGNAME|TMPDIR|LANG|LANGUAGE|TZ|LOCALE_ARCHIVE|__CF_USER_TEXT_ENCODING|DEVELOPER_DIR"
    r"|LC_(ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME|ADDRESS|IDENTIFICATION|MEASUREMENT|NAME|PAPER|TELEPHONE)"
    r"|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|DYLD_FALLBACK_LIBRARY_PATH"
)
"""The locale's own names alone: ssh lets any LC_* through, so people send tokens under such a name."""

_DESKTOP = r"|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|SECURITYSESSIONID"
"""The way to a keyring and to the window that asks for a passphrase."""

_NETWORK = (
    r"|HTTPS?_PROXY|https?_proxy|ALL_PROXY|all_proxy|NO_PROXY|no_proxy"
    r"|SSL_CERT_FILE|SSL_CERT_DIR|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|NIX_SSL_CERT_FILE|NODE_EXTRA_CA_CERTS"
)
_GH = r"|XDG_CONFIG_HOME|XDG_STATE_HOME|XDG_DATA_HOME|XDG_CACHE_HOME|GH_CONFIG_DIR|GH_NO_UPDATE_NOTIFIER|GH_PROMPT_DISABLED"
_GIT = (
    r"|XDG_CONFIG_HOME|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|GIT_ATTR_NOSYSTEM"
    r"|GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|EMAIL|GNUPGHOME|GPG_TTY|SSH_AUTH_SOCK|SSH_AGENT_PID"
)
"""Configuration, who commits, and what signs commits and tags."""

_REMOTE = (
    r"|GIT_SSH|GIT_SSH_COMMAND|GIT_SSH_VARIANT|GIT_ASKPASS|SSH_ASKPASS|SSH_ASKPASS_REQUIRE"
    r"|GIT_(PROXY_)?SSL_(CERT|KEY|CERT_PASSWORD_PROTECTED|CAINFO)|GIT_SSL_(CAPATH|NO_VERIFY|VERSION|CIPHER_LIST)"
    r"|GIT_HTTP_(USER_AGENT|LOW_SPEED_LIMIT|LOW_SPEED_TIME|MAX_REQUESTS|PROXY_AUTHMETHOD)"
    r"|GIT_ALLOW_PROTOCOL|GIT_PROTOCOL|GIT_PROTOCOL_FROM_USER|GIT_PROXY_COMMAND|GIT_TERMINAL_PROMPT"
    r"|GCM_(?!\w*(SECRET|PASSWORD|TOKEN)|(\w*_)?(PAT|KEY)$)\w+|PASSWORD_STORE_DIR"
)
_POSTGRESQL = r"|KRB5(CCNAME|_CONFIG|_KTNAME|_CLIENT_KTNAME|_TRACE)"
"""No PG* setting: where the connection goes, how it is protected and the password are told by who starts the program."""

_PYTHON = (
    r"|PYTHON(PATH|HOME|USERBASE|NOUSERSITE|PYCACHEPREFIX|DONTWRITEBYTECODE|UTF8|IOENCODING|UNBUFFERED|WARNINGS|DEVMODE|FAULTHANDLER)"
    r"|PYTHONPLATLIBDIR|PYTHONEXECUTABLE|__PYVENV_LAUNCHER__"
)

_TERMINAL = (
    r"|TERM|TERM_\w+|TERMINFO|TERMINFO_DIRS|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR|TEXTUAL\w*|ESCDELAY"
    r"|TMUX|TMUX_PANE|STY|SSH_TTY|LC_TERMINAL\w*|ITERM_\w+|KITTY_\w+|WEZTERM_\w+|VTE_VERSION|WT_SESSION|KONSOLE_VERSION|NEXY_DEBUG"
)
_LIBRARIES = (
    r"|XDG_\w+|SSH_AUTH_SOCK|OPENSSL_\w+|SSLKEYLOGFILE|KEYRING_\w+|PYTHON_KEYRING_BACKEND|NEXY_(?!NEW_|DATABASE_URL|SPARKLE_PRIVATE_KEY)\w+"
    r"|AZURE_(?!\w*(SECRET|PASSWORD|KEY|CONNECTION_STRING))\w+|(IDENTITY|MSI)_ENDPOINT|APPDATA|LOCALAPPDATA"
)

_HTTP_KEY = re.compile(r"GIT_CONFIG_KEY_(\d+)=http\..*", re.IGNORECASE | re.DOTALL)
"""Configuration by environment that only matters to the remote, and where a token may stand (`http.extraHeader`)."""


class Needs(Enum):
    """What a kind of program needs of the environment."""

    PLAIN = _EVERYWHERE
    """Looks at what it is handed: 7-Zip, hdiutil, codesign, sysctl, `… --version`."""
    GIT = _EVERYWHERE + _DESKTOP + _GIT
    GIT_REMOTE = _EVERYWHERE + _DESKTOP + _GIT + _NETWORK + _GH + _REMOTE
    GH = _EVERYWHERE + _DESKTOP + _NETWORK + _GH
    POSTGRESQL = _EVERYWHERE + _POSTGRESQL
    PYTHON = _EVERYWHERE + _PYTHON
    """Our own interpreter, told what it needs over its standard input."""
    PYTHON_NETWORK = _EVERYWHERE + _PYTHON + _NETWORK
    REHEARSAL = _EVERYWHERE + _PYTHON + _TERMINAL + r"|NEXY_NEW_\w+"
    """Ourselves inside a world: of the operator's own environment the terminal, and the secrets given for this one call."""
    OURSELVES = _EVERYWHERE + _DESKTOP + _NETWORK + _PYTHON + _TERMINAL + _LIBRARIES
    """This process itself, and so whatever a library of ours starts."""


@cache
def _allowed(needs: Needs) -> re.Pattern[str]:
    """The names that this kind of program gets; made when first asked for, since each takes milliseconds."""
    return re.compile(needs.value)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A child's whole environment, as only `surroundings` makes it."""

    needs: Needs
    variables: Mapping[str, str] = field(repr=False)


def surroundings(needs: Needs, environ: Mapping[str, str], told: Mapping[str, str] | None = None) -> Surroundings:
    """What a program of this kind gets of `environ`, and what it is `told` on top. An empty or missing PATH is the system's own."""
    names = _allowed(needs)
    allowed = {name: value for name, value in environ.items() if names.fullmatch(name)}
    if needs is Needs.GIT:
        allowed |= {f"GIT_CONFIG_VALUE_{pair[1]}": "" for name, key in allowed.items() if (pair := _HTTP_KEY.fullmatch(f"{name}={key}"))}
    return Surroundings(needs, {**allowed, "PATH": allowed.get("PATH") or os.defpath, **(told or {})})
