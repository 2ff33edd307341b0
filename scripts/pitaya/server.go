// A server of Pitaya itself, alone, in JSON: what its users have, for nano-cli and nano-bot to talk to. Built inside Pitaya's own module by
// scripts/try-pitaya.ts. Arguments: ports of TCP, WebSocket and TLS, and the files of a certificate and its key.
package main

import (
	"context"
	"errors"
	"os"
	"strings"

	pitaya "github.com/topfreegames/pitaya/v3/pkg"
	"github.com/topfreegames/pitaya/v3/pkg/acceptor"
	"github.com/topfreegames/pitaya/v3/pkg/component"
	"github.com/topfreegames/pitaya/v3/pkg/config"
	"github.com/topfreegames/pitaya/v3/pkg/groups"
)

// Room is exported, since Pitaya looks for methods of exported types only.
type Room struct {
	component.Base
	app pitaya.Pitaya
}

// Text is what is said.
type Text struct {
	Text string `json:"text"`
}

// Joined is who has joined, beside whom.
type Joined struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
}

// Join binds a session and makes it a member.
func (r *Room) Join(ctx context.Context, asked *Joined) (*Joined, error) {
	if asked.Name == "" {
		return nil, pitaya.Error(errors.New("a name is needed"), "ROOM-400", map[string]string{"field": "name"})
	}
	session := r.app.GetSessionFromCtx(ctx)
	if err := session.Bind(ctx, asked.Name); err != nil {
		return nil, err
	}
	if err := r.app.GroupAddMember(ctx, "room", asked.Name); err != nil {
		return nil, err
	}
	members, err := r.app.GroupMembers(ctx, "room")
	return &Joined{Name: asked.Name, Members: members}, err
}

// Say is a notify: all members hear it.
func (r *Room) Say(ctx context.Context, said *Text) {
	_ = r.app.GroupBroadcast(ctx, "room", "room", "room.said", said)
}

// Echo answers what was asked.
func (r *Room) Echo(_ context.Context, asked *Text) (*Text, error) {
	return asked, nil
}

func main() {
	settings := config.NewDefaultPitayaConfig()
	settings.Handler.Messages.Compression = true
	builder := pitaya.NewDefaultBuilder(true, "room", pitaya.Standalone, map[string]string{}, *settings)
	builder.AddAcceptor(acceptor.NewTCPAcceptor("127.0.0.1:" + os.Args[1]))
	builder.AddAcceptor(acceptor.NewWSAcceptor("127.0.0.1:" + os.Args[2]))
	builder.AddAcceptor(acceptor.NewTCPAcceptor("127.0.0.1:"+os.Args[3], os.Args[4], os.Args[5]))
	builder.Groups = groups.NewMemoryGroupService(builder.Config.Groups.Memory)
	app := builder.Build()
	defer app.Shutdown()
	if err := app.GroupCreate(context.Background(), "room"); err != nil {
		panic(err)
	}
	app.Register(&Room{app: app}, component.WithName("room"), component.WithNameFunc(strings.ToLower))
	app.Start()
}
