"""The optional ways to sign in, built on django-allauth. Nothing here is imported while both are off."""
