package pipeline

import "sync/atomic"

// debt is what a share is owed to: an input that waits for its acknowledgement, or the record of a spool. It is settled
// when the share and all that came of it are finished.
type debt interface {
	retain()  // one more share or result is open
	release() // one is finished
}

// record is a share that lies in a spool.
type record struct {
	spool *Spool
	key   string
	size  int64
	open  atomic.Int32
}

func (r *record) retain() { r.open.Add(1) }

func (r *record) release() {
	if r.open.Add(-1) == 0 {
		r.spool.remove(r)
	}
}
