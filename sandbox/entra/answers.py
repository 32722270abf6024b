"""What all answers of Microsoft Entra in JSON have in common."""

import json
from typing import Any

from sandbox.http_messages import JSON, Answer

_NO_STORE = (("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"), ("Expires", "-1"))


def json_answer(body: dict[str, Any], *, status: int = 200) -> Answer:
    """An answer that may not be stored."""
    return Answer(status, json.dumps(body).encode(), [*_NO_STORE, ("Content-Type", JSON)])
