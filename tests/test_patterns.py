"""Every regular expression of the product is one that the benchmark finds, and the benchmark's texts are hard.

How the time of each grows with its text is measured by `make bench ARGS=patterns`.
"""

import re

import pytest

from benchmarks.hard_text import hard_texts
from benchmarks.patterns import every_pattern, hidden_patterns

# File, what stands there, and why it may stand where the benchmark does not look.
HIDDEN = [
    ("connections/providers/azure_devops/capabilities.py", "re.compile(", "held by PROBES, which the benchmark finds"),
    ("sandbox/fault_injection.py", "re.compile(expression)", "a developer's own expression"),
    ("sandbox/fault_injection.py", "re.search(self.path", "the same"),
    ("sandbox/fault_injection.py", "re.search(self.query", "the same"),
]


def is_known(found: str) -> bool:
    return any(found.startswith(file) and code in found for file, code, _ in HIDDEN)


def test_every_expression_is_held_by_a_module_where_the_benchmark_finds_it() -> None:
    assert [found for found in hidden_patterns() if not is_known(found)] == []


@pytest.mark.parametrize(
    "place",
    [
        "connections.providers.azure_devops.responses._MAIL_ADDRESS",
        "connections.providers.azure_devops.capabilities.PROBES",
        "core.redaction._SECRET_ADDRESSES",
        "sandbox.git._REF_NAME",
    ],
)
def test_expressions_are_found_in_every_package_and_within_what_holds_them(place: str) -> None:
    assert place in {one.place for one in every_pattern()}


def test_an_expression_that_must_fit_a_whole_text_is_known_as_one() -> None:
    whole = {one.place: one.is_of_all for one in every_pattern()}
    assert whole["connections.providers.azure_devops.responses._TYPE_NAME"]
    assert not whole["connections.providers.azure_devops.responses._MAIL_ADDRESS"]


@pytest.mark.parametrize(
    ("expression", "hard"),
    [
        (r"\w+@\w+", "aaaaaaaaaa"),
        (r"begin of it.*end", "begin of itbegin of it"),
        (r"x\[type=(\w+)[^\]]*\]", "x[type=aaaaaaaaaa"),
        (r"(?<=://)[^/]*:[^/]*@", "://" + "a" * 10),
        (r"\A\d{3}\s+z", "000" + " " * 10),
    ],
)
def test_a_text_leads_into_the_expression_and_repeats_what_it_repeats(expression: str, hard: str) -> None:
    assert any(text(10).startswith(hard) for text in hard_texts(re.compile(expression)))


def test_a_text_is_about_as_long_as_it_is_wanted() -> None:
    lengths = {len(text(1000)) for text in hard_texts(re.compile(r"a{3}b+c"))}
    assert min(lengths) >= 990
    assert max(lengths) <= 1010
