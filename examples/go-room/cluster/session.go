package cluster

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
	"nano.example/go-room/gen/nano/cluster/v1/clusterv1connect"
)

const (
	sessionHeader   = "Nano-Session-Bin"
	mostHeaderBytes = 4096
	// For what a call without a deadline asks of a frontend.
	frontendTimeout = 5 * time.Second
)

// Session is a client's session, as its frontend tells of it with every call.
//
// Its methods ask that frontend, fail with the code that it answers, and end with the call's deadline.
type Session struct {
	// ID has 16 bytes.
	ID string
	// User is empty where the session is not bound.
	User string
	// Holder is the frontend that holds the client.
	Holder Holder

	key   *clusterv1.SessionKey
	data  map[string][]byte
	peers *Peers
}

// Data reads what the servers know of the session, as it was when the message was sent.
func (s *Session) Data(into proto.Message) error {
	return proto.Unmarshal(s.data[nameOf(into)], into)
}

// Bind makes the session a user's. When it is done, whatever session the user had before is over.
func (s *Session) Bind(ctx context.Context, user string) error {
	return s.ask(ctx, func(ctx context.Context, frontend clusterv1connect.SessionServiceClient) error {
		_, err := frontend.Bind(ctx, clusterv1.BindRequest_builder{Session: s.key, User: user}.Build())
		return err
	})
}

// Patch writes the fields that are set here into the session's data; the others stay.
func (s *Session) Patch(ctx context.Context, data proto.Message) error {
	fields, err := proto.Marshal(data)
	if err != nil {
		return err
	}
	return s.ask(ctx, func(ctx context.Context, frontend clusterv1connect.SessionServiceClient) error {
		patch := clusterv1.FieldPatch_builder{Type: nameOf(data), Fields: fields}.Build()
		_, err := frontend.Patch(ctx, clusterv1.PatchRequest_builder{Session: s.key, Patch: patch}.Build())
		return err
	})
}

// Push tells the client something, ahead of the answer to this call.
func (s *Session) Push(ctx context.Context, route string, message proto.Message) error {
	body, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	return s.ask(ctx, func(ctx context.Context, frontend clusterv1connect.SessionServiceClient) error {
		_, err := frontend.Push(ctx, clusterv1.PushRequest_builder{Session: s.key, Route: route, Body: body}.Build())
		return err
	})
}

// Enter makes the session a member: it gets what is pushed to the group from now on, until it is over.
func (s *Session) Enter(ctx context.Context, group Group) error {
	return s.ask(ctx, func(ctx context.Context, frontend clusterv1connect.SessionServiceClient) error {
		_, err := frontend.AddToGroup(ctx, clusterv1.AddToGroupRequest_builder{Session: s.key, Group: group.name}.Build())
		return err
	})
}

func (s *Session) ask(ctx context.Context, what func(context.Context, clusterv1connect.SessionServiceClient) error) error {
	frontend, err := s.peers.frontend(s.Holder.Incarnation)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, frontendTimeout)
	defer cancel()
	return passedOn(what(ctx, frontend))
}

// passedOn is what our own caller gets: a frontend's words as they are, and none of those about addresses and sockets.
func passedOn(err error) error {
	if err == nil {
		return nil
	}
	code := connect.CodeOf(err)
	var answered *connect.Error
	if connect.IsWireError(err) && errors.As(err, &answered) {
		return connect.NewError(code, errors.New(answered.Message()))
	}
	return connect.NewError(code, errors.New("the client's frontend does not answer"))
}

type sessionKey struct{}

// SessionOf gives the session of a call to a handler.
func SessionOf(ctx context.Context) *Session {
	return ctx.Value(sessionKey{}).(*Session)
}

// readSession fails where a call's header has none.
func readSession(header http.Header, peers *Peers) (*Session, error) {
	encoded := header.Get(sessionHeader)
	bytes, err := connect.DecodeBinaryHeader(encoded)
	told := new(clusterv1.SessionContext)
	if err != nil || len(bytes) == 0 || len(bytes) > mostHeaderBytes || proto.Unmarshal(bytes, told) != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("a call to a handler carries its session in "+sessionHeader))
	}
	return &Session{
		ID:     string(told.GetSession()),
		User:   told.GetUser(),
		Holder: Holder{told.GetFrontend(), told.GetIncarnation()},
		key:    clusterv1.SessionKey_builder{Session: told.GetSession(), Capability: told.GetCapability()}.Build(),
		data:   told.GetData(),
		peers:  peers,
	}, nil
}

func nameOf(message proto.Message) string {
	return string(message.ProtoReflect().Descriptor().FullName())
}
