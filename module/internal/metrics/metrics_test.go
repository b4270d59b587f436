package metrics

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// plant makes a snapshot of so many signals, whose guests are as many as there are names to choose from.
func plant(signals, guests int) Snapshot {
	s := Snapshot{
		Pipeline: pipeline.Counts{Received: 7, Reasons: map[string]int64{module.ReasonNoSignal: 2}},
		Signals:  make(map[module.SignalName]supervise.State), Stored: make(map[module.SignalName]pipeline.Stored),
		Removed: map[module.GuestName]supervise.Counts{"guest0": {In: 1000}},
		Times:   make(map[module.GuestName]supervise.Times), Measured: make(map[module.GuestName]supervise.Measured),
	}
	for n := range signals {
		name := module.SignalName(fmt.Sprintf("signal%d", n))
		state := supervise.State{Status: module.Running, Guest: module.GuestName(fmt.Sprintf("guest%d", n%guests)), Waiting: 3, Spooled: 1}
		state.In, state.Memory, state.InUse, state.Unavailable = 2, int64(n), 10, 1
		state.Failures[0], state.Ends[1], state.Notes[0], state.Shadow = 1, 1, 1, &supervise.Shadow{}
		s.Signals[name], s.Stored[name] = state, pipeline.Stored{State: 5, Spool: 6}
	}
	for n := range guests {
		name := module.GuestName(fmt.Sprintf("guest%d", n))
		var times supervise.Times
		times.Buckets[0], times.Buckets[24], times.Sum = 3, 1, 10*time.Second
		s.Times[name] = times
		var measured supervise.Measured
		for m := range 30 {
			measured.Measures = append(measured.Measures, supervise.Measure{Name: fmt.Sprintf("seen%d", m), Value: 1})
		}
		measured.Measures = append(measured.Measures, supervise.Measure{Name: "size", Kind: supervise.Histogram, Count: 1, Buckets: map[float64]uint64{1: 1}},
			supervise.Measure{Name: "level", Kind: supervise.Gauge, Value: 4, Signals: map[module.SignalName]float64{"signal0": 4}})
		measured.Refused = 2
		s.Measured[name] = measured
	}
	return s
}

func configOf(s Snapshot) Config {
	return Config{Labels: Labels{IoTHub: "h", Device: "d", Module: "m", Instance: "i"}, Build: Build{"1", "39", "amd64"}, Hub: NewHub(), Read: func() Snapshot { return s }}
}

// scrape returns the samples, a line each.
func scrape(t *testing.T, c Config) []string {
	t.Helper()
	recorder := httptest.NewRecorder()
	New(c).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body)
	assert.True(t, strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/plain; version=0.0.4"), "the classic text format")
	var samples []string
	for line := range strings.Lines(recorder.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			samples = append(samples, strings.TrimSpace(line))
		}
	}
	return samples
}

// sampleOf returns the value of the only sample of a name with the given labels of its own.
func sampleOf(t *testing.T, samples []string, name string, labels ...string) string {
	t.Helper()
	var found []string
next:
	for _, line := range samples {
		if !strings.HasPrefix(line, name+"{") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(line, label) {
				continue next
			}
		}
		found = append(found, line[strings.LastIndexByte(line, ' ')+1:])
	}
	require.Len(t, found, 1, "%s %v", name, labels)
	return found[0]
}

// edgeLine is how IoT Edge's metrics collector reads a sample (its parser: a name, labels in braces, a value).
var edgeLine = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-zA-Z_][a-zA-Z0-9_]*="[^"\\]*",?)+\} [-+.eE0-9]+$`)

func TestEverySampleHasTheLabelsOfIoTEdgeAndIsReadByItsCollector(t *testing.T) {
	samples := scrape(t, configOf(plant(10, 2)))
	for _, line := range samples {
		assert.Regexp(t, edgeLine, line)
		for _, label := range []string{`iothub="h"`, `edge_device="d"`, `module_name="m"`, `instance_number="i"`} {
			assert.Contains(t, line, label)
		}
	}
	assert.NotEmpty(t, sampleOf(t, samples, "go_goroutines"))
	assert.NotEmpty(t, sampleOf(t, samples, "process_resident_memory_bytes"))
}

func TestNamesAndHelpAreAsPrometheusAsks(t *testing.T) {
	problems, err := testutil.GatherAndLint(newGatherer(configOf(plant(10, 2))))
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestEachSignalHasItsOwnSeries(t *testing.T) {
	samples := scrape(t, configOf(plant(500, 2)))
	const of = `signal="signal7"`
	assert.Equal(t, "2", sampleOf(t, samples, "wasm_on_edge_signal_messages_in_total", of, `guest="guest1"`))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signal_failures_total", of, `kind="trap"`))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signal_messages_dropped_total", of, `reason="unavailable"`))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signal_values_total", of, `end="noValue"`))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signal_values_noted_total", of, `note="invalid"`))
	assert.Equal(t, "2", sampleOf(t, samples, "wasm_on_edge_signal_queue_messages", of))
	assert.Equal(t, "1000", sampleOf(t, samples, "wasm_on_edge_signal_messages_in_total", `signal=""`), "of what was removed")
	assert.Equal(t, "500", sampleOf(t, samples, "wasm_on_edge_signals", `status="running"`))
	assert.Equal(t, "2", sampleOf(t, samples, "wasm_on_edge_dead_letters_total", `reason="no-signal"`))
}

func TestCandidatesAndVersionsOnProbationAreCounted(t *testing.T) {
	s := plant(2, 1)
	state := s.Signals["signal0"]
	state.Shadow, state.OnProbation, state.RolledBack = &supervise.Shadow{}, true, 2
	state.ShadowAgreed, state.ShadowDiffered, state.ShadowSkipped, state.ShadowBusy = 5, 4, 3, 1500*time.Millisecond
	s.Signals["signal0"], s.Twin.RolledBack = state, 1
	samples := scrape(t, configOf(s))
	const of = `signal="signal0"`
	for result, want := range map[string]string{"agreed": "5", "differed": "4", "skipped": "3"} {
		assert.Equal(t, want, sampleOf(t, samples, "wasm_on_edge_signal_shadow_calls_total", of, `result="`+result+`"`))
	}
	assert.Equal(t, "1.5", sampleOf(t, samples, "wasm_on_edge_signal_shadow_busy_seconds_total", of))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signal_on_probation", of))
	assert.Equal(t, "0", sampleOf(t, samples, "wasm_on_edge_signal_on_probation", `signal="signal1"`))
	assert.Equal(t, "2", sampleOf(t, samples, "wasm_on_edge_signal_rollbacks_total", of))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_signals_rolled_back"))
}

func TestDownloadsAndPublishGroupsAreCounted(t *testing.T) {
	samples := scrape(t, configOf(Snapshot{
		Downloads: Downloads{Done: 1, Refused: 2, Failures: 3, Bytes: 4, Busy: 5 * time.Second, Running: 6},
		Pipeline:  pipeline.Counts{Gathered: 7, GatheredBytes: 8, Sealed: 9, SealedSamples: 10, Discarded: 11},
	}))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_downloads_total", `result="done"`))
	assert.Equal(t, "2", sampleOf(t, samples, "wasm_on_edge_downloads_total", `result="refused"`))
	for name, want := range map[string]string{"download_failures_total": "3", "download_bytes_total": "4", "download_seconds_total": "5", "downloads_running": "6",
		"publish_group_samples": "7", "publish_group_bytes": "8", "publish_group_messages_total": "9", "publish_group_samples_sent_total": "10",
		"publish_group_samples_discarded_total": "11"} {
		assert.Equal(t, want, sampleOf(t, samples, "wasm_on_edge_"+name), name)
	}
}

func TestBeyond500SignalsThoseOfAGuestAreAddedUp(t *testing.T) {
	samples := scrape(t, configOf(plant(501, 1)))
	const of = `guest="guest0"`
	assert.Equal(t, "2002", sampleOf(t, samples, "wasm_on_edge_signal_messages_in_total", of), "with those that were removed")
	assert.Equal(t, "501", sampleOf(t, samples, "wasm_on_edge_signal_running", of))
	assert.Equal(t, "5010", sampleOf(t, samples, "wasm_on_edge_signal_memory_bytes", of))
	assert.Equal(t, "500", sampleOf(t, samples, "wasm_on_edge_signal_memory_high_water_bytes", of), "of one instance")
	assert.Equal(t, "2505", sampleOf(t, samples, "wasm_on_edge_signal_state_bytes", of))
	assert.Equal(t, "4", sampleOf(t, samples, "wasm_on_edge_guest_measured", of, `name="level"`, `signal=""`))
}

func TestSeriesAreBoundedWhateverThereIs(t *testing.T) {
	for _, test := range []struct{ signals, guests, most int }{
		{500, 500, 30_000},
		{10_000, 20, 3500},
		{10_000, 10_000, 10_000},
	} {
		samples := scrape(t, configOf(plant(test.signals, test.guests)))
		t.Logf("%d signals of %d guests: %d series", test.signals, test.guests, len(samples))
		assert.Less(t, len(samples), test.most)
	}
}

func TestGuestsBeyondAHundredAreOneAndTheFirstKeepTheirNames(t *testing.T) {
	s := plant(1, 1)
	c := configOf(s)
	c.Read = func() Snapshot { return s }
	handler := New(c)
	read := func() string {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return recorder.Body.String()
	}
	read()
	s = plant(300, 300)
	s.Signals["a"] = supervise.State{Guest: "aaa"} // sorts before all others
	text := read()
	assert.Contains(t, text, `guest="guest0"`)
	assert.Contains(t, text, `guest="other"`)
	assert.NotContains(t, text, `guest="guest299"`)
}

func TestTimesAreAHistogram(t *testing.T) {
	samples := scrape(t, configOf(plant(1, 1)))
	assert.Equal(t, "3", sampleOf(t, samples, "wasm_on_edge_guest_call_seconds_bucket", `le="4e-06"`))
	assert.Equal(t, "3", sampleOf(t, samples, "wasm_on_edge_guest_call_seconds_bucket", `le="4.194304"`))
	assert.Equal(t, "4", sampleOf(t, samples, "wasm_on_edge_guest_call_seconds_bucket", `le="+Inf"`))
	assert.Equal(t, "10", sampleOf(t, samples, "wasm_on_edge_guest_call_seconds_sum"))
	assert.Equal(t, "1", sampleOf(t, samples, "wasm_on_edge_guest_measured_values_bucket", `name="size"`, `le="1"`))
}

func TestTheLineToEdgeHubIsCounted(t *testing.T) {
	c := configOf(Snapshot{})
	c.Hub.Event(edgehub.Connected{})
	c.Hub.Event(edgehub.Connected{Renewal: true})
	c.Hub.Event(edgehub.RenewalFailed{})
	c.Hub.Publishing()
	c.Hub.Publishing()
	c.Hub.Publishing()
	c.Hub.Published(time.Now().Add(-20*time.Millisecond), nil)
	c.Hub.Withdrawn()
	samples := scrape(t, c)
	for name, want := range map[string]string{"connected": "1", "connections_total": "1", "token_renewals_total": "1", "token_renewal_failures_total": "1",
		"publishes_unacked": "1", "publishes_lost_total": "0", "publish_seconds_count": "1", "disconnections_total": "0"} {
		assert.Equal(t, want, sampleOf(t, samples, "wasm_on_edge_edgehub_"+name), name)
	}
	assert.Equal(t, "0", sampleOf(t, samples, "wasm_on_edge_edgehub_publish_seconds_bucket", `le="0.01"`))

	c.Hub.Published(time.Now(), edgehub.ErrConnectionLost)
	for _, e := range []edgehub.Event{edgehub.Disconnected{Err: errors.New("x")}, edgehub.Retrying{}, edgehub.IdentityContested{}, edgehub.ClockJumped{}, edgehub.PacketIgnored{}} {
		c.Hub.Event(e)
	}
	samples = scrape(t, c)
	for name, want := range map[string]string{"connected": "0", "disconnections_total": "1", "retries_total": "1", "identity_contested_total": "1",
		"clock_jumps_total": "1", "packets_ignored_total": "1", "publishes_unacked": "0", "publishes_lost_total": "1"} {
		assert.Equal(t, want, sampleOf(t, samples, "wasm_on_edge_edgehub_"+name), name)
	}
}

func BenchmarkScrape(b *testing.B) {
	for _, signals := range []int{50, 500, 10_000} {
		b.Run(fmt.Sprintf("signals=%d", signals), func(b *testing.B) {
			handler := New(configOf(plant(signals, 10)))
			for b.Loop() {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
			}
		})
	}
}
