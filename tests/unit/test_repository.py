"""One repository has many spellings."""

from __future__ import annotations

import pytest

from nexy_tui.core.repository import is_repository, repository_of

CODE = "Seregawpn/Nexy_server"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Seregawpn/Nexy_server.git",
        "https://github.com/Seregawpn/Nexy_server",
        "https://github.com/seregawpn/NEXY_SERVER.GIT",
        "https://user:token@github.com/Seregawpn/Nexy_server.git/",
        "https://github.com:443/Seregawpn/Nexy_server.git",
        "ssh://git@github.com/Seregawpn/Nexy_server.git",
        "ssh://git@ssh.github.com:443/Seregawpn/Nexy_server.git",
        "git@github.com:Seregawpn/Nexy_server.git",
        "github.com:Seregawpn/Nexy_server",
        "git@GitHub.com:/Seregawpn/Nexy_server.git",
    ],
)
def test_spellings_of_the_code_repository(url: str) -> None:
    assert is_repository(url, "github.com", CODE)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Seregawpn/Nexy_production.git",
        "https://github.com.evil.example/Seregawpn/Nexy_server.git",
        "https://evil.example/github.com/Seregawpn/Nexy_server.git",
        "https://github.com/Seregawpn/Nexy_server/extra",
        "https://github.com@evil.example/Seregawpn/Nexy_server.git",
        "git@evil.example:Seregawpn/Nexy_server.git",
        "/srv/git/Seregawpn/Nexy_server.git",
        "file:///github.com/Seregawpn/Nexy_server",
        "ext::sh -c whoami",
        "https://[bad/Seregawpn/Nexy_server",
        "",
    ],
)
def test_other_addresses(url: str) -> None:
    assert not is_repository(url, "github.com", CODE)
    assert repository_of(url) != ("github.com", CODE.lower())
