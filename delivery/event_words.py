"""The words of events about repositories, builds and releases."""

from typing import Any

from connections import messages
from history.words import Words


def _refreshed(detail: dict[str, Any]) -> str:
    words = [f"{detail.get('repositories', 0)} in all, {detail.get('added', 0)} new, {detail.get('gone', 0)} gone"]
    if detail.get("problem"):
        words.insert(0, messages.problem(detail["problem"]).title)
    return ". ".join(words)


KINDS = {"repositories.refreshed": Words("Repositories brought in", "folder-git-2", "quiet", _refreshed)}
