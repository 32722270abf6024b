"""The verbs of `manage.py connections`, by what they are about."""
