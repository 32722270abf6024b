"""Problems on the way to Azure DevOps, and answers that tell nothing."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "not_found",
        "Not found at Azure DevOps",
        "Azure DevOps says that this does not exist, or that the person behind the token may not see it. "
        "It does not say which.",
        "Check that it still exists and that the owner of the token can see it.",
    ),
    Problem(
        "no_such_address",
        "Unknown address",
        "Azure DevOps has nothing at the address we asked. The address of the server may lack its path, or the server "
        "may be older than this product expects.",
        "Ask the operator of this product to check the server in AZURE_DEVOPS_SERVERS.",
    ),
    Problem(
        "server_too_old",
        "Server is too old",
        "The server speaks an older version of the interface than this product. The oldest that works is "
        "Azure DevOps Server 2019.",
        "Ask the administrator of the server to update it.",
    ),
    Problem(
        "throttled",
        "Azure DevOps asks us to wait",
        "The person behind the token has used up their share of calls for the moment. All tokens of one person "
        "share it, here and elsewhere. It says nothing about the token.",
        "Wait {wait} and test again.",
    ),
    Problem(
        "too_many_tests",
        "Too many tests",
        "Each person may test only so often, and so may everybody at one address together. Nothing was asked of Azure "
        "DevOps, and nothing was changed.",
        "Wait a little and test again.",
    ),
    Problem(
        "dns_failure",
        "Address not found on the network",
        "The name of the Azure DevOps server could not be looked up from here. Nothing was sent.",
        "Ask the operator of this product to check the DNS of the machine that runs it. If the server can be reached "
        "through a proxy only, they name it in AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "tls_failure",
        "Secure connection failed",
        "The certificate of the Azure DevOps server could not be verified, so the token was not sent. A private "
        "certificate authority, an expired certificate, or a proxy that reads traffic is the usual cause.",
        "Give the file of the certificate authority to the operator of this product, who names it in "
        "AZURE_DEVOPS_CA_BUNDLES for this server. The check of certificates cannot be switched off.",
    ),
    Problem(
        "connection_failed",
        "No connection to Azure DevOps",
        "The connection was refused or cut off. A firewall may stand between.",
        "Ask the operator of this product whether its machine may reach the server on the network. If it must go "
        "through a proxy, they name it in AZURE_DEVOPS_PROXIES.",
        link="status",
    ),
    Problem(
        "proxy_failed",
        "No connection through the proxy",
        "The proxy between this product and Azure DevOps could not be reached, or would not connect us to the server. "
        "The token was not sent.",
        "Ask the operator of this product to check the proxy in AZURE_DEVOPS_PROXIES or HTTPS_PROXY, and whether it "
        "lets this machine through to the server.",
    ),
    Problem(
        "proxy_refused",
        "The proxy asks for a password",
        "The proxy between this product and Azure DevOps lets nobody through without a user name and a password, or "
        "does not accept those it was given (407). Azure DevOps was not asked.",
        "Ask the operator of this product to enter the right ones in AZURE_DEVOPS_PROXIES.",
    ),
    Problem(
        "timed_out",
        "Azure DevOps did not answer in time",
        "The call was given up. Azure DevOps may be slow, or something on the way holds the traffic.",
        "Test again in a minute. If it stays, check the network and the service status.",
        link="status",
    ),
    Problem(
        "time_limit",
        "The test ran out of time",
        "The whole test has a time limit. What had finished by then is shown; the rest could not be told.",
        "Test again in a minute.",
        link="status",
    ),
    Problem(
        "list_incomplete",
        "The list is incomplete",
        "Azure DevOps named more and more pages of a list. We stop after 1,000 pages, or when its time is over. What "
        "was read is shown; what was not read may be there, and is not taken for gone.",
        "Try again later. If it keeps happening, check what stands between this product and Azure DevOps.",
        link="status",
    ),
    Problem(
        "server_error",
        "Azure DevOps has trouble",
        "Azure DevOps answered with an error of its own. It says nothing about the token.",
        "Wait and test again. The service status page tells about outages.",
        link="status",
    ),
    Problem(
        "answer_too_large",
        "Answer too large",
        "The answer was larger than we are willing to read.",
        "Test again. If it keeps happening, ask the operator of this product to look into its log.",
    ),
    Problem(
        "unexpected_answer",
        "Unexpected answer",
        "Something answered that does not speak like Azure DevOps. A proxy's own page is the usual cause.",
        "Ask the operator of this product to check AZURE_DEVOPS_SERVERS, AZURE_DEVOPS_PROXIES and HTTPS_PROXY.",
    ),
    Problem(
        "gateway_refused",
        "Refused on the way",
        "A firewall or gateway between this product and {server} refused the call. The refusal bears no mark of Azure "
        "DevOps, so it says nothing about the token.",
        "Ask the operator of this product whether its machine may reach the server, and through which proxy "
        "(AZURE_DEVOPS_PROXIES).",
        link="status",
    ),
    Problem(
        "foreign_page",
        "A page that is not Azure DevOps'",
        "Instead of an answer of {server} came a web page that is not Azure DevOps'. A proxy or firewall that blocks "
        "the call, or asks for a sign-in of its own, is the usual cause. It says nothing about the token.",
        "Ask the operator of this product to open the address from its machine, and to check AZURE_DEVOPS_SERVERS, "
        "AZURE_DEVOPS_PROXIES and HTTPS_PROXY.",
    ),
    Problem(
        "redirected",
        "Redirected to {host}",
        "The answer was a redirect to {host}, and not to the sign-in of Azure DevOps. It was not followed. The "
        "{place} may have been renamed, or a proxy blocks the call. It says nothing about the token.",
        "Open the {place} in a browser and look which name its address has. If the name is right, ask the "
        "operator of this product to check what stands between it and Azure DevOps.",
    ),
    Problem(
        "maintenance",
        "Azure DevOps is down for maintenance",
        "Azure DevOps says that it is not available at the moment. It says nothing about the token.",
        "Wait {wait} and test again. The service status page tells about maintenance and outages.",
        link="status",
    ),
    Problem(
        "contradiction",
        "Contradicting answers",
        "A higher scope seemed to be there while a lower one, which it contains, was refused.",
        "Test again. If it stays, check the scopes of the token at Azure DevOps.",
    ),
    Problem(
        "anonymous_answer",
        "Answered to nobody",
        "Azure DevOps answered without saying to whom, as it does for public projects. That proves nothing about "
        "the token.",
        "Test again. If it stays, choose {a_place} without public projects, or check the scope by hand.",
    ),
    Problem(
        "another_identity",
        "Another person answered",
        "Azure DevOps answered this call for another person than the one behind the token.",
        "Test again. If it stays, check what stands between this product and Azure DevOps.",
    ),
    Problem(
        "signed_refusal",
        "Refused in an unknown way",
        "Azure DevOps refused this call, and not in the way it refuses a missing scope.",
        "Test again. If it stays, check the scope of the token at Azure DevOps by hand.",
    ),
)
