"""Faulty lists: they never end, repeat an item on the next page, or omit properties."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.fault_injection import Fault
from sandbox.http_messages import Answer, Request
from sandbox.ids import stable_id, stable_sha

Ask = Callable[[Request], Answer]
_TOKEN = "x-ms-continuationtoken"
# The parameters by which a client requests a page.
_PLACES = ("continuationtoken", "$skip", "searchcriteria.$skip")
_FAR = 1_000_000


def _read(answer: Answer) -> Any:
    """The JSON of a successful answer; None for anything else."""
    types = [value for name, value in answer.headers if name.lower() == "content-type"]
    good = answer.status < 300 and any(value.startswith("application/json") for value in types)
    return json.loads(answer.body) if good and answer.body else None


def _items(body: Any) -> list[Any] | None:
    """The items of a list; None if it is not a list."""
    value = body.get("value") if isinstance(body, dict) else None
    return value if isinstance(value, list) else None


def _list_answer(answer: Answer, items: list[Any], continuation: str | None) -> Answer:
    headers = [(name, value) for name, value in answer.headers if name.lower() != _TOKEN]
    if continuation is not None:
        headers.append((_TOKEN, continuation))
    body = json.dumps({"count": len(items), "value": items}, ensure_ascii=False, separators=(",", ":"))
    return Answer(answer.status, body.encode(), headers)


def _continuation(answer: Answer) -> str | None:
    return next((value for name, value in answer.headers if name.lower() == _TOKEN), None)


def _endless(request: Request, fault: Fault, ask: Ask) -> Answer:
    """The first page again and again, each time with another continuation token: with new, the same, or no items."""
    asked = next((value for name, value in request.query.items() if name.lower() in _PLACES), "")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    query = {name: value for name, value in request.query.items() if name.lower() not in _PLACES}
    usual = ask(replace(request, query=query))
    items = _items(_read(usual))
    if items is None:
        return usual
    if fault.variant == "empty":
        items = []
    elif fault.variant == "new" and page:
        items = [_another(item, page) for item in items]
    return _list_answer(usual, items, str(page + max(len(items), 1)))


def _another(item: Any, page: int) -> Any:
    """A similar item with a different id and name."""
    if not isinstance(item, dict):
        return item
    changed = dict(item)
    for name, value in item.items():
        if name == "id" and isinstance(value, int):
            changed[name] = value + page * _FAR
        elif name == "id" and isinstance(value, str):
            changed[name] = stable_id(value, page)
        elif name == "commitId":
            changed[name] = stable_sha(value, page)
        elif name == "name" and isinstance(value, str):
            changed[name] = f"{value}-{page}"
    return changed


def _repeated(request: Request, _fault: Fault, ask: Ask) -> Answer:
    """A page that ends with the first item of the next page, as if items moved while a client reads."""
    usual = ask(replace(request))
    items, token = _items(_read(usual)), _continuation(usual)
    if items is None or token is None:
        return usual
    following = _items(_read(ask(replace(request, query=_with_token(request.query, token))))) or []
    return _list_answer(usual, items + following[:1], token)


def _with_token(query: dict[str, str], token: str) -> dict[str, str]:
    kept = {name: value for name, value in query.items() if name.lower() not in _PLACES}
    return {**kept, "continuationToken": token}


def _omitted(request: Request, fault: Fault, ask: Ask) -> Answer:
    """The answer without some properties, in each item or in the object itself."""
    usual = ask(request)
    body = _read(usual)
    items = _items(body)
    for holder in [body] if items is None else items:
        for name in fault.fields if isinstance(holder, dict) else ():
            holder.pop(name, None)
    if body is None:
        return usual
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Answer(usual.status, written.encode(), usual.headers)


LISTS: dict[str, Callable[[Request, Fault, Ask], Answer]] = {
    "endless_list": _endless,
    "repeated_items": _repeated,
    "omit_fields": _omitted,
}
