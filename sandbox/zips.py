"""Answers as zip files."""

import io
import zipfile
from collections.abc import Mapping
from urllib.parse import quote

from sandbox.http_messages import Answer, Request, raw

CONTENT_TYPE = "application/zip"
_MADE = (2026, 11, 2, 8, 0, 0)
_UNIX, _DOS = 3, 0
_REGULAR_FILE, _ARCHIVED = 0o100644 << 16, 0x20


def wants_zip(request: Request) -> bool:
    """Whether a zip file is requested, by `$format` or before JSON in the `Accept` header."""
    form = request.query.get("$format", "").lower()
    if form:
        return form == "zip"
    before_json = request.headers.get("accept", "").lower().partition("application/json")[0]
    return CONTENT_TYPE in before_json


def zip_answer(
    request: Request,
    name: str,
    files: Mapping[str, bytes],
    *,
    for_unix: bool = False,
    content_type: str = CONTENT_TYPE,
) -> Answer:
    """A zip file to be saved under a name, with the files by path. It is identical in every run."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, file in files.items():
            entry = zipfile.ZipInfo(path.lstrip("/"), _MADE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = (_UNIX, _REGULAR_FILE) if for_unix else (_DOS, _ARCHIVED)
            packed.writestr(entry, file)
    return download(raw(request, content.getvalue(), content_type), f"{name}.zip")


def download(answer: Answer, name: str) -> Answer:
    """The same answer, to be saved under a name. https://www.rfc-editor.org/rfc/rfc6266"""
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in name)
    plain = plain.replace("\\", "_").replace('"', "_")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Answer(answer.status, answer.body, [*answer.headers, ("Content-Disposition", disposition)])
