"""A personal access token in memory: shown by nothing but an explicit `reveal()`."""

import hmac
from typing import NoReturn


class PersonalAccessToken:
    """Wraps the secret text. `repr`, `str`, `format` and pickle never show it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The text itself, for the two places that need it: the request and the key ring."""
        return self._secret

    def __repr__(self) -> str:
        return "PersonalAccessToken(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PersonalAccessToken):
            return NotImplemented
        return hmac.compare_digest(self._secret.encode(), other._secret.encode())

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not pickled or copied.")
