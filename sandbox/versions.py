"""Negotiating the API version, and the errors if there is none.

https://learn.microsoft.com/rest/api/azure/devops/#versioning
"""

import re

from sandbox.editions import Version, spelled
from sandbox.http_messages import Answer, ErrorResponse, Request, error

_FORM = re.compile(r"(\d{1,3})\.(\d{1,3})(-preview(?:\.\d{1,3})?)?")
_IN_ACCEPT = re.compile(r"api-version=([^;,\s]+)")
_SERVICES = "Microsoft.VisualStudio.Services.WebApi"
_NEED_NONE = ("GET", "HEAD", "OPTIONS")


def agree(request: Request, *, released: Version | None) -> None:
    """Set the API version of the answer.

    `released` is the version in which the call stopped being a preview; None if it still is one. Raises
    `ErrorResponse`.
    """
    asked = request.query.get("api-version") or _accepted(request)
    edition = request.edition
    if not asked:
        if request.method not in _NEED_NONE:
            raise ErrorResponse(_not_said(request))
        # OPTIONS needs no version; reads without one use the newest.
        request.version = "" if request.method == "OPTIONS" else spelled(edition.released)
        return
    parts = _FORM.fullmatch(asked)
    if parts is None:
        raise ErrorResponse(_no_version(request, asked))
    version = (int(parts[1]), int(parts[2]))
    if version > edition.newest:
        raise ErrorResponse(_out_of_range(request, version))
    ripe = released is not None and released <= edition.released and version <= edition.released
    if not ripe and parts[3] is None:
        raise ErrorResponse(_preview(request, asked))
    request.version = asked


def _accepted(request: Request) -> str:
    match = _IN_ACCEPT.search(request.headers.get("accept", ""))
    return match[1] if match else ""


def _not_said(request: Request) -> Answer:
    text = (
        f'No api-version was supplied for the "{request.method}" request. The version must be supplied either '
        'as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter '
        '(e.g. "?api-version=1.0").'
    )
    return error(request, 400, text, "VssVersionNotSpecifiedException", _SERVICES)


def _no_version(request: Request, asked: str) -> Answer:
    text = (
        f'Invalid api version string: "{asked}". Api version string must be in the format: '
        "{Major}.{Minor}[-preview[.{ResourceVersion}]]."
    )
    return error(request, 400, text, "VssInvalidApiVersionException", _SERVICES)


def _out_of_range(request: Request, version: Version) -> Answer:
    text = (
        f"The requested REST API version of {spelled(version)} is out of range for this server. "
        f"The latest REST API version this server supports is {spelled(request.edition.newest)}."
    )
    return error(request, 400, text, "VssVersionOutOfRangeException", _SERVICES)


def _preview(request: Request, asked: str) -> Answer:
    text = (
        f'The requested version "{asked}" of the resource is under preview. The -preview flag must be supplied '
        f'in the api-version for such requests. For example: "{asked}-preview"'
    )
    return error(request, 400, text, "VssInvalidPreviewVersionException", _SERVICES)
