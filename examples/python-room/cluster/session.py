"""A client's session, as its frontend tells of it with every call."""

from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from grpc.aio import ServicerContext
from nano.cluster.v1.link_pb2 import FieldPatch, SessionContext, SessionKey
from nano.cluster.v1.session_pb2 import AddToGroupRequest, BindRequest, PatchRequest, PushRequest
from nano.cluster.v1.session_pb2_grpc import SessionServiceStub

from cluster.deaths import Holder
from cluster.failure import Failure, passed_on
from cluster.groups import Group
from cluster.peers import Peers

HEADER = "nano-session-bin"
MOST_HEADER_BYTES = 4096
DEFAULT_TIMEOUT_S = 5.0

Data = TypeVar("Data", bound=Message)


class Session:
    """The session of one call.

    Its methods ask the frontend that holds the client, raise Failure with the code it answers, and end with the call's deadline.
    """

    def __init__(self, context: SessionContext, call: ServicerContext, peers: Peers) -> None:
        self.id = context.session
        self.user = context.user
        """Empty: not bound."""
        self.holder = Holder(context.frontend, context.incarnation)
        """The frontend that holds the client."""
        self.key = SessionKey(session=context.session, capability=context.capability)
        """The right to speak for the session; it is good until the session is over."""
        self._data = context.data
        self._call = call
        self._peers = peers

    def data(self, kind: type[Data]) -> Data:
        """What the servers know of the session, as it was when the message was sent."""
        return kind.FromString(self._data.get(kind.DESCRIPTOR.full_name, b""))

    async def bind(self, user: str) -> None:
        """Makes the session a user's. When it is done, whatever session the user had before is over."""
        with passed_on():
            await self._frontend().Bind(BindRequest(session=self.key, user=user), **self._options())
        self.user = user

    async def patch(self, data: Message) -> None:
        """Writes the fields that are set here into the session's data; the others stay."""
        patch = FieldPatch(type=data.DESCRIPTOR.full_name, fields=data.SerializeToString())
        with passed_on():
            await self._frontend().Patch(PatchRequest(session=self.key, patch=patch), **self._options())

    async def push(self, route: str, message: Message) -> None:
        """Tells the client something, ahead of the answer to this call."""
        request = PushRequest(session=self.key, route=route, body=message.SerializeToString())
        with passed_on():
            await self._frontend().Push(request, **self._options())

    async def enter(self, group: Group) -> None:
        """Makes the session a member: it gets what is pushed to the group from now on, until it is over."""
        with passed_on():
            await self._frontend().AddToGroup(AddToGroupRequest(session=self.key, group=group.name), **self._options())

    def _frontend(self) -> SessionServiceStub:
        return SessionServiceStub(self._peers.channel(self.holder.incarnation))

    def _options(self) -> dict[str, object]:
        return {"metadata": self._peers.metadata, "timeout": self._call.time_remaining() or DEFAULT_TIMEOUT_S}


def read_session(call: ServicerContext, peers: Peers) -> Session:
    """The session in a call's header. Raises Failure where there is none."""
    header = dict(call.invocation_metadata() or ()).get(HEADER, b"")
    try:
        if not 0 < len(header) <= MOST_HEADER_BYTES:
            raise DecodeError
        return Session(SessionContext.FromString(header), call, peers)
    except DecodeError:
        raise Failure(grpc.StatusCode.INVALID_ARGUMENT, f"a call to a handler carries its session in {HEADER}") from None
