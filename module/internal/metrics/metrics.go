// Package metrics shows what the module does to Prometheus, and to IoT Edge's metrics collector, which reads the same text.
//
// Nothing is counted here but what edgeHub's client tells: the parts of the module count for themselves, and a scrape reads
// their snapshots. So a message costs nothing more because somebody might look.
//
//	hub := metrics.NewHub()                       // told of events and publishes
//	handler := metrics.New(metrics.Config{Labels: labels, Hub: hub, Read: read})
//
// All names begin with wasm_on_edge_, then comes whose it is: inputs, outbox, edgehub, twin, storage, code, signal, guest.
// Series are bounded, however many signals there are: each signal has its own up to 500 of them; beyond that those of a
// guest are added up, under an empty signal. An empty signal also stands for signals that were removed, so that sums do not
// fall. Guests beyond the first hundred are one, "other".
//
// # Concurrency
//
// A Hub and the handler may be used from any goroutine. The handler serves two scrapes at a time, and calls Read in theirs.
package metrics

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

const (
	prefix   = "wasm_on_edge_"
	scrapers = 2 // at a time; others are told to come again
)

// Labels are on all metrics, under the names that IoT Edge's own modules use (protocol: the runtime's built-in metrics).
type Labels struct {
	IoTHub   string // iothub: host name
	Device   string // edge_device
	Module   string // module_name
	Instance string // instance_number: another one each time that the module starts, because counters begin anew
}

// Config is what New makes a handler of.
type Config struct {
	Labels Labels
	Build  Build
	Hub    *Hub
	Read   func() Snapshot // called at each scrape
}

// Build says what runs.
type Build struct{ Version, Wasmtime, Architecture string }

// New returns what answers scrapes.
func New(c Config) http.Handler {
	return promhttp.HandlerFor(newGatherer(c), promhttp.HandlerOpts{MaxRequestsInFlight: scrapers, ErrorHandling: promhttp.ContinueOnError})
}

func newGatherer(c Config) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		c.Hub, &collector{read: c.Read, build: c.Build, guests: make(map[string]bool)})
	return labelled{registry, []*dto.LabelPair{pair("iothub", c.Labels.IoTHub), pair("edge_device", c.Labels.Device),
		pair("instance_number", c.Labels.Instance), pair("module_name", c.Labels.Module)}}
}

// labelled adds labels to all that is gathered. To have the registry do it makes a scrape of 500 signals take
// several times as long, since it describes each sample anew.
type labelled struct {
	prometheus.Gatherer
	labels []*dto.LabelPair
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// Gather implements prometheus.Gatherer.
func (l labelled) Gather() ([]*dto.MetricFamily, error) {
	families, err := l.Gatherer.Gather()
	for _, f := range families {
		for _, m := range f.Metric {
			m.Label = slices.Concat(l.labels, m.Label) // not in place: samples of one metric may share them
		}
	}
	return families, err
}

// family is a metric and the names of its labels.
type family struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue}
}

// send sends a value of the family.
func (f family) send(ch chan<- prometheus.Metric, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(f.Desc, f.kind, value, labels...)
}

// number makes a sample of any kind of number.
func number[N int | int64 | uint64](n N) float64 { return float64(n) }

// truth is 1 for true.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
