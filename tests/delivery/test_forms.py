"""A branch's name is taken exactly when Git takes it."""

import shutil
import subprocess

import pytest
from django.core.exceptions import ValidationError

from delivery.forms import BranchField

NAMES = [
    "main",
    "feature/search",
    "feature/設計\N{IDEOGRAPHIC SPACE}案",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "no\N{NO-BREAK SPACE}break",
    "a\N{ZERO WIDTH JOINER}b",
    "a./b",
    "a/-b",
    "@foo",
    "foo@",
    "foo@bar",
    "{a}",
    "a;b|c&d$e`f'g\"h",
    "HEAD/x",
    "x.lockx",
    "x" * 300,
    "a..b",
    "a b",
    "a\x7fb",
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "a//b",
    "/a",
    "a/",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "-a",
    "a@{b",
    "HEAD",
]


def is_taken(name: str) -> bool:
    try:
        return bool(BranchField().clean(name) == name)
    except ValidationError:
        return False


def git_takes(git: str, name: str) -> bool:
    return subprocess.run([git, "check-ref-format", "--branch", name], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_exactly_when_git_takes_it(name: str) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is missing: apt install git")
    assert is_taken(name) is git_takes(git, name)


@pytest.mark.parametrize("typed", ["  main \n", "refs/heads/main", "\tmain"])
def test_what_comes_along_when_a_name_is_pasted_is_left_out(typed: str) -> None:
    assert BranchField().clean(typed) == "main"


def test_half_a_letter_is_no_name() -> None:
    with pytest.raises(ValidationError):
        BranchField().clean("a\ud83d")
