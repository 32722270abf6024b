"""The sample repositories, with history, branches and unusual files as in real ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, wraps

from sandbox.ids import EPOCH, stable_id, stable_sha
from sandbox.people import Person
from sandbox.repositories import NOTHING, Commit, RefUpdate, Repository

MAYA = Person("Maya Sample", "maya@example.com")
NOOR = Person("Noor Sample", "noor@example.com")
GUEST = Person("Gale Sample", "gale@example.com")
STRANGER = Person("Sam Sample", "sam@example.com")
LONER = Person("Lou Sample", "lou@example.com")
BOARD = Person("Board Sample", "board@example.com")

_PIPELINE = b"trigger:\n- main\n\nsteps:\n- script: echo hello\n  displayName: Say hello\n"
_PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
# Too large to be shown on a page.
LARGE = b"".join(b"%06d,some,words,in,a,table\n" % number for number in range(60_000))
_BEGINNING: tuple[tuple[str, dict[str, bytes]], ...] = (
    ("Add the pipeline", {"/azure-pipelines.yml": _PIPELINE}),
    ("Add sources", {"/src/app.py": b'print("hello")\n', "/assets/dot.png": _PICTURE}),
)
_ODD_FILES = {
    "/docs/Getting started.md": b"# Getting started\n\nRead this first.\n",
    "/docs/\u65e5\u672c\u8a9e.md": "# \u65e5\u672c\u8a9e\n\n\u3053\u3093\u306b\u3061\u306f\n".encode(),
    "/docs/with-mark.txt": b"\xef\xbb\xbfA byte order mark comes first.\n",
    "/docs/utf-16.txt": "Two bytes for each letter.\n".encode("utf-16"),
    "/docs/empty.txt": b"",
    "/data/large.csv": LARGE,
    "/src/web/index.html": b"<!DOCTYPE html>\n<script>alert('markup, to be shown as text')</script>\n",
    "/src/web/very/deep/folder/file.txt": b"Found it.\n",
}
_FIXES = 22
_FEATURES = tuple(f"refs/heads/feature/{number:03d}" for number in range(1, 231))


class _Author:
    """Writes commits one after another into a repository, and pushes each of them."""

    def __init__(self, repository: Repository, *seed: str) -> None:
        self.repository = repository
        self._seed = seed
        self._tree: dict[str, bytes] = {}
        self._pushed: dict[str, str] = {}

    def commit(self, comment: str, files: dict[str, bytes], *parents: str, branch: str = "refs/heads/main") -> str:
        """Commit the files and push them to a branch; returns the id of the commit."""
        number = len(self.repository.commits)
        self._tree = {**self._tree, **files}
        sha = stable_sha(*self._seed, number)
        author = MAYA if number % 2 == 0 else NOOR
        at = EPOCH - timedelta(days=30) + timedelta(hours=20 * number, seconds=number)
        self.repository.commits[sha] = Commit(sha, author, at, comment, parents, self._tree)
        self.repository.add_push(author, at, [RefUpdate(branch, self._pushed.get(branch, NOTHING), sha)], [sha])
        self._pushed[branch] = sha
        return sha

    def push_refs(self, refs: dict[str, str]) -> None:
        """Set the refs of the repository; those that no commit has moved are pushed together."""
        updates = [
            RefUpdate(name, self._pushed.get(name, NOTHING), refs.get(name, NOTHING))
            for name in sorted({name for name, _ in refs.items() ^ self._pushed.items()})
        ]
        self.repository.refs = refs
        if updates:
            last = self.repository.pushes[-1].at
            self.repository.add_push(MAYA, last + timedelta(minutes=5), updates)
        self._pushed = dict(refs)


def _made_once(make: Callable[[str, str, str], Repository]) -> Callable[[str, str, str], Repository]:
    """Copy a repository that was made before: commits and pushes do not change, and every test has new repositories."""
    made = lru_cache(maxsize=1024)(make)

    @wraps(make)
    def copy(organization: str, project: str, name: str) -> Repository:
        first = made(organization, project, name)
        return replace(
            first,
            refs=dict(first.refs),
            commits=dict(first.commits),
            pushes=list(first.pushes),
            protected=set(first.protected),
        )

    return copy


def _begun(organization: str, project: str, name: str) -> tuple[_Author, list[str]]:
    """A repository with three commits on its main branch, and their ids."""
    repository = Repository(stable_id(organization, project, name), name, default_branch="refs/heads/main")
    author = _Author(repository, organization, project, name)
    shas = [author.commit("Begin", {"/README.md": f"# {name}\n\nA sample repository.\n".encode()})]
    for comment, files in _BEGINNING:
        shas.append(author.commit(comment, files, shas[-1]))
    return author, shas


@_made_once
def small_repository(organization: str, project: str, name: str) -> Repository:
    """Three commits and two branches."""
    author, (_, before, head) = _begun(organization, project, name)
    author.push_refs({"refs/heads/main": head, "refs/heads/topic/search": before})
    return author.repository


@_made_once
def rich_repository(organization: str, project: str, name: str) -> Repository:
    """A longer history with a merge, tags, unusual files, and branches with unusual names."""
    author, (*_, head) = _begun(organization, project, name)
    refs, topic = {"refs/tags/v1.0": head}, "refs/heads/topic/search"
    words = "Add documents\n\nSome of them have unusual names and contents."
    side = refs[topic] = author.commit(words, _ODD_FILES, head, branch=topic)
    head = author.commit("Say hello in the page", {"/src/web/page.txt": b"hello\n"}, head)
    head = author.commit("Merge documents", {}, head, side)
    for number in range(1, _FIXES + 1):
        head = author.commit(f"Fix number {number}", {"/src/app.py": b'print("hello, %d")\n' % number}, head)
    refs |= {"refs/heads/topic/\u017c\u00f3\u0142w": head, "refs/tags/v1.1": head}
    refs["refs/heads/main"] = author.commit("Say it twice", {"/src/app.py": b'print("hello hello")\n'}, head)
    author.push_refs(refs)
    return author.repository


@_made_once
def branchy_repository(organization: str, project: str, name: str) -> Repository:
    """More branches than fit on a page, and a default branch that is not called main."""
    author, (_, before, head) = _begun(organization, project, name)
    refs = {"refs/heads/topic/search": before, "refs/heads/develop": head}
    author.push_refs(refs | dict.fromkeys(_FEATURES, head))
    author.repository.default_branch = "refs/heads/develop"
    return author.repository
