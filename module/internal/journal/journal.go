package journal

import (
	"errors"
	"fmt"
	"os"
)

// Errors that callers tell apart.
var (
	ErrFull     = errors.New("journal is full") // wrapped with what is full: the limit, or the disk
	ErrClosed   = errors.New("journal is closed")
	ErrNotFound = errors.New("key is not in the journal")
)

// What a Config may say.
const (
	defaultSegmentBytes = 4 << 20
	minLimit            = 64 << 10
	maxSegmentBytes     = 64 << 20
	maxTransaction      = 16 << 20 // bytes of a transaction with its names
)

// Config says where a journal lies and how large it may be.
type Config struct {
	// Dir is where the segments lie; it is made where it is missing. "" keeps them in memory: the same without durability.
	Dir string
	// Limit is how many bytes the journal may take on disk, garbage included; at least 64 KiB. What counts may be four
	// segments less: one is allocated in advance, one is a reserve for deleting and cleaning on a full disk.
	// Deletions and cleaning may exceed the limit by a segment; files that were set aside are not counted, of
	// which those that were damaged are at most four.
	Limit int64
	// SegmentBytes is the size of a segment before the next one is begun, at most 64 MiB and a sixteenth of Limit; 0 is
	// 4 MiB. Each segment is an open file.
	SegmentBytes int64
}

func (c Config) withDefaults() (Config, error) {
	if c.Limit < minLimit {
		return c, fmt.Errorf("limit of %d bytes: at least %d are needed", c.Limit, minLimit)
	}
	if c.SegmentBytes < 0 || c.SegmentBytes > maxSegmentBytes {
		return c, fmt.Errorf("segments of %d bytes: at most %d are possible", c.SegmentBytes, maxSegmentBytes)
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = defaultSegmentBytes
	}
	c.SegmentBytes = min(c.SegmentBytes, c.Limit/16)
	return c, nil
}

// Damage is something corrupt that Open found and set aside.
type Damage struct {
	File   string // its name in the journal's directory
	Reason string
}

// Journal is an open journal. See the package comment for who may call what.
type Journal struct {
	config Config
	volume volume
	queue  *queue
	index  index

	// What follows belongs to Run's goroutine.
	segments []*segment // from the oldest to the newest
	active   *segment   // the newest, if it may be appended to; else nil
	upcoming string     // the name of the segment that will be begun next; "" if it has none yet
	number   uint64     // of the newest segment there ever was
	marked   bool       // the end of the active segment is known to be synced by a frame after it
	buffer   []byte
	cleaner  cleaner
	reserve  reserve
}

// Open reads a journal and returns it with what was found damaged. Another process that has it open is waited for for
// 3 seconds.
func Open(c Config) (*Journal, []Damage, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	v, err := openVolume(c.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	return open(c, v)
}

// open reads the journal of a volume, which it closes in the end.
func open(c Config, v volume) (*Journal, []Damage, error) {
	j := &Journal{config: c, volume: v, queue: newQueue(int(min(batchBytes, c.SegmentBytes)))}
	j.index.tables = make(map[string]map[string]ref)
	damage, err := j.load()
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", errors.Join(err, j.release()))
	}
	_ = j.keepReserve() // the first put tries again, and tells
	return j, damage, nil
}

// Close releases the files and the lock. It is called when Run has returned, or was never called; what was submitted
// without Run ends with ErrClosed.
func (j *Journal) Close() error {
	j.queue.close()
	for batch, _ := j.queue.take(); len(batch) > 0; batch, _ = j.queue.take() {
		for _, r := range batch {
			r.finish(ErrClosed)
		}
	}
	j.index.mu.Lock()
	closed := j.index.closed
	j.index.closed = true
	j.index.mu.Unlock()
	if closed {
		return nil
	}
	j.mark()
	if err := j.release(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

func (j *Journal) release() error {
	var errs []error
	for _, s := range j.segments {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(append(errs, j.volume.close())...)
}

// Submit hands in a transaction. done is called exactly once, in the order of submission, from Run's goroutine, when the
// transaction is synced or has failed; it must not block. It may be nil: then nobody waits, and the transaction may
// wait for up to 100 ms for others to be synced with; should the device fail, it is tried again with later ones, as long
// as no more than 1 MiB of such wait. What only deletes is tried again also where the disk is full. Submit blocks while 16 MiB wait to be committed. When Run has ended, done is called with
// ErrClosed before Submit returns.
//
// An error says that the transaction is not in the journal. Only if the process ends before the next one that succeeds
// can it be found there, whole, where the device had failed after it took it.
func (j *Journal) Submit(t *Tx, done func(error)) {
	if r := (request{tx: t, done: done}); !j.queue.add(r) {
		r.finish(ErrClosed)
	}
}

// Commit submits a transaction and waits until it is synced or has failed. It needs somebody to call Run.
func (j *Journal) Commit(t *Tx) error {
	result := make(chan error, 1)
	j.Submit(t, func(err error) { result <- err })
	return <-result
}

// Get returns a copy of the value of a key, read from its segment and checked. A key that is not there is ErrNotFound.
// Transactions are seen when they are done.
func (j *Journal) Get(table, key string) ([]byte, error) {
	var last ref
	for {
		r, err := j.index.find(table, key)
		if err != nil {
			return nil, err
		}
		value, err := r.read(table, key)
		if errors.Is(err, os.ErrClosed) && r != last {
			last = r // cleaning has moved the record since it was found
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %q of %q: %w", key, table, err)
		}
		return value, nil
	}
}

// Keys returns the keys of a table, sorted.
func (j *Journal) Keys(table string) []string { return j.index.keys(table) }

// Tables returns the names of the tables that have keys and begin with prefix, sorted.
func (j *Journal) Tables(prefix string) []string { return j.index.names(prefix) }

// Sizes returns how many bytes the keys and values of each table take whose name begins with prefix.
func (j *Journal) Sizes(prefix string) map[string]int64 { return j.index.sizes(prefix) }

// Usage is what a journal takes, in bytes.
type Usage struct {
	Disk  int64 // of all segments, without what was allocated in advance
	Live  int64 // of what counts, names included
	Limit int64 // that was configured
	Lost  int64 // records, not bytes, that could no longer be read when their segment was cleaned
}

// Usage returns what the journal takes at the moment.
func (j *Journal) Usage() Usage {
	j.index.mu.RLock()
	defer j.index.mu.RUnlock()
	return Usage{Disk: j.index.disk, Live: j.index.live, Limit: j.config.Limit, Lost: j.index.lost}
}
