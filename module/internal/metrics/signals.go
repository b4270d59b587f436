package metrics

import (
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// What bounds the number of series.
const (
	maxSignals = 500 // with series of their own
	maxGuests  = 100
	otherGuest = "other"
)

// collector makes series of snapshots.
type collector struct {
	read  func() Snapshot
	build Build

	mu     sync.Mutex // guards guests
	guests map[string]bool
}

// Describe implements prometheus.Collector; see [Hub.Describe].
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.read()
	buildInfo.send(ch, 1, c.build.Version, c.build.Wasmtime, c.build.Architecture)
	s.collect(ch)
	for at, r := range c.rows(&s) {
		r.collect(ch, at)
	}
	c.collectTimes(ch, &s)
	c.collectMeasured(ch, &s)
}

// guest returns the label of a guest: the first hundred that were ever seen keep their names.
func (c *collector) guest(name module.GuestName) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if label := string(name); c.guests[label] || len(c.guests) < maxGuests {
		c.guests[label] = true
		return label
	}
	return otherGuest
}

// place is whose series a row is.
type place struct{ signal, guest string }

// row is what a signal has counted, or several together.
type row struct {
	supervise.Counts
	running, quarantined, slow   int
	onProbation                  int
	shadowed                     bool // a candidate runs beside the guest
	waiting, spooled, partitions int
	troubled                     int
	stateBytes, spoolBytes       int64
	hasGuest                     bool
}

// rows adds signals up, each at its place.
func (c *collector) rows(s *Snapshot) map[place]*row {
	rows := make(map[place]*row)
	at := func(signal, guest string) *row {
		p := place{signal, guest}
		if rows[p] == nil {
			rows[p] = &row{hasGuest: guest != ""}
		}
		return rows[p]
	}
	apart := len(s.Signals) <= maxSignals
	for _, name := range slices.Sorted(maps.Keys(s.Signals)) {
		state, label := s.Signals[name], ""
		if apart {
			label = string(name)
		}
		r := at(label, c.guest(state.Guest))
		r.add(&state)
		stored := s.Stored[name]
		r.stateBytes, r.spoolBytes = r.stateBytes+stored.State, r.spoolBytes+stored.Spool
	}
	for _, guest := range slices.Sorted(maps.Keys(s.Removed)) {
		counts := s.Removed[guest]
		at("", c.guest(guest)).Add(&counts)
	}
	return rows
}

func (r *row) add(s *supervise.State) {
	r.Add(&s.Counts)
	switch s.Status {
	case module.Running:
		r.running++
	case module.Quarantined:
		r.quarantined++
	}
	if s.Slow {
		r.slow++
	}
	if s.OnProbation {
		r.onProbation++
	}
	r.shadowed = r.shadowed || s.Shadow != nil
	r.waiting, r.spooled, r.partitions = r.waiting+s.Waiting-s.Spooled, r.spooled+s.Spooled, r.partitions+s.Partitions
	r.troubled += s.Troubled
}

// ofSignals are the labels of what signals count.
var ofSignals = []string{"signal", "guest"}

// signalFamilies are what each row shows.
var signalFamilies = [...]struct {
	family
	value func(*row) float64
}{
	{counter("signal_messages_in_total", "Messages, samples and ticks that a signal worked on.", ofSignals...), func(r *row) float64 { return number(r.In) }},
	{counter("signal_messages_out_total", "Messages that came of them.", ofSignals...), func(r *row) float64 { return number(r.Out) }},
	{counter("signal_dead_letters_total", "Messages of a signal that went to the dead letters.", ofSignals...), func(r *row) float64 { return number(r.DeadLetters) }},
	{counter("signal_calls_total", "Calls of the guest.", ofSignals...), func(r *row) float64 { return number(r.Calls) }},
	{counter("signal_busy_seconds_total", "Time in the guest.", ofSignals...), func(r *row) float64 { return r.Busy.Seconds() }},
	{counter("signal_restarts_total", "Instances that took the place of ones that ended badly.", ofSignals...), func(r *row) float64 { return number(r.Restarts) }},
	{counter("signal_log_lines_dropped_total", "Lines that the guest logged beyond logLinesPerMinute.", ofSignals...), func(r *row) float64 { return number(r.LinesDropped) }},
	{counter("signal_ticks_missed_total", "Ticks that were over before the guest was free.", ofSignals...), func(r *row) float64 { return number(r.MissedTicks) }},
	{counter("signal_partitions_evicted_total", "Partitions that made way for others.", ofSignals...), func(r *row) float64 { return number(r.Evicted) }},
	{counter("signal_rollbacks_total", "Returns of a signal, or of a partition of it, to the version of its guest before one that failed on probation.", ofSignals...), func(r *row) float64 { return number(r.RolledBack) }},
	{gauge("signal_on_probation", "Signals whose guest may go back to the version before: 1 or 0 for one.", ofSignals...), func(r *row) float64 { return number(r.onProbation) }},
	{gauge("signal_running", "Signals that run: 1 or 0 for one.", ofSignals...), func(r *row) float64 { return number(r.running) }},
	{gauge("signal_quarantined", "Signals in quarantine: 1 or 0 for one.", ofSignals...), func(r *row) float64 { return number(r.quarantined) }},
	{gauge("signal_slow", "Signals that are slow, and served from their spools: 1 or 0 for one.", ofSignals...), func(r *row) float64 { return number(r.slow) }},
	{gauge("signal_partitions", "Partitions that are there.", ofSignals...), func(r *row) float64 { return number(r.partitions) }},
	{gauge("signal_partitions_troubled", "Partitions that do not run.", ofSignals...), func(r *row) float64 { return number(r.troubled) }},
	{gauge("signal_memory_bytes", "Linear memory of the instances that are there.", ofSignals...), func(r *row) float64 { return number(r.InUse) }},
	{gauge("signal_memory_high_water_bytes", "The most linear memory that one instance came to.", ofSignals...), func(r *row) float64 { return number(r.Memory) }},
	{gauge("signal_state_bytes", "Bytes of state that are kept of the guest.", ofSignals...), func(r *row) float64 { return number(r.stateBytes) }},
	{gauge("signal_queue_messages", "Messages that wait for the signal in memory.", ofSignals...), func(r *row) float64 { return number(r.waiting) }},
	{gauge("signal_spool_messages", "Messages that wait for the signal in its spool.", ofSignals...), func(r *row) float64 { return number(r.spooled) }},
	{gauge("signal_spool_bytes", "Bytes that wait for the signal in its spool.", ofSignals...), func(r *row) float64 { return number(r.spoolBytes) }},
}

var (
	signalDropped  = counter("signal_messages_dropped_total", "Messages without a result: the guest dropped them, or the signal was unavailable.", "signal", "guest", "reason")
	signalFailures = counter("signal_failures_total", "Calls and starts of the guest that ended badly, by kind.", "signal", "guest", "kind")
	signalValues   = counter("signal_values_total", "Values by the stage at which they ended.", "signal", "guest", "end")
	signalShadow   = counter("signal_shadow_calls_total", "Calls by how the candidate beside the guest fared: it agreed or differed, or skipped them.", "signal", "guest", "result")
	signalShadowed = counter("signal_shadow_busy_seconds_total", "Time in the candidate beside the guest.", ofSignals...)
	signalNotes    = counter("signal_values_noted_total", "Values that were remarkable, wherever they ended.", "signal", "guest", "note")
)

// notes name what is remarkable about values, in the order of package signals.
var notes = [signals.NoteKinds]string{"invalid", "strayed", "outOfOrder", "future", "untimed"}

func (r *row) collect(ch chan<- prometheus.Metric, at place) {
	for _, f := range signalFamilies {
		f.send(ch, f.value(r), at.signal, at.guest)
	}
	signalDropped.send(ch, number(r.Unavailable), at.signal, at.guest, "unavailable")
	if r.hasGuest {
		signalDropped.send(ch, number(r.Dropped), at.signal, at.guest, "guest")
		for n, kind := range supervise.FailureKinds {
			signalFailures.send(ch, number(r.Failures[n]), at.signal, at.guest, string(kind))
		}
	}
	r.collectShadow(ch, at)
	if r.Ends == [signals.Ends]int64{} { // it has whole messages, and no values
		return
	}
	for n, count := range r.Ends {
		signalValues.send(ch, number(count), at.signal, at.guest, signals.End(n).String())
	}
	for n, count := range r.Notes {
		signalNotes.send(ch, number(count), at.signal, at.guest, notes[n])
	}
}

// collectShadow tells of candidates where there ever was one.
func (r *row) collectShadow(ch chan<- prometheus.Metric, at place) {
	if !r.shadowed && r.ShadowAgreed+r.ShadowDiffered+r.ShadowSkipped == 0 {
		return
	}
	signalShadow.send(ch, number(r.ShadowAgreed), at.signal, at.guest, "agreed")
	signalShadow.send(ch, number(r.ShadowDiffered), at.signal, at.guest, "differed")
	signalShadow.send(ch, number(r.ShadowSkipped), at.signal, at.guest, "skipped")
	signalShadowed.send(ch, r.ShadowBusy.Seconds(), at.signal, at.guest)
}
