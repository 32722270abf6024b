"""Answers of intermediaries between a client and Azure DevOps: gateways, web filters, redirects.

They have none of the headers of Azure DevOps. Their form is inferred: every product has its own.
"""

import json
from urllib.parse import quote

from sandbox.http_messages import JSON, Answer, Request

_HTML = "text/html; charset=utf-8"
FILTER = "https://webfilter.example.com"
# The host to which the service redirects people to sign in; the digits differ by region.
SIGN_IN_HOST = "https://spsprodeus21.vssps.visualstudio.com"


def _page(status: int, title: str, text: str) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Answer(status, page.encode(), [("Content-Type", _HTML)])


def block_page() -> Answer:
    """200 and a page, as a web filter shows it."""
    return _page(200, "Web page blocked", "Access to this address is not allowed by the policy of your company.")


def gateway_refusal(variant: str) -> Answer:
    """403 as plain text, empty, as JSON without a typeKey, or as a page."""
    if variant == "empty":
        return Answer(403)
    if variant == "json":
        body = {"error": "forbidden", "message": "Request blocked by policy."}
        return Answer(403, json.dumps(body).encode(), [("Content-Type", JSON)])
    if variant == "page":
        return _page(403, "403 Forbidden", "Request blocked by policy.")
    return Answer(403, b"Request blocked by policy.", [("Content-Type", "text/plain")])


def redirect(request: Request, variant: str) -> Answer:
    """302 to a web filter, to the organization's new name, or to a sign-in page of this host or of the service."""
    organization, *rest = request.path or [""]
    below = "/".join(quote(part) for part in rest)
    sign_in = f"_signin?realm=dev.azure.com&reply_to={quote(request.base_url, safe='')}"
    locations = {
        "block_page": f"{FILTER}/blocked?category=developer-tools",
        "renamed": f"{request.base_url}/{quote(organization)}-renamed/{below}",
        "sign_in": f"{request.base_url}/{sign_in}",
        "sign_in_host": f"{SIGN_IN_HOST}/{sign_in}",
    }
    return Answer(302, b"", [("Location", locations[variant])])
