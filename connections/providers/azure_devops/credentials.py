"""The credential of Azure DevOps that people paste: a personal access token."""

from core.secrets import Secret


class PersonalAccessToken(Secret):
    """A personal access token of Azure DevOps, in memory."""

    __slots__ = ()
