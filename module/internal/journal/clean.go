package journal

import (
	"fmt"
	"time"
)

// pieceBytes is how much cleaning moves at once, if it is not one transaction: what a slow card takes in some 10 ms. Nobody
// who commits waits longer for it, unless the limit is near.
const pieceBytes = 128 << 10

// cleaner is how far the oldest segment has been cleaned.
type cleaner struct {
	at     int       // what lies before does not count any more
	harmed bool      // something in it could not be read
	retry  time.Time // not to be tried before, because it failed
}

// cleaningDue reports whether the oldest segment is to be cleaned: if nothing in it counts; if there is more garbage than
// there are bytes that count, and than a segment; or if the limit is near, or the disk full, and a segment can be gained.
func (j *Journal) cleaningDue() bool {
	if len(j.segments) == 0 {
		return false
	}
	if oldest := j.segments[0]; oldest.records == 0 && oldest != j.active {
		return true
	}
	live, segment := j.index.live, j.config.SegmentBytes
	garbage := j.index.disk - live - j.unavoidable()
	scarce := j.index.disk > j.config.Limit-3*segment || !j.reserve.held
	return garbage > max(live, segment) || garbage > segment && scarce
}

// unavoidable returns how many bytes cleaning would leave beside those that count: the heads of the segments, and of the
// frames that it writes, one for each segment and one more for each full piece. If they were garbage, cleaning would go on for
// ever where they come to more than a segment, as those of many small segments do.
func (j *Journal) unavoidable() int64 {
	return int64(len(j.segments))*(headerSize+frameHead) + j.index.live/pieceBytes*frameHead
}

// clean moves a piece of what counts from the oldest segment to the end of the journal, or removes the segment if nothing
// is left. It is always the oldest, so that its deletions can go: what they deleted is gone already. To keep
// up, it moves twice the bytes that were just committed.
func (j *Journal) clean(committed int) error {
	s := j.segments[0]
	if s.records == 0 && s != j.active {
		return j.drop(s)
	}
	if s == j.active {
		j.end()
	}
	piece, next := j.piece(s, max(pieceBytes, 2*committed))
	if len(piece) > 0 {
		if err := j.writeReserved([][]byte{piece}); err != nil {
			return err
		}
	}
	j.cleaner.at = next
	return nil
}

// piece gathers the records of a segment that count, from where cleaning has come to, and returns where it goes on.
func (j *Journal) piece(s *segment, size int) (piece []byte, next int) {
	next = max(j.cleaner.at, headerSize)
	for len(piece) < size && next < s.size {
		f, err := s.readFrame(next)
		if err != nil {
			next = s.size // what lies behind is found by the index
			break
		}
		piece = j.index.appendLive(piece, s, f)
		next = f.end
	}
	if len(piece) == 0 && next >= s.size {
		piece = j.rescue(s, size)
	}
	return piece, next
}

// appendLive appends those records of a frame that count.
func (x *index) appendLive(b []byte, s *segment, f frame) []byte {
	for offset, r := range records(f.payload) {
		at := ref{s, uint32(f.at + frameHead + offset), uint32(r.size)}
		if r.kind == kindPut && x.tables[string(r.table)][string(r.key)] == at {
			b = append(b, f.payload[offset:offset+r.size]...)
		}
	}
	return b
}

// rescue gathers records that count and whose frames cannot be read. Those that cannot be read themselves are lost.
func (j *Journal) rescue(s *segment, size int) (piece []byte) {
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	for table, keys := range j.index.tables {
		for key, r := range keys {
			if r.segment != s || len(piece) >= size {
				continue
			}
			value, err := r.read(table, key)
			if err != nil {
				j.index.delete(table, key)
				j.index.lost++
				j.cleaner.harmed = true
				continue
			}
			piece = appendRecord(piece, kindPut, table, key, value)
		}
	}
	return piece
}

// drop removes the oldest segment, or sets it aside if it was harmed. The next one must not go before this one is known to be
// gone, because its deletions hide what is in this one.
func (j *Journal) drop(s *segment) error {
	gone := j.volume.remove
	if j.cleaner.harmed {
		gone = j.setAside
	}
	if err := gone(s.name); err != nil {
		return fmt.Errorf("remove segment: %w", err)
	}
	if err := j.volume.sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	j.index.disk -= int64(s.size)
	j.segments = j.segments[1:]
	j.cleaner = cleaner{}
	_ = s.file.Close() // it was only read
	return nil
}
