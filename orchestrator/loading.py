"""Loading without looking for garbage: nothing of it ever is, and the search takes a fifth of the time.

The settings hold the search back for whatever loads Django; it begins when all models are there. What was loaded by
then is never looked at again, so that processes which are forked later go on sharing its memory.
"""

import gc
from importlib import import_module


def begin() -> None:
    """From here on modules are loaded."""
    gc.disable()


def end() -> None:
    """From here on there is work, and garbage."""
    gc.freeze()
    gc.enable()


def load_pages(urls: str) -> None:
    """All that pages need, before the first one is asked for: `urls` is the module of their addresses."""
    begin()
    import_module(urls)
    end()
