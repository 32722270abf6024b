"""The registry entry of Azure DevOps."""

from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret
from connections.providers.azure_devops.entra_workloads import EntraFederatedToken, EntraManagedIdentity
from connections.providers.azure_devops.help import LINKS, SECURITY_PRACTICES
from connections.providers.provider import Provider

AZURE_DEVOPS = Provider(
    key="azure_devops",
    slug="azure-devops",
    label="Azure DevOps",
    icon="cloud",
    needs="Personal access token, about two minutes",
    credentials=(
        PersonalAccessToken,
        EntraClientSecret,
        EntraCertificate,
        EntraFederatedToken,
        EntraManagedIdentity,
    ),
    capabilities=CAPABILITIES,
    security_practices=SECURITY_PRACTICES,
    links=LINKS,
    guide_template="azure_devops/guide.html",
    connect_template="azure_devops/connect.html",
    scopes_template="azure_devops/scope_table.html",
)
