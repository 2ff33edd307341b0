package cluster

import "time"

// Holder is a frontend that holds clients. One that comes again under its id is another incarnation.
type Holder struct {
	ID          string
	Incarnation uint64
}

// Deaths finds frontends that have died, and so cannot say that their sessions are over.
type Deaths struct {
	peers   *Peers
	missing map[Holder]time.Time
}

// NewDeaths looks at the records of these.
func NewDeaths(peers *Peers) *Deaths {
	return &Deaths{peers: peers, missing: map[Holder]time.Time{}}
}

// Look gives those of the holders that are over: that have had no record for as long as a lease, or have come again as another incarnation.
// It sees how long that is by being called every second or so.
func (d *Deaths) Look(holders map[Holder]bool) []Holder {
	there, ids := map[Holder]bool{}, map[string]bool{}
	for _, record := range d.peers.Frontends() {
		there[Holder{record.GetId(), record.GetIncarnation()}] = true
		ids[record.GetId()] = true
	}
	missing := map[Holder]time.Time{}
	var dead []Holder
	for holder := range holders {
		if there[holder] {
			continue
		}
		since, before := d.missing[holder]
		if !before {
			since = time.Now()
		}
		missing[holder] = since
		if ids[holder.ID] || time.Since(since) >= lease {
			dead = append(dead, holder)
		}
	}
	d.missing = missing
	return dead
}
