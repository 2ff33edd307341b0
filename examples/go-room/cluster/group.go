package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
)

const groupTimeout = 2 * time.Second

// Group is a group of sessions. Every frontend keeps the members that it holds, whichever server has added them.
type Group struct {
	name  *clusterv1.GroupName
	peers *Peers
}

// NewGroup gives the group of a name that belongs to a type of servers.
func NewGroup(serverType, name string, peers *Peers) Group {
	return Group{clusterv1.GroupName_builder{Type: serverType, Name: name}.Build(), peers}
}

// Push tells all members but these sessions, wherever they are. A frontend that does not take it is passed over.
func (g Group) Push(ctx context.Context, route string, message proto.Message, except ...string) error {
	body, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	request := clusterv1.PushGroupRequest_builder{Group: g.name, Route: route, Body: body}.Build()
	for _, session := range except {
		request.SetExcept(append(request.GetExcept(), []byte(session)))
	}
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	var pushing sync.WaitGroup
	for _, frontend := range g.peers.Frontends() {
		pushing.Add(1)
		go func() {
			defer pushing.Done()
			if _, err := g.peers.sessionsAt(frontend).PushGroup(ctx, request); err != nil {
				slog.Warn("a frontend does not take a push", "frontend", frontend.GetId(), "code", connect.CodeOf(err))
			}
		}()
	}
	pushing.Wait()
	return nil
}
