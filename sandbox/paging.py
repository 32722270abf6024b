"""Sorted and paged lists, and their continuation tokens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from sandbox.http_messages import ErrorResponse, Request, model_error
from sandbox.ids import instant, moment

_LONGEST_ID = 11


@dataclass(frozen=True)
class KeyForm:
    """How the sort key of an item is written in a token. `read` returns None for an invalid key."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


TIME = KeyForm(instant, moment)
NUMBER = KeyForm(
    str, lambda text: int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID else None
)
# A comma ends the key in a token, so one inside a name is quoted.
NAME = KeyForm(lambda name: quote(name, safe=""), unquote)


@dataclass(frozen=True)
class Order:
    """Items with an `id`, sorted by a key, then by id."""

    key: Callable[[Any], Any]
    form: KeyForm
    ascending: bool

    def sort(self, items: Iterable[Any]) -> list[Any]:
        """All items in this order."""
        return sorted(items, key=self._place, reverse=not self.ascending)

    def _place(self, item: Any) -> tuple[Any, int]:
        return self.key(item), item.id

    def page(self, request: Request, items: list[Any], *, usual_size: int) -> tuple[list[Any], str | None]:
        """A page of sorted items, and the token with the key and id of the next page's first item; None after the last.

        Raises `ErrorResponse` when the token of the request is none.
        """
        begin = self._begin(request)
        left = items
        if begin is not None:
            left = [
                item for item in items if (self._place(item) >= begin if self.ascending else self._place(item) <= begin)
            ]
        size = max(request.number("$top", usual_size), 1)
        if len(left) <= size:
            return left, None
        return left[:size], f"{self.form.write(self.key(left[size]))},{left[size].id}"

    def _begin(self, request: Request) -> tuple[Any, int] | None:
        token = request.query.get("continuationToken", "")
        if not token:
            return None
        text, comma, id_ = token.rpartition(",")
        key = self.form.read(text) if comma else None
        if key is None or not (id_.isascii() and id_.isdigit() and len(id_) <= _LONGEST_ID):
            raise ErrorResponse(model_error(request, 400, f"The value '{token}' is not valid for continuationToken."))
        return key, int(id_)
