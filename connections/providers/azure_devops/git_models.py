"""What Azure DevOps returns of Git repositories, as frozen values."""

from dataclasses import dataclass
from datetime import datetime

from connections.providers.organization import Identity

HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. `default_branch` is a full ref, absent when the repository is empty; `size` is in bytes."""

    id: str
    name: str
    project_id: str | None = None
    default_branch: str | None = None
    size: int | None = None
    is_disabled: bool = False
    is_in_maintenance: bool = False
    remote_url: str | None = None
    ssh_url: str | None = None
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch under its short name, and the commit it is at. The default one is known by the repository."""

    name: str
    commit: str
    is_locked: bool = False
    creator: Identity | None = None

    @property
    def ref(self) -> str:
        """The full name, as a repository names its default branch."""
        return HEADS + self.name


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. In lists Azure DevOps shortens a long comment."""

    id: str
    comment: str
    is_shortened: bool = False
    author: str | None = None
    author_mail: str | None = None
    authored_at: datetime | None = None
    committed_at: datetime | None = None
    parents: tuple[str, ...] = ()
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder, a symbolic link or a submodule. `path` begins with a slash.

    The object id of a submodule is the commit of another repository at which it stands.
    """

    path: str
    object_id: str
    is_folder: bool = False
    is_submodule: bool = False
    is_symlink: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class File:
    """What a file holds at the commit `commit`: text, or bytes when it is no text.

    `held_token` says that the token in use stood in it. A mark stands there now, so this is not what the file holds.
    """

    path: str
    object_id: str
    content: str | bytes
    commit: str | None = None
    content_type: str | None = None
    held_token: bool = False
    is_symlink: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """What a push did: `commit` is where the branch is now."""

    id: int
    branch: str
    commit: str
    pushed_at: datetime | None = None
