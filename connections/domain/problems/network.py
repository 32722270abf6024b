"""Problems on the way to Azure DevOps, and answers that say nothing about the token."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "not_found",
        "Not found in Azure DevOps",
        "Azure DevOps says that this does not exist or that the token's owner cannot see it. It does not say which.",
        "Check that it still exists and that the owner of the token can see it.",
    ),
    Problem(
        "no_such_address",
        "Unknown address",
        "Azure DevOps has nothing at the address that we called. The configured address of the server may lack its "
        "path, or the server may be too old for this product.",
        "Ask the site administrator to check the server in AZURE_DEVOPS_SERVERS.",
    ),
    Problem(
        "server_too_old",
        "Server is too old",
        "The server does not support the API version that this product needs. The oldest supported version is "
        "Azure DevOps Server 2019.",
        "Ask the administrator of the server to update it.",
    ),
    Problem(
        "throttled",
        "Azure DevOps asks us to wait",
        "The token's owner has reached their rate limit in Azure DevOps. All tokens of one person share this limit, "
        "here and in other tools. This says nothing about the token.",
        "Wait {wait} and test again.",
    ),
    Problem(
        "too_many_tests",
        "Too many tests",
        "The number of tests per person and per IP address is limited. Nothing was sent to Azure DevOps, and nothing "
        "was changed.",
        "Wait a little and test again.",
    ),
    Problem(
        "dns_failure",
        "Server name not found",
        "The name of the Azure DevOps server could not be resolved from here. Nothing was sent.",
        "Ask the site administrator to check the DNS settings of this server. If Azure DevOps can only be reached "
        "through a proxy, add the proxy to AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "tls_failure",
        "Secure connection failed",
        "The certificate of the Azure DevOps server could not be verified, so the token was not sent. The usual cause "
        "is a private certificate authority, an expired certificate, or a proxy that inspects traffic.",
        "Ask the site administrator to add the certificate authority of this server to AZURE_DEVOPS_CA_BUNDLES. "
        "Certificate verification cannot be turned off.",
    ),
    Problem(
        "connection_failed",
        "No connection to Azure DevOps",
        "The connection was refused or interrupted. A firewall may be blocking it.",
        "Ask the site administrator whether the network allows connections to Azure DevOps. If a proxy is required, "
        "add it to AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "proxy_failed",
        "No connection through the proxy",
        "The proxy between this product and Azure DevOps could not be reached, or did not connect us to Azure DevOps. "
        "The token was not sent.",
        "Ask the site administrator to check the proxy in AZURE_DEVOPS_PROXIES or HTTPS_PROXY, and whether it allows "
        "connections to Azure DevOps.",
    ),
    Problem(
        "proxy_refused",
        "The proxy asks for a password",
        "The proxy between this product and Azure DevOps requires a user name and a password, or does not accept the "
        "configured ones (407). Nothing was sent to Azure DevOps.",
        "Ask the site administrator to enter the right ones in AZURE_DEVOPS_PROXIES.",
    ),
    Problem(
        "timed_out",
        "Azure DevOps did not answer in time",
        "The call was abandoned. Azure DevOps may be slow, or something on the network holds the traffic.",
        "Test again in a minute. If it keeps happening, check the network and the service status.",
        link="status",
    ),
    Problem(
        "time_limit",
        "The test ran out of time",
        "The whole test has a time limit. What had finished by then is shown; the rest is unknown.",
        "Test again in a minute.",
        link="status",
    ),
    Problem(
        "list_incomplete",
        "The list is incomplete",
        "The list in Azure DevOps was too long to read completely: we stop after 1,000 pages or when time runs out. "
        "We show what we have read. Items that we have not read may still exist, so we don't treat them as deleted.",
        "Try again later. If it keeps happening, check the network between this product and Azure DevOps.",
        link="status",
    ),
    Problem(
        "server_error",
        "Azure DevOps reported an internal error",
        "Azure DevOps answered with an internal error. This says nothing about the token.",
        "Wait and test again. Check the service status page for outages.",
        link="status",
    ),
    Problem(
        "answer_too_large",
        "Answer too large",
        "The answer exceeds the size that we accept.",
        "Test again. If it keeps happening, ask the site administrator to check the log.",
    ),
    Problem(
        "unexpected_answer",
        "Unexpected answer",
        "The answer does not look like one from Azure DevOps. The usual cause is a page of a proxy.",
        "Ask the site administrator to check AZURE_DEVOPS_SERVERS, AZURE_DEVOPS_PROXIES and HTTPS_PROXY.",
    ),
    Problem(
        "gateway_refused",
        "Blocked by a firewall or gateway",
        "A firewall or gateway between this product and {server} blocked the call. The answer does not come from Azure "
        "DevOps, so it says nothing about the token.",
        "Ask the site administrator whether the network allows connections to Azure DevOps, and whether a proxy is "
        "needed (AZURE_DEVOPS_PROXIES).",
        link="status",
    ),
    Problem(
        "foreign_page",
        "A web page that is not from Azure DevOps",
        "Instead of an answer from {server}, we got a web page that is not from Azure DevOps. The usual cause is a "
        "proxy or firewall that blocks the call or asks for its own sign-in. This says nothing about the token.",
        "Ask the site administrator to open the address from this server, and to check AZURE_DEVOPS_SERVERS, "
        "AZURE_DEVOPS_PROXIES and HTTPS_PROXY.",
    ),
    Problem(
        "redirected",
        "Redirected to {host}",
        "We were redirected to {host}, which is not the sign-in page of Azure DevOps, and did not follow. The {place} "
        "may have been renamed, or a proxy may be blocking the call. This says nothing about the token.",
        "Open the {place} in a browser and check the name in its address. If the name is right, ask the site "
        "administrator to check the network between this product and Azure DevOps.",
    ),
    Problem(
        "maintenance",
        "Azure DevOps is down for maintenance",
        "Azure DevOps says that it is not available at the moment. This says nothing about the token.",
        "Wait {wait} and test again. Check the service status page for maintenance and outages.",
        link="status",
    ),
    Problem(
        "contradiction",
        "Contradictory answers",
        "Azure DevOps seemed to accept a higher scope but rejected a lower one, which the higher one includes.",
        "Test again. If it keeps happening, check the scopes of the token in Azure DevOps.",
    ),
    Problem(
        "anonymous_answer",
        "Anonymous answer",
        "Azure DevOps treated the call as anonymous, as it may for public projects. That proves nothing about the "
        "token.",
        "Test again. If it keeps happening, choose {a_place} without public projects, or check the scope at Azure "
        "DevOps yourself.",
    ),
    Problem(
        "another_identity",
        "Answer for another person",
        "Azure DevOps answered this call for someone other than the token's owner.",
        "Test again. If it keeps happening, check the network between this product and Azure DevOps.",
    ),
    Problem(
        "signed_refusal",
        "Rejected in an unknown way",
        "Azure DevOps rejected this call, but not in the way that it rejects a missing scope.",
        "Test again. If it keeps happening, check the scope of the token in Azure DevOps yourself.",
    ),
)
