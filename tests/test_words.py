"""What people read keeps to the words of docs/style.md, which holds the only list."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.loaded_settings import ROOT

STYLE = ROOT / "docs" / "style.md"
PACKAGES = ["api", "connections", "core", "delivery", "history", "orchestrator", "people", "sandbox", "throttling"]
FOLDERS = [ROOT / "templates", *ROOT.glob("connections/providers/*/templates")]
TEMPLATES = [path for folder in FOLDERS for path in sorted(folder.rglob("*.*"))]
MODULES = [
    path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts
]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
DOCUMENTS += [path for path in sorted((ROOT / "docs").rglob("*.md")) if path != STYLE]

_TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
_TAG = re.compile(r"\{[%{].*?[%}]\}")
_QUOTED = re.compile(r'"([^"]*)"')
_ELEMENT = re.compile(r"</?[a-zA-Z][^>]*>")
_SPOKEN_ATTRIBUTE = re.compile(r'\b(?:aria-label|alt|title|placeholder)="([^"]*)"')
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def avoided_phrases() -> list[str]:
    table = STYLE.read_text().split("| Avoid | Write |")[1]
    rows = re.findall(r"^\| (?!-)(.+?) \| .+ \|$", table, flags=re.MULTILINE)
    return [phrase.strip() for row in rows for phrase in row.split(";")]


def avoided_pattern() -> re.Pattern[str]:
    phrases = (r"\s+".join(map(re.escape, phrase.split())) for phrase in avoided_phrases())
    return re.compile("|".join(rf"(?<![\w-]){phrase}(?![\w-])" for phrase in phrases), re.IGNORECASE)


def text_of_template(source: str) -> Iterator[str]:
    """The text between the tags, what attributes say, and what template tags quote."""
    source = _TEMPLATE_COMMENT.sub("", source)
    for tag in _TAG.findall(source):
        yield from _QUOTED.findall(tag)
    source = _TAG.sub(" ", source)
    yield from _SPOKEN_ATTRIBUTE.findall(source)
    yield _ELEMENT.sub(" ", source)


def text_of_module(source: str) -> Iterator[str]:
    """Strings of more than one word, without docstrings."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings)
    yield from (node.value for node in constants if isinstance(node.value, str) and " " in node.value)


def text_of_document(source: str) -> Iterator[str]:
    """What is not quoted as code."""
    yield _CODE.sub(" ", source)


KINDS = {
    "templates": (TEMPLATES, text_of_template),
    "modules": (MODULES, text_of_module),
    "documents": (DOCUMENTS, text_of_document),
}


@pytest.mark.parametrize("kind", KINDS)
def test_avoided_words_are_avoided(kind: str) -> None:
    paths, texts = KINDS[kind]
    pattern = avoided_pattern()
    assert [
        f"{path.relative_to(ROOT)}: {text[max(0, match.start() - 30) : match.end() + 30].strip()!r}"
        for path in paths
        for text in texts(path.read_text())
        for match in pattern.finditer(text)
    ] == []


def test_every_kind_of_text_is_read() -> None:
    assert len(TEMPLATES) > 90
    assert len(MODULES) > 300
    assert ROOT / "docs" / "architecture.md" in DOCUMENTS
    assert len(avoided_phrases()) > 10


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("templates", "<p>Put\n  in <b>force</b></p>"),
        ("templates", '<button aria-label="Put in force">'),
        ("templates", '{% include "x.html" with title="Put in force" %}'),
        ("modules", 'flash(f"{name}: put in force.")'),
        ("modules", 'Button("Put "\n"in force")'),
        ("documents", "Then put\nin force."),
    ],
)
def test_a_phrase_is_found_wherever_a_person_meets_it(kind: str, source: str) -> None:
    assert any(avoided_pattern().search(text) for text in KINDS[kind][1](source))


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("templates", '{# Put in force #}<p class="put in force">Saved</p>'),
        ("modules", '"""Put in force."""\n# put in force'),
        ("documents", "The code `put in force` and input in forces."),
    ],
)
def test_what_nobody_reads_on_a_page_is_left_alone(kind: str, source: str) -> None:
    assert not any(avoided_pattern().search(text) for text in KINDS[kind][1](source))
