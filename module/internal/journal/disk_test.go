package journal

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
)

var (
	errCrashed = errors.New("the power is off")
	errKept    = errors.New("the device answered too late")
)

// disk is a volume that tells what was synced from what was not, fails on request, and can be looked at as it would be
// found after a power cut at any moment.
type disk struct {
	names   map[string]*inode // as the running process sees them
	synced  map[string]*inode // as they are found after a power cut
	ops     int               // that changed something or synced
	crashAt int               // the power goes with this one; 0 is never
	fault   func(op string) error
	room    int // bytes of all files; 0 is no bound
	taken   int // bytes that were written
	syncs   int
}

func newDisk() *disk {
	return &disk{names: make(map[string]*inode), synced: make(map[string]*inode)}
}

// inode is a file.
type inode struct {
	disk    *disk
	data    []byte   // as the running process sees it
	durable []byte   // what was synced
	pending []change // what was not
}

// change is a write, or a truncation if data is nil.
type change struct {
	at   int
	data []byte
}

func (c change) apply(b []byte) []byte {
	if c.data == nil {
		return append(b[:min(c.at, len(b))], make([]byte, max(0, c.at-len(b)))...)
	}
	if end := c.at + len(c.data); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[c.at:], c.data)
	return b
}

// do counts an operation, and fails it where that was asked for.
func (d *disk) do(op string) error {
	d.ops++
	if d.crashAt > 0 && d.ops >= d.crashAt {
		return errCrashed
	}
	if d.fault != nil {
		return d.fault(op)
	}
	return nil
}

func (d *disk) list() ([]string, error) { return slices.Collect(maps.Keys(d.names)), nil }

func (d *disk) open(name string) (file, error) {
	if d.names[name] == nil {
		return nil, fs.ErrNotExist
	}
	return d.names[name], nil
}

func (d *disk) create(name string, size int) (file, error) {
	if err := d.do("create"); err != nil {
		return nil, err
	}
	f := d.names[name]
	if f == nil {
		f = &inode{disk: d}
		d.names[name] = f
	}
	f.change(change{at: 0})
	if d.fits(size) {
		f.change(change{at: size})
	}
	return f, nil
}

func (d *disk) allocate(name string, size int) error {
	if err := d.do("allocate"); err != nil {
		return err
	}
	delete(d.names, name)
	if !d.fits(size) {
		return syscall.ENOSPC
	}
	d.names[name] = &inode{disk: d}
	d.names[name].change(change{at: size})
	return nil
}

// fits reports whether there is room for so many bytes more.
func (d *disk) fits(more int) bool {
	for _, f := range d.names {
		more += len(f.data)
	}
	return d.room == 0 || more <= d.room
}

func (d *disk) rename(from, to string) error {
	if err := d.do("rename"); err != nil {
		return err
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return nil
}

func (d *disk) remove(name string) error {
	if err := d.do("remove"); err != nil {
		return err
	}
	delete(d.names, name)
	return nil
}

func (d *disk) sync() error {
	if err := d.do("sync directory"); err != nil {
		return err
	}
	d.synced = maps.Clone(d.names)
	return nil
}

func (d *disk) close() error { return nil }

func (f *inode) Close() error         { return nil }
func (f *inode) Size() (int64, error) { return int64(len(f.data)), nil }

func (f *inode) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes all or, where it is to fail, the half.
func (f *inode) WriteAt(b []byte, at int64) (int, error) {
	err := f.disk.do("write")
	if err == nil && !f.disk.fits(max(0, int(at)+len(b)-len(f.data))) {
		err = syscall.ENOSPC
	}
	if err != nil && !errors.Is(err, errCrashed) {
		b = b[:len(b)/2]
	}
	f.disk.taken += len(b)
	f.change(change{int(at), slices.Clone(b)})
	return len(b), err
}

func (f *inode) Truncate(size int64) error {
	if err := f.disk.do("truncate"); err != nil {
		return err
	}
	f.change(change{at: int(size)})
	return nil
}

func (f *inode) change(c change) {
	f.pending = append(f.pending, c)
	f.data = c.apply(f.data)
}

// Sync makes everything durable. Where it fails, what was pending is lost, if the error is not errKept, and nobody will say
// so again: Linux does that.
func (f *inode) Sync() error {
	if err := f.disk.do("sync"); err != nil {
		if !errors.Is(err, errCrashed) && !errors.Is(err, errKept) {
			f.pending = nil
		}
		return err
	}
	f.disk.syncs++
	f.durable, f.pending = slices.Clone(f.data), nil
	return nil
}

// survivors say what is left of a write that was not synced.
type survivors func(change) []change

func nothing(change) []change      { return nil }
func everything(c change) []change { return []change{c} }

// firstBytes keeps n bytes of each write.
func firstBytes(n int) survivors {
	return func(c change) []change {
		if c.data == nil {
			return nil
		}
		return []change{{c.at, c.data[:min(n, len(c.data))]}}
	}
}

// someBlocks keeps blocks at random, where the others are zero or not there at all.
func someBlocks(r *rand.Rand) survivors {
	size := 1 << (3 + r.IntN(7))
	return func(c change) (kept []change) {
		if c.data == nil {
			return []change{c}[r.IntN(2):]
		}
		for at := 0; at < len(c.data); at += size {
			if r.IntN(2) == 0 {
				kept = append(kept, change{c.at + at, c.data[at:min(at+size, len(c.data))]})
			}
		}
		r.Shuffle(len(kept), func(a, b int) { kept[a], kept[b] = kept[b], kept[a] })
		return kept
	}
}

// naming says whether a file is found under the name that was seen last, or under the one that was synced last.
type naming func() bool

func syncedNames() bool { return false }
func seenNames() bool   { return true }

// eitherName has each name be found or not, in no order.
func eitherName(r *rand.Rand) naming {
	return func() bool { return r.IntN(2) == 0 }
}

// found returns the disk as it is found after a power cut, with the names and with what survives of the writes.
func (d *disk) found(seen naming, survive survivors) *disk {
	after := newDisk()
	all := maps.Clone(d.names)
	maps.Copy(all, d.synced)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := d.synced[name]
		if seen() {
			f = d.names[name]
		}
		if f == nil {
			continue
		}
		data := slices.Clone(f.durable)
		for _, c := range f.pending {
			for _, kept := range survive(c) {
				data = kept.apply(data)
			}
		}
		after.names[name] = &inode{disk: after, data: data, durable: slices.Clone(data)}
	}
	after.synced = maps.Clone(after.names)
	return after
}
