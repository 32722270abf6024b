"""The product's settings, with keys that are good for tests only."""

import os

os.environ.setdefault("STATIC_MANIFEST", "false")
os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-to-pass-the-deploy-check-0123456789")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "dGVzdHMtb25seS1rZXktMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=")
os.environ.setdefault("TOKEN_FINGERPRINT_KEY", "dGVzdHMtb25seS1maW5nZXJwcmludC1rZXktMTIzNDU2Nzg=")
os.environ.setdefault("EVENT_SEAL_KEYS", "dGVzdHMtb25seS1ldmVudC1zZWFsLWtleS0xMjM0NTY3ODk=")

from orchestrator.settings import *  # noqa: F403

# Rings a doorbell that nobody hears, so that no test meets a broker that happens to run on the machine.
CELERY_BROKER_URL = REDIS_URL or "memory://"  # noqa: F405
# Hashing well is slow by design, and Django's own tests prove it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
