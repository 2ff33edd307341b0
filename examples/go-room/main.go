// Command go-room is a server of the chat's rooms: bin/go-room --id go-1 --discovery etcd://127.0.0.1:2379
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"nano.example/go-room/gen/chat/v1/chatv1connect"
	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
	"nano.example/go-room/gen/nano/cluster/v1/clusterv1connect"

	"nano.example/go-room/chatroom"
	"nano.example/go-room/cluster"
)

const (
	protocol    = 1
	joinTimeout = 10 * time.Second
	// So long the others may take to hear that this server drains.
	notice = time.Second
	grace  = 10 * time.Second
)

func main() {
	flags := chatroom.ReadFlags()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, flags); err != nil {
		slog.Error("go-room ends", "reason", err)
		os.Exit(1)
	}
}

// run serves until the context is over, or another server takes the id.
func run(ctx context.Context, flags chatroom.Flags) error {
	schema, err := cluster.ReadSchema(flags.Schema)
	if err != nil {
		return err
	}
	peers := cluster.NewPeers(flags.Tokens, flags.Certificates)
	rooms := chatroom.NewRooms(peers)
	port := cluster.NewPort(flags.Tokens, flags.Certificates, peers)
	port.Handlers(chatv1connect.NewRoomServiceHandler(rooms, cluster.ServeOptions))
	port.Remotes(chatv1connect.NewRoomAdminServiceHandler(rooms, cluster.ServeOptions))
	port.Events(clusterv1connect.NewSessionEventsServiceHandler(rooms, cluster.ServeOptions))
	address, err := port.Listen(flags.Cluster)
	if err != nil {
		return err
	}
	defer port.Stop(grace)

	etcd, err := clientv3.New(clientv3.Config{
		Endpoints:            flags.Endpoints,
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 3 * time.Second,
	})
	if err != nil {
		return err
	}
	defer etcd.Close()
	membership := cluster.NewMembership(etcd, flags.Prefix, clusterv1.ServerRecord_builder{
		Id:          flags.ID,
		Incarnation: max(rand.Uint64(), 1),
		Type:        chatroom.Type,
		Types:       []string{chatroom.Type},
		Addresses:   []string{address},
		State:       clusterv1.ServerState_SERVER_STATE_READY,
		Protocol:    protocol,
		Schema:      schema.Hash,
		Forward:     clusterv1.ForwardMode_FORWARD_MODE_UNARY,
	}.Build(), schema, flags.Tokens)
	membership.Changed = peers.Replace

	working, end := context.WithCancel(context.Background())
	defer end()
	staying := make(chan error, 1)
	go func() { staying <- membership.Stay(working) }()
	select {
	case <-membership.Joined():
	case <-time.After(joinTimeout):
		return errors.New("etcd does not answer")
	case <-ctx.Done():
		return nil
	}
	ready, err := json.Marshal(map[string]any{"id": flags.ID, "roles": []string{chatroom.Type}, "cluster": address})
	if err != nil {
		return err
	}
	fmt.Printf("ready %s\n", ready)
	go rooms.Sweep(ctx)
	if flags.Report > 0 {
		go chatroom.Report(ctx, peers, flags.Report)
	}

	select {
	case err = <-staying:
	case <-ctx.Done():
		membership.Say(clusterv1.ServerState_SERVER_STATE_DRAINING)
		time.Sleep(notice)
	}
	port.Stop(grace)
	end()
	membership.Leave()
	return err
}
