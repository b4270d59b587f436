package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// maxMeasured is how many series all that guests measure may come to.
const maxMeasured = 2000

var (
	guestCalls     = prometheus.NewDesc(prefix+"guest_call_seconds", "Time that a call of the guest took, for a message, a sample or a tick.", []string{"guest"}, nil)
	guestCounter   = counter("guest_measured_total", "Counters of guests, by the name that the guest gives, over all its signals.", "guest", "name")
	guestGauge     = gauge("guest_measured", "Gauges of guests, as a signal set them last; of any, under an empty signal, where there are more than 500.", "guest", "signal", "name")
	guestHistogram = prometheus.NewDesc(prefix+"guest_measured_values", "Histograms of guests, over all their signals, in powers of ten.", []string{"guest", "name"}, nil)
	guestRefused   = counter("guest_metrics_refused_total", "Measurements of guests that were left out: too many names, or what is no name or no value.", "guest")
	guestOmitted   = gauge("guest_metrics_omitted", "Series of guests' own metrics that are not shown because there are too many.")
)

// collectTimes makes a histogram of each guest's times, with bounds from 4 µs to 4 s, each four times the one before.
func (c *collector) collectTimes(ch chan<- prometheus.Metric, s *Snapshot) {
	times := make(map[string]supervise.Times)
	for _, name := range slices.Sorted(maps.Keys(s.Times)) {
		label := c.guest(name)
		sum, more := times[label], s.Times[name]
		for n := range more.Buckets {
			sum.Buckets[n] += more.Buckets[n]
		}
		sum.Sum += more.Sum
		times[label] = sum
	}
	for label, t := range times {
		var count uint64
		buckets := make(map[float64]uint64)
		for n, calls := range t.Buckets {
			count += uint64(calls)
			if n > 0 && n%2 == 0 && n < len(t.Buckets)-1 {
				buckets[supervise.TimeBound(n).Seconds()] = count
			}
		}
		ch <- prometheus.MustNewConstHistogram(guestCalls, count, t.Sum.Seconds(), buckets, label)
	}
}

// collectMeasured shows what guests measure, as long as there is room for it. Those beyond the first hundred have no names,
// and so nothing to be shown under.
func (c *collector) collectMeasured(ch chan<- prometheus.Metric, s *Snapshot) {
	room, omitted := maxMeasured, 0
	refused := make(map[string]int64)
	for _, name := range slices.Sorted(maps.Keys(s.Measured)) {
		label, measured := c.guest(name), s.Measured[name]
		refused[label] += measured.Refused
		for _, m := range measured.Measures {
			series := seriesOf(&m, len(s.Signals))
			if label == otherGuest || series > room {
				omitted += series
				continue
			}
			room -= series
			collectMeasure(ch, label, &m, len(s.Signals))
		}
	}
	for label, n := range refused {
		guestRefused.send(ch, number(n), label)
	}
	guestOmitted.send(ch, number(omitted))
}

// seriesOf returns how many series a measure is.
func seriesOf(m *supervise.Measure, signals int) int {
	switch {
	case m.Kind == supervise.Histogram:
		return len(m.Buckets) + 3 // one without a bound, sum and count
	case m.Kind == supervise.Gauge && signals <= maxSignals:
		return len(m.Signals)
	}
	return 1
}

func collectMeasure(ch chan<- prometheus.Metric, guest string, m *supervise.Measure, signals int) {
	switch m.Kind {
	case supervise.Counter:
		guestCounter.send(ch, m.Value, guest, m.Name)
	case supervise.Histogram:
		ch <- prometheus.MustNewConstHistogram(guestHistogram, m.Count, m.Value, m.Buckets, guest, m.Name)
	case supervise.Gauge:
		collectGauge(ch, guest, m, signals)
	}
}

func collectGauge(ch chan<- prometheus.Metric, guest string, m *supervise.Measure, signals int) {
	if signals > maxSignals {
		guestGauge.send(ch, m.Value, guest, "", m.Name)
		return
	}
	for signal, value := range m.Signals {
		guestGauge.send(ch, value, guest, string(signal), m.Name)
	}
}
