#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    if sys.argv[1:2] == ["up"]:
        from orchestrator.supervisor.keys import make_keys_of, no_place

        try:
            make_keys_of(Path(__file__).resolve().parent)
        except OSError as problem:
            sys.exit(no_place(problem))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
