"""The rights that people and principals have in projects, as opposed to scopes of tokens."""

# Every right to change something, as the errors name it.
CHANGES = frozenset(
    {
        *("GenericContribute", "CreateBranch", "ForcePush", "PullRequestContribute"),
        *("RenameRepository", "CreateRepository"),
        *("Queue builds", "Stop builds", "Delete builds", "Update build information"),
        *("create releases", "manage releases", "manage deployments", "manage release approvers"),
    }
)
READ_CODE, VIEW_BUILDS, VIEW_RELEASES = "GenericRead", "View builds", "view releases"
READS = frozenset({READ_CODE, VIEW_BUILDS, VIEW_RELEASES})
EVERY_RIGHT = CHANGES | READS
