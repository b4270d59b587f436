package supervise

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Kinds of what guests measure, as edge/1 counts them.
const (
	Counter   = 0
	Gauge     = 1
	Histogram = 2
)

// Bounds of what guests measure: each name, and each signal of a gauge, is a series for good.
const (
	measureNames   = 32  // of a guest
	measureSignals = 500 // of a gauge
	measureName    = 64  // bytes
)

// measureBounds are those of histograms: guests do not say what they measure.
var measureBounds = [...]float64{1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// Measure is what the signals of a guest measured under one name.
type Measure struct {
	Name    string
	Kind    int                           // Counter, Gauge or Histogram
	Value   float64                       // the sum of a counter or a histogram; of a gauge what any signal set last
	Signals map[module.SignalName]float64 // of a gauge: what each signal set last, 500 of them at most
	Count   uint64                        // of a histogram
	Buckets map[float64]uint64            // of a histogram: values that are not above the bound, as Prometheus counts them
}

// measures are what the signals of a guest measured.
type measures struct {
	mu      sync.Mutex // guards what follows
	names   map[string]*Measure
	refused int64 // names, values and signals that were too many, or none
}

// takeMetrics takes what a call that ended well measured.
func (r *runner) takeMetrics(i Instance) {
	if metrics := i.Effects().Metrics; len(metrics) > 0 {
		r.measures.take(r.name, metrics)
	}
}

func (m *measures) take(signal module.SignalName, metrics []module.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, metric := range metrics {
		if known := m.measure(metric); known == nil || !known.add(signal, metric.Value) {
			m.refused++
		}
	}
}

// measure returns what a metric adds to, or nil where its name is none, is of another kind, or one too many.
func (m *measures) measure(metric module.Metric) *Measure {
	if known := m.names[metric.Name]; known != nil {
		if known.Kind != metric.Kind {
			return nil
		}
		return known
	}
	if len(m.names) >= measureNames || !validMeasure(metric.Name) || metric.Kind < Counter || metric.Kind > Histogram {
		return nil
	}
	if m.names == nil {
		m.names = make(map[string]*Measure)
	}
	name := strings.Clone(metric.Name) // effects point into the instance
	known := &Measure{Name: name, Kind: metric.Kind}
	switch metric.Kind {
	case Gauge:
		known.Signals = make(map[module.SignalName]float64)
	case Histogram:
		known.Buckets = make(map[float64]uint64, len(measureBounds))
		for _, bound := range measureBounds {
			known.Buckets[bound] = 0
		}
	}
	m.names[name] = known
	return known
}

// validMeasure reports whether a name is one to be shown: text that needs no escaping anywhere.
func validMeasure(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return name != "" && len(name) <= measureName
}

// add adds a value, and reports whether it is one: counters do not fall, and what is no number has no sum.
func (m *Measure) add(signal module.SignalName, value float64) bool {
	if math.IsNaN(value) || math.IsInf(value, 0) || m.Kind == Counter && value < 0 {
		return false
	}
	switch m.Kind {
	case Gauge:
		m.Value = value
		if _, known := m.Signals[signal]; !known && len(m.Signals) >= measureSignals {
			return false
		}
		m.Signals[signal] = value
	case Histogram:
		m.Count++
		for _, bound := range measureBounds {
			if value <= bound {
				m.Buckets[bound]++
			}
		}
		m.Value += value
	default:
		m.Value += value
	}
	return true
}

// forget takes a signal's gauges off that is gone.
func (m *measures) forget(signal module.SignalName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, measure := range m.names {
		delete(measure.Signals, signal)
	}
}

func (m *measures) load() (all []Measure, refused int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		measure := *m.names[name]
		measure.Signals, measure.Buckets = maps.Clone(measure.Signals), maps.Clone(measure.Buckets)
		all = append(all, measure)
	}
	return all, m.refused
}

// Measured is what a guest measured.
type Measured struct {
	Measures []Measure // by name; 32 at most
	Refused  int64     // measurements that were left out: too many names, or what is no name or no value
}

// Measured returns what guests measured, of all that signals ever used.
func (s *Supervisor) Measured() map[module.GuestName]Measured {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[module.GuestName]Measured, len(s.measures))
	for name, m := range s.measures {
		measured, refused := m.load()
		all[name] = Measured{measured, refused}
	}
	return all
}

// measuresOf returns where the measurements of a guest are kept.
func (s *Supervisor) measuresOf(name module.GuestName) *measures {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.measures[name] == nil {
		s.measures[name] = new(measures)
	}
	return s.measures[name]
}
