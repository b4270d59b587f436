package journal

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxFile is more than the largest segment that is written.
const maxFile = maxSegmentBytes + maxTransaction

// stored is a segment as it was found.
type stored struct {
	*segment
	header  header
	headErr error
	length  int64 // of the file
}

// load reads all segments, cuts off what a crash left half written, and repairs what is damaged.
func (j *Journal) load() ([]Damage, error) {
	found, damage, err := j.find()
	if err != nil {
		return nil, err
	}
	var b []byte
	var torn bool // the newest
	for i, s := range found {
		if i > 0 && s.number != found[i-1].number+1 {
			damage = append(damage, Damage{s.name, "segments before it are missing"})
		}
		end, known := s.end(found[i+1:])
		b = s.read(b, end)
		state := inspect(b, s, end, known, i == len(found)-1)
		j.adoptStored(s.segment, state)
		torn = state.torn
		if state.reason() != "" {
			damage = append(damage, j.repair(s, b, state))
		}
	}
	return damage, j.resume(torn)
}

// find opens the segments, from the oldest to the newest. Those that cannot be read at all are set aside; the newest are
// removed where nothing was ever synced in them.
func (j *Journal) find() (found []*stored, damage []Damage, err error) {
	names, err := j.volume.list()
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		if !segmentName.MatchString(name) {
			continue
		}
		s, err := j.openStored(name)
		if err != nil {
			return nil, nil, err
		}
		if reason := s.unreadable(); reason != "" {
			damage = append(damage, j.refuse(s, reason))
			continue
		}
		found = append(found, s)
		j.segments = append(j.segments, s.segment)
	}
	for len(found) > 0 && found[len(found)-1].unborn() {
		found = found[:len(found)-1]
		j.forgetNewest()
	}
	return found, damage, nil
}

func (j *Journal) openStored(name string) (*stored, error) {
	f, err := j.volume.open(name)
	if err != nil {
		return nil, err
	}
	s := &stored{segment: newSegment(name)}
	s.file = f
	if s.length, err = f.Size(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	head := make([]byte, headerSize)
	n, _ := f.ReadAt(head, 0) // what cannot be read is damaged
	s.header, s.headErr = parseHeader(head[:n])
	return s, nil
}

// unreadable says why a segment cannot be read at all, or "".
func (s *stored) unreadable() string {
	switch {
	case s.headErr == nil && s.header.version != formatVersion:
		return fmt.Sprintf("it has format version %d, %d is read", s.header.version, formatVersion)
	case s.length > maxFile:
		return fmt.Sprintf("it has %d bytes, %d are possible", s.length, maxFile)
	}
	return ""
}

// unborn reports whether a crash came before the first sync of the segment.
func (s *stored) unborn() bool {
	if s.headErr == nil {
		return false
	}
	frames, _ := scan(s.read(nil, int(s.length)), s.seed, headerSize)
	return len(frames) == 0
}

// forgetNewest removes the newest segment. The next one takes its name, so that the file goes if it cannot be removed now.
func (j *Journal) forgetNewest() {
	last := len(j.segments) - 1
	s := j.segments[last]
	j.segments = j.segments[:last]
	j.upcoming = s.name
	j.number = s.number - 1
	_ = s.file.Close() // nothing in it is wanted
	_ = j.volume.remove(s.name)
}

// end returns where a segment ends: where its successor says or, if there is none that does, at the latest with its file.
func (s *stored) end(after []*stored) (end int, known bool) {
	if len(after) == 0 || after[0].headErr != nil || after[0].number != s.number+1 {
		return int(s.length), false
	}
	return min(after[0].header.before, maxFile), true
}

// read reads what there is of a segment up to its end, into b if that is large enough. What the device cannot read is zero.
func (s *stored) read(b []byte, end int) []byte {
	const block = 4096
	size := min(end, int(s.length))
	b = slices.Grow(b[:0], size)[:size]
	if _, err := s.file.ReadAt(b, 0); err == nil || errors.Is(err, io.EOF) {
		return b
	}
	for at := 0; at < len(b); at += block {
		part := b[at:min(at+block, len(b))]
		if _, err := s.file.ReadAt(part, int64(at)); err != nil {
			clear(part)
		}
	}
	return b
}

// adoptStored makes count what was found in a segment.
func (j *Journal) adoptStored(s *segment, state state) {
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	for _, f := range state.frames {
		j.index.apply(s, f.at+frameHead, f.payload)
	}
	s.size = state.end
	j.number, j.marked = s.number, state.marked
	j.index.disk += int64(s.size)
}

// resume makes the newest segment the active one. It is synced, because what a process that was killed has written may not
// be, and what is read from now on must stay.
func (j *Journal) resume(torn bool) error {
	if len(j.segments) == 0 {
		return j.volume.sync()
	}
	s := j.segments[len(j.segments)-1]
	if s.size == 0 {
		j.forgetNewest()
		return j.volume.sync()
	}
	j.active = s
	if torn {
		j.retreat(s)
	} else if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	return j.volume.sync()
}
