"""Problems of requests to the REST API: who sends them, how they are written, and what they depend on."""

from connections.domain.problems.problem import Problem

_CREATE_ANOTHER = "Create another API token under “Your account”, and use that one."

PROBLEMS = (
    Problem(
        "api_token_missing",
        "API token missing",
        "The request carries no API token. Cookies are not looked at here.",
        "Send the header “Authorization: Bearer” with an API token. You create one under “Your account”.",
    ),
    Problem(
        "api_token_unknown",
        "API token unknown",
        "There is no such API token. It may be mistyped, or removed long after it ended.",
        f"Check that you copied all of it. {_CREATE_ANOTHER}",
    ),
    Problem("api_token_expired", "API token expired", "The API token has reached its expiry date.", _CREATE_ANOTHER),
    Problem("api_token_revoked", "API token revoked", "Someone revoked this API token.", _CREATE_ANOTHER),
    Problem(
        "api_token_owner_inactive",
        "Owner of the API token inactive",
        "The person who owns this API token cannot sign in here any more, so the token does not work either.",
        "Ask an administrator, or use the API token of someone else.",
    ),
    Problem(
        "not_permitted_by_token",
        "API token lacks a permission",
        "The owner of this API token may do this, but the token does not carry the permission.",
        "Create an API token with this permission under “Your account”.",
    ),
    Problem(
        "not_permitted_by_role",
        "Role lacks a permission",
        "The API token carries the permission, but the role of its owner does not include it.",
        "Ask an administrator for the role that includes it.",
    ),
    Problem(
        "limited_to_connections",
        "API token limited to connections",
        "This concerns more than the connections to which the API token is limited.",
        "Use an API token for all connections.",
    ),
    Problem(
        "too_many_requests",
        "Too many requests",
        "This API token has used up its requests for now. Nothing was changed.",
        "Wait as long as “Retry-After” says, then try again.",
    ),
    Problem(
        "host_unknown",
        "Unknown host name",
        "This site is not served under the host name in the address. Nothing was changed.",
        "Check the address. The site administrator can add the host name to ALLOWED_HOSTS.",
    ),
    Problem(
        "body_unreadable",
        "Body unreadable",
        "The body is not JSON in UTF-8, or it is nested too deeply. Nothing was changed.",
        "Send one JSON object.",
    ),
    Problem(
        "body_too_large",
        "Body too large",
        "No operation needs a body of this size. Nothing was changed.",
        "Send less.",
    ),
    Problem(
        "media_type_unsupported",
        "Media type not supported",
        "The body is not declared as JSON. Nothing was changed.",
        "Send the header “Content-Type: application/json”.",
    ),
    Problem(
        "input_invalid",
        "Input invalid",
        "A field is missing, unknown, or has a value that it cannot have. Nothing was changed.",
        "Correct the fields that are listed under “errors”.",
    ),
    Problem(
        "cursor_invalid",
        "Cursor invalid",
        "This cursor was not given out here, or for another order.",
        "Request the list without a cursor, then follow its links unchanged.",
    ),
    Problem(
        "address_unknown",
        "No such address",
        "The API has no operation at this address, or what it was about is gone.",
        "Check the address in the API reference.",
    ),
    Problem(
        "method_not_allowed",
        "Method not allowed",
        "The address exists, but not with this method. Nothing was changed.",
        "The header “Allow” lists the methods.",
    ),
    Problem(
        "precondition_missing",
        "Precondition missing",
        "This changes a connection, and the request does not say which version of it you read. Nothing was changed.",
        "Send the ETag of the connection as “If-Match”, or “*” to change whatever is there.",
    ),
    Problem(
        "idempotency_key_reused",
        "Idempotency key used twice",
        "This Idempotency-Key belongs to another request, with another body. Nothing was changed.",
        "Use a new key for each new request.",
    ),
    Problem(
        "idempotency_key_in_use",
        "Request under way",
        "A request with this Idempotency-Key is still running.",
        "Wait as long as “Retry-After” says, then try again with the same key.",
    ),
    Problem(
        "request_refused",
        "Request refused",
        "The request cannot be carried out as it is. Nothing was changed.",
        "Read “detail”, and change the request.",
    ),
)
