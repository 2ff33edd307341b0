"""Puts the parts together, and takes them apart in good order."""

import asyncio
import json
import logging
import secrets
import signal
import sys

from chat.v1 import chat_pb2
from nano.cluster.v1 import session_pb2
from nano.cluster.v1.record_pb2 import FORWARD_MODE_UNARY, SERVER_STATE_DRAINING, SERVER_STATE_READY, ServerRecord

from chat_room.flags import Flags, read_flags
from chat_room.report import report
from chat_room.rooms import TYPE, Rooms
from cluster.etcd import Etcd
from cluster.membership import Membership
from cluster.peers import Peers
from cluster.port import Port
from cluster.schema import read_schema

PROTOCOL = 1
# So long the others may take to hear that this server drains.
NOTICE_S = 1.0
GRACE_S = 10.0

log = logging.getLogger(__name__)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    sys.exit(asyncio.run(run(read_flags())))


async def run(flags: Flags) -> int:
    """Serves until SIGTERM, SIGINT, or another server takes the id; gives the exit code."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)

    schema = read_schema(flags.schema)
    peers = Peers(flags.tokens, flags.certificates)
    rooms = Rooms(peers)
    port = Port(flags.tokens, flags.certificates, peers)
    port.handlers(chat_pb2.DESCRIPTOR.services_by_name["RoomService"], {"Join": rooms.join, "Say": rooms.say})
    port.remotes(chat_pb2.DESCRIPTOR.services_by_name["RoomAdminService"], {"Stats": rooms.stats})
    port.events(session_pb2.DESCRIPTOR.services_by_name["SessionEventsService"], {"Closed": rooms.closed})
    address = await port.start(flags.cluster)

    record = ServerRecord(
        id=flags.id,
        incarnation=secrets.randbits(64) or 1,
        type=TYPE,
        types=[TYPE],
        addresses=[address],
        state=SERVER_STATE_READY,
        protocol=PROTOCOL,
        schema=schema.hash,
        forward=FORWARD_MODE_UNARY,
    )
    etcd = Etcd(flags.endpoints)
    membership = Membership(etcd, flags.prefix, record, schema, flags.tokens, changed=peers.replace)
    await membership.join()
    print("ready", json.dumps({"id": flags.id, "roles": [TYPE], "cluster": address}), flush=True)
    beside = [asyncio.create_task(rooms.sweep())]
    if flags.report_s:
        beside.append(asyncio.create_task(report(peers, flags.report_s)))

    waiting = [asyncio.create_task(event.wait()) for event in (stop, membership.fenced)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if membership.fenced.is_set():
        log.error("another server has taken the id %s", flags.id)
    else:
        await membership.say(SERVER_STATE_DRAINING)
        await asyncio.sleep(NOTICE_S)
    for task in beside:
        task.cancel()
    await port.stop(GRACE_S)
    await membership.leave()
    await peers.close()
    await etcd.close()
    return 1 if membership.fenced.is_set() else 0
