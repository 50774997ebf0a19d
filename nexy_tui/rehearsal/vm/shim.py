"""What `systemctl` and `journalctl` on the rehearsal VM run: asks the service manager, says what it said. Standard library only."""

import json
import socket
import sys


def main() -> int:
    """Arguments: the file that says where the manager is, the program's name, its arguments."""
    where, program, *arguments = sys.argv[1:]
    try:
        with open(where, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib would double this program's start
            manager = json.load(stream)
        with socket.create_connection(("127.0.0.1", manager["port"])) as connection:
            request = {"token": manager["token"], "program": program, "arguments": arguments}
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.load(stream)
    except (OSError, ValueError, KeyError):
        sys.stderr.write("Failed to connect to bus: Host is down\n")
        return 1
    sys.stdout.write(answer["stdout"])
    sys.stdout.flush()
    sys.stderr.write(answer["stderr"])
    return int(answer["exit"])


if __name__ == "__main__":
    sys.exit(main())
