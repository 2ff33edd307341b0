"""What a call fails with when it is the caller who has to know."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc


class Failure(Exception):
    """Goes back to the caller with this code and these words."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@contextmanager
def passed_on() -> Iterator[None]:
    """What another server answers with in here is what the caller gets."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise Failure(error.code(), error.details() or "") from error
