"""When Azure DevOps is asked whether it still accepts a leaked token, and which answer proves that it does not."""

from datetime import datetime, timedelta

from connections.providers.azure_devops import errors

_FIRST = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=60))
_EVERY = timedelta(minutes=5)
_ASKED_FOR = timedelta(hours=2)
# A sign-in page proves nothing: Azure DevOps also shows it if the owner has not signed in for a long time.
_REJECTIONS = (errors.TokenRefused, errors.TokenExpired, errors.Anonymous)


def next_ask(declared_at: datetime, *, after: datetime) -> datetime | None:
    """The next time to ask after this one; None when the two hours are over."""
    waited = after - declared_at
    wait = next((wait for wait in _FIRST if wait > waited), None) or _EVERY * (waited // _EVERY + 1)
    return declared_at + wait if wait <= _ASKED_FOR else None


def is_proof(error: errors.AzureDevOpsError) -> bool:
    """Whether this answer can only mean that Azure DevOps itself no longer accepts the token.

    Without an activity id, which Azure DevOps sends with every answer, it may come from something on the way.
    """
    return type(error) in _REJECTIONS and error.activity_id is not None
