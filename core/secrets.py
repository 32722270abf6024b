"""A secret in memory: shown by nothing but an explicit `reveal()`."""

import hmac
from typing import NoReturn


class Secret:
    """Wraps the secret text. `repr`, `str`, `format` and pickle never show it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The text itself, for the few places that need it: signing a request, and encryption."""
        return self._secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._secret.encode(), other._secret.encode())

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled or copied.")
