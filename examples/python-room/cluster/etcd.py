"""The few calls to etcd that a server of the cluster makes, on stubs made of etcd's own .proto file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
from etcd.api.etcdserverpb.rpc_pb2 import (
    Compare,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseRevokeRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    WatchCreateRequest,
    WatchRequest,
)
from etcd.api.etcdserverpb.rpc_pb2_grpc import KVStub, LeaseStub, WatchStub
from etcd.api.mvccpb.kv_pb2 import Event

CALL_TIMEOUT_S = 3.0

# A connection that is gone without a word is found out, though the watch only listens.
_OPTIONS = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 3_000), ("grpc.max_reconnect_backoff_ms", 1_500)]


class Etcd:
    """Calls raise grpc.aio.AioRpcError, at the latest after 3 s; the next one is made at another endpoint then."""

    def __init__(self, endpoints: Sequence[str]) -> None:
        self._channels = [grpc.aio.insecure_channel(endpoint, _OPTIONS) for endpoint in endpoints]

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()

    async def grant(self, seconds: int) -> int:
        """A new lease."""
        async with self._channel() as channel:
            granted = await LeaseStub(channel).LeaseGrant(LeaseGrantRequest(TTL=seconds), timeout=CALL_TIMEOUT_S)
        return granted.ID

    async def keep_alive(self, lease: int) -> bool:
        """Whether the lease was there still; if so, its time begins anew."""
        async with self._channel() as channel:
            call = LeaseStub(channel).LeaseKeepAlive(iter([LeaseKeepAliveRequest(ID=lease)]), timeout=CALL_TIMEOUT_S)
            return any([answer.TTL > 0 async for answer in call])

    async def revoke(self, lease: int) -> None:
        """Ends a lease, and with it the keys that hang on it."""
        async with self._channel() as channel:
            await LeaseStub(channel).LeaseRevoke(LeaseRevokeRequest(ID=lease), timeout=CALL_TIMEOUT_S)

    async def get(self, key: str) -> bytes | None:
        async with self._channel() as channel:
            answer = await KVStub(channel).Range(RangeRequest(key=key.encode()), timeout=CALL_TIMEOUT_S)
        return answer.kvs[0].value if answer.kvs else None

    async def list(self, prefix: str) -> tuple[dict[str, bytes], int]:
        """What lies under a prefix, and the revision of which that is."""
        request = RangeRequest(key=prefix.encode(), range_end=_behind(prefix))
        async with self._channel() as channel:
            answer = await KVStub(channel).Range(request, timeout=CALL_TIMEOUT_S)
        return {entry.key.decode(): entry.value for entry in answer.kvs}, answer.header.revision

    async def put(self, key: str, value: bytes, lease: int, where: bytes | None) -> bool:
        """Writes under a lease, where the key has this value, or None: is not there. Whether it did."""
        if where is None:
            fits = Compare(key=key.encode(), target=Compare.VERSION, result=Compare.EQUAL, version=0)
        else:
            fits = Compare(key=key.encode(), target=Compare.VALUE, result=Compare.EQUAL, value=where)
        write = RequestOp(request_put=PutRequest(key=key.encode(), value=value, lease=lease))
        async with self._channel() as channel:
            answer = await KVStub(channel).Txn(TxnRequest(compare=[fits], success=[write]), timeout=CALL_TIMEOUT_S)
        return answer.succeeded

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Event]:
        """What changes under a prefix from a revision on. Ends where etcd has forgotten the revision."""
        create = WatchCreateRequest(key=prefix.encode(), range_end=_behind(prefix), start_revision=revision)
        async with self._channel() as channel:
            call = WatchStub(channel).Watch()
            try:
                await call.write(WatchRequest(create_request=create))
                async for answer in call:
                    if answer.canceled:
                        return
                    for event in answer.events:
                        yield event
            finally:
                call.cancel()

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """The present endpoint. Where a call on it fails, the next one is asked from then on."""
        channel = self._channels[0]
        try:
            yield channel
        except grpc.aio.AioRpcError:
            if channel is self._channels[0]:
                self._channels.append(self._channels.pop(0))
            raise


def _behind(prefix: str) -> bytes:
    """The first key behind all that begin so: no prefix here ends with 0xff."""
    key = prefix.encode()
    return key[:-1] + bytes([key[-1] + 1])
