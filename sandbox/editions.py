"""Which Azure DevOps is simulated: the service, or a version of Azure DevOps Server.

https://learn.microsoft.com/rest/api/azure/devops/#api-and-tfs-version-mapping
"""

from dataclasses import dataclass

Version = tuple[int, int]


@dataclass(frozen=True)
class Edition:
    """`released` is the newest API version that is not a preview, `newest` the newest of all.

    Newer servers return more properties of a repository: `tells_disabled`, `tells_maintenance`.
    """

    name: str
    released: Version
    newest: Version
    hosted: bool = False
    tells_disabled: bool = True
    tells_maintenance: bool = True


SERVICES = Edition("Azure DevOps Services", (7, 1), (7, 2), hosted=True)
# Which server introduced which property is inferred from the dates of recordings.
SERVERS = {
    "2019": Edition("Azure DevOps Server 2019", (5, 1), (5, 1), tells_disabled=False, tells_maintenance=False),
    "2020": Edition("Azure DevOps Server 2020", (6, 0), (6, 0), tells_maintenance=False),
    "2022": Edition("Azure DevOps Server 2022", (7, 1), (7, 1)),
    # Generally available since 9 December 2025, without a year in its name. Its highest API version is not documented;
    # inferred to be that of the service, 7.1 released and 7.2 as a preview.
    "2025": Edition("Azure DevOps Server", (7, 1), (7, 2)),
}


def spelled(version: Version) -> str:
    """`7.1`."""
    return f"{version[0]}.{version[1]}"
