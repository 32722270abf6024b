"""Access tokens of managed identities, from where Azure offers them to processes on its machines and services.

Both are plain HTTP on the machine itself or its host, and never reached through a proxy.
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from connections.providers.azure_devops import entra_errors, errors
from connections.providers.azure_devops.entra_credentials import EntraCredential
from connections.providers.azure_devops.entra_issuer import AZURE_DEVOPS, Request, TokenSource
from connections.providers.azure_devops.entra_refusals import refusal_of
from connections.providers.azure_devops.entra_workloads import EntraManagedIdentity
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.responses import Response
from core.secrets import Secret

# The address is the same on every machine of Azure, and leads nowhere else.
MACHINE_URL = "http://169.254.169.254"
MACHINE_PATH = "/metadata/identity/oauth2/token"
SERVICE_PATH = "/msi/token"
_MACHINE_VERSION, _SERVICE_VERSION = "2018-02-01", "2019-08-01"


def here(url: str) -> Server:
    """What answers at an address of this machine or its host."""
    return Server("Azure", url, proxy="")


@dataclass(frozen=True, slots=True)
class _ManagedIdentities(TokenSource):
    # Where there is no identity, nothing answers.
    connect_timeout: float = 2.0

    def unreachable(self, error: errors.AzureDevOpsError, host: str) -> errors.AzureDevOpsError:
        """Nothing answered at the address of Azure."""
        return errors.ManagedIdentityUnreachable(detail=error.code, host=host)

    def refusal(self, answer: Response) -> errors.AzureDevOpsError:
        """What an unsuccessful answer means: no such identity, busy, or something that Azure does not send."""
        error = refusal_of(answer)
        if isinstance(error, errors.EntraRefused):
            return entra_errors.ManagedIdentityNotFound(detail=error.detail, status=answer.status, host=answer.host)
        return error


def _query(credential: EntraCredential, version: str) -> str:
    asked = {"api-version": version, "resource": AZURE_DEVOPS}
    client = credential.asked_for if isinstance(credential, EntraManagedIdentity) else ""
    return urlencode(asked | ({"client_id": client} if client else {}))


@dataclass(frozen=True, slots=True)
class MachineIdentities(_ManagedIdentities):
    """Those of a virtual machine."""

    def request_for(self, credential: EntraCredential) -> Request:
        """A question that only programs on the machine can ask, and no page in a browser."""
        url = f"{self.authority.url}{MACHINE_PATH}?{_query(credential, _MACHINE_VERSION)}"
        return Request("GET", url, {"Metadata": "true"})


@dataclass(frozen=True, slots=True)
class ServiceIdentities(_ManagedIdentities):
    """Those of App Service, Functions and Container Apps, which hand `header` to the process."""

    header: Secret = field(default=Secret(""), kw_only=True)

    def request_for(self, credential: EntraCredential) -> Request:
        """A question with the header that Azure handed to this process."""
        url = f"{self.authority.url}?{_query(credential, _SERVICE_VERSION)}"
        return Request("GET", url, {"X-IDENTITY-HEADER": self.header.reveal()})
