package journal

import (
	"errors"
	"fmt"
	"syscall"
)

// reserveName is the file that holds the reserve. It is no segment's name: whoever reads the directory passes over it.
const reserveName = "reserve"

// reserve is a segment's room that is held for deleting and cleaning. Without it a journal that fills its disk would stay
// full for ever: to remove something it has to write.
type reserve struct {
	held  bool
	taken file // the upcoming segment, which the reserve became
}

// keepReserve allocates the reserve where it is not held. An error says that there is no room: nothing is to be put.
func (j *Journal) keepReserve() error {
	if j.reserve.held {
		return nil
	}
	if err := asFull(j.volume.allocate(reserveName, int(j.config.SegmentBytes))); errors.Is(err, ErrFull) {
		return fmt.Errorf("keep room for deleting: %w", err)
	}
	j.reserve.held = true // or the device has other troubles, of which a write tells
	return nil
}

// writeReserved is write for what must find room on a full disk: there it goes to a segment that the reserve becomes. It is
// renamed and not removed, so that nobody else gets the room.
func (j *Journal) writeReserved(payloads [][]byte) error {
	err := j.write(payloads)
	if !errors.Is(err, ErrFull) || !j.reserve.held {
		return err
	}
	j.end()
	j.upcoming = newSegmentName(j.number + 1)
	j.reserve.held = false
	if renameErr := j.volume.rename(reserveName, j.upcoming); renameErr != nil {
		return errors.Join(err, renameErr)
	}
	file, openErr := j.volume.open(j.upcoming)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	j.reserve.taken = file
	return j.write(payloads)
}

// asFull has an error of a disk without room be ErrFull.
func asFull(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
