// Package chatroom is the chat's rooms.
package chatroom

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"

	chatv1 "nano.example/go-room/gen/chat/v1"
	"nano.example/go-room/gen/chat/v1/chatv1connect"
	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
	"nano.example/go-room/gen/nano/cluster/v1/clusterv1connect"

	"nano.example/go-room/cluster"
)

// Type is the type of the servers that have rooms.
const Type = "room"

// Routes are server.service.method.
const (
	routeJoined = Type + ".room.joined"
	routeLeft   = Type + ".room.left"
	routeSaid   = Type + ".room.said"
)

const (
	mostCharacters = 32
	sweepEvery     = time.Second
)

// Rooms are who is in each, and what they say to each other: the handlers of RoomService, the remote of RoomAdminService, and the end of sessions.
type Rooms struct {
	// The pushes, which nobody calls.
	chatv1connect.UnimplementedRoomServiceHandler
	// Whose a session is, the next message says.
	clusterv1connect.UnimplementedSessionEventsServiceHandler

	peers *cluster.Peers

	mu sync.Mutex
	// The names in each room, each with the session that has it.
	rooms map[string]map[string]string
	// By session.
	places map[string]place
}

// place is where a session is, and who holds its client.
type place struct {
	room, name string
	holder     cluster.Holder
}

// NewRooms is empty.
func NewRooms(peers *cluster.Peers) *Rooms {
	return &Rooms{peers: peers, rooms: map[string]map[string]string{}, places: map[string]place{}}
}

// Join enters a room under a name, and answers who is there.
func (r *Rooms) Join(ctx context.Context, request *chatv1.JoinRequest) (*chatv1.JoinResponse, error) {
	session := cluster.SessionOf(ctx)
	room, name := request.GetRoom(), request.GetName()
	for what, text := range map[string]string{"room": room, "name": name} {
		if length := utf8.RuneCountInString(text); length < 1 || length > mostCharacters {
			return nil, failure(connect.CodeInvalidArgument, "a %s has 1 to %d characters", what, mostCharacters)
		}
	}
	// Before anything is waited for: nobody else gets the name meanwhile.
	isNew, err := r.enter(session.ID, place{room, name, session.Holder})
	if err != nil {
		return nil, err
	}
	if isNew {
		if err := r.admit(ctx, session, room, name); err != nil {
			r.leave(session.ID)
			return nil, err
		}
		if err := r.group(room).Push(ctx, routeJoined, chatv1.JoinedResponse_builder{Name: name}.Build(), session.ID); err != nil {
			return nil, err
		}
	}
	return chatv1.JoinResponse_builder{Members: r.members(room)}.Build(), nil
}

// Say tells everyone in the room.
func (r *Rooms) Say(ctx context.Context, stream *connect.ClientStream[chatv1.SayRequest]) (*emptypb.Empty, error) {
	request, err := cluster.OneMessage(stream)
	if err != nil {
		return nil, err
	}
	session := cluster.SessionOf(ctx)
	if session.User == "" {
		return nil, failure(connect.CodeUnauthenticated, "join a room first")
	}
	var data chatv1.ChatSession
	if err := session.Data(&data); err != nil {
		return nil, failure(connect.CodeInvalidArgument, "the session's data cannot be read")
	}
	room := data.GetRoom()
	said := chatv1.SaidResponse_builder{Name: strings.TrimPrefix(session.User, room+"/"), Text: request.GetText()}.Build()
	return &emptypb.Empty{}, r.group(room).Push(ctx, routeSaid, said)
}

// Closed says that a session is over: who was in a room by it has left.
func (r *Rooms) Closed(ctx context.Context, request *clusterv1.ClosedRequest) (*clusterv1.ClosedResponse, error) {
	return &clusterv1.ClosedResponse{}, r.end(ctx, string(request.GetSession()))
}

// Stats counts the rooms of this server.
func (r *Rooms) Stats(context.Context, *chatv1.StatsRequest) (*chatv1.StatsResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var stats []*chatv1.RoomStats
	for room, names := range r.rooms {
		stats = append(stats, chatv1.RoomStats_builder{Room: room, Members: uint32(len(names))}.Build())
	}
	return chatv1.StatsResponse_builder{Rooms: stats}.Build(), nil
}

// Sweep ends the sessions of frontends that have died and so cannot say it, until the context is over.
func (r *Rooms) Sweep(ctx context.Context) {
	deaths := cluster.NewDeaths(r.peers)
	for every := time.Tick(sweepEvery); ; {
		select {
		case <-ctx.Done():
			return
		case <-every:
		}
		for _, dead := range deaths.Look(r.holders()) {
			for _, session := range r.sessionsOf(dead) {
				// Cannot fail: the message is our own.
				_ = r.end(ctx, session)
			}
		}
	}
}

func (r *Rooms) end(ctx context.Context, session string) error {
	place, was := r.leave(session)
	if !was {
		return nil
	}
	return r.group(place.room).Push(ctx, routeLeft, chatv1.LeftResponse_builder{Name: place.name}.Build())
}

// admit has the session's frontend do what makes it a member.
func (r *Rooms) admit(ctx context.Context, session *cluster.Session, room, name string) error {
	if err := session.Bind(ctx, room+"/"+name); err != nil {
		return err
	}
	if err := session.Patch(ctx, chatv1.ChatSession_builder{Room: room}.Build()); err != nil {
		return err
	}
	return session.Enter(ctx, r.group(room))
}

func (r *Rooms) group(room string) cluster.Group {
	return cluster.NewGroup(Type, "room/"+room, r.peers)
}

// enter says whether the session was not there before.
func (r *Rooms) enter(session string, at place) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if holder, taken := r.rooms[at.room][at.name]; taken {
		if holder != session {
			return false, failure(connect.CodeAlreadyExists, "%s is in %s already", at.name, at.room)
		}
		return false, nil
	}
	if _, elsewhere := r.places[session]; elsewhere {
		return false, failure(connect.CodeFailedPrecondition, "a session is in one room")
	}
	if r.rooms[at.room] == nil {
		r.rooms[at.room] = map[string]string{}
	}
	r.rooms[at.room][at.name] = session
	r.places[session] = at
	return true, nil
}

// leave says where the session was, and whether it was anywhere.
func (r *Rooms) leave(session string) (place, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, was := r.places[session]
	delete(r.places, session)
	delete(r.rooms[at.room], at.name)
	if len(r.rooms[at.room]) == 0 {
		delete(r.rooms, at.room)
	}
	return at, was
}

func (r *Rooms) members(room string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.rooms[room]))
}

func (r *Rooms) holders() map[cluster.Holder]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	holders := map[cluster.Holder]bool{}
	for _, at := range r.places {
		holders[at.holder] = true
	}
	return holders
}

func (r *Rooms) sessionsOf(holder cluster.Holder) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sessions []string
	for session, at := range r.places {
		if at.holder == holder {
			sessions = append(sessions, session)
		}
	}
	return sessions
}

func failure(code connect.Code, format string, values ...any) error {
	return connect.NewError(code, fmt.Errorf(format, values...))
}
