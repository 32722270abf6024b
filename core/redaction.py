"""Takes secrets out of text: tokens, authorization headers, passwords in addresses, and addresses that are secrets."""

import re

REDACTED = "[redacted]"
# The older form of a personal access token. https://github.com/microsoft/security-utilities (SEC101/102)
OLDER_FORM = r"[a-z2-7]{52}"
_SECRETS = re.compile(
    # A password in an address, such as a proxy's or a database's.
    r"(?<=://)[^\s/:@]*:[^\s/]*(?=@)"
    r"|\b(?i:basic|bearer)(?:\s|%20|\+)+[A-Za-z0-9+/=._~%-]{16,}"
    # An access token of Microsoft Entra: a JSON Web Token, which begins with {" in base64.
    r"|(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2}))eyJ[A-Za-z0-9_-]{13,}(?:\.[A-Za-z0-9_=-]*){1,4}"
    # Today's form, and both forms in base64, whatever stands before them: their letters and digits need no others.
    r"|[A-Za-z0-9]{70,}={0,2}"
    # The older form, also after an encoded letter such as %3A.
    rf"|(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}})){OLDER_FORM}(?![A-Za-z0-9])"
    # A client secret of Microsoft Entra. https://github.com/microsoft/security-utilities (SEC101/156)
    r"|[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"
    # A token of our own API.
    r"|mfeo_[A-Za-z0-9]{30,}"
    # A Slack webhook, the signature in the URL of a Teams workflow, and the key that signs webhooks.
    r"|(?<=hooks\.slack\.com/)[A-Za-z0-9/_-]{8,}"
    r"|(?<=[?&]sig=)[A-Za-z0-9%_-]{8,}"
    r"|whsec_[A-Za-z0-9+/=]{16,}"
)
# Further secrets: private keys, tokens of GitHub, GitLab and Slack, keys in connection strings.
_OTHER_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"|PuTTY-User-Key-File-\d"
    r"|gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|(?i:accountkey|sharedaccesskey|client_?secret|password|pwd)\s?=\s?[^\s;]{8,}"
)
# Whoever knows one of these addresses may use it, so it is a secret like a token.
_SECRET_ADDRESSES = re.compile(r"(/(?:calendar|reminders/stop|password/choose/[^/\s]+)/)[^/\s\"'?&#]+")


def redact(text: str) -> str:
    """The text without anything that looks like a token, an authorization header or a password in an address."""
    return _SECRETS.sub(REDACTED, text)


def clean(text: str) -> str:
    """The text without anything that looks like a token, an authorization header or a secret address."""
    return _SECRET_ADDRESSES.sub(rf"\1{REDACTED}", redact(text))


# Each secret above contains one of these, in lower case, or a long word. Most texts have none, which is found sooner.
_MARKS = ("@", "basic", "bearer", "eyj", "q~", "mfeo_", "hooks.slack.com/", "sig=", "whsec_")
_OTHER_MARKS = ("-----begin", "putty", "gh", "github_pat_", "glpat-", "xox", "key", "secret", "password", "pwd")
_LONG_WORD = re.compile(r"[A-Za-z0-9]{52}")


def holds_secret(text: str) -> bool:
    """Whether a part of the text looks like a secret, for fields that must hold none."""
    folded = text.casefold()
    if any(map(folded.__contains__, _MARKS)) or _LONG_WORD.search(text):
        return _SECRETS.search(text) is not None or _OTHER_SECRETS.search(text) is not None
    return any(map(folded.__contains__, _OTHER_MARKS)) and _OTHER_SECRETS.search(text) is not None
