"""What a change of the OpenAPI document breaks for programs that were written for the document before.

Programs must tolerate new fields and new values of enumerations in responses, new operations, optional fields and
parameters, and new problems. They need not tolerate anything else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_UPPER = ("maxLength", "maximum", "maxItems", "exclusiveMaximum")
_LOWER = ("minLength", "minimum", "minItems", "exclusiveMinimum")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """A sentence for each change that breaks programs; empty if there is none."""
    return list(_operations(old, new))


def _operations(old: Schema, new: Schema) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{name}: removed"
                continue
            if before["operationId"] != after["operationId"]:
                yield f"{name}: operationId changed from {before['operationId']}"
            yield from (
                f"{name}: requires the permission {permission}"
                for permission in sorted({*after.get("x-permissions", ())} - {*before.get("x-permissions", ())})
            )
            if after.get("x-all-connections", False) and not before.get("x-all-connections", False):
                yield f"{name}: requires a token for all connections"
            compared = _Comparison(old, new)
            yield from compared.parameters(name, before.get("parameters", []), after.get("parameters", []))
            yield from compared.bodies(name, before.get("requestBody"), after.get("requestBody"))
            yield from compared.responses(name, before["responses"], after["responses"])


@dataclass(frozen=True)
class _Comparison:
    """Compares parts of two documents, in which references are resolved."""

    old: Schema
    new: Schema

    def parameters(self, name: str, before: list[Schema], after: list[Schema]) -> Iterator[str]:
        """Unknown parameters are refused, so a removed one breaks programs that send it."""
        now = {(parameter["in"], parameter["name"]): parameter for parameter in after}
        then = {(parameter["in"], parameter["name"]): parameter for parameter in before}
        for key, parameter in then.items():
            if key not in now:
                yield f"{name}: parameter {key[1]} removed"
            else:
                yield from self._accepts(f"{name}: parameter {key[1]}", parameter["schema"], now[key]["schema"])
        for key, parameter in now.items():
            if parameter.get("required") and not then.get(key, {}).get("required"):
                yield f"{name}: parameter {key[1]} is now required"

    def bodies(self, name: str, before: Schema | None, after: Schema | None) -> Iterator[str]:
        """A body that was accepted must still be accepted."""
        if before is None:
            if after is not None and after.get("required"):
                yield f"{name}: a body is now required"
            return
        if after is None:
            yield f"{name}: body removed"
            return
        for media_type, content in before["content"].items():
            if media_type not in after["content"]:
                yield f"{name}: body of {media_type} removed"
            else:
                yield from self._accepts(f"{name}: body", content["schema"], after["content"][media_type]["schema"])

    def responses(self, name: str, before: Schema, after: Schema) -> Iterator[str]:
        """A good response must still be what it was."""
        for status, response in before.items():
            if int(status) >= 300:
                continue
            if status not in after:
                yield f"{name}: response {status} removed"
                continue
            for header in response.get("headers", {}):
                if header not in after[status].get("headers", {}):
                    yield f"{name}: header {header} of response {status} removed"
            for media_type, content in response.get("content", {}).items():
                if media_type not in after[status].get("content", {}):
                    yield f"{name}: response {status} of {media_type} removed"
                else:
                    now = after[status]["content"][media_type]["schema"]
                    yield from self._returns(f"{name}: response {status}", content["schema"], now)

    def _accepts(self, place: str, before: Schema, after: Schema, seen: tuple[Any, ...] = ()) -> Iterator[str]:
        """Whether all that `before` accepts is accepted by `after`."""
        pair = (before.get("$ref"), after.get("$ref"))
        if pair in seen:
            return
        seen = (*seen, pair) if any(pair) else seen
        allowed = list(_options(after, self.new))
        for option in _options(before, self.old):
            yield from _best(place, option, allowed, lambda old, new: self._narrowed(place, old, new, seen))

    def _narrowed(self, place: str, before: Schema, after: Schema, seen: tuple[Any, ...]) -> Iterator[str]:
        yield from _stricter(place, before, after)
        fields, now = before.get("properties", {}), after.get("properties", {})
        for field in fields:
            if field in now:
                yield from self._accepts(f"{place}.{field}", fields[field], now[field], seen)
            elif after.get("additionalProperties") is False:
                yield f"{place}.{field}: removed"
        yield from (
            f"{place}.{field}: now required"
            for field in after.get("required", [])
            if field not in before.get("required", [])
        )
        if "items" in before and "items" in after:
            yield from self._accepts(f"{place}[]", before["items"], after["items"], seen)

    def _returns(self, place: str, before: Schema, after: Schema, seen: tuple[Any, ...] = ()) -> Iterator[str]:
        """Whether all that `after` returns could have been returned by `before`, but for new fields and values."""
        pair = (before.get("$ref"), after.get("$ref"))
        if pair in seen:
            return
        seen = (*seen, pair) if any(pair) else seen
        known = list(_options(before, self.old))
        for option in _options(after, self.new):
            yield from _best(place, option, known, lambda new, old: self._reduced(place, old, new, seen))

    def _reduced(self, place: str, before: Schema, after: Schema, seen: tuple[Any, ...]) -> Iterator[str]:
        if before.get("format") != after.get("format"):
            yield f"{place}: format changed from {before.get('format')} to {after.get('format')}"
        fields, now = before.get("properties", {}), after.get("properties", {})
        for field in fields:
            if field not in now:
                yield f"{place}.{field}: removed"
                continue
            if field in before.get("required", []) and field not in after.get("required", []):
                yield f"{place}.{field}: can be missing now"
            yield from self._returns(f"{place}.{field}", fields[field], now[field], seen)
        if "items" in before and "items" in after:
            yield from self._returns(f"{place}[]", before["items"], after["items"], seen)


def _options(schema: Schema, document: Schema) -> Iterator[Schema]:
    """The alternatives of a schema, without references."""
    if "$ref" in schema:
        yield from _options(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    elif "anyOf" in schema or "oneOf" in schema:
        for option in schema.get("anyOf", []) + schema.get("oneOf", []):
            yield from _options(option, document)
    elif len(schema.get("allOf", [])) == 1:
        yield from _options(schema["allOf"][0], document)
    else:
        yield schema


def _best(
    place: str, option: Schema, others: list[Schema], compare: Callable[[Schema, Schema], Iterator[str]]
) -> list[str]:
    """The changes of an alternative, compared with the one of the other document that is most like it."""
    alike = [other for other in others if other.get("type") in (option.get("type"), None)]
    if not alike:
        types = ", ".join(sorted(str(other.get("type")) for other in others))
        return [f"{place}: type {option.get('type')} on one side, {types} on the other"]
    return min((list(compare(option, other)) for other in alike), key=len)


def _stricter(place: str, before: Schema, after: Schema) -> Iterator[str]:
    """Constraints that refuse what was accepted."""
    gone = [value for value in before.get("enum", []) if value not in after.get("enum", [value])]
    if gone:
        yield f"{place}: no longer accepts {', '.join(map(repr, gone))}"
    if "enum" in after and "enum" not in before:
        yield f"{place}: accepts only some values now"
    for keyword in _UPPER:
        if keyword in after and after[keyword] < before.get(keyword, float("inf")):
            yield f"{place}: {keyword} is now {after[keyword]}"
    for keyword in _LOWER:
        if keyword in after and after[keyword] > before.get(keyword, float("-inf")) and after[keyword] != 0:
            yield f"{place}: {keyword} is now {after[keyword]}"
    for keyword in ("pattern", "format"):
        if keyword in after and after[keyword] != before.get(keyword):
            yield f"{place}: {keyword} is now {after[keyword]}"
