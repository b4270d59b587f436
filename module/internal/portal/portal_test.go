package portal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

const desiredTwin = `{"schemaVersion":"1.0","signals":{"press":{"source":"input:sensor","selector":"/value","scale":2,"output":"telemetry"}}}`

// fakeHub is a hub of which the module's twin is the whole.
type fakeHub struct {
	mu      sync.Mutex // guards what follows
	desired []byte
	version int64
	invoked []string
	answers map[string]string // of direct methods
	faults  []string
}

func (h *fakeHub) Stats() sim.Stats {
	return sim.Stats{Modules: map[string]sim.ModuleStats{"wasmOnEdge": {Connected: true, Delivered: 3, Redelivered: 1, Acked: 3, Queued: map[string]int{"sensor": 1}}, "sensor": {Received: 3}}}
}

func (h *fakeHub) Desired(string) (json.RawMessage, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.desired, h.version
}

func (h *fakeHub) Reported(string) (json.RawMessage, int64) {
	return json.RawMessage(`{"signals":{"press":{"runtimeStatus":"backoff","statusDescription":"trapped"}}}`), 7
}

func (h *fakeHub) PatchDesired(_ string, patch []byte) (int64, error) {
	merged, err := twin.Merge(h.desired, patch)
	if err != nil {
		return 0, err
	}
	return h.ReplaceDesired("", merged)
}

func (h *fakeHub) ReplaceDesired(_ string, document []byte) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.desired, h.version = document, h.version+1
	return h.version, nil
}

func (h *fakeHub) Invoke(_ context.Context, _, method string, payload []byte) (int, []byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.invoked = append(h.invoked, method+" "+string(payload))
	answer, known := h.answers[method]
	if !known {
		return 0, nil, sim.ErrNotReachable
	}
	return 200, []byte(answer), nil
}

func (h *fakeHub) Fault(_ context.Context, _, line string) (string, error) {
	if line == "none" {
		return "", errors.New("make fault: there is no fault")
	}
	h.faults = append(h.faults, line)
	return "made", nil
}

func (h *fakeHub) Publish(context.Context, string, string, edgehub.Message) error { return nil }

// fakeModule has one signal, which is traced as the test says.
type fakeModule struct{}

func (fakeModule) Signals() map[module.SignalName]supervise.State {
	return map[module.SignalName]supervise.State{"press": {Status: module.Running, Counts: supervise.Counts{In: 5, Out: 2}}}
}
func (fakeModule) Trace(module.SignalName, int) *supervise.Trace       { return &supervise.Trace{} }
func (fakeModule) Untrace(module.SignalName, *supervise.Trace)         {}
func (fakeModule) Logged(module.GuestName, int) []supervise.LoggedLine { return nil }

// page is a running portal with a hub.
type page struct {
	*Portal
	hub    *fakeHub
	t      *testing.T
	guests string
}

func serve(t *testing.T, m Module) *page {
	t.Helper()
	route, err := manifest.ParseRoute("in", `FROM /messages/modules/sensor/outputs/temp INTO BrokeredEndpoint("/modules/wasmOnEdge/inputs/sensor")`)
	require.NoError(t, err)
	hub := &fakeHub{desired: []byte(desiredTwin), version: 1, answers: map[string]string{}}
	guests := t.TempDir()
	p, err := New(Config{Listen: "127.0.0.1:0", Manifest: manifest.Manifest{Routes: []manifest.Route{route}}, Name: "wasmOnEdge", Hub: hub, Module: m, Guests: guests,
		Inspect: func(wasm []byte) Inspection {
			return Inspection{Digest: "sha256:0123456789abcdef" + string(wasm), Runs: string(wasm) != "bad", Reason: "bad"}
		}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }() // awaited by the cleanup
	t.Cleanup(func() { cancel(); assert.NoError(t, <-ended) })
	return &page{p, hub, t, guests}
}

// send makes a request as the page does, but for the headers that are given.
func (p *page) send(method, path, body string, headers ...string) (status int, answer string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.listener.Addr().String()+path, strings.NewReader(body))
	require.NoError(p.t, err)
	r.Header.Set("Authorization", "Bearer "+p.token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, string(all)
}

func TestOnlyThePageItselfIsAnswered(t *testing.T) {
	p := serve(t, fakeModule{})
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		status       int
	}{
		"the page":                              {"GET", "/", nil, 200},
		"what is, without the token":            {"GET", "/api/flow", []string{"Authorization", ""}, 200},
		"a change":                              {"POST", "/api/faults", nil, 200},
		"a change without the token":            {"POST", "/api/faults", []string{"Authorization", ""}, 401},
		"a change with another token":           {"POST", "/api/faults", []string{"Authorization", "Bearer x"}, 401},
		"a name that leads here (rebinding)":    {"GET", "/api/twin", []string{"Host", "evil.example"}, 421},
		"such a name with the port":             {"GET", "/api/twin", []string{"Host", "evil.example:80"}, 421},
		"a change from another origin":          {"POST", "/api/faults", []string{"Origin", "http://evil.example"}, 403},
		"data for a page from elsewhere":        {"GET", "/api/twin", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a page of another port of localhost":   {"GET", "/api/twin", []string{"Sec-Fetch-Site", "same-site"}, 403},
		"a link from elsewhere to the page":     {"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"a link from elsewhere to data":         {"GET", "/api/twin", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		"what the page does by itself":          {"GET", "/api/twin", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"what is not there":                     {"GET", "/api/none", nil, 404},
		"something that is to be changed, read": {"GET", "/api/messages", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := p.send(c.method, c.path, `{"line":"drop"}`, c.headers...)
			assert.Equal(t, c.status, status, answer)
		})
	}
}

func TestThePolicyHasNoException(t *testing.T) {
	assert.NotContains(t, policy, "unsafe")
	assert.NotContains(t, policy, "*")
	assert.Contains(t, policy, "default-src 'none'")
	index, err := dist.ReadFile("dist/index.html")
	require.NoError(t, err)
	assert.NotContains(t, string(index), "<style")
	assert.NotRegexp(t, `<script[^>]*>[^<]`, string(index))
}

func TestAPortalListensToThisMachineOnly(t *testing.T) {
	_, err := New(Config{Listen: "0.0.0.0:0"})
	assert.ErrorContains(t, err, "not an address of this machine alone")
}

func TestATwinThatTheModuleWouldRefuseIsRefused(t *testing.T) {
	p := serve(t, fakeModule{})
	bad := `{"patch":{"signals":{"press":{"scale":"two"}}}`
	status, answer := p.send("POST", "/api/twin", bad+`}`)
	assert.Equal(t, 422, status)
	assert.Contains(t, answer, `"path":"signals.press.scale"`)
	assert.EqualValues(t, 1, p.hub.version)

	status, _ = p.send("POST", "/api/twin", bad+`,"force":true}`)
	assert.Equal(t, 200, status, "the device would get it, too")
	assert.EqualValues(t, 2, p.hub.version)
}

func TestAChangeOfATwinThatIsNotWhatItWasIsRefused(t *testing.T) {
	p := serve(t, fakeModule{})
	status, answer := p.send("POST", "/api/twin", `{"patch":{"signals":{"press":{"scale":3}}},"base":9}`)
	assert.Equal(t, 409, status, answer)
	status, _ = p.send("POST", "/api/twin", `{"patch":{"signals":{"press":{"scale":3}}},"base":1}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, string(p.hub.desired), `"scale":3`)
}

func TestADroppedGuestIsNeverWrittenOverAnother(t *testing.T) {
	p := serve(t, fakeModule{})
	write := func(body string) string {
		status, answer := p.send("POST", "/api/guests?name=mine", body)
		require.Equal(t, 200, status, answer)
		return answer
	}
	assert.Contains(t, write("one"), `"source":"file:mine.wasm"`)
	assert.Contains(t, write("one"), `"source":"file:mine.wasm"`, "it is there already")
	assert.Contains(t, write("two"), `"source":"file:mine-0123456789ab.wasm"`)
	first, err := os.ReadFile(filepath.Join(p.guests, "mine.wasm"))
	require.NoError(t, err)
	assert.Equal(t, "one", string(first))

	status, _ := p.send("POST", "/api/guests?name=..%2Fmine", "one")
	assert.Equal(t, 400, status)
	status, _ = p.send("POST", "/api/guests?name=bad", "bad")
	assert.Equal(t, 422, status)
}

// ticks opens a stream and returns how to read the next tick.
func (p *page) ticks(query string) func() Tick {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.listener.Addr().String()+"/api/stream"+query, nil)
	require.NoError(p.t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(p.t, err)
	require.Equal(p.t, 200, response.StatusCode)
	p.t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	return func() (tick Tick) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				require.NoError(p.t, json.Unmarshal([]byte(data), &tick))
				return tick
			}
		}
		require.Fail(p.t, "the stream ended")
		return tick
	}
}

func TestAStreamTellsWhatIsAndThenWhatIsNew(t *testing.T) {
	p := serve(t, fakeModule{})
	p.Upstream(sim.Upstream{Module: "wasmOnEdge", Output: "telemetry", Message: edgehub.Message{Body: []byte(`1`)}})
	p.Upstream(sim.Upstream{Module: "wasmOnEdge", Output: "deadletter", Message: edgehub.Message{Body: []byte(`2`)}})
	p.Fault(sim.Fault{Text: "drop"})
	next := p.ticks("")
	first := next()
	assert.Len(t, first.Upstream, 1)
	assert.Len(t, first.Letters, 1)
	assert.Len(t, first.Events, 1)
	assert.Equal(t, []string{"press"}, first.All)
	assert.EqualValues(t, 3, first.Hub.Account.Sent)
	assert.EqualValues(t, 1, first.Hub.Account.DeadLetters)
	second := next()
	assert.Empty(t, second.Upstream)
	assert.Empty(t, second.Signals, "it is as it was")
}

func TestAStreamThatIsBehindIsToldHowMuchItMissed(t *testing.T) {
	p := serve(t, fakeModule{})
	next := p.ticks("")
	next()
	for range 10 * upstreamKept {
		p.Upstream(sim.Upstream{Module: "wasmOnEdge", Output: "telemetry", Message: edgehub.Message{Body: []byte(`1`)}})
	}
	told, missed := 0, 0
	for told+missed < 10*upstreamKept {
		tick := next()
		told, missed = told+len(tick.Upstream), missed+int(tick.Missed)
		assert.LessOrEqual(t, len(tick.Upstream), toldAtOnce)
	}
	assert.Equal(t, 10*upstreamKept, told+missed)
}

func TestStreamsAreBounded(t *testing.T) {
	p := serve(t, fakeModule{})
	for range maxStreams {
		p.ticks("")
	}
	status, _ := p.send("GET", "/api/stream", "")
	assert.Equal(t, 503, status)
}

func TestRunEndsWhileStreamsAreOpen(t *testing.T) {
	p := serve(t, fakeModule{}) // whose cleanup waits for the end
	p.ticks("?signal=press")()
}

func TestAMessageWithAnIdentityThatWasThereIsARepeat(t *testing.T) {
	var d duplicates
	for range 2 {
		d.add("a")
	}
	assert.EqualValues(t, 1, d.count)
	for n := range duplicatesKept {
		d.add(string(rune(n)) + "x")
	}
	assert.LessOrEqual(t, len(d.known), duplicatesKept)
}

func TestARingTellsWhatItHasAndWhatItHasNot(t *testing.T) {
	r := newRing[int](4)
	for n := range 10 {
		r.add(n)
	}
	last, missed, next := r.since(3, 100)
	assert.Equal(t, []int{6, 7, 8, 9}, last)
	assert.EqualValues(t, 3, missed)
	last, missed, _ = r.since(next, 100)
	assert.Empty(t, last)
	assert.Zero(t, missed)
	last, missed, _ = r.since(7, 2)
	assert.Equal(t, []int{8, 9}, last)
	assert.EqualValues(t, 1, missed)
}

func TestASignalIsPlottedAsItArrivedAndAsItWasSent(t *testing.T) {
	desired := twin.Parse([]byte(desiredTwin), twin.Environment{})
	p := newPlotter(desired.Signals["press"])
	var points []Point
	add := func(point Point) { points = append(points, point) }
	p.plot(&Traced{Time: 1, body: []byte(`{"value":4}`), Outputs: []Message{{Body: `{"value":8}`}}}, add)
	p.plot(&Traced{Time: 5, WaitedUs: 3000, body: []byte(`{"value":5}`)}, add)
	p.plot(&Traced{Time: 3, body: []byte(`{"value":6}`), Outputs: []Message{{Body: `{"alert":"high"}`}}}, add)
	p.plot(&Traced{Time: 4, body: []byte(`{"value":`), Failure: "no JSON"}, add)
	assert.Equal(t, []Point{{1, 8, Arrived}, {1, 8, Sent}, {2, 10, Arrived}, {3, 12, Arrived}, {3, 12, Told}, {4, 12, Died}}, points)
}

func TestABodyIsShownAsTextOrEncoded(t *testing.T) {
	text, encoded := shown([]byte("grüße"))
	assert.Equal(t, "grüße", text)
	assert.False(t, encoded)
	_, encoded = shown([]byte{0xff, 0xfe, 0xfd, 0xfc, 0xfb})
	assert.True(t, encoded)
	long := strings.Repeat("ä", shownBody)
	text, encoded = shown([]byte("x" + long))
	assert.False(t, encoded, "a character that was cut in two does not make it binary")
	assert.LessOrEqual(t, len(text), shownBody)
}

func TestASignalTellsOfProbationAndOfItsShadow(t *testing.T) {
	s := signalOf("press", &supervise.State{OnProbation: true, Shadow: &supervise.Shadow{Compared: 5, Agreed: 4, Differences: []supervise.Difference{{What: "it passed"}}}})
	assert.Equal(t, Signal{Name: "press", Probation: true, Compared: 5, Agreed: 4, Differs: "it passed"}, s)
	s = signalOf("press", &supervise.State{Shadow: &supervise.Shadow{Problem: "it trapped", Differences: []supervise.Difference{{What: "it passed"}}}})
	assert.Equal(t, "it trapped", s.Differs)
}

func TestATraceThatWasDisplacedIsBegunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &countingModule{}
		d := &directDetail{module: m, traces: make(map[module.SignalName]*tracing)}
		look := func() {
			_, err := d.traced(t.Context(), "press")
			require.NoError(t, err)
		}
		look()
		time.Sleep(displaced)
		look()
		assert.Equal(t, 1, m.traces, "it may be a quiet signal")
		time.Sleep(time.Second)
		look()
		assert.Equal(t, 2, m.traces)
	})
}

// countingModule counts the traces that are asked for.
type countingModule struct {
	fakeModule
	traces int
}

func (m *countingModule) Trace(module.SignalName, int) *supervise.Trace {
	m.traces++
	return &supervise.Trace{}
}

func TestAModuleElsewhereIsAskedByDirectMethods(t *testing.T) {
	p := serve(t, nil)
	p.hub.mu.Lock()
	p.hub.answers["status"] = `{"signals":[{"name":"press","status":"running","in":4,"out":3,"busyMs":2,"restartCount":1}]}`
	p.hub.answers["trace"] = `{"messages":[{"time":"2026-01-02T03:04:05.000Z","tookUs":9,"message":{"body":{"value":4}},"outputs":[{"output":"telemetry","body":{"value":8}}]}]}`
	p.hub.mu.Unlock()
	next := p.ticks("?signal=press")
	first := next()
	require.Len(t, first.Signals, 1)
	assert.Equal(t, Signal{Name: "press", Status: module.Running, In: 4, Out: 3, BusyUs: 2000, Restarts: 1}, first.Signals[0])
	for deadline := time.Now().Add(10 * time.Second); first.Values == nil && time.Now().Before(deadline); first = next() {
	}
	require.NotNil(t, first.Values)
	assert.Equal(t, Point{1767323045000, 8, Arrived}, first.Values.Points[0])
	assert.Equal(t, `{"value":8}`, first.Values.Messages[0].Outputs[0].Body)
}

func TestAModuleThatAnswersToNoMethodIsKnownByWhatItReports(t *testing.T) {
	p := serve(t, nil)
	first := p.ticks("")()
	require.Len(t, first.Signals, 1)
	assert.Equal(t, module.Backoff, first.Signals[0].Status)
	assert.Equal(t, "trapped", first.Signals[0].Description)
}
