"""The WSGI application that gunicorn serves."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from orchestrator.script_name import without_prefix
from orchestrator.supervisor.process_specs import PREPARATION_GATE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")

application = without_prefix(get_wsgi_application(), settings.SCRIPT_NAME)
# Load the pages' modules before gunicorn forks, so that the workers share the memory and the first request is fast.
# `make run` waits for its first page, and nobody has called the API by then.
import_module(settings.ROOT_URLCONF if PREPARATION_GATE in os.environ else settings.API_URLCONF)
