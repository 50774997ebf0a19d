"""Every variable of the environment that the operator may set for this tool. docs/configuration.md is made from this table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable by its name; `key` is what it overrides in the configuration; `by_world`: set by a rehearsal world, not by hand."""

    name: str
    about: str
    key: str = ""
    by_world: bool = False


VARIABLES = (
    Variable("NEXY_CONFIG", "The configuration file, instead of the platform's own place."),
    Variable("NEXY_OPERATOR", "Who releases. Where the configuration names somebody too, both must be the same.", "operator.id"),
    Variable(
        "NEXY_SIGNING_KEY_FILE", "The key file that signs where neither keyring nor ssh-agent has a key.", "operator.signing_key_file"
    ),
    Variable("NEXY_ALLOWED_SIGNERS", "The list of trusted keys.", "trust.allowed_signers"),
    Variable("NEXY_STATE_DIR", "Where run logs lie.", "paths.state"),
    Variable("NEXY_CA", "A private CA (PEM) that the hosts may use besides the public ones.", "tls.ca"),
    Variable("NEXY_CHECKOUT", "The checkout, where the folder you are in is none."),
    Variable("NEXY_PG_BIN", "The folder of PostgreSQL's programs (pg_dump, pg_restore)."),
    Variable("NEXY_SPARKLE_PRIVATE_KEY", "Sparkle's private key (base64), instead of the keyring's sparkle-private-key."),
    Variable("GH_TOKEN", "The artifacts token, instead of the keyring's github-token. GITHUB_TOKEN counts too, after it."),
    Variable("NEXY_NEW_GITHUB_TOKEN", "A new token, for one call of `nexy-tui fix github-auth` without a terminal."),
    Variable("NEXY_NEW_GEMINI_KEY", "A new key, for one call of `nexy-tui fix gemini-key` without a terminal."),
    Variable("NEXY_DEBUG", "Set to anything: where the tool broke off is printed too."),
    Variable("AZURE_SUBSCRIPTION_ID", "The VM's subscription, where the configuration names none.", "target.vm.subscription"),
    Variable("AZURE_TENANT_ID", "With AZURE_CLIENT_ID and AZURE_CLIENT_SECRET: a service principal, instead of `az login`."),
    Variable("PYTHON_KEYRING_BACKEND", "Another keyring than the one `keyring` chooses."),
    Variable("SSH_AUTH_SOCK", "The ssh-agent, where a key in it signs."),
    Variable("HTTPS_PROXY", "The proxy on the way out; NO_PROXY lists the hosts that need none."),
    Variable("NEXY_WORLD", "The rehearsal world this terminal is in.", by_world=True),
    Variable("NEXY_DATABASE_URL", "The world's database.", by_world=True),
    Variable("NEXY_VM", "The folder that is the world's VM.", by_world=True),
)
