package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// deadLetterOutput is the output of a module whose messages are dead letters.
const deadLetterOutput = "deadletter"

// ledger is an account of every message in a file, one JSON object a line. It is only ever appended to, also by the
// hubs that come after this one. A nil ledger keeps none.
type ledger struct {
	mu   sync.Mutex // guards the fields below
	file *os.File
	buf  bytes.Buffer
	err  error // of the first write that went wrong
}

// entry is a line of the ledger.
type entry struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`            // stored, sent, acked, expired, rejected, repeated, upstream, deadletter or fault
	Module string    `json:"module,omitempty"` // of the input, or of the output
	Input  string    `json:"input,omitempty"`
	Output string    `json:"output,omitempty"`
	From   string    `json:"from,omitempty"` // who sent what is for an input
	MID    string    `json:"mid,omitempty"`  // $.mid
	CID    string    `json:"cid,omitempty"`  // $.cid
	N      *int64    `json:"n,omitempty"`    // the member "n" of the body
	Copy   int       `json:"copy,omitempty"` // of what is sent: 1 is the first
	Reason string    `json:"reason,omitempty"`
	Fault  string    `json:"fault,omitempty"`
}

// openLedger opens a ledger to go on with it. A line that a hub did not finish because it was killed is cut off: what
// it was to tell has not been acknowledged to anybody.
func openLedger(name string) (*ledger, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := cutTorn(file); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return &ledger{file: file}, nil
}

// cutTorn cuts off what comes after the last line.
func cutTorn(file *os.File) error {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	for size := end; size > 0; size-- {
		var last [1]byte
		if _, err := file.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] == '\n' {
			if size == end {
				return nil
			}
			return file.Truncate(size)
		}
	}
	return file.Truncate(0)
}

// input tells what happened to a message for an input.
func (l *ledger) input(event string, e *endpoint, m *message) {
	if l == nil {
		return
	}
	line := entry{Event: event, Module: e.peer.name, Input: e.input}
	if event == "sent" {
		line.Copy = m.sent
	}
	if topic, err := edgehub.ParseInputTopic(m.topic); err == nil {
		line.identify(topic.Properties, m.body)
		line.From, _ = topic.Properties.Get(edgehub.PropertySenderModule)
	}
	l.add(line)
}

// upstream tells that a message has reached IoT Hub.
func (l *ledger) upstream(up Upstream) {
	if l == nil {
		return
	}
	line := entry{Event: "upstream", Module: up.Module, Output: up.Output}
	line.identify(up.Message.Properties, up.Message.Body)
	if up.Output == deadLetterOutput {
		line.Event = "deadletter"
		line.Reason, _ = up.Message.Properties.Get("deadletter-reason")
	}
	l.add(line)
}

// expired tells that a message has outlived its time before IoT Hub could be reached.
func (l *ledger) expired(m *message) {
	if l == nil {
		return
	}
	line := entry{Event: "expired", Module: m.up.Module, Output: m.up.Output}
	line.identify(m.up.Message.Properties, m.up.Message.Body)
	l.add(line)
}

// fault tells that a fault was made.
func (l *ledger) fault(text string) {
	if l != nil {
		l.add(entry{Event: "fault", Fault: text})
	}
}

func (e *entry) identify(properties edgehub.Properties, body []byte) {
	e.MID, _ = properties.Get(edgehub.PropertyMessageID)
	e.CID, _ = properties.Get("$.cid")
	if n, ok := bodyNumber(body); ok {
		e.N = &n
	}
}

// bodyNumber finds the first member "n" of a body that is an integer, wherever in it that is.
func bodyNumber(body []byte) (int64, bool) {
	_, rest, found := bytes.Cut(body, []byte(`"n":`))
	if !found {
		return 0, false
	}
	rest = bytes.TrimLeft(rest, " ")
	digits := len(rest) - len(bytes.TrimLeft(rest, "0123456789"))
	n, err := strconv.ParseInt(string(rest[:digits]), 10, 64)
	return n, err == nil
}

func (l *ledger) add(line entry) {
	line.Time = time.Now().UTC()
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = json.NewEncoder(&l.buf).Encode(line) // into memory, of texts and numbers
	if l.buf.Len() > journalBuffer {
		_ = l.write() // kept for flush
	}
}

// flush writes what was added before.
func (l *ledger) flush() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write()
}

func (l *ledger) write() error {
	if l.err == nil && l.buf.Len() > 0 {
		if _, err := l.file.Write(l.buf.Bytes()); err != nil {
			l.err = fmt.Errorf("write ledger: %w", err)
		}
		l.buf.Reset()
	}
	return l.err
}

func (l *ledger) close() error {
	if l == nil {
		return nil
	}
	if err := l.flush(); err != nil {
		_ = l.file.Close()
		return err
	}
	return l.file.Close()
}
