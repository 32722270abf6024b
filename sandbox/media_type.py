"""How JSON is written: options of the media type, as browser extensions send them.

`Accept: application/json;api-version=7.2-preview.1;enumsAsNumbers=true;msDateFormat=true;noArrayWrap=true`

They are not published, but the class that reads them is: `VssJsonMediaTypeFormatter` in
https://github.com/actions/runner
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.enumerations import enumeration, is_enumeration
from sandbox.http_messages import Answer, Request
from sandbox.ids import moment
from sandbox.parameters import addresses_of
from sandbox.routing import Route

_OPTIONS = ("enumsasnumbers", "msdateformat", "noarraywrap")
_FILE = Path(__file__).with_name("answer_types.toml")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?Z?")
_MS_DATE = re.compile(r'"/(Date\(-?\d+\))/"')


@cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def answer_type(route: Route) -> str:
    """The type of a route's answer, or of the items of its list; empty if it contains no enumeration."""
    answers: Mapping[str, str] = _lists()["answers"]
    return next((answers[name] for name in addresses_of(route) if name in answers), "")


def properties(type_name: str) -> Mapping[str, str]:
    """The enumeration or type of each property of a type that contains enumerations."""
    types: Mapping[str, str] = _lists()["types"].get(type_name, {})
    return types


def as_asked(request: Request, route: Route | None, answer: Answer) -> Answer:
    """An answer, written as the client's media type requests. `route` is None for a refusal."""
    accepted = {part.strip().lower() for part in request.headers.get("accept", "").split(";")}
    wanted = {option for option in _OPTIONS if f"{option}=true" in accepted}
    if not wanted or not _is_json(answer):
        return answer
    body = json.loads(answer.body)
    is_list = isinstance(body, dict) and set(body) == {"count", "value"}
    if "enumsasnumbers" in wanted and route is not None:
        of = answer_type(route)
        body = {**body, "value": _with_numbers(body["value"], of)} if is_list else _with_numbers(body, of)
    if "noarraywrap" in wanted and is_list:
        body = body["value"]
    if "msdateformat" in wanted:
        body = _with_ms_dates(body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if "msdateformat" in wanted:
        # Only the slashes of dates are escaped, by which a client recognizes them.
        text = _MS_DATE.sub(r'"\\/\1\\/"', text)
    return replace(answer, body=text.encode())


def _is_json(answer: Answer) -> bool:
    # An answer with a byte order mark comes from another layer, which ignores the options.
    kinds = [value for name, value in answer.headers if name.lower() == "content-type"]
    return answer.body[:1] in (b"{", b"[") and kinds[:1] != [] and kinds[0].startswith("application/json")


def _with_numbers(value: Any, of: str) -> Any:
    """A value of a type, or a list or dictionary of such values, with the numbers of its enumerations."""
    if isinstance(value, list):
        return [_with_numbers(item, of) for item in value]
    if is_enumeration(of):
        return enumeration(of).number(value) if isinstance(value, str) else value
    types = properties(of)
    if not isinstance(value, dict) or not types:
        return value
    return {name: _with_numbers(inner, types[name]) if name in types else inner for name, inner in value.items()}


def _with_ms_dates(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_ms_dates(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_ms_dates(inner) for name, inner in value.items()}
    time = moment(value) if isinstance(value, str) and _TIME.fullmatch(value) else None
    return f"/Date({round(time.timestamp() * 1000)})/" if time else value
