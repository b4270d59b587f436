package pipeline

import "github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"

// disk is the journal, and whether there is room for it.
type disk struct {
	Journal
	room func() error
}

func newDisk(c Config) disk {
	if c.Room == nil {
		c.Room = func() error { return nil }
	}
	return disk{c.Journal, c.Room}
}

// put submits a transaction that takes room, which may come to an end for all that is stored on the device together (7).
// Where there is none done is called at once. What only removes is submitted without asking.
func (d disk) put(tx *journal.Tx, done func(error)) {
	if err := d.room(); err != nil {
		done(err)
		return
	}
	d.Submit(tx, done)
}
