"""What people read of an action: its button, the step it is, and what it means for whom; {version} is the release's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActionWords:
    """`short` stands on its button, `step` says it as the next step (empty: as its title), `means` what will be different for whom.

    `means` also says how it is undone, a sentence or two a line.
    """

    short: str
    means: str
    step: str = ""


BUMP = ActionWords(
    "Write version",
    "The version files of this checkout will say {version}. Nobody else sees it; git can undo it.",
    step="Write version {version}",
)
COMMIT_RELEASE = ActionWords(
    "Commit and tag",
    "This checkout gets the release commit of {version} and its tag. Nothing is pushed yet; git can undo both.",
    step="Commit and tag it",
)
BACKUP = ActionWords(
    "Back up",
    "A new backup of the database is made. Customers notice nothing, and the data stays as it is.",
)
DRILL = ActionWords(
    "Restore drill",
    "The newest backup is restored into a database of its own, which is removed afterwards. The real data is not touched.",
)
HARDEN = ActionWords(
    "Harden",
    "The server's database role may no longer delete rows of the important tables. Customers notice nothing.\n"
    "An administrator of the database can give the right back.",
)
SAVE_DRIFT = ActionWords(
    "Save drift",
    "What somebody changed by hand in the server's clone is saved aside there, and the clone is as it was released.\n"
    "Customers notice nothing; what was saved can be taken back.",
)
PUSH = ActionWords(
    "Push",
    "Everybody who has the code repository gets the release commit and the tag of {version}.\n"
    "A pushed tag is never moved: what is wrong with it is put right by a higher version.",
    step="Push {version}: commit and tag",
)
PUBLISH = ActionWords(
    "Publish",
    "Whoever downloads Nexy gets {version} from now on. A rollback brings the old download back.",
    step="Publish {version}",
)
SYNC_MANIFESTS = ActionWords(
    "Sync manifests",
    "The manifest files are written anew from the download that is there, and pushed. The download itself stays as it is.",
)
ROLLBACK = ActionWords(
    "Roll back",
    "New downloads and the live offer go back to the release before {version}.\n"
    "Whoever has installed {version} keeps it, since updaters never go down; for them the cure is a higher version.",
)
RECOVER = ActionWords(
    "Heal the swap",
    "The download that customers had before the replacement was cut off comes back to its address.",
)
DEPLOY = ActionWords(
    "Deploy",
    "The server is restarted with {version}, and does not answer for some seconds; then it offers {version} to customers.\n"
    "The deploy can be repeated; the way back is a rollback.",
    step="Deploy {version} to the server",
)
