"""A server's place in the cluster: its record, kept alive in etcd, and the records of all others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import grpc
from etcd.api.mvccpb.kv_pb2 import Event
from nano.cluster.v1.record_pb2 import ServerRecord, ServerState

from cluster.etcd import Etcd
from cluster.record import read_record, record_key, write_record
from cluster.schema import Schema

LEASE_S = 10
JOIN_TIMEOUT_S = 10.0
RETRY_S = 1.0

log = logging.getLogger(__name__)


class Membership:
    """Joins, stays until it is told to leave, and comes back by itself when etcd was away or has forgotten it."""

    def __init__(
        self,
        etcd: Etcd,
        prefix: str,
        record: ServerRecord,
        schema: Schema,
        tokens: Sequence[str],
        changed: Callable[[Sequence[ServerRecord]], None],
    ) -> None:
        """`changed` is told of all servers of the cluster, whenever one comes, goes or changes."""
        self.fenced = asyncio.Event()
        """Set when another server has taken the id: this one has to stop."""
        self._changed = changed
        self._etcd = etcd
        self._prefix = prefix
        self._record = record
        self._schema = schema
        self._tokens = tokens
        self._key = record_key(prefix, record)
        self._lease = 0
        self._written: bytes | None = None
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._listed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self) -> None:
        """Writes the record and reads those of the others. Raises TimeoutError where etcd does not answer within 10 s."""
        self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._follow())]
        async with asyncio.timeout(JOIN_TIMEOUT_S):
            while self._written is None:
                await asyncio.sleep(0.02)
            await self._listed.wait()

    async def say(self, state: ServerState) -> None:
        """Tells the others what state this server is in. Where etcd is away they hear of it when it is back."""
        self._record.state = state
        async with self._writing:
            value = self._value()
            try:
                if await self._etcd.put(self._key, value, self._lease, where=self._written):
                    self._written = value
                    return
            except grpc.aio.AioRpcError as error:
                log.warning("etcd does not hear of the new state: %s", error.details())
            self._register_soon()

    async def leave(self) -> None:
        """Takes the record away, at once for all others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._etcd.revoke(self._lease)
        except grpc.aio.AioRpcError as error:
            log.warning("the record stays until its lease is over: %s", error.details())

    async def _keep(self) -> None:
        """Keeps the lease alive. Whatever is lost is made anew."""
        while not self.fenced.is_set():
            try:
                self._wake.clear()
                if not self._lease or not await self._etcd.keep_alive(self._lease):
                    async with self._writing:
                        await self._register()
                await _at_most(self._wake.wait(), LEASE_S / 3)
            except grpc.aio.AioRpcError as error:
                log.warning("etcd is out of reach: %s", error.details())
                await asyncio.sleep(RETRY_S)

    async def _register(self) -> None:
        schema = self._schema.key(self._prefix)
        there = await self._etcd.get(schema)
        if there != self._schema.blob:
            await self._etcd.put(schema, self._schema.blob, lease=0, where=there)
        present = await self._etcd.get(self._key)
        # Whoever starts takes the id; whoever comes back to find it taken does not take it again.
        holder = self._read(present)
        if self._written is not None and holder is not None and holder.incarnation != self._record.incarnation:
            self.fenced.set()
            return
        lease = await self._etcd.grant(LEASE_S)
        value = self._value()
        if await self._etcd.put(self._key, value, lease, where=present):
            self._lease, self._written = lease, value
        else:
            self._register_soon()

    async def _follow(self) -> None:
        """Keeps the list of servers true: reads it whole, then hears of changes, and again where that breaks."""
        while True:
            try:
                entries, revision = await self._etcd.list(f"{self._prefix}/servers/")
                self._look(entries)
                async for event in self._etcd.watch(f"{self._prefix}/servers/", revision + 1):
                    if event.type == Event.DELETE:
                        entries.pop(event.kv.key.decode(), None)
                    else:
                        entries[event.kv.key.decode()] = event.kv.value
                    self._look(entries)
            except grpc.aio.AioRpcError as error:
                log.warning("etcd is out of reach: %s", error.details())
            await asyncio.sleep(RETRY_S)

    def _look(self, entries: dict[str, bytes]) -> None:
        records = (read_record(self._prefix, key, value, self._tokens) for key, value in entries.items())
        self._changed([record for record in records if record is not None])
        self._listed.set()
        if self._written is None:
            return
        own = self._read(entries.get(self._key))
        if own is None:
            # Somebody has taken the record away or spoilt it, or etcd has forgotten it.
            self._register_soon()
        elif own.incarnation != self._record.incarnation:
            self.fenced.set()

    def _register_soon(self) -> None:
        self._lease = 0
        self._wake.set()

    def _read(self, value: bytes | None) -> ServerRecord | None:
        return None if value is None else read_record(self._prefix, self._key, value, self._tokens)

    def _value(self) -> bytes:
        return write_record(self._key, self._record, self._tokens)


async def _at_most(waiting: Awaitable[object], seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        pass
