"""No credential of an address stands in a text: whatever characters a password holds, and however the address is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexy_tui.core.secret import bare_proxy, bare_url, redact, secrets_of
from nexy_tui.services.identity import proxy_in_force

PROXIES = {
    "https://user:pa55word@proxy.example:3128": "https://proxy.example:3128",
    "HTTP://user:pa55word@proxy.example:3128/": "HTTP://proxy.example:3128",
    "http://pa55word@proxy.example": "http://proxy.example",
    "http://user:p@pa55word@proxy.example:1": "http://proxy.example:1",
    "http://user:p/pa55word@proxy.example:1": "http://proxy.example:1",
    "http://user:12/pa55word@proxy.example:1": "http://proxy.example:1",
    "http://user:p?pa55word#@proxy.example:1": "http://proxy.example:1",
    "http://user:%40pa55word@proxy.example:1": "http://proxy.example:1",
    "socks5h://user:pa55word@[::1]:1080": "socks5h://[::1]:1080",
    "user:pa55word@proxy.example:3128": "proxy.example:3128",
    "user:pa55word@[2001:db8::1]:3128": "[2001:db8::1]:3128",
    "http://proxy.example:3128/?key=pa55word": "http://proxy.example:3128",
    "http://proxy.example:3128": "http://proxy.example:3128",
    "proxy.example:3128": "proxy.example:3128",
    "": "",
}


@pytest.mark.parametrize("address", PROXIES)
def test_a_proxy_is_scheme_host_and_port(address: str) -> None:
    assert bare_proxy(address) == PROXIES[address]
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        assert proxy_in_force({name: address}) == PROXIES[address]


def test_a_proxy_that_a_terminal_would_obey_is_shown() -> None:
    assert proxy_in_force({"https_proxy": "http://me:pa55word@\u202eproxy\x1b[31m"}) == "http://\\u202eproxy\\x1b[31m"


@pytest.mark.parametrize("address", [address for address in PROXIES if "pa55word" in address and ":12/" not in address])
@pytest.mark.parametrize("frame", ["{}", "Could not resolve proxy '{}': no", 'URL("{}")', "a={},b", "({})"])
def test_no_text_carries_the_credentials_of_an_address(address: str, frame: str) -> None:
    assert "pa55word" not in redact(frame.format(address))
    assert "pa55word" not in redact(frame.format(address), *secrets_of({"HTTPS_PROXY": address}))


def test_a_password_of_the_environment_is_found_by_itself_too() -> None:
    secrets = secrets_of({"https_proxy": "http://me:12/p%40ssword@proxy:1", "GH_TOKEN": "token-of-mine", "DB_PASSWORD": "short"})
    text = redact("at 12/p%40ssword and 12/p@ssword with token-of-mine", *secrets)
    assert "ssword" not in text and "token-of-mine" not in text


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://tok@github.com/o/r.git?x=1#y", "https://github.com/o/r.git"),
        ("https://u:p/w@github.com/o/r", "https://github.com/o/r"),
        ("https://github.com/o/r@v1", "https://github.com/o/r@v1"),
        ("http://127.0.0.1:8080/a@b", "http://127.0.0.1:8080/a@b"),
        ("https://[::1]:8080/a@b", "https://[::1]:8080/a@b"),
    ],
)
def test_a_url_keeps_its_path_and_loses_its_credentials(url: str, bare: str) -> None:
    assert bare_url(url) == bare


def test_text_that_is_no_address_stays_as_it_is() -> None:
    for text in ("git@github.com:o/r.git", "12:30@home", "see https://github.com/o/r@v1 now", "a@b.example"):
        assert redact(text) == text


def test_an_address_taken_for_a_path_loses_its_credentials_too() -> None:
    assert "pw" not in redact(str(Path("https://u:pw@example.org/x"))) and redact("https:/example.org/x") == "https:/example.org/x"
