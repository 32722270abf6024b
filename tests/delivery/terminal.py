"""A terminal, as scripts have one."""

import json
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command


def run(*words: str) -> tuple[int, Any]:
    """The exit code, and what was printed: JSON where it is."""
    out = StringIO()
    code = 0
    try:
        call_command(*words, stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    except CommandError as end:
        code = end.returncode
    text = out.getvalue()
    return code, json.loads(text) if "--json" in words and text.strip() else text
