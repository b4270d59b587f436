package pipeline

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Folder keeps dead letters on the device: those that edgeHub cannot be given whole.
type Folder interface {
	Keep(m module.Message, l module.DeadLetter) error
}

// letterMessage returns the dead letter for edgeHub: the original body and properties, and what happened.
func letterMessage(original module.Message, l module.DeadLetter) module.Message {
	m := module.Message{Body: original.Body, Properties: distinct(Inherit(original.Properties, 14))}
	Trace(&m.Properties, original.Properties, true)
	set := func(name, value string) {
		if value != "" {
			m.Properties.Set(name, value)
		}
	}
	set(PropertyMessageType, "deadletter")
	set("deadletter-reason", l.Reason)
	set("deadletter-description", cut(l.Description, 512))
	set("deadletter-signal", string(l.Signal))
	set("deadletter-guest", string(l.Guest))
	set("deadletter-digest", l.Digest)
	if l.Attempts > 0 {
		set("deadletter-attempts", strconv.Itoa(l.Attempts))
	}
	set("deadletter-input", string(l.Input))
	set("deadletter-time", l.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
	return m
}

// letterBody is how many bytes of a body a dead letter keeps that edgeHub would not take whole.
const letterBody = 128 << 10

// cutLetter returns a dead letter with its body cut, and bare also without the properties that are not its own.
func cutLetter(m module.Message, bare bool) module.Message {
	if len(m.Body) > letterBody {
		m.Properties.Set("deadletter-truncated", strconv.Itoa(len(m.Body)))
		m.Body = m.Body[:letterBody]
	}
	if bare {
		m.Properties = slices.DeleteFunc(m.Properties.Clone(0), func(p struct{ Name, Value string }) bool {
			return !strings.HasPrefix(p.Name, "deadletter-") && p.Name != module.PropertyMessageID && p.Name != PropertyMessageType
		})
	}
	return m
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// letters bounds how many dead letters go to edgeHub in a minute; what exceeds it is kept in the folder.
type letters struct {
	folder  Folder
	onError func(error)

	mu        sync.Mutex // guards what follows
	perMinute int
	minute    time.Time
	sent      int
	reasons   map[string]int64 // dead letters by reason, of which there are few; those too that only the folder has
}

// count counts a dead letter.
func (l *letters) count(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reasons[reason]++
}

// byReason returns how many dead letters there were for each reason.
func (l *letters) byReason() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.reasons)
}

// admit reports whether the dead letter goes to edgeHub. If it does not, the folder has it; if the folder cannot
// take it, it goes after all.
func (l *letters) admit(original module.Message, letter module.DeadLetter) bool {
	return l.within(letter.Time) || !l.keep(original, letter)
}

// within counts a dead letter and reports whether it is one of those that go to edgeHub in this minute.
func (l *letters) within(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.minute) >= time.Minute {
		l.minute, l.sent = now, 0
	}
	l.sent++
	return l.sent <= l.perMinute
}

// keep puts a message into the folder and reports whether it is there.
func (l *letters) keep(original module.Message, letter module.DeadLetter) bool {
	if l.folder == nil {
		return false
	}
	if err := l.folder.Keep(original, letter); err != nil {
		l.onError(err)
		return false
	}
	return true
}

func (l *letters) setLimit(perMinute int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perMinute = perMinute
}

// substitute stands a dead letter in for a result that edgeHub would not take, and cuts a dead letter: first its body,
// then the properties that are not its own. What is cut off is in the folder. So is what exceeds the minute's dead
// letters, which then need not be sent: it reports false.
func (p *Pipeline) substitute(r *result, err *UnsendableError) bool {
	letter := module.DeadLetter{Reason: err.Reason, Description: err.Error(), Signal: r.signal, Input: r.input, Time: time.Now()}
	r.refusals++
	kept := r.refusals == 1 && p.letters.keep(r.Message, letter)
	if r.output != module.OutputDeadLetter {
		p.letters.count(letter.Reason)
		if !p.letters.within(letter.Time) && kept {
			return false
		}
		p.deadLetters.Add(1)
		id := r.Properties.Value(module.PropertyMessageID)
		r.Message, r.output = letterMessage(r.Message, letter), module.OutputDeadLetter
		r.Properties.Set(module.PropertyMessageID, id)
	}
	r.Message = cutLetter(r.Message, r.refusals > 1)
	return r.refusals <= 2
}
