package sim

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// killed returns a directory with what a hub would leave behind if it were killed now: the files as they are, without
// what is still in memory.
func killed(t *testing.T, h *Hub) string {
	t.Helper()
	dir := shortDir(t)
	for _, name := range []string{journalName, identityName} {
		content, err := os.ReadFile(filepath.Join(h.cfg.Dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return dir
}

// successor starts the hub that comes after one that was killed. Both live, so that it listens elsewhere.
func successor(t *testing.T, h *Hub) *Hub {
	t.Helper()
	dir := killed(t, h)
	forgetPorts(t, dir)
	cfg := h.cfg
	cfg.Dir = dir
	return start(t, cfg)
}

func forgetPorts(t *testing.T, dir string) {
	t.Helper()
	var i identity
	require.NoError(t, i.read(dir))
	i.Port, i.PortHTTP = 0, 0
	require.NoError(t, os.WriteFile(filepath.Join(dir, identityName), encode(i), 0o600))
}

func TestWhatWasAcknowledgedToItsSenderSurvivesTheHub(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), Keep: true})
	join(t, h, "filter").disconnect()
	source, _ := connect(t, h, "source")
	for n := range 3 {
		source.publish(1, 5, output("source", "out", edgehub.Properties{{Name: "a", Value: "&"}}...), strconv.Itoa(n))
		source.puback()
	}
	h = successor(t, h)
	c, present := connect(t, h, "filter")
	assert.True(t, present, "and so does the session")
	for n := range 3 {
		p := c.published()
		assert.Equal(t, strconv.Itoa(n), string(p.Payload))
		assert.Equal(t, "devices/simulated-device/modules/filter/inputs/in/a=%26&%24.cdid=simulated-device&%24.cmid=source", p.TopicName)
		c.ack()
	}
	c.nothing()
	assert.EqualValues(t, 3, h.Stats().Modules["source"].Received)
}

func TestHubThatIsKilledRepeatsWhatWasAcknowledgedSinceTheCheckpoint(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), Keep: true})
	for n := range 25 { // the first is read alone, as long as nobody is there
		feed(t, h, "out", n)
	}
	c := join(t, h, "filter")
	for n := range 15 { // one, ten, and four of the next ten
		assert.Equal(t, strconv.Itoa(n), c.input())
		c.ack()
	}
	assert.Equal(t, "15", c.input())
	h = successor(t, h)
	c, _ = connect(t, h, "filter")
	for n := 11; n < 25; n++ {
		assert.Equal(t, strconv.Itoa(n), c.input())
		c.ack()
	}
	require.NoError(t, h.WaitIdle(t.Context()))
}

func TestMessagesExpireWhileTheHubIsAway(t *testing.T) {
	m := deployment(t, sourceToFilter)
	m.Routes[0].TimeToLive = 50 * time.Millisecond
	h := start(t, Config{Manifest: m, Keep: true})
	feed(t, h, "out", 1)
	require.NoError(t, h.flush())
	dir := killed(t, h)
	forgetPorts(t, dir)
	time.Sleep(60 * time.Millisecond) // that it is away
	h = start(t, Config{Manifest: m, Keep: true, Dir: dir})
	require.NoError(t, h.WaitIdle(t.Context()))
	assert.EqualValues(t, 1, h.Stats().Modules["filter"].Expired)
}

func TestTwinsSurviveTheHub(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t), Keep: true})
	join(t, h, "filter").publish(0, 0, edgehub.TwinGetTopic("1"), "")
	_, err := h.PatchDesired("filter", []byte(`{"limit":30}`))
	require.NoError(t, err)
	_, err = h.peers["filter"].report([]byte(`{"state":"ok"}`))
	require.NoError(t, err)
	require.NoError(t, h.flush())
	h = successor(t, h)
	desired, version := h.Desired("filter")
	assert.JSONEq(t, `{"limit":30,"nested":{"a":1.50}}`, string(desired))
	assert.EqualValues(t, 2, version)
	reported, version := h.Reported("filter")
	assert.JSONEq(t, `{"state":"ok"}`, string(reported))
	assert.EqualValues(t, 2, version)
}

func TestAnotherManifestIsANewDeployment(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t), Keep: true})
	_, err := h.PatchDesired("filter", []byte(`{"limit":30}`))
	require.NoError(t, err)
	require.NoError(t, h.flush())
	dir := killed(t, h)
	forgetPorts(t, dir)
	m := deployment(t)
	m.Modules[0].Desired = []byte(`{"limit":40}`)
	h = start(t, Config{Manifest: m, Keep: true, Dir: dir})
	desired, version := h.Desired("filter")
	assert.JSONEq(t, `{"limit":40}`, string(desired))
	assert.EqualValues(t, 3, version)
}

func TestModulesFindTheNextHubWhereTheLastOneWas(t *testing.T) {
	dir := shortDir(t)
	run := func() (map[string]string, string, string) {
		h, err := New(Config{Manifest: deployment(t), Keep: true, Dir: dir})
		require.NoError(t, err)
		defer func() { assert.NoError(t, h.Run(stopped(t))) }()
		connection, _ := h.ConnectionString("filter")
		return h.Environment("filter"), connection, h.URL()
	}
	environment, connection, url := run()
	again, connectionAgain, urlAgain := run()
	assert.Equal(t, environment, again)
	assert.Equal(t, connection, connectionAgain)
	assert.Equal(t, url, urlAgain)
}

func stopped(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestTwoHubsDoNotKeepTheirStateInOneDirectory(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t), Keep: true})
	_, err := New(Config{Manifest: deployment(t), Keep: true, Dir: h.cfg.Dir})
	require.ErrorContains(t, err, "which another hub may use")
}

func TestSensorGoesOnWhereItWas(t *testing.T) {
	m := deployment(t, `FROM /messages/* INTO $upstream`)
	var up cloud
	var batches []string
	dir := shortDir(t)
	for _, count := range []int{3, 5} {
		m.Modules[2].Env = map[string]string{"MessageCount": strconv.Itoa(count), "MessageDelay": "00:00:00.001"}
		h := start(t, Config{Manifest: m, Keep: true, Dir: dir, Number: true, Observer: up.observer()})
		sensor, err := NewSensor(h, "source", 1)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- sensor.Run(ctx) }()
		require.Eventually(t, func() bool { return len(up.all()) == count }, patience, time.Millisecond)
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, h.flush())
		dir = killed(t, h)
		forgetPorts(t, dir)
	}
	for i, m := range up.all() {
		n, ok := bodyNumber(m.Message.Body)
		assert.True(t, ok)
		assert.EqualValues(t, i+1, n)
		batch, _ := m.Message.Properties.Get("batchId")
		batches = append(batches, batch)
	}
	assert.Len(t, slices.Compact(batches), 1)
}

func TestJournalIsRewrittenWhenItHasGrown(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), Keep: true})
	c := join(t, h, "filter")
	body := make([]byte, 10<<10)
	for range 50 {
		require.NoError(t, h.Publish(t.Context(), "source", "out", edgehub.Message{Body: body}))
		c.input()
		c.ack()
	}
	feed(t, h, "out", 1)
	assert.Equal(t, "1", c.input())
	require.NoError(t, h.flush())
	assert.Greater(t, h.journal.measure(t, func() { h.journal.limit = 1 }), int64(500<<10))
	c.ack() // makes it grow
	require.Eventually(t, func() bool { return h.journal.measure(t, func() {}) < 50<<10 }, patience, time.Millisecond)
	h = successor(t, h)
	require.NoError(t, h.WaitIdle(t.Context()), "all was acknowledged")
}

// measure returns the size of the file, and calls then.
func (j *journal) measure(t *testing.T, then func()) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	info, err := os.Stat(j.path)
	require.NoError(t, err)
	then()
	return info.Size()
}

func TestTornRecordIsNoHarm(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), Keep: true})
	feed(t, h, "out", 1, 2)
	require.NoError(t, h.flush())
	dir := killed(t, h)
	forgetPorts(t, dir)
	name := filepath.Join(dir, journalName)
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, content[:len(content)-1], 0o600))
	h = start(t, Config{Manifest: deployment(t, sourceToFilter), Keep: true, Dir: dir})
	assert.Equal(t, 2, h.Stats().Modules["filter"].Queued["in"], "the counters are what was torn")
}

func TestHubThatCannotKeepItsStateStops(t *testing.T) {
	h, err := New(Config{Manifest: deployment(t, sourceToFilter), Keep: true, Dir: shortDir(t)})
	require.NoError(t, err)
	require.NoError(t, h.journal.file.Close())
	ended := make(chan error)
	go func() { ended <- h.Run(t.Context()) }()
	feed(t, h, "out", 1)
	require.ErrorContains(t, <-ended, "run hub: write state")
}
