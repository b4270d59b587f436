package journal

import "fmt"

// segmentFor returns the segment to which size bytes are to be appended: the active one or, where that is full or was
// given up, a new one. A segment is allocated in advance, because a sync of a file that grows writes twice as much.
func (j *Journal) segmentFor(size int) (*segment, error) {
	if j.active != nil && (j.active.size == headerSize || int64(j.active.size+size) <= j.config.SegmentBytes) {
		return j.active, nil
	}
	j.end()
	file, err := j.upcomingFile(size)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	s := newSegment(j.upcoming)
	s.file = file
	return s, nil
}

// upcomingFile makes the file of the upcoming segment, unless the reserve was taken for it.
func (j *Journal) upcomingFile(size int) (file, error) {
	if taken := j.reserve.taken; taken != nil {
		j.reserve.taken = nil
		return taken, nil
	}
	if j.upcoming == "" {
		j.upcoming = newSegmentName(j.number + 1)
	}
	return j.volume.create(j.upcoming, max(int(j.config.SegmentBytes), headerSize+size))
}

// writeTo appends payloads to a segment, as one batch, and makes them count.
func (j *Journal) writeTo(s *segment, payloads [][]byte) error {
	b := j.buffer[:0]
	if s.size == 0 {
		b = header{formatVersion, j.endOfNewest()}.append(b)
	}
	for _, p := range payloads {
		b = appendFrame(b, s.seed, s.size+len(b), s.size, p)
	}
	if _, err := s.file.WriteAt(b, int64(s.size)); err != nil {
		j.retreat(s)
		return fmt.Errorf("write segment: %w", err)
	}
	if err := j.sync(s); err != nil {
		j.giveUp(s)
		return fmt.Errorf("sync segment: %w", err)
	}
	j.adopt(s, len(b), payloads)
	if j.buffer = b; cap(b) > 2*batchBytes {
		j.buffer = nil
	}
	return nil
}

// end has the next batch begin a new segment, and gives back what the active one has too much.
func (j *Journal) end() {
	if j.active != nil {
		_ = j.active.file.Truncate(int64(j.active.size)) // or else the next header tells where it ends
		j.active = nil
	}
}

func (j *Journal) endOfNewest() int {
	if len(j.segments) == 0 {
		return 0
	}
	return j.segments[len(j.segments)-1].size
}

// sync syncs what was written to a segment and, where that is new, its name.
func (j *Journal) sync(s *segment) error {
	if err := s.file.Sync(); err != nil {
		return err
	}
	if s.size == 0 {
		return j.volume.sync()
	}
	return nil
}

// retreat cuts off what was written to a segment in vain. If that fails too, the segment ends here: the header of the
// next one says so.
func (j *Journal) retreat(s *segment) {
	if s.size == 0 || s.file.Truncate(int64(s.size)) != nil || s.file.Sync() != nil {
		j.giveUp(s)
	}
}

// giveUp has the next batch begin a new segment. After a sync that failed nothing else is safe: the kernel counts the pages
// as written although they were not, so that a second sync of the same file would succeed and mean nothing.
func (j *Journal) giveUp(s *segment) {
	j.active = nil
	if s.size == 0 { // it never counted; the next attempt takes its name
		_ = s.file.Close()
		_ = j.volume.remove(s.name)
		return
	}
	_ = s.file.Truncate(int64(s.size)) // or else the next header tells where it ends
}

// adopt makes the batch count that was written to a segment.
func (j *Journal) adopt(s *segment, written int, payloads [][]byte) {
	at := s.size + written
	for _, p := range payloads {
		at -= frameHead + len(p)
	}
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	for _, p := range payloads {
		j.index.apply(s, at+frameHead, p)
		at += frameHead + len(p)
	}
	j.index.disk += int64(written)
	if s.size == 0 {
		j.segments = append(j.segments, s)
		j.active, j.number, j.upcoming = s, s.number, ""
	}
	s.size = at
	j.marked = false
}

// mark appends an empty frame, which says that all before it was synced. Without it, damage to the last batch would look
// as if a crash had cut it off; it is no loss if it cannot be written.
func (j *Journal) mark() {
	if j.active == nil || j.marked {
		return
	}
	_ = j.writeTo(j.active, [][]byte{nil})
	j.marked = true
}
