"""What Azure DevOps answered about one build or release, as JSON in the row of its subscription.

Only what was parsed is stored, never the answer itself: variables and parameters, which may hold secrets, are left out.
"""

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from connections.providers.azure_devops import errors

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = TypeVar("Value")
LARGEST = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is stored. `seconds` is how soon it may have changed; None when it changes only by what a person does."""

    data: dict[str, Any]
    seconds: int | None


def encode(value: "DataclassInstance") -> dict[str, Any]:
    """A frozen value as JSON. Raises `AnswerTooLarge` for one that is too large to store."""
    text = json.dumps(asdict(value), default=datetime.isoformat)
    if len(text) > LARGEST:
        raise errors.AnswerTooLarge(detail="more than is stored")
    return cast("dict[str, Any]", json.loads(text))


def decode(kind: type[Value], data: object) -> Value | None:
    """The value that `encode` stored; None where there is none, or another version of this product stored it."""
    try:
        return cast("Value", _decode(kind, data)) if data is not None else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _decode(kind: Any, data: Any) -> object:
    arguments = get_args(kind)
    if NoneType in arguments:
        inner = next(argument for argument in arguments if argument is not NoneType)
        return None if data is None else _decode(inner, data)
    if get_origin(kind) is tuple:
        kinds = [arguments[0]] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(_decode(inner, item) for inner, item in zip(kinds, data, strict=True))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: _decode(hints[field.name], data[field.name]) for field in fields(kind)})
    if kind is datetime:
        return datetime.fromisoformat(data)
    return data if data is None else kind(data)
