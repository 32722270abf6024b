"""Negotiate the API version: ours, or the newest that an older server supports.

Azure DevOps Services supports ours. An older server rejects it and names its own. A rejected call changes nothing, so
it is repeated with that version, which the client remembers. The oldest supported server is Azure DevOps Server 2019.
https://learn.microsoft.com/rest/api/azure/devops/#api-and-tfs-version-mapping
"""

import re
from collections.abc import Sequence

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.text import cut

API_VERSION = "7.1"
OLDEST_SERVER = "Azure DevOps Server 2019"
_OLDEST = (5, 0)
_PREVIEW = "-preview"
_OUT_OF_RANGE = "out of range for this server"
_NEWEST_OF_SERVER = re.compile(r"supports is (\d{1,3})\.(\d{1,3})")


class Versions:
    """The versions that the server of a client supports, as far as known."""

    def __init__(self) -> None:
        self._newest: tuple[int, int] | None = None
        self._previews: set[str] = set()

    def spoken(self, wanted: str, path: Sequence[str]) -> str:
        """The version to use for a call that is written for `wanted`."""
        number, preview = wanted.removesuffix(_PREVIEW), wanted.endswith(_PREVIEW)
        if self._newest is not None and _numbers(number) > self._newest:
            number = "{}.{}".format(*self._newest)
        needs_preview = preview or (bool(self._previews) and _kind(path) in self._previews)
        return number + _PREVIEW if needs_preview else number

    def learn(self, answer: Response, *, spoken: str, path: Sequence[str]) -> bool:
        """Whether the answer rejects the version `spoken`, so that the call should be repeated.

        Raises `ServerTooOld` if the server supports no version that we do.
        """
        if answer.status != 400:
            return False
        if answer.type_key == "VssInvalidPreviewVersionException" and not spoken.endswith(_PREVIEW):
            self._previews.add(_kind(path))
            return True
        newest = _NEWEST_OF_SERVER.search(cut(answer.message).partition(_OUT_OF_RANGE)[2])
        if newest is None:
            return False
        supported = int(newest[1]), int(newest[2])
        if supported < _OLDEST:
            raise errors.ServerTooOld(
                detail=f"supports {supported[0]}.{supported[1]}", status=answer.status, activity_id=answer.activity_id
            )
        self._newest = supported
        return supported < _numbers(spoken.removesuffix(_PREVIEW))


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _kind(path: Sequence[str]) -> str:
    """The kind of a path: its words, without the ids."""
    return "/".join(part.lower() for part in path if part.isalpha())
