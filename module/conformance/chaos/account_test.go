//go:build cgo

package chaos

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// account is of everything that has reached $upstream.
type account struct {
	mu       sync.Mutex // guards what follows
	signals  map[string]*signalAccount
	contents map[string][sha256.Size]byte // by $.mid
	problems []string
	last     time.Time // of an arrival
}

// signalAccount is of what came of the messages for one signal.
type signalAccount struct {
	highest   int              // number that was delivered
	seen      map[int][]string // by number: the ids of what came of it
	delivered map[int]bool
	letters   map[int]string // by number: the reason
	unkept    map[int]bool   // by number: the disk did not take what came of it
	counts    map[int]int    // by number: what the guest that counts says
	again     int            // came again in another message, as what is sent while the disk is full may
	unwritten int            // messages that came with an errno other than 0
	errno     string         // of the message that came last, where its guest writes files
	repeats   int
	late      int // deliveries after one with a higher number, of what had not come at all before
}

func newAccount() *account {
	return &account{signals: map[string]*signalAccount{}, contents: map[string][sha256.Size]byte{}}
}

// line is what the hub prints of a message.
type line struct {
	Type, Output string
	Properties   map[string]string
	Body         json.RawMessage
	BodyBase64   []byte
}

var (
	numberIn = regexp.MustCompile(`"n":(\d+)`)
	countIn  = regexp.MustCompile(`^count=(\d+) `)
)

// take takes a line that the hub printed. What is no message upstream is not of interest.
func (a *account) take(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("read what the hub printed: %w", err)
	}
	if l.Type != "message" {
		return nil
	}
	body := slices.Concat(l.BodyBase64, l.Body) // there is one of them
	number, id := numberIn.FindSubmatch(body), l.Properties["$.mid"]
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = time.Now()
	if isSample(l.Properties["messageType"]) {
		return a.takeSamples(body, id)
	}
	if number == nil || id == "" {
		a.problems = append(a.problems, fmt.Sprintf("a message upstream has no number or no $.mid: %.200s", text))
		return nil
	}
	n, _ := strconv.Atoi(string(number[1])) // digits
	sum := sha256.Sum256(body)
	if other, known := a.contents[id]; known && other != sum {
		a.problems = append(a.problems, fmt.Sprintf("message %d came with two contents under $.mid %s", n, id))
	}
	a.contents[id] = sum
	signal := cmp.Or(l.Properties["deadletter-signal"], l.Properties["signal"])
	of := a.of(signal)
	of.take(n, id, l.Properties["deadletter-reason"])
	of.takeErrno(l.Properties["errno"])
	if count := countIn.FindSubmatch(body); count != nil {
		of.counts[n], _ = strconv.Atoi(string(count[1])) // digits
	}
	return nil
}

func isSample(messageType string) bool { return messageType == "batch" || messageType == "sample" }

// takeSamples takes a message of the publish group, or a sample that could not be kept for one.
func (a *account) takeSamples(body []byte, id string) error {
	sealed := body[0] == '['
	if !sealed { // it was sent by itself, and a repeat has the time at which it arrived again
		body = slices.Concat([]byte("["), body, []byte("]"))
	}
	var samples []struct {
		Signal string
		Value  int
	}
	if err := json.Unmarshal(body, &samples); err != nil {
		return fmt.Errorf("read samples: %w", err)
	}
	sum := sha256.Sum256(body)
	if other, known := a.contents[id]; known && other != sum && sealed {
		a.problems = append(a.problems, "a message of a publish group came with two contents under $.mid "+id)
	}
	a.contents[id] = sum
	for _, s := range samples {
		of := a.of(s.Signal)
		if len(of.seen[s.Value]) > 0 && !slices.Contains(of.seen[s.Value], id) {
			of.again++
			continue
		}
		of.take(s.Value, id, "")
	}
	return nil
}

func (a *account) of(signal string) *signalAccount {
	if a.signals[signal] == nil {
		a.signals[signal] = &signalAccount{seen: map[int][]string{}, delivered: map[int]bool{}, letters: map[int]string{}, unkept: map[int]bool{}, counts: map[int]int{}}
	}
	return a.signals[signal]
}

func (s *signalAccount) take(n int, id, reason string) {
	if slices.Contains(s.seen[n], id) {
		s.repeats++
		return
	}
	s.seen[n] = append(s.seen[n], id)
	if reason != "" {
		s.letters[n], s.unkept[n] = reason, s.unkept[n] || reason == "state-not-kept"
		return
	}
	s.delivered[n] = true
	if n < s.highest && s.letters[n] == "" { // else it came in its turn, as a dead letter, and now again
		s.late++
	}
	s.highest = max(s.highest, n)
}

func (s *signalAccount) takeErrno(errno string) {
	if errno == "" {
		return
	}
	if s.errno = errno; errno != "00" {
		s.unwritten++
	}
}

// refused reports whether a message after a number is a dead letter for a reason.
func (s *signalAccount) refused(reason string, after int) bool {
	for n, is := range s.letters {
		if n > after && is == reason {
			return true
		}
	}
	return false
}

// missing returns the numbers up to sent that nothing has come of. Signals in a chain share what befalls a message.
func (a *account) missing(chain []string, sent int) (numbers []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n := 1; n <= sent; n++ {
		if !slices.ContainsFunc(chain, func(signal string) bool { return len(a.of(signal).seen[n]) > 0 }) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// settled returns of how many messages something has come in every one of the chains.
func (a *account) settled(chains [][]string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	least := math.MaxInt
	for _, chain := range chains {
		come := 0
		for _, signal := range chain {
			if s := a.signals[signal]; s != nil {
				come += len(s.seen)
			}
		}
		least = min(least, come)
	}
	return least
}

// check tells what is wrong with what has come: ids that do not tell repeats, order, and counts.
func (a *account) check() (problems []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	problems = slices.Clone(a.problems)
	for _, name := range slices.Sorted(maps.Keys(a.signals)) {
		s := a.signals[name]
		for _, n := range slices.Sorted(maps.Keys(s.seen)) {
			if len(s.seen[n]) > 1 && !s.unkept[n] { // of what the disk did not take nothing is known after a kill
				problems = append(problems, fmt.Sprintf("signal %s: message %d came under several ids, dead letter %q: %v", name, n, s.letters[n], s.seen[n]))
			}
		}
		if s.late > 0 {
			problems = append(problems, fmt.Sprintf("signal %s: %d messages came after later ones", name, s.late))
		}
		if s.errno != "" && s.errno != "00" {
			problems = append(problems, fmt.Sprintf("signal %s: its guest cannot write files in the end: errno %s", name, s.errno))
		}
		problems = append(problems, s.checkCounts(name)...)
	}
	return problems
}

// checkCounts makes sure that the guest has counted each message that it worked on, once.
func (s *signalAccount) checkCounts(name string) (problems []string) {
	counts := slices.Sorted(maps.Values(s.counts))
	for i, count := range counts {
		if count != i+1 {
			return []string{fmt.Sprintf("signal %s: the %dth count of %d is %d", name, i+1, len(counts), count)}
		}
	}
	return nil
}

// compare makes sure that the hub's ledger knows of each message up to sent as one that the module has acknowledged, and
// of the same messages upstream as the account.
func (a *account) compare(ledger io.Reader, sent int) (problems []string) {
	acked, upstream := map[int]bool{}, map[string]bool{}
	lines := json.NewDecoder(ledger)
	for lines.More() {
		var e struct {
			Event, MID string
			N          int
		}
		if err := lines.Decode(&e); err != nil {
			return []string{fmt.Sprintf("read ledger: %v", err)}
		}
		switch e.Event {
		case "acked":
			acked[e.N] = true
		case "upstream", "deadletter":
			upstream[e.MID] = true
		}
	}
	for n := 1; n <= sent; n++ {
		if !acked[n] {
			problems = append(problems, fmt.Sprintf("ledger: message %d is not acknowledged", n))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !maps.EqualFunc(upstream, a.contents, func(bool, [sha256.Size]byte) bool { return true }) {
		problems = append(problems, fmt.Sprintf("ledger: it knows of %d messages upstream, the account of %d", len(upstream), len(a.contents)))
	}
	return problems
}

// summary tells how much has come so far, in a line.
func (a *account) summary() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a.signals)) {
		s := a.signals[name]
		parts = append(parts, fmt.Sprintf("%s %d (repeats %d, late %d)", name, len(s.seen), s.repeats, s.late))
	}
	return fmt.Sprintf("came of signals: %s; problems %d", strings.Join(parts, ", "), len(a.problems))
}

// table tells what has become of the messages, a line for each signal.
func (a *account) table(sent int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "%-10s %8s %9s %8s %8s %8s %9s  %s\n", "signal", "sent", "delivered", "repeats", "again", "late", "unwritten", "dead letters")
	for _, name := range slices.Sorted(maps.Keys(a.signals)) {
		s := a.signals[name]
		reasons := map[string]int{}
		for _, reason := range s.letters {
			reasons[reason]++
		}
		fmt.Fprintf(&text, "%-10s %8d %9d %8d %8d %8d %9d  %v\n", name, sent, len(s.delivered), s.repeats, s.again, s.late, s.unwritten, reasons)
	}
	return text.String()
}
