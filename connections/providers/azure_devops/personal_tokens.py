"""The lifecycle of personal access tokens: list, create, read, extend and revoke those of the person who signed in.

Every answer has a `patTokenError`, usually with the status 200. The text of a token is in the answer to its creation
only, and a creation is never repeated.
https://learn.microsoft.com/rest/api/azure/devops/tokens/pats
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Page
from connections.providers.azure_devops.paging import Listed, every_page, read_all
from connections.providers.azure_devops.parsing import instant, mapping, optional_text, readable, text_of
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.transport import Query, Transport

# Microsoft publishes the API as a preview only.
API_VERSION = "7.1-preview"
LONGEST_NAME = 255
_PATH = ("_apis", "tokens", "pats")
_NONE = "none"
_WORD = re.compile(r"[A-Za-z0-9_]{1,64}")
_PAGE = 100
# What the service answers when a token no longer exists, which is what a revocation is for.
_GONE = frozenset({"tokennotfound", "authorizationnotfound", "hostauthorizationnotfound"})


class TokenLifecycleRefused(errors.AzureDevOpsError, code="pat_error"):
    """Azure DevOps does not make, change or find a token. `word` is its `patTokenError`."""

    def __init__(self, word: str, *, activity_id: str | None = None) -> None:
        super().__init__(detail=word, activity_id=activity_id)
        self.word = word

    @property
    def is_gone(self) -> bool:
        """Whether the token no longer exists."""
        return self.word.lower() in _GONE


class TokenLifecycleNotAllowed(errors.AzureDevOpsError, code="pat_not_allowed"):
    """The person's access token may not be used for the lifecycle of personal access tokens."""


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A personal access token as its owner sees it in Azure DevOps, without its text.

    `organizations` are ids; None for a token of all organizations.
    """

    id: str
    name: str
    scopes: frozenset[str]
    valid_from: datetime | None
    valid_to: datetime | None
    organizations: tuple[str, ...] | None

    @property
    def scope(self) -> str:
        """The scopes as one text, in one order."""
        return " ".join(sorted(self.scopes))


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made."""

    entry: TokenEntry
    token: PersonalAccessToken


def active_tokens(transport: Transport) -> Listed[TokenEntry]:
    """The person's tokens that are valid for this organization. Raises `AzureDevOpsError`."""

    def ask(continuation: str | None) -> Page[TokenEntry]:
        filters = {"displayFilterOption": "active", "sortByOption": "displayName", "$top": str(_PAGE)}
        answer = _answer(transport, "GET", {**filters, "continuationToken": continuation})
        found = answer.json_object()
        items = found.get("patTokens")
        if not isinstance(items, list):
            raise answer.unexpected("no patTokens")
        entries = readable(items, _entry)
        return Page(entries, optional_text(found, "continuationToken"), len(items) - len(entries))

    return read_all(every_page(ask, seconds=transport.limits.list_seconds))


def create(transport: Transport, *, name: str, scopes: Iterable[str], valid_to: datetime) -> NewToken:
    """Make a token for this organization alone. Raises `AzureDevOpsError`; after no answer it may exist anyway."""
    wanted = {
        "displayName": name[:LONGEST_NAME],
        "scope": " ".join(sorted(scopes)),
        "validTo": _moment(valid_to),
        "allOrgs": False,
    }
    answer = _answer(transport, "POST", json=wanted)
    made = mapping(answer.json_object(), "patToken")
    return NewToken(_entry(made), PersonalAccessToken(text_of(made, "token")))


def read(transport: Transport, authorization_id: str) -> TokenEntry:
    """One token. Raises `AzureDevOpsError`."""
    answer = _answer(transport, "GET", {"authorizationId": authorization_id})
    return _entry(mapping(answer.json_object(), "patToken"))


def extend(transport: Transport, authorization_id: str, valid_to: datetime) -> TokenEntry:
    """Give a valid token another end; its text stays the same. Raises `AzureDevOpsError`."""
    answer = _answer(transport, "PUT", json={"authorizationId": authorization_id, "validTo": _moment(valid_to)})
    return _entry(mapping(answer.json_object(), "patToken"))


def revoke(transport: Transport, authorization_id: str) -> None:
    """Revoke a token; one that no longer exists counts as revoked. Raises `AzureDevOpsError`."""
    try:
        _answer(transport, "DELETE", {"authorizationId": authorization_id})
    except TokenLifecycleRefused as refused:
        if not refused.is_gone:
            raise


def _answer(transport: Transport, method: str, query: Query = None, *, json: object = None) -> Response:
    answer = transport.ask(method, _PATH, service="tokens", query=query, json=json, api_version=API_VERSION)
    word = _error_word(answer)
    if word is not None and word.lower() != _NONE:
        raise TokenLifecycleRefused(word, activity_id=answer.activity_id)
    error = classify(answer)
    if isinstance(error, errors.TokenRefused | errors.EmptyRefusal | errors.AccessDenied):
        raise TokenLifecycleNotAllowed(detail=error.detail, status=error.status, activity_id=error.activity_id)
    if error is not None:
        raise error
    if word is None:
        # Without a word that can be read, no one knows what was done.
        raise answer.unexpected("patTokenError")
    return answer


def _error_word(answer: Response) -> str | None:
    """The `patTokenError`; "none" if there is none, and None if it is not a word."""
    word = answer.json_object().get("patTokenError") if answer.is_object else None
    if word is None:
        return _NONE
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None


def _entry(item: dict[str, object]) -> TokenEntry:
    organizations = item.get("targetAccounts")
    return TokenEntry(
        id=text_of(item, "authorizationId"),
        name=optional_text(item, "displayName") or "",
        scopes=frozenset((optional_text(item, "scope") or "").split()),
        valid_from=instant(item, "validFrom"),
        valid_to=instant(item, "validTo"),
        organizations=tuple(map(str, organizations)) if isinstance(organizations, list) else None,
    )


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
