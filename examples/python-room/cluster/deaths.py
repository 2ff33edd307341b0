"""Frontends that have died, and so cannot say that their sessions are over."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from cluster.membership import LEASE_S
from cluster.peers import Peers


class Holder(NamedTuple):
    """A frontend that holds clients. One that comes again under its id is another incarnation."""

    id: str
    incarnation: int


class Deaths:
    """It sees how long a frontend is away by being asked every second or so."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._missing: dict[Holder, float] = {}
        """Since when."""

    def among(self, holders: Iterable[Holder]) -> set[Holder]:
        """Those that have had no record for as long as a lease, or have come again as another incarnation."""
        there = {Holder(record.id, record.incarnation) for record in self._peers.frontends()}
        ids = {holder.id for holder in there}
        now = time.monotonic()
        self._missing = {holder: self._missing.get(holder, now) for holder in set(holders) - there}
        return {holder for holder, since in self._missing.items() if holder.id in ids or now - since >= LEASE_S}
