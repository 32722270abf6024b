"""The credentials of Azure DevOps: so far the personal access token that people paste."""

import base64
import secrets
import string
from collections.abc import MutableMapping

from connections.providers.credential import Credential

_LETTERS = string.ascii_letters + string.digits


class PersonalAccessToken(Credential):
    """A personal access token. Azure DevOps does not tell when it expires: a person records that.

    https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
    """

    __slots__ = ()

    kind = "personal_access_token"
    label = "Personal access token"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Basic authentication with an empty user name."""
        encoded = base64.b64encode(b":" + self.reveal().encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"


def made_up_token() -> PersonalAccessToken:
    """A token in today's form that nobody has."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(80))
    return PersonalAccessToken(f"{letters[:76]}AZDO{letters[76:]}")
