"""Git repositories, branches, commits and files, as Azure DevOps returns them."""

from dataclasses import dataclass
from datetime import datetime

HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. `default_branch` is a full ref, absent when the repository is empty; `size` is in bytes."""

    id: str
    name: str
    default_branch: str | None = None
    size: int | None = None
    is_disabled: bool = False
    remote_url: str | None = None
    ssh_url: str | None = None
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch with its short name and its commit. The repository has the default branch."""

    name: str
    commit: str
    is_locked: bool = False

    @property
    def ref(self) -> str:
        """The full name, as a repository names its default branch."""
        return HEADS + self.name


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. Azure DevOps shortens long messages in lists."""

    id: str
    comment: str
    is_shortened: bool = False
    author: str | None = None
    authored_at: datetime | None = None
    parents: tuple[str, ...] = ()
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder, a symbolic link or a submodule. `path` begins with a slash.

    The object id of a submodule is a commit of another repository.
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
    """The content of a file: text, or bytes for binary files.

    `held_token` says that it contained the token in use, which is redacted, so this is not the exact content.
    """

    path: str
    object_id: str
    content: str | bytes
    held_token: bool = False
    is_symlink: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """The result of a push. `commit` is the new commit of the branch."""

    id: int
    branch: str
    commit: str
    pushed_at: datetime | None = None
