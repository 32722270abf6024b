"""Credentials of Azure DevOps: personal access tokens."""

import base64
import secrets
import string
from collections.abc import MutableMapping

from connections.providers.credential import Credential, Signer, Words

_LETTERS = string.ascii_letters + string.digits


class PersonalAccessToken(Credential, Signer):
    """A personal access token. Azure DevOps does not reveal its expiry date, so people record it.

    https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    """

    __slots__ = ()

    kind = "personal_access_token"
    label = "Personal access token"
    words = Words(
        name="token",
        in_full="Azure DevOps token",
        owner="Token owner",
        permission="scope",
        all_granted="All scopes are granted.",
        date_shown="Only the person who created the token can see the date, in the list of tokens in Azure DevOps.",
        end="revoke",
        ended="revoked",
        managed_in="in Azure DevOps",
        new="create a new token",
        date_read_in="Azure DevOps",
    )

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Basic authentication with an empty user name."""
        encoded = base64.b64encode(b":" + self.reveal().encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"


def made_up_token() -> PersonalAccessToken:
    """A random token in the current format."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(80))
    return PersonalAccessToken(f"{letters[:76]}AZDO{letters[76:]}")
