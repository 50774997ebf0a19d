"""What is fixed for git, whatever is configured, so that its output reads the same everywhere and a command does its one thing.

Made from git-config(1): every key that changes what one of the commands run here prints or does is fixed here or by the
command's own options, but for those that are the operator's to decide: who commits and what signs (`user.*`, `gpg.*`,
`commit.gpgSign`, `tag.gpgSign`), hooks (`core.hooksPath`), line endings and filters (`core.autocrlf`, attributes), what is ignored,
and the way to the host (`core.sshCommand`, `ssh.*`, `credential.*`, `http.*`, `url.*`, `protocol.*.allow`, `remote.*.proxy`).
"""

from __future__ import annotations

_COLOURS = ("ui", "advice", "branch", "decorate", "diff", "push", "remote", "status", "transport")

SETTINGS: tuple[str, ...] = tuple(
    word
    for setting in (
        *(f"color.{what}=false" for what in _COLOURS),
        "core.abbrev=auto",
        "core.bigFileThreshold=512m",
        "core.fsmonitor=false",
        "core.ignoreStat=false",
        "core.quotePath=false",
        "core.safecrlf=false",
        "diff.orderFile=/dev/null",
        "diff.renames=true",
        "i18n.commitEncoding=UTF-8",
        "i18n.logOutputEncoding=UTF-8",
        "log.diffMerges=separate",
        "log.follow=false",
        "log.showRoot=true",
        "log.showSignature=false",
        "maintenance.auto=false",
        "push.pushOption=",
        "submodule.recurse=false",
    )
    for word in ("-c", setting)
)

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}
"""No prompt may hang a child (none has a terminal), messages are read in English, traces are not, and an object is what is pushed under
its name, not what `refs/replace/` shows in its place."""

ONE_REQUEST = ("-c", "protocol.version=0")
"""For `ls-remote`: the first answer of the older protocol has all refs, of the newer one none, so that each question is two requests."""

PATCH = (
    *("--no-textconv", "--no-ext-diff", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", "--unified=0", "--inter-hunk-context=0"),
    *("--no-relative", "--submodule=short", "--ignore-submodules=none", "--diff-algorithm=default", "--patch"),
)
"""A patch as git itself makes it, whatever is configured."""

FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--refmap="),
    *("--no-prune", "--no-prune-tags", "--no-write-commit-graph"),
)
"""Objects alone: for looking, not for the operator's refs."""

PUSH = (
    *("push", "--atomic", "--porcelain", "--no-follow-tags", "--no-recurse-submodules", "--no-signed", "--no-force-if-includes"),
    "--no-prune",
)
"""The refs that are named, and nothing besides."""
