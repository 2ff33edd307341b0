"""Who is in the rooms of all servers, whatever language they are in."""

import asyncio
import json
import logging

import grpc
from chat.v1.chat_pb2 import StatsRequest
from chat.v1.chat_pb2_grpc import RoomAdminServiceStub

from cluster.peers import Peers

TIMEOUT_S = 2.0

log = logging.getLogger(__name__)


async def report(peers: Peers, every_s: float) -> None:
    """Asks every server of the type `room` again and again, and prints what they say."""
    while True:
        rooms: dict[str, dict[str, int]] = {}
        for record in peers.of_type("room"):
            stub = RoomAdminServiceStub(peers.channel(record.incarnation))
            try:
                stats = await stub.Stats(StatsRequest(), timeout=TIMEOUT_S, metadata=peers.metadata)
                rooms[record.id] = {stats.room: stats.members for stats in stats.rooms}
            except grpc.aio.AioRpcError as error:
                log.warning("%s does not say who is there: %s", record.id, error.code().name)
        print("rooms", json.dumps(rooms, sort_keys=True), flush=True)
        await asyncio.sleep(every_s)
