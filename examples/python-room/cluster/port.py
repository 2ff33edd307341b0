"""The cluster port: handlers for clients and remotes for servers, as plain gRPC methods."""

import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import ServicerContext

from cluster.certificates import Certificates, of_frontend
from cluster.failure import Failure
from cluster.peers import Peers
from cluster.session import Session, read_session

MAX_MESSAGE_BYTES = 1_048_576

Handler = Callable[[Any, Session], Awaitable[Message]]
Remote = Callable[[Any], Awaitable[Message]]
_Answer = Callable[[Any, ServicerContext], Awaitable[Message]]

log = logging.getLogger(__name__)


class Port:
    """Where frontends and other servers call this one."""

    def __init__(self, tokens: Sequence[str], certificates: Certificates | None, peers: Peers) -> None:
        """Lets in who shows one of the tokens; everybody where there are none. Without certificates it speaks no TLS."""
        self._certificates = certificates
        self._peers = peers
        self._server = grpc.aio.server(
            interceptors=[_Doorkeeper(tokens)] if tokens else [],
            options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.so_reuseport", 0)],
        )

    def handlers(self, service: ServiceDescriptor, handlers: Mapping[str, Handler]) -> None:
        """What clients may call, by the names of methods."""

        def answer(handler: Handler) -> _Answer:
            async def answered(request: Any, context: ServicerContext) -> Message:
                _check_frontend(context)
                return await handler(request, read_session(context, self._peers))

            return answered

        self._serve(service, {name: answer(handler) for name, handler in handlers.items()})

    def events(self, service: ServiceDescriptor, events: Mapping[str, Remote]) -> None:
        """What frontends tell, by the names of methods."""

        def answer(event: Remote) -> _Answer:
            async def answered(request: Any, context: ServicerContext) -> Message:
                _check_frontend(context)
                return await event(request)

            return answered

        self._serve(service, {name: answer(event) for name, event in events.items()})

    def remotes(self, service: ServiceDescriptor, remotes: Mapping[str, Remote]) -> None:
        """What servers may call, by the names of methods."""

        def answer(remote: Remote) -> _Answer:
            async def answered(request: Any, _context: ServicerContext) -> Message:
                return await remote(request)

            return answered

        self._serve(service, {name: answer(remote) for name, remote in remotes.items()})

    def _serve(self, service: ServiceDescriptor, answers: Mapping[str, _Answer]) -> None:
        methods = {name: _method(service.methods_by_name[name], answer) for name, answer in answers.items()}
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service.full_name, methods)])

    async def start(self, listen: str) -> str:
        """Begins to listen. Port 0 picks one; the answer is the address that came of it."""
        host, _, _ = listen.rpartition(":")
        if self._certificates is None:
            port = self._server.add_insecure_port(listen)
        else:
            port = self._server.add_secure_port(listen, self._certificates.serving())
        await self._server.start()
        return f"{host}:{port}"

    async def stop(self, grace_s: float) -> None:
        """Takes nothing new, and gives what is in flight so long to finish."""
        await self._server.stop(grace_s)


def _check_frontend(call: ServicerContext) -> None:
    if not of_frontend(call):
        raise Failure(grpc.StatusCode.PERMISSION_DENIED, "the certificate is not a frontend's")


def _method(method: MethodDescriptor, answer: _Answer) -> grpc.RpcMethodHandler:
    """A request is a unary call, a notify a stream of exactly one message.

    The bytes are read here and not by grpc, to which a body that cannot be read is an internal error.
    """
    kind = GetMessageClass(method.input_type)

    async def request(body: bytes, context: ServicerContext) -> bytes:
        try:
            answered = await answer(kind.FromString(body), context)
            return answered.SerializeToString()
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the body is no {method.input_type.full_name}")
        except Failure as failure:
            await context.abort(failure.code, failure.message)
        except Exception:
            log.exception("%s failed", method.full_name)
            await context.abort(grpc.StatusCode.INTERNAL, "internal error")
        raise AssertionError("abort raises")

    async def notify(bodies: AsyncIterator[bytes], context: ServicerContext) -> bytes:
        received = []
        async for body in bodies:
            received.append(body)
            if len(received) > 1:
                break
        if len(received) != 1:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a notify is a stream of one message")
        return await request(received[0], context)

    return (
        grpc.stream_unary_rpc_method_handler(notify) if method.client_streaming else grpc.unary_unary_rpc_method_handler(request)
    )


class _Doorkeeper(grpc.aio.ServerInterceptor):
    """Nobody comes in without a token of the cluster; without one nothing of a body is read."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._headers = [f"Bearer {token}".encode() for token in tokens]

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        given = str(dict(details.invocation_metadata).get("authorization", ""))
        if any([hmac.compare_digest(header, given.encode()) for header in self._headers]):
            return await continuation(details)
        return grpc.stream_stream_rpc_method_handler(_refuse)


async def _refuse(_bodies: AsyncIterator[bytes], context: ServicerContext) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token of the cluster is missing or wrong")
