"""Settings of the optional ways to sign in: a second factor, and Microsoft Entra ID. Both are off by default.

See docs/decisions/0007-second-factor-and-entra.md.
"""

import importlib.util
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from orchestrator.environment import Environment

INSTALL = "python orchestrator/bootstrap.py sign-in"
IN_CONTAINERS = "PACKAGES=sign-in in .env and build a new image"
ENTRA = "entra"
# They accept accounts of any tenant and personal accounts, whose claims can't be trusted.
_ANY_TENANT = ("common", "organizations", "consumers")
_COMMON: dict[str, Any] = {
    "ALLAUTH": True,
    "ACCOUNT_ADAPTER": "people.sign_in.account.AccountAdapter",
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "ACCOUNT_LOGIN_METHODS": {"username"},
    "ACCOUNT_SIGNUP_FIELDS": ["username*"],
    "ACCOUNT_FORMS": {"reauthenticate": "people.sign_in.account.PasswordAgainForm"},
    # allauth counts in the cache of one process; our limits count in the database for all processes.
    "ACCOUNT_RATE_LIMITS": False,
}
_SECOND_FACTOR: dict[str, Any] = {
    "MFA_ADAPTER": "people.sign_in.second_factor.SecondFactorAdapter",
    "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
    "MFA_TOTP_ISSUER": "MFE Orchestrator",
    "MFA_REAUTHENTICATION_REQUIRED": True,
    "MFA_FORMS": {
        "authenticate": "people.sign_in.second_factor.CodeForm",
        "activate_totp": "people.sign_in.second_factor.ActivateForm",
        "reauthenticate": "people.sign_in.second_factor.CodeAgainForm",
    },
}


def read(env: Environment) -> dict[str, Any]:
    """The settings for SECOND_FACTOR and ENTRA_…. Raises `ImproperlyConfigured`."""
    second_factor = env.bool("SECOND_FACTOR", default=False)
    tenant = env.str("ENTRA_TENANT_ID", default="")
    switches: dict[str, Any] = {"SECOND_FACTOR": second_factor, "ENTRA": bool(tenant), "ALLAUTH": False}
    if not (second_factor or tenant):
        return switches
    if importlib.util.find_spec("allauth") is None:
        raise ImproperlyConfigured(
            f"SECOND_FACTOR and ENTRA_TENANT_ID need more packages. Run {INSTALL}; for containers, set {IN_CONTAINERS}."
        )
    return switches | _COMMON | _SECOND_FACTOR | (_entra(env, tenant) if tenant else {})


def apps_of(switches: dict[str, Any]) -> list[str]:
    """The apps that these settings need."""
    apps = ["allauth", "allauth.account"] if switches["ALLAUTH"] else []
    apps += ["allauth.mfa"] if switches["SECOND_FACTOR"] else []
    return apps + (
        ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"] if switches["ENTRA"] else []
    )


def _secret(env: Environment) -> str:
    secret = env.secret_line("ENTRA_CLIENT_SECRET")
    if not secret:
        raise ImproperlyConfigured("ENTRA_CLIENT_SECRET is not set.")
    return secret


def _entra(env: Environment, tenant: str) -> dict[str, Any]:
    if tenant.lower() in _ANY_TENANT:
        raise ImproperlyConfigured(f"ENTRA_TENANT_ID is {tenant}, which accepts any tenant. Set your own tenant's id.")
    authority = env.str("ENTRA_AUTHORITY", default="https://login.microsoftonline.com").rstrip("/")
    app = {
        "provider_id": ENTRA,
        "name": "Microsoft Entra ID",
        "client_id": env.str("ENTRA_CLIENT_ID"),
        "secret": _secret(env),
        "settings": {
            "server_url": f"{authority}/{tenant}/v2.0/.well-known/openid-configuration",
            # It is on another host of Microsoft's, and has nothing that the token does not have.
            "fetch_userinfo": False,
            "uid_field": "oid",
            "oauth_pkce_enabled": True,
            "token_auth_method": "client_secret_post",
        },
    }
    return {
        "SOCIALACCOUNT_ADAPTER": "people.sign_in.entra.EntraAccountAdapter",
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}},
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        # Our content security policy allows links, but not forms, to other sites.
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_REQUESTS_TIMEOUT": 10,
    }
