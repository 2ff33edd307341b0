package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	clusterv1 "nano.example/go-room/gen/nano/cluster/v1"
)

const (
	lease       = 10 * time.Second
	etcdTimeout = 5 * time.Second
	retry       = time.Second
)

// ErrTaken says that another server has taken the id: this one has to stop.
var ErrTaken = errors.New("another server has taken the id")

// Membership is a server's place in the cluster: its record, kept alive in etcd, and the records of all others.
type Membership struct {
	// Changed is told of all servers of the cluster, whenever one comes, goes or changes.
	Changed func([]*clusterv1.ServerRecord)

	etcd   *clientv3.Client
	prefix string
	key    string
	schema Schema
	tokens []string
	joined chan struct{}
	again  chan struct{}

	mu     sync.Mutex
	record *clusterv1.ServerRecord
	lease  clientv3.LeaseID
	// Of etcd, when the record was written last; 0 where it never was.
	written int64
}

// NewMembership is nowhere before Stay.
func NewMembership(etcd *clientv3.Client, prefix string, record *clusterv1.ServerRecord, schema Schema, tokens []string) *Membership {
	return &Membership{
		etcd:   etcd,
		prefix: prefix,
		key:    recordKey(prefix, record),
		schema: schema,
		tokens: tokens,
		joined: make(chan struct{}),
		again:  make(chan struct{}, 1),
		record: record,
	}
}

// Joined is closed when the record is written and those of the others are read.
func (m *Membership) Joined() <-chan struct{} {
	return m.joined
}

// Stay keeps the server in the cluster until the context is over, and comes back by itself when etcd was away or has forgotten it.
// Gives ErrTaken where another server has taken the id, else nil.
func (m *Membership) Stay(ctx context.Context) error {
	for {
		err := m.stayOnce(ctx)
		if errors.Is(err, ErrTaken) {
			return err
		}
		if ctx.Err() == nil {
			slog.Warn("registering again", "reason", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retry):
		}
	}
}

// Say tells the others what state this server is in. Where etcd is away they hear of it when it is back.
func (m *Membership) Say(state clusterv1.ServerState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.record.SetState(state)
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	if err := m.write(ctx, m.written, m.lease); err != nil {
		slog.Warn("etcd does not hear of the new state", "reason", err)
		select {
		case m.again <- struct{}{}:
		default:
		}
	}
}

// Leave takes the record away, at once for all others, when Stay has ended.
func (m *Membership) Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), etcdTimeout)
	defer cancel()
	if _, err := m.etcd.Revoke(ctx, m.lease); err != nil {
		slog.Warn("the record stays until its lease is over", "reason", err)
	}
}

// stayOnce registers, and follows what happens until something is lost.
func (m *Membership) stayOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, err := m.register(ctx)
	if err != nil {
		return err
	}
	alive, err := m.etcd.KeepAlive(ctx, lease)
	if err != nil {
		return err
	}
	servers := m.prefix + "/servers/"
	listing, listed := context.WithTimeout(ctx, etcdTimeout)
	defer listed()
	list, err := m.etcd.Get(listing, servers, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	entries := map[string][]byte{}
	for _, entry := range list.Kvs {
		entries[string(entry.Key)] = entry.Value
	}
	if err := m.look(entries); err != nil {
		return err
	}
	changes := m.etcd.Watch(clientv3.WithRequireLeader(ctx), servers, clientv3.WithPrefix(), clientv3.WithRev(list.Header.Revision+1))
	for {
		select {
		case _, more := <-alive:
			if !more {
				return errors.New("the lease is over")
			}
		case <-m.again:
			return errors.New("the state has changed")
		case change, more := <-changes:
			if !more || change.Err() != nil {
				return fmt.Errorf("the watch has ended: %v", change.Err())
			}
			for _, event := range change.Events {
				if event.Type == clientv3.EventTypeDelete {
					delete(entries, string(event.Kv.Key))
				} else {
					entries[string(event.Kv.Key)] = event.Kv.Value
				}
			}
			if err := m.look(entries); err != nil {
				return err
			}
		}
	}
}

// register writes schema and record, under a new lease, which it gives.
func (m *Membership) register(ctx context.Context) (clientv3.LeaseID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	schema := m.schema.key(m.prefix)
	blob, _, err := m.get(ctx, schema)
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(blob, m.schema.blob) {
		if _, err := m.etcd.Put(ctx, schema, string(m.schema.blob)); err != nil {
			return 0, err
		}
	}
	present, revision, err := m.get(ctx, m.key)
	if err != nil {
		return 0, err
	}
	// Whoever starts takes the id; whoever comes back to find it taken does not take it again.
	holder := readRecord(m.prefix, m.key, present, m.tokens)
	if m.written > 0 && holder != nil && holder.GetIncarnation() != m.record.GetIncarnation() {
		return 0, ErrTaken
	}
	granted, err := m.etcd.Grant(ctx, int64(lease/time.Second))
	if err != nil {
		return 0, err
	}
	return granted.ID, m.write(ctx, revision, granted.ID)
}

// write puts the record where the key is as it was at a revision of its own; 0: not there.
func (m *Membership) write(ctx context.Context, revision int64, under clientv3.LeaseID) error {
	value, err := writeRecord(m.key, m.record, m.tokens)
	if err != nil {
		return err
	}
	fits := clientv3.Compare(clientv3.ModRevision(m.key), "=", revision)
	put := clientv3.OpPut(m.key, string(value), clientv3.WithLease(under))
	answer, err := m.etcd.Txn(ctx).If(fits).Then(put).Commit()
	if err != nil {
		return err
	}
	if !answer.Succeeded {
		return errors.New("somebody else has written the record")
	}
	m.written, m.lease = answer.Header.Revision, under
	return nil
}

// get gives a value and the revision at which it was written; nil and 0 where there is none.
func (m *Membership) get(ctx context.Context, key string) ([]byte, int64, error) {
	answer, err := m.etcd.Get(ctx, key)
	if err != nil || len(answer.Kvs) == 0 {
		return nil, 0, err
	}
	return answer.Kvs[0].Value, answer.Kvs[0].ModRevision, nil
}

// look tells who is there. Fails where the own record is not: somebody has taken it away or spoilt it, or etcd has forgotten it.
func (m *Membership) look(entries map[string][]byte) error {
	var records []*clusterv1.ServerRecord
	var own *clusterv1.ServerRecord
	for key, value := range entries {
		record := readRecord(m.prefix, key, value, m.tokens)
		if record == nil {
			continue
		}
		records = append(records, record)
		if key == m.key {
			own = record
		}
	}
	m.Changed(records)
	select {
	case <-m.joined:
	default:
		close(m.joined)
	}
	if own == nil {
		return errors.New("the record is gone")
	}
	if own.GetIncarnation() != m.record.GetIncarnation() {
		return ErrTaken
	}
	return nil
}
