"""Git repositories, branches, commits and files."""

from dataclasses import dataclass
from typing import Any

from connections.azure_devops.transport import Transport, successful
from connections.azure_devops.types import optional_text, text_of


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. `default_branch` is a full ref and absent when it is empty; `size` is in bytes."""

    id: str
    name: str
    default_branch: str | None = None
    size: int | None = None
    is_disabled: bool = False
    remote_url: str | None = None
    ssh_url: str | None = None
    web_url: str | None = None


def repositories(transport: Transport, project: str, *, max_bytes: int) -> tuple[Repository, ...]:
    """Every repository of one project, disabled ones too. There is no paging, so the answer has its own cap."""
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list
    answer = successful(transport.ask("GET", (project, "_apis", "git", "repositories")))
    return tuple(read_repository(item) for item in answer.json_list())


def read_repository(item: dict[str, Any]) -> Repository:
    """A repository of a list or by itself."""
    size = item.get("size")
    return Repository(
        id=text_of(item, "id"),
        name=text_of(item, "name"),
        default_branch=optional_text(item, "defaultBranch"),
        size=size if isinstance(size, int) else None,
        is_disabled=item.get("isDisabled") is True,
        remote_url=optional_text(item, "remoteUrl"),
        ssh_url=optional_text(item, "sshUrl"),
        web_url=optional_text(item, "webUrl"),
    )
