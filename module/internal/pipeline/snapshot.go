package pipeline

import (
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// A snapshot is the state of a stream's guest as a version of it left it when another took over. It is a table like that of
// the state, with the digest of the version in a record of its own. It is there as long as that version may come back, so
// whichever of the two starts next, after a crash too, finds the state that is its own.
const (
	snapshotDigest = "digest"
	snapshotKey    = "key/" // followed by a key of the state
)

// Snapshot keeps the state as it is for the version with the given digest. It is written together with the first change of the
// state, and so holds up nobody. Where the version has a snapshot already that stays.
func (k *Kept) Snapshot(digest string) {
	k.owed = ""
	if !k.snapshotOf(digest) {
		k.owed = digest
	}
}

// putSnapshot adds the snapshot that is owed to the transaction that is about to change the state.
func (k *Kept) putSnapshot(tx *journal.Tx) {
	if k.owed == "" {
		return
	}
	state, _ := k.State() // what cannot be read is lost to the version as well
	table := tableSnapshot + k.stream.String()
	tx.DeleteTable(table)
	tx.Put(table, snapshotDigest, []byte(k.owed))
	for key, value := range state {
		tx.Put(table, snapshotKey+key, value)
	}
}

// paid says that what was owed is stored.
func (k *Kept) paid() {
	if k.owed != "" {
		k.owed, k.dropped = "", false
	}
}

// snapshotOf reports whether there is a snapshot for the version with the given digest.
func (k *Kept) snapshotOf(digest string) bool {
	if k.dropped {
		return false // the journal may not know yet
	}
	value, err := k.pipeline.journal.Get(tableSnapshot+k.stream.String(), snapshotDigest)
	return err == nil && value != nil && string(value) == digest
}

// StateFor returns the state that the version with the given digest starts with: its snapshot where there is one, else the
// state as it is. What cannot be read is left out, and named by the error.
func (k *Kept) StateFor(digest string) (map[string][]byte, error) {
	if k.snapshotOf(digest) {
		return k.read(tableSnapshot, snapshotKey)
	}
	return k.State()
}

// Begin keeps what the version with the given digest stored as it started with its [Kept.StateFor]. A snapshot of it becomes the
// state again, which undoes what another version stored since: all of that is one transaction. After an error nothing changed.
func (k *Kept) Begin(digest string, changes []module.StateChange) error {
	if k.owed == digest {
		k.owed = "" // nothing was stored since
	}
	if !k.snapshotOf(digest) {
		return k.SetState(changes)
	}
	state, err := k.read(tableSnapshot, snapshotKey)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	name, tx := k.stream.String(), &journal.Tx{}
	tx.DeleteTable(tableState + name)
	for key, value := range state {
		tx.Put(tableState+name, key, value)
	}
	tx.DeleteTable(tableSnapshot + name)
	k.putState(tx, changes)
	return k.pipeline.commit(tx)
}

// DropSnapshot removes the stream's snapshot, unless it is for the version with the given digest ("": for none).
func (k *Kept) DropSnapshot(unless string) {
	if k.owed != unless {
		k.owed = ""
	}
	if tx := (&journal.Tx{}); k.dropSnapshot(tx, unless) {
		k.pipeline.journal.Submit(tx, nil)
	}
}

func (k *Kept) dropSnapshot(tx *journal.Tx, unless string) bool {
	table := tableSnapshot + k.stream.String()
	drop := len(k.pipeline.journal.Keys(table)) > 0 && (unless == "" || !k.snapshotOf(unless))
	if drop {
		k.dropped = true
		tx.DeleteTable(table)
	}
	return drop
}

// DropSnapshots does what [Kept.DropSnapshot] does for all streams of a signal: partitions are not all there at all times.
func (p *Pipeline) DropSnapshots(signal module.SignalName, unless string) {
	tx := &journal.Tx{}
	for _, table := range p.journal.Tables(tableSnapshot + string(signal)) {
		if stream := streamOf(table[len(tableSnapshot):]); stream.Signal == signal {
			p.Kept(stream).dropSnapshot(tx, unless)
		}
	}
	if !tx.Empty() {
		p.journal.Submit(tx, nil)
	}
}
