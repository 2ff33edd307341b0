package cluster

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
	"nano.example/go-room/gen/nano/cluster/v1/clusterv1connect"
)

const dialTimeout = 2 * time.Second

// CallOptions are those of every client of another server.
var CallOptions = connect.WithClientOptions(connect.WithGRPC(), connect.WithReadMaxBytes(mostMessageBytes))

// Peers are the servers that the records tell of, and the way to each.
type Peers struct {
	// HTTP calls other servers, with the token of the cluster.
	HTTP *http.Client

	scheme  string
	mu      sync.Mutex
	records []*clusterv1.ServerRecord
}

// NewPeers knows nobody yet. The first token is shown to the others. Without certificates (nil) they are called without TLS.
func NewPeers(tokens []string, certificates *Certificates) *Peers {
	var transport http.RoundTripper = &http.Transport{
		Protocols:           certificates.protocols(),
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     certificates.calling(),
		TLSHandshakeTimeout: dialTimeout,
		HTTP2:               pings,
	}
	if len(tokens) > 0 {
		transport = bearer{tokens[0], transport}
	}
	scheme := "http"
	if certificates != nil {
		scheme = "https"
	}
	return &Peers{HTTP: &http.Client{Transport: transport}, scheme: scheme}
}

// Replace takes a new list.
func (p *Peers) Replace(records []*clusterv1.ServerRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records = records
}

// OfType gives the servers of a type.
func (p *Peers) OfType(name string) []*clusterv1.ServerRecord {
	return p.find(func(record *clusterv1.ServerRecord) bool { return record.GetType() == name })
}

// Frontends gives those that hold clients, each once, however many types it has.
func (p *Peers) Frontends() []*clusterv1.ServerRecord {
	seen := map[uint64]bool{}
	return p.find(func(record *clusterv1.ServerRecord) bool {
		first := record.GetFrontend() && !seen[record.GetIncarnation()]
		seen[record.GetIncarnation()] = true
		return first
	})
}

// URL is where a server is called.
func (p *Peers) URL(record *clusterv1.ServerRecord) string {
	return p.scheme + "://" + record.GetAddresses()[0]
}

// frontend fails where no record tells of that incarnation.
func (p *Peers) frontend(incarnation uint64) (clusterv1connect.SessionServiceClient, error) {
	found := p.find(func(record *clusterv1.ServerRecord) bool { return record.GetIncarnation() == incarnation })
	if len(found) == 0 {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("the client's frontend is gone"))
	}
	return p.sessionsAt(found[0]), nil
}

func (p *Peers) sessionsAt(record *clusterv1.ServerRecord) clusterv1connect.SessionServiceClient {
	return clusterv1connect.NewSessionServiceClient(p.HTTP, p.URL(record), CallOptions)
}

func (p *Peers) find(fits func(*clusterv1.ServerRecord) bool) []*clusterv1.ServerRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []*clusterv1.ServerRecord
	for _, record := range p.records {
		if len(record.GetAddresses()) > 0 && fits(record) {
			found = append(found, record)
		}
	}
	return found
}

// bearer shows a token with every request.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	shown := request.Clone(request.Context())
	shown.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(shown)
}
