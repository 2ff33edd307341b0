"""Groups of sessions: every frontend keeps the members that it holds, whichever server has added them."""

import asyncio
import logging
from collections.abc import Sequence

import grpc
from google.protobuf.message import Message
from nano.cluster.v1.link_pb2 import GroupName
from nano.cluster.v1.session_pb2 import PushGroupRequest
from nano.cluster.v1.session_pb2_grpc import SessionServiceStub

from cluster.peers import Peers

TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


class Group:
    def __init__(self, type: str, name: str, peers: Peers) -> None:
        self.name = GroupName(type=type, name=name)
        self._peers = peers

    async def push(self, route: str, message: Message, but: Sequence[bytes] = ()) -> None:
        """Tells all members but these sessions, wherever they are. A frontend that cannot be reached is passed over."""
        # `except` is a word of Python's own.
        request = PushGroupRequest(group=self.name, route=route, body=message.SerializeToString(), **{"except": but})

        async def to(stub: SessionServiceStub, id: str) -> None:
            try:
                await stub.PushGroup(request, metadata=self._peers.metadata, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                log.warning("%s does not take a push: %s", id, error.code().name)

        frontends = self._peers.frontends()
        await asyncio.gather(*(to(SessionServiceStub(self._peers.channel(one.incarnation)), one.id) for one in frontends))
