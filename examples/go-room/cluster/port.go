// Package cluster is what a server needs to be one of a nano cluster. It knows nothing of chats: another server would take it as it is.
package cluster

import (
	"context"
	"crypto/hmac"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

const (
	mostMessageBytes = 1 << 20
	mostHeadersBytes = 64 << 10
	headerTimeout    = 5 * time.Second
)

// A connection that is gone without a word is found out.
var pings = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 3 * time.Second}

// ServeOptions are those of every handler at a port.
var ServeOptions = connect.WithHandlerOptions(
	connect.WithReadMaxBytes(mostMessageBytes),
	connect.WithSendMaxBytes(mostMessageBytes),
	connect.WithRecover(func(_ context.Context, spec connect.Spec, _ http.Header, reason any) error {
		slog.Error("a call failed", "method", spec.Procedure, "reason", reason)
		return connect.NewError(connect.CodeInternal, errors.New("internal error"))
	}),
)

// Port is where frontends and other servers call this one: by gRPC, gRPC-Web or Connect.
type Port struct {
	services *http.ServeMux
	server   *http.Server
	refusals *connect.ErrorWriter
	peers    *Peers
}

// NewPort lets in who shows one of the tokens; everybody where there are none. Without certificates (nil) it speaks no TLS.
func NewPort(tokens []string, certificates *Certificates, peers *Peers) *Port {
	port := &Port{services: http.NewServeMux(), refusals: connect.NewErrorWriter(), peers: peers}
	port.server = &http.Server{
		Handler:           port.guarded(tokens),
		Protocols:         certificates.protocols(),
		TLSConfig:         certificates.serving(),
		HTTP2:             pings,
		MaxHeaderBytes:    mostHeadersBytes,
		ReadHeaderTimeout: headerTimeout,
	}
	return port
}

// Handlers serves what clients may call: frontends hand that on, each call with a session.
func (p *Port) Handlers(path string, service http.Handler) {
	p.Events(path, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		session, err := readSession(request.Header, p.peers)
		if err != nil {
			p.refuse(response, request, err)
			return
		}
		service.ServeHTTP(response, request.WithContext(context.WithValue(request.Context(), sessionKey{}, session)))
	}))
}

// Events serves what frontends tell.
func (p *Port) Events(path string, service http.Handler) {
	p.services.HandleFunc(path, func(response http.ResponseWriter, request *http.Request) {
		if !ofFrontend(request.TLS) {
			p.refuse(response, request, connect.NewError(connect.CodePermissionDenied, errors.New("the certificate is not a frontend's")))
			return
		}
		service.ServeHTTP(response, request)
	})
}

// Remotes serves what servers may call.
func (p *Port) Remotes(path string, service http.Handler) {
	p.services.Handle(path, service)
}

// Listen begins to serve. Port 0 picks one; the answer is the address that came of it.
func (p *Port) Listen(address string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	serve := p.server.Serve
	if p.server.TLSConfig != nil {
		serve = func(listener net.Listener) error { return p.server.ServeTLS(listener, "", "") }
	}
	go func() {
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("the port is closed", "reason", err)
		}
	}()
	return listener.Addr().String(), nil
}

// Stop takes nothing new, and gives what is in flight so long to finish.
func (p *Port) Stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		p.server.Close()
	}
}

// guarded lets nobody in without a token of the cluster; without one nothing of a body is read.
func (p *Port) guarded(tokens []string) http.Handler {
	if len(tokens) == 0 {
		return p.services
	}
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		shown := []byte(request.Header.Get("Authorization"))
		known := false
		for _, token := range tokens {
			known = hmac.Equal(shown, []byte("Bearer "+token)) || known
		}
		if !known {
			p.refuse(response, request, connect.NewError(connect.CodeUnauthenticated, errors.New("the token of the cluster is missing or wrong")))
			return
		}
		p.services.ServeHTTP(response, request)
	})
}

func (p *Port) refuse(response http.ResponseWriter, request *http.Request, why error) {
	// Fails where the connection has broken: nobody is there to be told.
	_ = p.refusals.Write(response, request, why)
}

// OneMessage is that of a notify, which is a stream of exactly one.
func OneMessage[M any](stream *connect.ClientStream[M]) (*M, error) {
	count := 0
	var message *M
	for count < 2 && stream.Receive() {
		message = stream.Msg()
		count++
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	if count != 1 {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("a notify is a stream of one message"))
	}
	return message, nil
}
