"""Cases of one test: each is tried whatever became of the others, and those that failed are told together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Cases:
    def __init__(self) -> None:
        self._failed: list[str] = []

    def __enter__(self) -> Cases:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            assert not self._failed, "\n".join([f"{len(self._failed)} cases failed", *self._failed])

    @contextmanager
    def case(self, name: object) -> Iterator[None]:
        try:
            yield
        except AssertionError as failure:
            self._failed.append(f"{name}: {failure}")
