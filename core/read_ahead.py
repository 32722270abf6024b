"""Read what comes next while something else is done with what came before."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """The same items in the same order, which another thread reads while earlier ones are used. A context manager.

    It reads until what waits is of the size `most` or more. What reading raises is raised after the items before it. At
    the end, it waits for the item that is being read and reads no more. Reading must not use the database: the other
    thread would need a connection to it of its own.
    """

    def __init__(self, items: Iterable[Item], *, most: int, size: Callable[[Item], int]) -> None:
        self._items, self._most, self._size = items, most, size
        self._waiting = deque[Item]()
        self._changed = Condition()
        self._has_ended = self._is_unwanted = False
        self._error: BaseException | None = None
        self._thread = Thread(target=copy_context().run, args=(self._read,), name="read-ahead")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._is_unwanted = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._has_ended)
                if not self._waiting:
                    break
                item = self._waiting.popleft()
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for item in self._items:
                if not self._keep(item):
                    break
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _keep(self, item: Item) -> bool:
        """Whether another one is wanted, once there is room for it."""
        with self._changed:
            self._waiting.append(item)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_unwanted or sum(map(self._size, self._waiting)) < self._most)
        return not self._is_unwanted
