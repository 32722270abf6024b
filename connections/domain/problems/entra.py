"""Problems of Microsoft Entra applications: what Entra answers, and what Azure DevOps answers to an application."""

from connections.domain.problems.problem import Problem

_ASK_AN_ADMINISTRATOR = "Ask an administrator of Microsoft Entra."

PROBLEMS = (
    Problem(
        "entra_secret_wrong",
        "Client secret not accepted",
        "Microsoft Entra knows the application, but not this client secret.",
        "In Microsoft Entra, open the application, then “Certificates & secrets”. Copy the Value of the secret, not "
        "its Secret ID. Entra shows the value only once: if it is gone, create a new secret.",
    ),
    Problem(
        "entra_secret_ended",
        "Client secret has expired",
        "Microsoft Entra says that this client secret has expired.",
        "In Microsoft Entra, open the application, then “Certificates & secrets”, and create a new client secret. Then "
        "enter its value here.",
    ),
    Problem(
        "entra_secret_missing",
        "The application has to prove who it is",
        "Microsoft Entra did not accept the request without a secret or certificate.",
        "Enter a client secret or a certificate of this application.",
    ),
    Problem(
        "entra_public_client",
        "The application is a public client",
        "The application is registered as a mobile or desktop application, which can't have a secret.",
        "In Microsoft Entra, open the application, then “Authentication”, and use the platform “Web”. Or register "
        "another application.",
    ),
    Problem(
        "entra_application_unknown",
        "Application not found in this tenant",
        "Microsoft Entra has no application with this client ID in this tenant.",
        "Compare both IDs with the overview page of the application in Microsoft Entra: “Application (client) ID” and "
        "“Directory (tenant) ID”.",
    ),
    Problem(
        "entra_tenant_unknown",
        "Tenant not found",
        "Microsoft Entra has no tenant with this ID.",
        "Compare it with “Directory (tenant) ID” on the overview page of the application in Microsoft Entra.",
    ),
    Problem(
        "entra_other_cloud",
        "The tenant belongs to another cloud",
        "The tenant belongs to a national cloud of Microsoft. Azure DevOps Services accepts only tenants of the public "
        "cloud.",
        "Use an application of the tenant that the organization belongs to.",
    ),
    Problem(
        "entra_application_disabled",
        "Application is disabled",
        "Microsoft Entra knows the application, but someone has disabled it.",
        "Ask an administrator of Microsoft Entra to enable the application under “Enterprise applications”.",
    ),
    Problem(
        "entra_certificate_unknown",
        "Certificate not accepted",
        "The certificate is not registered with this application, or it has expired. Microsoft Entra compares its "
        "thumbprint, so another certificate with the same key does not work.",
        "In Microsoft Entra, open the application, then “Certificates & secrets”, and compare the thumbprint with the "
        "one shown here. Upload the certificate if it is missing.",
    ),
    Problem(
        "entra_certificate_ended",
        "Certificate has expired",
        "The certificate has reached its last day, and Microsoft Entra no longer accepts it.",
        "Create a new certificate, upload it in Microsoft Entra under “Certificates & secrets” of the application, and "
        "then enter it here.",
    ),
    Problem(
        "entra_assertion_out_of_time",
        "Times do not match",
        "Microsoft Entra says that our request is not valid at this time. The usual cause is a wrong clock of this "
        "server, or of its workload identity a token in the file that is not replaced.",
        "Ask the site administrator to check the clock of this server, and that the platform replaces the token.",
    ),
    Problem(
        "entra_assertion_invalid",
        "Signature not accepted",
        "Microsoft Entra could not verify the signature with the registered certificate.",
        "Check that the private key and the certificate belong together, and that this certificate is registered with "
        "the application.",
    ),
    Problem(
        "entra_federation_mismatch",
        "No matching federated credential",
        "The application has no federated credential with the issuer, subject and audience of this server's token.",
        "In Microsoft Entra, compare the federated credential letter by letter, including case and a slash at the end. "
        "A new one can take some minutes to work everywhere.",
    ),
    Problem(
        "entra_blocked_by_policy",
        "Blocked by conditional access",
        "A conditional access policy of Microsoft Entra blocks this application, by the address of this site or by its "
        "risk.",
        "Ask an administrator of Microsoft Entra which policy applies, and to allow the IP address of this site.",
    ),
    Problem(
        "entra_without_azure_devops",
        "The tenant does not have Azure DevOps",
        "Azure DevOps is not known in this tenant, so it can't be the tenant of the organization.",
        "Use an application of the tenant that the organization belongs to.",
    ),
    Problem(
        "entra_refused",
        "Microsoft Entra refuses the application",
        "Microsoft Entra issues no access token for this application. We don't know this reason.",
        f"{_ASK_AN_ADMINISTRATOR} They find the attempt by its IDs in the sign-in logs of service principals.",
    ),
    Problem(
        "entra_busy",
        "Microsoft Entra is busy",
        "Microsoft Entra has an internal error or asks us to wait. This says nothing about the application.",
        "Wait {wait} and test again.",
    ),
    Problem(
        "entra_unreachable",
        "No answer from Microsoft Entra",
        "{server} did not answer, so there is no access token for Azure DevOps. This says nothing about the "
        "application.",
        "Ask the site administrator whether the network allows connections to {server}. If a proxy is required, set "
        "AZURE_DEVOPS_ENTRA_PROXY.",
    ),
    Problem(
        "entra_not_trusted",
        "Secure connection to Microsoft Entra failed",
        "The certificate of {server} could not be verified, so nothing was sent. The usual cause is a proxy that "
        "inspects traffic.",
        "Ask the site administrator to add its certificate authority to AZURE_DEVOPS_ENTRA_CA_BUNDLE. Certificate "
        "verification cannot be turned off.",
    ),
    Problem(
        "entra_unexpected_answer",
        "Unexpected answer instead of Microsoft Entra",
        "The answer does not look like one from Microsoft Entra. The usual cause is a page of a proxy. This says "
        "nothing about the application.",
        "Ask the site administrator to check the network between this product and {server}.",
    ),
    Problem(
        "workload_token_unreadable",
        "No workload token on this server",
        "The file that the settings name has no token of this server's workload, so nothing was sent. This says "
        "nothing about the application.",
        "Ask the site administrator to check AZURE_FEDERATED_TOKEN_FILE, and that the platform writes a token there.",
    ),
    Problem(
        "managed_identity_unreachable",
        "No managed identity on this server",
        "Nothing answered where Azure offers managed identities. They exist on machines and services of Azure only.",
        "Ask the site administrator to check AZURE_DEVOPS_MANAGED_IDENTITY, and that this server runs there.",
    ),
    Problem(
        "managed_identity_not_found",
        "Managed identity not found",
        "Azure answered that this server has no such managed identity.",
        "Ask the site administrator to assign the identity to this server in the Azure portal, and to compare "
        "AZURE_CLIENT_ID with its client ID.",
    ),
    Problem(
        "identity_not_offered",
        "This identity is turned off",
        "The site administrator turned off this identity of the server, or chose another one, so nothing was sent.",
        "Ask the site administrator to turn it on again, or use a client secret or a certificate of an application.",
    ),
    Problem(
        "entra_not_offered",
        "Applications can't be used with this server",
        "Connections by Microsoft Entra are only for Azure DevOps Services. Azure DevOps Server does not support them.",
        "Use a personal access token.",
    ),
    Problem(
        "principal_refused",
        "Azure DevOps does not accept the application",
        "Microsoft Entra issued an access token, but Azure DevOps does not accept it for this organization and does "
        "not say why.",
        "Check in the organization settings, under “Users”, that the application is listed there.",
    ),
    Problem(
        "principal_not_added",
        "Application was not added to the organization",
        "Microsoft Entra accepts the application, but the organization does not know it.",
        "Ask an administrator of the organization to add it under “Organization settings”, “Users”, with the access "
        "level Basic. They need the object ID of the enterprise application: {object_id}. After that, it can take some "
        "minutes.",
    ),
    Problem(
        "principal_without_access",
        "Application has no access to the organization",
        "The organization knows the application, but it has no access level there, or no rights.",
        "Ask an administrator of the organization to give it the access level Basic, and to add it to a team or group "
        "of each project.",
    ),
    Problem(
        "stakeholder_likely",
        "Probably a Stakeholder license",
        "Azure DevOps says that the application may read code, but shows no repository. That is how the access level "
        "Stakeholder looks.",
        "Ask an administrator of the organization to change the access level to Basic, under “Organization settings”, "
        "“Users”.",
    ),
    Problem(
        "principal_of_another_tenant",
        "The organization belongs to another tenant",
        "The application and the organization belong to different tenants of Microsoft Entra. Azure DevOps accepts "
        "only applications of its own tenant.",
        "Use an application of the tenant that is shown in the organization settings, under “Microsoft Entra”.",
    ),
    Problem(
        "organization_without_tenant",
        "The organization belongs to no tenant",
        "The organization uses Microsoft accounts and is not connected to Microsoft Entra, so it can't have "
        "applications. The secret was not sent.",
        "Use a personal access token, or ask an owner to connect the organization to Microsoft Entra.",
    ),
    Problem(
        "principal_empty_refusal",
        "Rejected without a reason",
        "Azure DevOps rejected this call without a word. For a person's token this means a missing scope, but an "
        "application has no scopes.",
        "Test again. If it keeps happening, check the permissions of the application in Azure DevOps.",
    ),
    Problem(
        "permissions_unknown",
        "Permissions could not be read",
        "The call works, but Azure DevOps did not tell whether the application has the permission.",
        "Test again. If it keeps happening, check the permissions of the application in Azure DevOps.",
    ),
)
