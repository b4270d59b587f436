package app

import (
	"fmt"
	"sync/atomic"
)

// stuckChecks is at how many checks in a row, 15 s apart, an input is seen at work that is stuck: more than five minutes. All
// that an input may rightly wait for takes seconds, after which it is spooled or its results are stored (6).
const stuckChecks = 21

// progress finds an input that gets no further although all that it needs is there: a connection, room in the outbox, and
// at last a journal that can be written, which is tried only then, for each try is a write to the device. Whatever is
// missing at one check begins the count anew.
type progress struct {
	oldest  func() uint64 // the number of the input that is at work for longest; 0: none
	hopeful func() bool   // there is a connection, and room in the outbox
	write   func(done func(error))

	input  uint64
	checks int
	try    *atomic.Int32 // how far the try of the journal is; nil before it
}

const (
	written = iota + 1
	notWritten
)

// check is called at each check of the watchdog.
func (p *progress) check() error {
	input := p.oldest()
	if input == 0 || input != p.input || !p.hopeful() || p.try != nil && p.try.Load() == notWritten {
		p.input, p.checks, p.try = input, 0, nil
	}
	if p.checks++; p.input == 0 || p.checks < stuckChecks-1 {
		return nil
	}
	if p.try == nil {
		p.tryJournal()
		return nil
	}
	if p.checks < stuckChecks || p.try.Load() != written {
		return nil
	}
	return fmt.Errorf("input %d gets no further, with a connection, room in the outbox and a journal that can be written", p.input)
}

// tryJournal writes something. A slow disk may take as long as it likes: without an answer nothing is stuck.
func (p *progress) tryJournal() {
	try := &atomic.Int32{}
	p.try = try
	p.write(func(err error) {
		if err != nil {
			try.Store(notWritten)
			return
		}
		try.Store(written)
	})
}
