"""The sample repositories: enough history, branches and odd files to meet everything that real ones hold."""

from datetime import timedelta

from sandbox.ids import EPOCH, stable_id, stable_sha
from sandbox.people import Person
from sandbox.repositories import Commit, Repository

MAYA = Person("Maya Sample", "maya@example.com")
NOOR = Person("Noor Sample", "noor@example.com")
GUEST = Person("Gale Sample", "gale@example.com")
STRANGER = Person("Sam Sample", "sam@example.com")
LONER = Person("Lou Sample", "lou@example.com")
BOARD = Person("Board Sample", "board@example.com")

_PIPELINE = b"trigger:\n- main\n\nsteps:\n- script: echo hello\n  displayName: Say hello\n"
_PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
# Larger than anybody wants to see on a page.
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
_BRANCHES = 230


class _Author:
    """Writes commits one after another into a repository."""

    def __init__(self, repository: Repository, *seed: str) -> None:
        self.repository = repository
        self._seed = seed
        self._tree: dict[str, bytes] = {}

    def commit(self, comment: str, files: dict[str, bytes], *parents: str) -> str:
        """Write the files; returns the id of the commit."""
        number = len(self.repository.commits)
        self._tree = {**self._tree, **files}
        sha = stable_sha(*self._seed, number)
        author = MAYA if number % 2 == 0 else NOOR
        at = EPOCH - timedelta(days=30) + timedelta(hours=20 * number, seconds=number)
        self.repository.commits[sha] = Commit(sha, author, at, comment, parents, self._tree)
        return sha


def small_repository(organization: str, project: str, name: str) -> Repository:
    """Three commits and two branches."""
    found = Repository(stable_id(organization, project, name), name, default_branch="refs/heads/main")
    author = _Author(found, organization, project, name)
    head = author.commit("Begin", {"/README.md": f"# {name}\n\nA sample repository.\n".encode()})
    for comment, files in _BEGINNING:
        before, head = head, author.commit(comment, files, head)
    found.refs = {"refs/heads/main": head, "refs/heads/topic/search": before}
    return found


def rich_repository(organization: str, project: str, name: str) -> Repository:
    """A longer history with a merge, tags, odd files, and branches with odd names."""
    found = Repository(stable_id(organization, project, name), name, default_branch="refs/heads/main")
    author = _Author(found, organization, project, name)
    head = author.commit("Begin", {"/README.md": f"# {name}\n\nA sample repository.\n".encode()})
    for comment, files in _BEGINNING:
        head = author.commit(comment, files, head)
    found.refs["refs/tags/v1.0"] = head
    side = author.commit("Add documents\n\nSome of them have unusual names and contents.", _ODD_FILES, head)
    head = author.commit("Say hello in the page", {"/src/web/page.txt": b"hello\n"}, head)
    head = author.commit("Merge documents", {}, head, side)
    found.refs["refs/heads/topic/search"] = side
    for number in range(1, _FIXES + 1):
        head = author.commit(f"Fix number {number}", {"/src/app.py": b'print("hello, %d")\n' % number}, head)
    found.refs["refs/heads/topic/\u017c\u00f3\u0142w"] = head
    found.refs["refs/tags/v1.1"] = head
    found.refs["refs/heads/main"] = author.commit("Say it twice", {"/src/app.py": b'print("hello hello")\n'}, head)
    return found


def branchy_repository(organization: str, project: str, name: str) -> Repository:
    """More branches than fit on a page, and a default branch that is not called main."""
    found = small_repository(organization, project, name)
    found.default_branch = "refs/heads/develop"
    head = found.refs.pop("refs/heads/main")
    found.refs["refs/heads/develop"] = head
    found.refs |= {f"refs/heads/feature/{number:03d}": head for number in range(1, _BRANCHES + 1)}
    return found
