"""`manage.py openapi`: the OpenAPI document of the REST API, as it is committed in docs/openapi.json."""

import json
from typing import Any

from core.terminal import TerminalCommand


class Command(TerminalCommand):
    """Print the OpenAPI document."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it."""
        from api.v1.operations import document

        self.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False))
