"""Git repositories: commits with whole trees, and the ids that Git computes from them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sandbox.people import Person

NOTHING = "0" * 40


def _object_id(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=4096)
def blob_id(content: bytes) -> str:
    """The id that Git gives to a file's content."""
    return _object_id("blob", content)


Tree = Mapping[str, bytes]


def children(tree: Tree, folder: str) -> dict[str, bool]:
    """The sorted paths directly in a folder ("/", "/src"), and whether each is a folder."""
    below = folder.rstrip("/") + "/"
    paths: dict[str, bool] = {}
    for path in tree:
        if path.startswith(below):
            name, slash, _ = path[len(below) :].partition("/")
            paths[below + name] = bool(slash)
    return dict(sorted(paths.items()))


def tree_id(tree: Tree, folder: str = "/") -> str:
    """The id that Git gives to a folder."""
    return _object_id("tree", tree_object(tree, folder))


def tree_object(tree: Tree, folder: str = "/") -> bytes:
    """The content of Git's object for a folder: modes, names and ids."""
    entries = []
    for path, is_folder in children(tree, folder).items():
        name = path.rsplit("/", 1)[1]
        mode, id_ = ("40000", tree_id(tree, path)) if is_folder else ("100644", blob_id(tree[path]))
        entries.append((f"{name}/" if is_folder else name, f"{mode} {name}\0".encode() + bytes.fromhex(id_)))
    return b"".join(content for _, content in sorted(entries))


def folders(tree: Tree) -> Iterator[str]:
    """The paths of all folders, the root first."""
    yield "/"
    yield from sorted({path[:end] for path in tree for end, letter in enumerate(path) if letter == "/" and end})


def has_folder(tree: Tree, path: str) -> bool:
    """Whether a path exists. The root exists in every commit."""
    return path == "/" or any(name.startswith(path + "/") for name in tree)


@dataclass(frozen=True)
class Commit:
    """A commit with its whole tree: path ("/src/app.py") to content."""

    id: str
    author: Person
    at: datetime
    comment: str
    parents: tuple[str, ...]
    tree: Tree = field(repr=False)

    @property
    def tree_id(self) -> str:
        """The id that Git gives to the whole tree."""
        return tree_id(self.tree)


@dataclass(frozen=True)
class RefUpdate:
    """A ref that was moved, created or deleted."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Push:
    """One push: the ids of its new commits, newest first, and the updated refs."""

    id: int
    person: Person
    at: datetime
    updates: tuple[RefUpdate, ...]
    commits: tuple[str, ...] = ()


def changes(before: Tree, after: Tree) -> dict[str, str]:
    """The kind of change of each path: add, edit or delete."""
    kinds = {path: "add" for path in after if path not in before}
    kinds |= {path: "edit" for path in after if path in before and before[path] != after[path]}
    return dict(sorted((kinds | {path: "delete" for path in before if path not in after}).items()))


@dataclass
class Repository:
    """A Git repository. `refs` maps full names to commits; one without any is empty.

    Refs in `protected` change only by pull request.
    """

    id: str
    name: str
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    default_branch: str | None = None
    disabled: bool = False
    pushes: list[Push] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)

    @property
    def head(self) -> Commit | None:
        """The newest commit of the default branch."""
        return self.commits.get(self.refs.get(self.default_branch or "", ""))

    @property
    def size(self) -> int:
        """Bytes of all files of the newest commit."""
        return sum(len(content) for content in self.head.tree.values()) if self.head else 0

    def history(self, commit: Commit | None) -> Iterator[Commit]:
        """A commit and all its ancestors, newest first."""
        waiting = {commit.id} if commit else set()
        seen: set[str] = set()
        while waiting:
            newest = max((self.commits[name] for name in waiting), key=lambda candidate: candidate.at)
            waiting.discard(newest.id)
            seen.add(newest.id)
            waiting.update(parent for parent in newest.parents if parent in self.commits and parent not in seen)
            yield newest

    def contains(self, newer: str, older: str) -> bool:
        """Whether a commit is another one or one of its descendants."""
        return any(commit.id == older for commit in self.history(self.commits.get(newer)))

    def add_push(self, person: Person, at: datetime, updates: Iterable[RefUpdate], commits: Iterable[str] = ()) -> Push:
        """Record a push."""
        push = Push(len(self.pushes) + 1, person, at, tuple(updates), tuple(commits))
        self.pushes.append(push)
        return push

    def push_of(self, sha: str) -> Push | None:
        """The push that added a commit."""
        return next((push for push in self.pushes if sha in push.commits), None)

    def tree_before(self, commit: Commit) -> Tree:
        """The tree of the first parent."""
        parent = self.commits.get(commit.parents[0]) if commit.parents else None
        return parent.tree if parent else {}

    def differences(self, commit: Commit) -> dict[str, str]:
        """The changes of a commit."""
        return changes(self.tree_before(commit), commit.tree)
