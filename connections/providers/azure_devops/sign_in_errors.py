"""Why the sign-in of a person at Microsoft Entra led to no access token.

    SignInRefused                 sign_in_refused
    ├── SignInDeclined            sign_in_declined
    ├── SignInNotConsented        sign_in_not_consented
    ├── SignInAddressUnknown      sign_in_address_unknown
    ├── SignInTooLate             sign_in_too_late
    ├── SignInNeedsProof          sign_in_needs_proof
    ├── SignInOfAnotherTenant     sign_in_of_another_tenant
    ├── SignInBlocked             sign_in_blocked
    ├── SignInScopesMissing       sign_in_scopes_missing
    └── SignInMisconfigured       sign_in_misconfigured

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from connections.providers.azure_devops.errors import AzureDevOpsError


class SignInRefused(AzureDevOpsError, code="sign_in_refused"):
    """Microsoft Entra issues no access token for this person. `support` has its number and ids."""


class SignInDeclined(SignInRefused, code="sign_in_declined"):
    """The person declined."""


class SignInNotConsented(SignInRefused, code="sign_in_not_consented"):
    """The application may not ask for these permissions, or an administrator has to consent."""


class SignInAddressUnknown(SignInRefused, code="sign_in_address_unknown"):
    """The redirect address is not registered with the application."""


class SignInTooLate(SignInRefused, code="sign_in_too_late"):
    """The authorization code was used already, or it is too old."""


class SignInNeedsProof(SignInRefused, code="sign_in_needs_proof"):
    """Microsoft Entra wants another factor or another device."""


class SignInOfAnotherTenant(SignInRefused, code="sign_in_of_another_tenant"):
    """The account is not one of this tenant."""


class SignInBlocked(SignInRefused, code="sign_in_blocked"):
    """Conditional access blocks the sign-in."""


class SignInScopesMissing(SignInRefused, code="sign_in_scopes_missing"):
    """Fewer permissions were granted than renewing needs."""


class SignInMisconfigured(SignInRefused, code="sign_in_misconfigured"):
    """The registered application or its secret is not accepted."""


_NUMBERS: dict[type[SignInRefused], tuple[int, ...]] = {
    SignInDeclined: (65004,),
    SignInNotConsented: (65001, 650057, 90094, 90095),
    SignInAddressUnknown: (50011,),
    SignInTooLate: (54005, 70008, 501481, 700082, 70043, 50173),
    SignInNeedsProof: (50076, 50079, 50072, 50158, 50131),
    SignInOfAnotherTenant: (50034, 50020, 50014, 51004, 9002332),
    SignInBlocked: (53003, 530032, 530035),
    SignInMisconfigured: (
        *(7000215, 7000222, 700016, 700011, 90002, 900023, 7000112, 70001, 7000218, 700025, 70011, 700022),
        *(500011, 650052, 90038, 900382),
    ),
}
BY_NUMBER = {number: kind for kind, numbers in _NUMBERS.items() for number in numbers}
BY_WORD: dict[str, type[SignInRefused]] = {
    "access_denied": SignInDeclined,
    "consent_required": SignInNotConsented,
    "interaction_required": SignInNeedsProof,
    "login_required": SignInNeedsProof,
    "unauthorized_client": SignInMisconfigured,
    "invalid_scope": SignInMisconfigured,
}
