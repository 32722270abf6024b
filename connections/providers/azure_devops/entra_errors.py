"""Why Microsoft Entra refuses an application.

    EntraRefused
    ├── EntraSecretWrong          entra_secret_wrong
    ├── EntraSecretEnded          entra_secret_ended
    ├── EntraSecretMissing        entra_secret_missing
    ├── EntraPublicClient         entra_public_client
    ├── EntraApplicationUnknown   entra_application_unknown
    ├── EntraTenantUnknown        entra_tenant_unknown
    ├── EntraOtherCloud           entra_other_cloud
    ├── EntraApplicationDisabled  entra_application_disabled
    ├── EntraCertificateUnknown   entra_certificate_unknown
    ├── EntraAssertionOutOfTime   entra_assertion_out_of_time
    ├── EntraAssertionInvalid     entra_assertion_invalid
    ├── EntraFederationMismatch   entra_federation_mismatch
    ├── EntraBlockedByPolicy      entra_blocked_by_policy
    ├── EntraWithoutAzureDevOps   entra_without_azure_devops
    └── ManagedIdentityNotFound   managed_identity_not_found

`entra_refusals` decides which number means which error.
"""

from connections.providers.azure_devops.errors import EntraRefused


class EntraSecretWrong(EntraRefused, code="entra_secret_wrong"):
    """The application has no such secret."""


class EntraSecretEnded(EntraRefused, code="entra_secret_ended"):
    """The secret has expired."""


class EntraSecretMissing(EntraRefused, code="entra_secret_missing"):
    """The application has to prove who it is."""


class EntraPublicClient(EntraRefused, code="entra_public_client"):
    """The application is registered as a public client, which may have no secret."""


class EntraApplicationUnknown(EntraRefused, code="entra_application_unknown"):
    """The tenant does not have this application."""


class EntraTenantUnknown(EntraRefused, code="entra_tenant_unknown"):
    """There is no such tenant."""


class EntraOtherCloud(EntraRefused, code="entra_other_cloud"):
    """The tenant belongs to another cloud."""


class EntraApplicationDisabled(EntraRefused, code="entra_application_disabled"):
    """The application is disabled."""


class EntraCertificateUnknown(EntraRefused, code="entra_certificate_unknown"):
    """The certificate is not registered with the application, or has ended."""


class EntraAssertionOutOfTime(EntraRefused, code="entra_assertion_out_of_time"):
    """The signed request is not valid at this time: our clock is wrong, or the token of the workload is old."""


class EntraAssertionInvalid(EntraRefused, code="entra_assertion_invalid"):
    """The signature does not belong to the certificate."""


class EntraFederationMismatch(EntraRefused, code="entra_federation_mismatch"):
    """No federated credential of the application matches the token of the workload."""


class EntraBlockedByPolicy(EntraRefused, code="entra_blocked_by_policy"):
    """Conditional access blocks the application."""


class EntraWithoutAzureDevOps(EntraRefused, code="entra_without_azure_devops"):
    """The tenant does not know Azure DevOps."""


class ManagedIdentityNotFound(EntraRefused, code="managed_identity_not_found"):
    """Azure has no such managed identity for this machine or service."""


# Microsoft Entra itself refuses the application.
_KINDS: tuple[type[EntraRefused], ...] = (EntraRefused, *EntraRefused.__subclasses__())
ENTRA_REFUSAL_CODES = frozenset(kind.code for kind in _KINDS)
