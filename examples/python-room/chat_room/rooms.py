"""The rooms of the chat: who is in each, and what its members say to each other."""

import asyncio
from dataclasses import dataclass

import grpc
from chat.v1.chat_pb2 import (
    ChatSession,
    JoinedResponse,
    JoinRequest,
    JoinResponse,
    LeftResponse,
    RoomStats,
    SaidResponse,
    SayRequest,
    StatsRequest,
    StatsResponse,
)
from google.protobuf.empty_pb2 import Empty
from nano.cluster.v1.session_pb2 import ClosedRequest, ClosedResponse

from cluster.deaths import Deaths, Holder
from cluster.failure import Failure
from cluster.groups import Group
from cluster.peers import Peers
from cluster.session import Session

TYPE = "room"
MOST_CHARACTERS = 32
SWEEP_S = 1.0

# Routes are server.service.method.
JOINED = f"{TYPE}.room.joined"
LEFT = f"{TYPE}.room.left"
SAID = f"{TYPE}.room.said"


@dataclass(frozen=True)
class Place:
    """Where a session is, and who holds its client."""

    room: str
    name: str
    holder: Holder


class Rooms:
    """The handlers of chat.v1.RoomService and the remote of chat.v1.RoomAdminService."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._rooms: dict[str, dict[str, bytes]] = {}
        """The names in each room, each with the session that has it."""
        self._places: dict[bytes, Place] = {}
        """By session."""

    async def join(self, request: JoinRequest, session: Session) -> JoinResponse:
        room, name = request.room, request.name
        _check_text("room", room)
        _check_text("name", name)
        members = self._rooms.get(room, {})
        if name in members:
            if members[name] != session.id:
                raise Failure(grpc.StatusCode.ALREADY_EXISTS, f"{name} is in {room} already")
            return JoinResponse(members=members)
        if session.id in self._places:
            raise Failure(grpc.StatusCode.FAILED_PRECONDITION, "a session is in one room")
        # Before anything is waited for: nobody else gets the name meanwhile.
        self._enter(session.id, Place(room, name, session.holder))
        try:
            await session.bind(f"{room}/{name}")
            await session.patch(ChatSession(room=room))
            await session.enter(self._group(room))
        except BaseException:  # the deadline, too
            self._leave(session.id)
            raise
        await self._group(room).push(JOINED, JoinedResponse(name=name), but=[session.id])
        return JoinResponse(members=self._rooms.get(room, {}))

    async def say(self, request: SayRequest, session: Session) -> Empty:
        if not session.user:
            raise Failure(grpc.StatusCode.UNAUTHENTICATED, "join a room first")
        room = session.data(ChatSession).room
        name = session.user.removeprefix(f"{room}/")
        await self._group(room).push(SAID, SaidResponse(name=name, text=request.text))
        return Empty()

    async def closed(self, request: ClosedRequest) -> ClosedResponse:
        """A session is over: who was in a room by it has left."""
        await self._end(request.session)
        return ClosedResponse()

    async def stats(self, _request: StatsRequest) -> StatsResponse:
        return StatsResponse(rooms=[RoomStats(room=room, members=len(names)) for room, names in self._rooms.items()])

    async def sweep(self) -> None:
        """Ends the sessions of frontends that have died and so cannot say it."""
        deaths = Deaths(self._peers)
        while True:
            await asyncio.sleep(SWEEP_S)
            dead = deaths.among(place.holder for place in self._places.values())
            for session in [session for session, place in self._places.items() if place.holder in dead]:
                await self._end(session)

    async def _end(self, session: bytes) -> None:
        place = self._leave(session)
        if place is not None:
            await self._group(place.room).push(LEFT, LeftResponse(name=place.name))

    def _group(self, room: str) -> Group:
        return Group(TYPE, f"room/{room}", self._peers)

    def _enter(self, session: bytes, place: Place) -> None:
        self._rooms.setdefault(place.room, {})[place.name] = session
        self._places[session] = place

    def _leave(self, session: bytes) -> Place | None:
        place = self._places.pop(session, None)
        if place is not None:
            names = self._rooms[place.room]
            del names[place.name]
            if not names:
                del self._rooms[place.room]
        return place


def _check_text(what: str, text: str) -> None:
    if not 1 <= len(text) <= MOST_CHARACTERS:
        raise Failure(grpc.StatusCode.INVALID_ARGUMENT, f"a {what} has 1 to {MOST_CHARACTERS} characters")
