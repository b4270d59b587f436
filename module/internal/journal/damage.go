package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Files that were set aside begin with these words. The newest damaged ones are kept; those of another version of the
// format are never removed, because a newer program may want them back.
const (
	prefixDamaged = "damaged-"
	prefixVersion = "version-"
	keptDamaged   = 4
)

// state is what was found in a segment.
type state struct {
	frames []frame // those that count
	end    int     // where the segment ends
	holes  []span  // what is damaged before that
	torn   bool    // something lies behind the end that a crash has cut off
	cut    int     // whole transactions in that, left out because what was written with them is not whole
	marked bool    // the last frame is empty: all before it was synced
}

// inspect finds out what counts of the bytes of a segment, which should reach up to end. If end is only the end of the file,
// zeros there were allocated and not written.
//
// In the newest segment a crash may have left holes, or nothing, where the last batch was written; there the segment ends,
// and a transaction behind the hole does not count, because it may rest on one that is missing. A frame of a later batch proves
// that what lies before it was synced: a hole there is damage, and what lies behind counts.
func inspect(b []byte, s *stored, end int, known, newest bool) state {
	frames, holes := scan(b, s.seed, min(headerSize, len(b)))
	if s.headErr != nil {
		holes = append([]span{{0, min(headerSize, len(b))}}, holes...)
	}
	if len(b) < end {
		holes = addHole(holes, span{len(b), end})
	}
	state := state{frames: frames, end: end, holes: holes}
	if !known {
		state.dropUnwritten(b)
	}
	if newest {
		state.cutTorn()
	}
	if last := len(state.frames) - 1; last >= 0 {
		state.marked = state.frames[last].end == state.end && len(state.frames[last].payload) == 0
	}
	return state
}

// dropUnwritten ends the segment where nothing but zeros follow.
func (s *state) dropUnwritten(b []byte) {
	last := len(s.holes) - 1
	if last >= 0 && s.holes[last].end == len(b) && len(bytes.TrimLeft(b[s.holes[last].at:], "\x00")) == 0 {
		s.end = s.holes[last].at
		s.holes = s.holes[:last]
	}
}

// cutTorn ends the segment at the first hole that no later batch follows.
func (s *state) cutTorn() {
	synced := 0
	if len(s.frames) > 0 {
		synced = s.frames[len(s.frames)-1].batch
	}
	torn := slices.IndexFunc(s.holes, func(h span) bool { return h.at >= synced })
	if torn < 0 {
		return
	}
	s.end, s.torn = s.holes[torn].at, true
	s.holes = s.holes[:torn]
	counts := len(s.frames)
	for counts > 0 && s.frames[counts-1].at > s.end {
		counts--
	}
	s.cut = len(s.frames) - counts
	s.frames = s.frames[:counts]
}

// reason says what is damaged, or "".
func (s *state) reason() string {
	var parts []string
	if n := len(s.holes); n > 0 {
		bytes := 0
		for _, h := range s.holes {
			bytes += h.end - h.at
		}
		parts = append(parts, fmt.Sprintf("%d bytes at %d places are damaged, the first at %d; %d frames are whole", bytes, n, s.holes[0].at, len(s.frames)))
	}
	if s.cut > 0 {
		parts = append(parts, fmt.Sprintf("the last batch is damaged at %d; %d frames behind that were left out", s.end, s.cut))
	}
	return strings.Join(parts, "; ")
}

// repair keeps a copy of a damaged segment, and covers what is damaged so that it is not found again.
func (j *Journal) repair(s *stored, b []byte, state state) Damage {
	damage := Damage{s.name, state.reason()}
	copied := prefixDamaged + s.name
	if err := j.copyAside(copied, b); err != nil {
		damage.Reason += fmt.Sprintf("; no copy was kept: %v", err)
	} else {
		damage.File = copied
	}
	if err := j.fill(s, state.holes); err != nil {
		damage.Reason += fmt.Sprintf("; not repaired: %v", err)
	}
	return damage
}

func (j *Journal) copyAside(name string, b []byte) error {
	f, err := j.volume.create(name, len(b))
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = j.volume.remove(name) // half a copy is of no use
		return err
	}
	return j.prune()
}

// prune removes the oldest damaged segments.
func (j *Journal) prune() error {
	names, err := j.volume.list()
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefixDamaged) })
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keptDamaged)] {
		if err := j.volume.remove(name); err != nil {
			return err
		}
	}
	return nil
}

// fill covers damaged places with fillers, and writes a new header where that is damaged.
func (j *Journal) fill(s *stored, holes []span) error {
	for _, h := range holes {
		b := appendHead(nil, magicFiller, s.seed, h.at, h.at, h.end-h.at-frameHead, 0)
		switch {
		case h.at == 0:
			b = header{formatVersion, j.endBefore(s.segment)}.append(nil)
		case h.end-h.at < frameHead:
			continue // was never a frame; it stays as it is
		}
		if _, err := s.file.WriteAt(b, int64(h.at)); err != nil {
			return err
		}
		if int64(h.end) > s.length {
			if err := s.file.Truncate(int64(h.end)); err != nil {
				return err
			}
		}
	}
	return s.file.Sync()
}

// endBefore returns where the segment before s ends.
func (j *Journal) endBefore(s *segment) int {
	if i := slices.Index(j.segments, s); i > 0 {
		return j.segments[i-1].size
	}
	return 0
}

// setAside renames a damaged segment.
func (j *Journal) setAside(name string) error {
	if err := j.volume.rename(name, prefixDamaged+name); err != nil {
		return err
	}
	return j.prune()
}

// refuse sets a segment aside that cannot be read at all.
func (j *Journal) refuse(s *stored, reason string) Damage {
	_ = s.file.Close() // it was only read
	prefix := prefixDamaged
	if s.headErr == nil && s.header.version != formatVersion {
		prefix = prefixVersion
	}
	if err := j.volume.rename(s.name, prefix+s.name); err != nil {
		return Damage{s.name, fmt.Sprintf("%s; not set aside: %v", reason, err)}
	}
	return Damage{prefix + s.name, reason}
}
