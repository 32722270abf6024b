"""The operations of the REST API, version 1. Only the web process imports them, with django-ninja below."""
