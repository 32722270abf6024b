"""The optional ways to sign in, on django-allauth. Nothing here is imported while they are switched off."""
