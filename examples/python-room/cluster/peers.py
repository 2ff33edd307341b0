"""The other servers, and the way to each."""

import asyncio
from collections.abc import Sequence

import grpc
from nano.cluster.v1.record_pb2 import ServerRecord

from cluster.certificates import Certificates
from cluster.failure import Failure


class Peers:
    """The servers that the records tell of, with one connection to each that was ever called."""

    def __init__(self, tokens: Sequence[str], certificates: Certificates | None) -> None:
        """Without certificates the others are called without TLS."""
        self.metadata = [("authorization", f"Bearer {tokens[0]}")] if tokens else []
        """What every call between servers carries."""
        self._certificates = certificates
        self._records: Sequence[ServerRecord] = []
        self._channels: dict[int, grpc.aio.Channel] = {}

    def replace(self, records: Sequence[ServerRecord]) -> None:
        """Takes a new list; connections to servers that are gone are closed."""
        self._records = records
        there = {record.incarnation for record in records}
        for incarnation in self._channels.keys() - there:
            asyncio.create_task(self._channels.pop(incarnation).close())

    def of_type(self, type: str) -> list[ServerRecord]:
        return [record for record in self._records if record.type == type]

    def frontends(self) -> list[ServerRecord]:
        """Those that hold clients, each once, however many types it has."""
        return list({record.incarnation: record for record in self._records if record.frontend}.values())

    def channel(self, incarnation: int) -> grpc.aio.Channel:
        """The connection to a server. Raises Failure where no record tells of it."""
        if incarnation not in self._channels:
            record = next((record for record in self._records if record.incarnation == incarnation), None)
            if record is None:
                raise Failure(grpc.StatusCode.UNAVAILABLE, "the server is gone")
            open_channel = self._certificates.channel if self._certificates else grpc.aio.insecure_channel
            self._channels[incarnation] = open_channel(record.addresses[0])
        return self._channels[incarnation]

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
