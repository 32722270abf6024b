#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    if sys.argv[1:] == ["up"]:
        from orchestrator.supervisor.up import up

        up(Path(__file__).resolve().parent)
        sys.exit()
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        if settings.configured:
            raise
        # A setting could not be read: the sentence says which, and where it was noticed helps nobody.
        sys.exit(str(problem))
