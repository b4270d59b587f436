package sim

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	journalName = "state.journal"
	// journalMin is how many bytes the journal may grow beyond what it was when it was last rewritten, at least.
	journalMin = 16 << 20
	// journalBuffer is how many bytes are gathered at most before they are written though nobody waits for it.
	journalBuffer = 256 << 10
)

// journal keeps what has changed, so that a hub that is killed goes on where it was. What is appended is in memory
// until flush hands it to the operating system, which keeps it when the process is killed, though not when the power
// is cut; nothing that flush has not written may be told to a client. It is one file, rewritten when it has doubled.
//
// Before it writes, the ledger does: what a sender knows to be stored, and what has left a queue, is in the ledger.
//
// A nil journal keeps nothing. Any goroutine may call append and flush.
type journal struct {
	path   string
	ledger *ledger       // nil for none
	full   chan struct{} // of capacity 1: it is time to rewrite

	mu      sync.Mutex // guards the fields below
	file    *os.File   // nil before the first rewrite and after close
	buf     bytes.Buffer
	encoder *gob.Encoder // into buf
	size    int64        // of the file
	limit   int64        // of size, from which on it is rewritten
	err     error        // of the first write that went wrong; there is no other after it
}

func newJournal(dir string, l *ledger) *journal {
	return &journal{path: filepath.Join(dir, journalName), ledger: l, full: make(chan struct{}, 1)}
}

// append takes note of a change.
func (j *journal) append(r change) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.encode(r)
	if j.buf.Len() > journalBuffer {
		_ = j.write() // kept for flush
	}
}

// encode adds r to what is to be written.
func (j *journal) encode(r change) {
	if err := j.encoder.Encode(r); err != nil && j.err == nil {
		j.err = fmt.Errorf("encode state: %w", err)
	}
}

// flush writes what was appended before.
func (j *journal) flush() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write()
}

func (j *journal) write() error {
	if err := j.ledger.flush(); err != nil {
		return err
	}
	if j.err != nil || j.buf.Len() == 0 {
		return j.err
	}
	n, err := j.file.Write(j.buf.Bytes())
	j.size += int64(n)
	j.buf.Reset()
	if err != nil {
		j.err = fmt.Errorf("write state: %w", err)
	}
	if j.size > j.limit {
		select {
		case j.full <- struct{}{}:
		default:
		}
	}
	return j.err
}

// rewrite replaces the journal by one that holds what state emits. Nothing may be appended meanwhile.
func (j *journal) rewrite(state func(emit func(change))) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	temporary := j.path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite state: %w", err)
	}
	_ = j.closeFile() // what it holds is written anew
	j.file, j.size, j.limit = file, 0, 0
	j.buf.Reset()
	j.encoder = gob.NewEncoder(&j.buf)
	state(func(r change) {
		j.encode(r)
		if j.buf.Len() > journalBuffer {
			_ = j.write()
		}
	})
	if err := j.write(); err != nil {
		return err
	}
	j.limit = j.size + max(j.size, journalMin)
	select {
	case <-j.full:
	default:
	}
	if err := os.Rename(temporary, j.path); err != nil {
		return fmt.Errorf("rewrite state: %w", err)
	}
	return nil
}

// close writes what is left.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.write(), j.closeFile())
}

func (j *journal) closeFile() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// read hands what the journal holds to apply, in order. A hub that was killed may have left the last record torn:
// nobody was told of it.
func (j *journal) read(apply func(change)) error {
	file, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	defer func() { _ = file.Close() }()
	decoder := gob.NewDecoder(bufio.NewReaderSize(file, journalBuffer))
	for {
		var r change
		if decoder.Decode(&r) != nil { // the end, or the torn record
			return nil
		}
		apply(r)
	}
}
