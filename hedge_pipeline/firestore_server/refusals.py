"""What is not done: a status code and a message, as Google's emulator words it where it refuses too."""

import grpc

from hedge_pipeline.firestore_server.wire import Message


class Refused(Exception):
    """The answer to a request that is not carried out."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def unknown_here(what: str) -> Refused:
    """Of what Firestore can and this server cannot."""
    return Refused(
        grpc.StatusCode.UNIMPLEMENTED,
        f"{what}: hedge_pipeline.firestore_server does not know it; Google's emulator does",
    )


def refuse_set_fields(request: Message, *names: str) -> None:
    """Refuse a request that asks for more than is known here.

    Args:
        request: a protobuf message.
        names: fields of it that must not be set.
    """
    for field, _ in request.ListFields():
        if field.name in names:
            raise unknown_here(f"{type(request).__name__}.{field.name}")
