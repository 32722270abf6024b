"""Text that is hard for a regular expression, made from the expression's own parts."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from re import _constants as codes
from re import _parser as parser
from typing import Any

Text = Callable[[int], str]
Node = tuple[Any, Any]
# Of letters that a set leaves out, or that stand for any: one of each kind.
_OF_ALL_KINDS = "aA0 \n\t.,:;/\\@#%&*+-=_~'\"<>()[]{}|!?$^`\x00\x1b\x7f\u202e\u00e9"
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "0",
    codes.CATEGORY_SPACE: " \n",
    codes.CATEGORY_WORD: "a0_",
    codes.CATEGORY_NOT_DIGIT: "a ",
    codes.CATEGORY_NOT_SPACE: "a.",
    codes.CATEGORY_NOT_WORD: " .",
}
# What ends a text so that no expression likes it, or so that nothing changes.
_ENDS = ("", "\x00", "!\n")
# So many beginnings and repeated things are tried at most, of each.
_MOST = 24
# A counted repetition is written out so often at most.
_MOST_TIMES = 80


def hard_texts(pattern: re.Pattern[Any]) -> list[Text]:
    """Texts as functions of their length: something that leads into the expression, one thing repeated, an end."""
    tree = list(parser.parse(pattern.pattern, pattern.flags))
    beginnings = _distinct(["", *_beginnings(tree, "")])[:_MOST]
    repeated = _distinct([*_letters(tree), *filter(None, beginnings)])[: 2 * _MOST]
    return [_text(*parts) for parts in product(beginnings, repeated, _ENDS)]


def _text(beginning: str, repeated: str, end: str) -> Text:
    return lambda length: beginning + repeated * max(length // len(repeated), 1) + end


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _beginnings(nodes: Sequence[Node], before: str) -> Iterator[str]:
    """What leads to each part of the expression, and what leads past it."""
    for index, node in enumerate(nodes):
        for inside in _inside(node):
            yield from _beginnings(inside, before)
        before += _example(node)
        # Of a word, only the whole of it.
        if [kind for kind, _ in nodes[index : index + 2]] != [codes.LITERAL, codes.LITERAL]:
            yield before


def _inside(node: Node) -> Iterator[list[Node]]:
    """The sequences within a part."""
    kind, value = node
    if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        yield list(value[2])
    elif kind is codes.SUBPATTERN:
        yield list(value[3])
    elif kind is codes.BRANCH:
        yield from (list(branch) for branch in value[1])
    elif kind is codes.ATOMIC_GROUP:
        yield list(value)
    elif kind in (codes.ASSERT, codes.ASSERT_NOT):
        yield list(value[1])


def _example(node: Node) -> str:
    """A short text that a part accepts, as far as it can be told."""
    kind, value = node
    if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, _most, inside = value
        return _examples(list(inside)) * min(int(least), _MOST_TIMES)
    if kind is codes.ASSERT:
        # What must stand before is written; what must stand behind is left to the rest.
        return _examples(list(value[1])) if value[0] < 0 else ""
    if kind in (codes.AT, codes.ASSERT_NOT):
        return ""
    inside = next(_inside(node), None)
    return _examples(inside) if inside is not None else next(_accepted(node), "a")


def _examples(nodes: Sequence[Node]) -> str:
    return "".join(_example(node) for node in nodes)


def _letters(nodes: Sequence[Node]) -> Iterator[str]:
    """A letter of each kind that some part of the expression accepts."""
    for node in nodes:
        inside = list(_inside(node))
        for some in inside:
            yield from _letters(some)
        if not inside:
            yield from _accepted(node)


def _accepted(node: Node) -> Iterator[str]:
    kind, value = node
    if kind is codes.LITERAL:
        yield chr(value)
    elif kind is codes.NOT_LITERAL:
        yield from (letter for letter in _OF_ALL_KINDS if letter != chr(value))
    elif kind is codes.ANY:
        yield from "a0 ."
    elif kind is codes.IN:
        yield from _of_a_set(value)


def _of_a_set(parts: Sequence[Node]) -> Iterator[str]:
    is_left_out = parts[0][0] is codes.NEGATE
    named = [letter for part in parts for letter in _of_a_part(part)]
    if is_left_out:
        compiled = [part for part in parts if part[0] is not codes.NEGATE]
        yield from (letter for letter in _OF_ALL_KINDS if not any(_covers(part, letter) for part in compiled))
    else:
        yield from named


def _of_a_part(part: Node) -> Iterator[str]:
    kind, value = part
    if kind is codes.LITERAL:
        yield chr(value)
    elif kind is codes.RANGE:
        yield chr(value[0])
        yield chr(value[1])
    elif kind is codes.CATEGORY:
        yield from _CATEGORIES[value]


def _covers(part: Node, letter: str) -> bool:
    kind, value = part
    if kind is codes.LITERAL:
        return letter == chr(value)
    if kind is codes.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    if kind is codes.CATEGORY and value is codes.CATEGORY_SPACE:
        return letter.isspace()
    return letter in _CATEGORIES.get(value, "")
