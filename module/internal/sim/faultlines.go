package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// twinGetOffline is how long a twin GET takes while edgeHub is offline, unless the fault says otherwise
// (CloudOperationTimeoutSecs of edgeHub).
const twinGetOffline = 20 * time.Second

// fault is a fault that can be made by a line of words.
type fault struct {
	name, usage, help string
	make              func(context.Context, *Hub, *words) (made string, err error)
}

// allFaults are the faults in the order in which they are listed.
func allFaults() []fault {
	return []fault{
		{"drop", "[MODULE]", "close the module's connection from the hub's side", makeDrop},
		{"hold-acks", "[MODULE]", "withhold the acknowledgements of what the module publishes", holdFault((*Hub).HoldAcks, true)},
		{"release-acks", "[MODULE]", "let them go again", holdFault((*Hub).HoldAcks, false)},
		{"delay-acks", "[MODULE] DURATION", "have them come so much later, 0s to end it", delayFault((*Hub).DelayAcks)},
		{"hold-twin", "[MODULE]", "withhold the answers to the module's twin requests", holdFault((*Hub).HoldTwin, true)},
		{"release-twin", "[MODULE]", "let them go again", holdFault((*Hub).HoldTwin, false)},
		{"delay-twin", "[MODULE] DURATION", "have them come so much later, 0s to end it", delayFault((*Hub).DelayTwin)},
		{"twin", "[MODULE] stale|empty|unversioned|true", "what a twin GET answers, until true ends it", makeTwin},
		{"expire-token", "[MODULE]", "end the module's connection, and let nobody in with that token again", makeExpireToken},
		{"repeat", "[MODULE] INPUT", "send once more what the module acknowledged last on an input", makeRepeat},
		{"refuse", "COUNT", "answer so many CONNECTs with \"server unavailable\"", makeRefuse},
		{"close-listener", "DURATION", "refuse connections for so long; open ones stay", makeCloseListener},
		{"restart", "[DURATION]", "what killing edgeHub does to modules, and starting it again after so long", makeRestart},
		{"offline", "[DURATION]", "cut the hub off from IoT Hub; a twin GET takes so long, 20s", makeOffline},
		{"online", "", "end that", makeOnline},
	}
}

// FaultHelp lists the faults that Fault makes, a line each.
func FaultHelp() string {
	var text strings.Builder
	for _, f := range allFaults() {
		fmt.Fprintf(&text, "  fault %-46s %s\n", strings.TrimSpace(f.name+" "+f.usage), f.help)
	}
	return text.String()
}

// Fault makes the fault that a line of words asks for: drop, delay-acks filter 2s, … see FaultHelp. Where no module is
// named it is the given one. It returns what there was to do, for people; the observer is told of the fault first.
func (h *Hub) Fault(ctx context.Context, module, line string) (made string, err error) {
	w := &words{hub: h, module: module, rest: strings.Fields(line)}
	name := w.next()
	faults := allFaults()
	i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if i < 0 {
		return "", fmt.Errorf("make fault: there is no fault %q", name)
	}
	w.told = func() {
		text := strings.Join(strings.Fields(line), " ")
		h.ledger.fault(text)
		h.observe.fault(Fault{Text: text, Module: w.module, Time: time.Now()})
	}
	made, err = faults[i].make(ctx, h, w)
	if err != nil {
		return "", fmt.Errorf("make fault %q: %w", name, err)
	}
	return made, nil
}

// words are those of a fault that are not read yet.
type words struct {
	hub    *Hub
	module string // that is meant
	rest   []string
	told   func() // takes note of the fault
}

func (w *words) next() string {
	if len(w.rest) == 0 {
		return ""
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

// about reads the module, if the next word names one.
func (w *words) about() {
	if len(w.rest) > 0 {
		if _, known := w.hub.peers[w.rest[0]]; known {
			w.module = w.next()
		}
	}
}

// duration reads a duration; where there is no word it is the other one.
func (w *words) duration(otherwise time.Duration) (time.Duration, error) {
	word := w.next()
	if word == "" && otherwise >= 0 {
		return otherwise, nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration, like 2s", word)
	}
	return d, nil
}

// required is an otherwise that there is none.
const required = -1

// end makes sure that every word was read, and takes note of the fault.
func (w *words) end() error {
	if len(w.rest) > 0 {
		return fmt.Errorf("%q is too much, or no module of the deployment", strings.Join(w.rest, " "))
	}
	w.told()
	return nil
}

func holdFault(set func(*Hub, string, bool) error, on bool) func(context.Context, *Hub, *words) (string, error) {
	return func(_ context.Context, h *Hub, w *words) (string, error) {
		w.about()
		if err := w.end(); err != nil {
			return "", err
		}
		return "", set(h, w.module, on)
	}
}

func delayFault(set func(*Hub, string, time.Duration) error) func(context.Context, *Hub, *words) (string, error) {
	return func(_ context.Context, h *Hub, w *words) (string, error) {
		w.about()
		d, err := w.duration(required)
		if err == nil {
			err = w.end()
		}
		if err != nil {
			return "", err
		}
		return "", set(h, w.module, d)
	}
}

func makeDrop(_ context.Context, h *Hub, w *words) (string, error) {
	w.about()
	if err := w.end(); err != nil {
		return "", err
	}
	connected, err := h.Disconnect(w.module)
	return otherwise(connected, "it was not connected"), err
}

func makeExpireToken(_ context.Context, h *Hub, w *words) (string, error) {
	w.about()
	if err := w.end(); err != nil {
		return "", err
	}
	connected, err := h.ExpireToken(w.module)
	return otherwise(connected, "it was not connected"), err
}

func makeTwin(_ context.Context, h *Hub, w *words) (string, error) {
	w.about()
	kind := TwinFault(w.next())
	switch kind {
	case TwinStale, TwinEmpty, TwinUnversioned:
	case "true":
		kind = TwinTrue
	default:
		return "", fmt.Errorf("%q is none of stale, empty, unversioned and true", kind)
	}
	if err := w.end(); err != nil {
		return "", err
	}
	return "", h.ServeTwin(w.module, kind)
}

func makeRepeat(ctx context.Context, h *Hub, w *words) (string, error) {
	w.about()
	input := w.next()
	if err := w.end(); err != nil {
		return "", err
	}
	repeated, err := h.RepeatInput(ctx, w.module, input)
	return otherwise(repeated, "nothing was acknowledged on it yet"), err
}

func makeRefuse(_ context.Context, h *Hub, w *words) (string, error) {
	word := w.next()
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return "", fmt.Errorf("%q is no count", word)
	}
	if err := w.end(); err != nil {
		return "", err
	}
	h.RefuseConnects(n)
	return "", nil
}

func makeCloseListener(_ context.Context, h *Hub, w *words) (string, error) {
	return timed(w, required, h.CloseListener)
}

func makeRestart(_ context.Context, h *Hub, w *words) (string, error) { return timed(w, 0, h.Restart) }

func makeOffline(_ context.Context, h *Hub, w *words) (string, error) {
	return timed(w, twinGetOffline, h.Offline)
}

func makeOnline(_ context.Context, h *Hub, w *words) (string, error) {
	if err := w.end(); err != nil {
		return "", err
	}
	h.Online()
	return "", nil
}

// timed makes a fault that takes a duration.
func timed(w *words, usual time.Duration, set func(time.Duration)) (string, error) {
	d, err := w.duration(usual)
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return "", err
	}
	set(d)
	return "", nil
}

// otherwise says why nothing was to be done.
func otherwise(done bool, why string) string {
	if done {
		return ""
	}
	return why
}
