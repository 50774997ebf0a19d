"""The world's home: settings of every client program, so that none of them reads or writes the user's own."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nexy_tui.rehearsal import bundled
from nexy_tui.rehearsal.names import (
    DATABASE_NAME,
    DATABASE_SUPERUSER,
    DATABASE_USER,
    KEYRING_SERVICE,
    OPERATOR,
    SPARKLE_USERNAME,
    World,
)
from nexy_tui.runlog import keymaking
from nexy_tui.runlog.sign import Signer

KEY_AGE = timedelta(days=365)
"""How long the operator has had the key: drills of the past were signed with it too."""

WAITING_SPEED = 20
"""How much faster than production a rehearsal waits."""

_GITCONFIG = """# git's global configuration inside this rehearsal world; ~/.gitconfig is not read here
[user]
	name = Rehearsal Operator
	email = {operator}
[init]
	defaultBranch = main
[credential]
	helper =
	helper = {helper}
[core]
	excludesFile = {empty}
	attributesFile = {empty}
[gc]
	auto = 0
[maintenance]
	auto = false
"""

_CREDENTIAL_HELPER = """#!/bin/sh
# Answers git with this world's token for its web host; keeps and forgets nothing.
test "$1" = get || exit 0
while read -r line && test -n "$line"; do
  case "$line" in host=github.com) found=1 ;; esac
done
test -n "$found" && printf 'username=x-access-token\\npassword=%s\\n' "$(cat '{token}')"
exit 0
"""

_ENTRY = """import sys

sys.path.insert(0, {root!r})
from nexy_tui.cli import main

main()
"""

_CONFIG = """# The operator's configuration inside this rehearsal world (NEXY_CONFIG)
[target]
sparkle_public_key = "{key}"

[target.database]
where = "local"

[trust]
allowed_signers = "{signers}"

[waiting]
speed = {speed}
"""


def programs(world: World) -> Path:
    """The folder in front of PATH: `nexy-tui` of the interpreter that brought the world up."""
    return world.home / "bin"


def spare_programs(world: World) -> Path:
    """The folder at the end of PATH: 7-Zip, for a machine that has none."""
    return world.home / "spare"


def gitconfig(world: World) -> Path:
    """Git's global configuration (GIT_CONFIG_GLOBAL)."""
    return world.home / "gitconfig"


def netrc(world: World) -> Path:
    """An empty netrc (NETRC)."""
    return world.home / "netrc"


def pgpass(world: World) -> Path:
    """Passwords of the world's database (PGPASSFILE)."""
    return world.home / "pgpass"


def keyring_file(world: World) -> Path:
    """The world's keyring: a file that nothing outside the world opens."""
    return world.home / "keyring.cfg"


def client_programs(world: World) -> Path:
    """The folder of the database's client programs: of the installation that brought the world up, else of this one."""
    try:
        return Path(_client_programs(world).read_text("utf-8"))
    except FileNotFoundError:
        return bundled.postgresql()


def database_url(world: World) -> str:
    """The world's database, as its superuser."""
    return (
        f"postgresql://{DATABASE_SUPERUSER}:{world.secrets.database_superuser_password}@127.0.0.1:{world.ports['database']}/{DATABASE_NAME}"
    )


def create(world: World) -> Signer:
    """Everything that is made once: folders, empty files, the keyring with Sparkle's key and the operator's, which is returned."""
    for folder in ("bin", "lib", "gh", "azure", "curl", "nexy"):
        (world.home / folder).mkdir(parents=True)
    world.state.mkdir()
    for path in (netrc(world), world.home / "curl" / ".curlrc", world.home / "pg_service.conf", world.home / "psqlrc", _empty(world)):
        _write(path, "")
    _write(_token(world), world.secrets.world_token)
    _write(gitconfig(world), _GITCONFIG.format(operator=OPERATOR, helper=_helper(world), empty=_empty(world)))
    _write(_helper(world), _CREDENTIAL_HELPER.format(token=_token(world)), 0o700)
    text = _CONFIG.format(key=world.sparkle_public_key, signers=world.allowed_signers, speed=WAITING_SPEED)
    _write(world.config, text)
    return _fill_keyring(world)


def refresh(world: World) -> None:
    """Everything that may have moved since the world was last up: ports, and the installation it is brought up with."""
    port = world.ports["database"]
    roles = ((DATABASE_SUPERUSER, world.secrets.database_superuser_password), (DATABASE_USER, world.secrets.database_password))
    lines = [f"{host}:{port}:*:{role}:{password}\n" for host in ("127.0.0.1", "localhost") for role, password in roles]
    _write(pgpass(world), "".join(lines))
    world.no_cas.mkdir(mode=0o700, exist_ok=True)
    entry = world.home / "lib" / "nexy-tui"
    _write(entry, _ENTRY.format(root=str(package_root())))
    _write(_client_programs(world), str(bundled.postgresql()))
    _write(programs(world) / "nexy-tui", f"#!/bin/sh\nexec '{sys.executable}' -P '{entry}' \"$@\"\n", 0o700)
    spare_programs(world).mkdir(mode=0o700, exist_ok=True)
    spare = spare_programs(world) / "7zz"
    spare.unlink(missing_ok=True)
    spare.symlink_to(bundled.seven_zip())


def package_root() -> Path:
    """The folder this package is imported from."""
    return Path(__file__).resolve().parents[2]


def _fill_keyring(world: World) -> Signer:
    from keyrings.alt.file import PlaintextKeyring

    ring = PlaintextKeyring()
    ring.file_path = str(keyring_file(world))
    ring.set_password(KEYRING_SERVICE, SPARKLE_USERNAME, world.secrets.sparkle_seed)
    return keymaking.create_key(OPERATOR, world.allowed_signers, datetime.now(UTC) - KEY_AGE, backend=ring)


def _token(world: World) -> Path:
    return world.home / "lib" / "token"


def _client_programs(world: World) -> Path:
    return world.home / "lib" / "database-programs"


def _helper(world: World) -> Path:
    return world.home / "lib" / "git-credential"


def _empty(world: World) -> Path:
    return world.home / "lib" / "empty"


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
