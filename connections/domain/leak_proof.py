"""When Azure DevOps is asked whether it still accepts a leaked token, and which answer proves that it does not."""

from datetime import datetime, timedelta

from connections.providers.azure_devops import entra_errors, errors

FIRST_WAIT = timedelta(seconds=5)
_FIRST = (FIRST_WAIT, timedelta(seconds=15), timedelta(seconds=60))
_EVERY = timedelta(minutes=5)
_ASKED_FOR = timedelta(hours=2)
# A sign-in page proves nothing: Azure DevOps also shows it if the owner has not signed in for a long time.
_REJECTIONS = frozenset(
    {
        errors.TokenRefused,
        errors.TokenExpired,
        errors.Anonymous,
        # Of applications, by Microsoft Entra. That Azure DevOps refuses an access token says nothing about the secret.
        # An application that is disabled or deleted can come back, and its secret with it.
        entra_errors.EntraSecretWrong,
        entra_errors.EntraSecretEnded,
        entra_errors.EntraCertificateUnknown,
    }
)
# Azure DevOps also answers these while the owner has not signed in for a long time, and accepts the token again later.
AMBIGUOUS = frozenset({errors.TokenRefused.code, errors.Anonymous.code})


def next_ask(declared_at: datetime, *, after: datetime) -> datetime | None:
    """The next time to ask after this one; None when the two hours are over."""
    waited = after - declared_at
    wait = next((wait for wait in _FIRST if wait > waited), None) or _EVERY * (waited // _EVERY + 1)
    return declared_at + wait if wait <= _ASKED_FOR else None


def is_proof(error: errors.AzureDevOpsError) -> bool:
    """Whether this answer can only mean that Azure DevOps itself, or Microsoft Entra, no longer accepts the credential.

    Without an activity or trace id, which these send with every answer, it may come from something on the way.
    """
    return type(error) in _REJECTIONS and error.activity_id is not None
