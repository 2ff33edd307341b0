package chatroom

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	chatv1 "nano.example/go-room/gen/chat/v1"
	"nano.example/go-room/gen/chat/v1/chatv1connect"

	"nano.example/go-room/cluster"
)

const statsTimeout = 2 * time.Second

// Report asks every server of rooms again and again, whatever language it is in, and prints what they say, until the context is over.
func Report(ctx context.Context, peers *cluster.Peers, every time.Duration) {
	for tick := time.Tick(every); ; {
		rooms := map[string]map[string]uint32{}
		for _, record := range peers.OfType(Type) {
			admin := chatv1connect.NewRoomAdminServiceClient(peers.HTTP, peers.URL(record), cluster.CallOptions)
			asking, cancel := context.WithTimeout(ctx, statsTimeout)
			stats, err := admin.Stats(asking, &chatv1.StatsRequest{})
			cancel()
			if err != nil {
				slog.Warn("a server does not say who is there", "server", record.GetId(), "code", connect.CodeOf(err))
				continue
			}
			rooms[record.GetId()] = map[string]uint32{}
			for _, one := range stats.GetRooms() {
				rooms[record.GetId()][one.GetRoom()] = one.GetMembers()
			}
		}
		// Maps of strings and numbers have a form in JSON.
		line, _ := json.Marshal(rooms)
		fmt.Printf("rooms %s\n", line)
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}
