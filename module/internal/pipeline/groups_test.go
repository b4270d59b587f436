package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// gathers is a signal that puts the value in each message into a publish group.
type gathers struct {
	kept  *Kept
	queue Queue
}

func (g *gathers) Take(s *Share) bool {
	if g.kept.Repeat(s) {
		return true
	}
	envelope := NewEnvelope("minute", "out", "samples", module.Properties{{Name: "line", Value: "3"}})
	i := signals.Named{Signal: string(s.Signal), Sample: module.Sample{Value: s.Message.Body, SourceTimestamp: s.Received}}
	s.Send("out", module.Message{Body: s.Message.Body}, true)
	s.Gather(envelope, i, g.queue)
	_ = g.kept.Settle(s, Changes{Stages: append([]byte("sent "), s.Message.Body...)})
	return true
}

// groupLives runs lives of a module with a publish group over one journal.
type groupLives struct {
	disk *fullJournal
	*rig
	queue Queue
}

func (l *groupLives) begin(t *testing.T, g module.PublishGroup) {
	if l.rig != nil {
		l.stop()
		l.lose()
	}
	l.rig = startOn(t, l.disk, nil)
	l.SetGroups(map[string]module.PublishGroup{"minute": g})
	l.route(&gathers{l.Kept(Stream{Signal: "a"}), l.queue})
	synctest.Wait()
}

func groupTest(t *testing.T, g module.PublishGroup, test func(t *testing.T, l *groupLives)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &groupLives{disk: &fullJournal{Journal: openJournal(t)}}
		l.begin(t, g)
		defer func() { l.stop(); synctest.Wait() }()
		test(t, l)
	})
}

var minute = module.PublishGroup{Interval: time.Minute}

// values returns the samples of a message.
func values(t *testing.T, body string) []string {
	t.Helper()
	var all []string
	for _, sample := range samplesIn(t, body) {
		all = append(all, fmt.Sprint(sample["value"]))
	}
	return all
}

func TestSamplesShareAMessageWhenTheirIntervalIsOver(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		for n := range 3 {
			assert.True(t, l.deliver(t, 1, fmt.Sprint(n), mid, fmt.Sprint("m", n)).acked(), "the sample is in the journal")
			time.Sleep(10 * time.Second)
		}
		assert.Empty(t, l.bodies(1))
		time.Sleep(31 * time.Second)
		synctest.Wait()
		require.Len(t, l.bodies(1), 1)
		p := l.last(t)
		assert.Equal(t, []string{"0", "1", "2"}, values(t, p.body))
		assert.Equal(t, module.OutputName("out"), p.output)
		for name, want := range map[string]string{"messageType": "batch", "group": "minute", "line": "3",
			module.PropertyContentType: "application/json", module.PropertyContentEncoding: "utf-8"} {
			assert.Equal(t, want, p.properties.Value(name), name)
		}
		assert.Len(t, p.properties.Value(mid), 26)
	})
}

func TestMessageIsSealedWhenItIsFull(t *testing.T) {
	for name, g := range map[string]module.PublishGroup{"by samples": {Interval: time.Hour, MaxSamples: 4}, "by bytes": {Interval: time.Hour, MaxBytes: 1000}} {
		t.Run(name, func(t *testing.T) {
			groupTest(t, g, func(t *testing.T, l *groupLives) {
				for n := range 40 {
					l.deliver(t, 1, fmt.Sprint(n), mid, fmt.Sprint("m", n))
				}
				require.NotEmpty(t, l.bodies(1))
				var all []string
				for _, body := range l.bodies(1) {
					all = append(all, values(t, body)...)
					assert.LessOrEqual(t, len(body), 1000)
				}
				counts := l.Counts()
				assert.Equal(t, 40, len(all)+counts.Gathered)
				assert.Equal(t, counts.Gathered > 0, counts.GatheredBytes > 0)
				assert.EqualValues(t, len(all), counts.SealedSamples)
				assert.EqualValues(t, len(l.bodies(1)), counts.Sealed)
				for n, value := range all {
					assert.Equal(t, fmt.Sprint(n), value, "in order")
				}
			})
		})
	}
}

func TestGatheredSamplesSurviveTheModule(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		l.deliver(t, 1, "1", mid, "m1")
		l.begin(t, minute)
		assert.True(t, l.deliver(t, 1, "1", mid, "m1").acked(), "and the input is known")
		l.deliver(t, 1, "2", mid, "m2")
		time.Sleep(61 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"1", "2"}, values(t, l.last(t).body))
		assert.Equal(t, map[string][]byte{"": []byte("sent 2")}, l.Kept(Stream{Signal: "a"}).Stages())
	})
}

func TestSealedMessageKeepsItsIDOverTheModule(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		l.deliver(t, 1, "1", mid, "m1")
		time.Sleep(61 * time.Second)
		synctest.Wait()
		before := l.last(t)
		l.begin(t, minute) // before edgeHub has acknowledged it
		after := l.last(t)
		assert.Equal(t, before.body, after.body)
		assert.Equal(t, before.properties.Value(mid), after.properties.Value(mid))
		l.ack(all)
		time.Sleep(2 * time.Second) // until that is synced
		l.begin(t, minute)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Empty(t, l.bodies(1), "it went once")
		assert.Zero(t, l.Counts().Gathered)
	})
}

func TestQueueKeepsTheNewestOrTheOldestSamples(t *testing.T) {
	for name, row := range map[string]struct {
		queue Queue
		want  []string
	}{
		"newest": {Queue{Size: 2}, []string{"3", "4"}},
		"oldest": {Queue{Size: 2, DiscardNew: true}, []string{"0", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			groupTest(t, minute, func(t *testing.T, l *groupLives) {
				l.queue = row.queue
				l.begin(t, minute)
				for n := range 5 {
					assert.True(t, l.deliver(t, 1, fmt.Sprint(n), mid, fmt.Sprint("m", n)).acked())
				}
				assert.EqualValues(t, 3, l.Counts().Discarded)
				l.begin(t, minute)
				time.Sleep(61 * time.Second)
				synctest.Wait()
				assert.Equal(t, row.want, values(t, l.last(t).body), "over a restart too")
			})
		})
	}
}

func TestSamplesGoByThemselvesWhileTheJournalIsFull(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		l.deliver(t, 1, "1", mid, "m1")
		l.disk.is.Store(true)
		input := l.deliver(t, 1, "2", mid, "m2")
		require.Len(t, l.bodies(1), 2)
		assert.Equal(t, []string{"1"}, values(t, l.bodies(1)[0]), "what was gathered goes before")
		assert.Equal(t, "2", l.bodies(1)[1])
		assert.False(t, input.acked(), "edgeHub does not have it yet")
		l.ack(all)
		assert.True(t, input.acked())
	})
}

func TestWhatIsLeftOfAGroupThatIsGoneIsSent(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		l.deliver(t, 1, "1", mid, "m1")
		l.SetGroups(map[string]module.PublishGroup{})
		synctest.Wait()
		assert.Equal(t, []string{"1"}, values(t, l.last(t).body))
	})
}

func TestWhatIsGatheredIsSentBeforeTheModuleStops(t *testing.T) {
	groupTest(t, minute, func(t *testing.T, l *groupLives) {
		l.deliver(t, 1, "1", mid, "m1")
		go func() {
			time.Sleep(100 * time.Millisecond)
			l.ack(all)
		}()
		assert.True(t, l.Drain(t.Context()))
		assert.Equal(t, []string{"1"}, values(t, l.last(t).body))
	})
}

func TestInputsWaitWhileTwoMessagesWait(t *testing.T) {
	groupTest(t, module.PublishGroup{Interval: time.Hour, MaxBytes: 4000}, func(t *testing.T, l *groupLives) {
		l.SetLimits(Limits{Outbox: 1})
		var inputs []*receipt
		for n := range 4 {
			inputs = append(inputs, l.deliver(t, 1, `"`+strings.Repeat("x", 5000)+`"`, mid, fmt.Sprint("m", n)))
		}
		assert.False(t, inputs[3].acked())
		for range 4 {
			l.ack(all)
			synctest.Wait()
		}
		assert.True(t, inputs[3].acked())
	})
}

func samplesIn(t *testing.T, body string) (samples []map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	require.NoError(t, d.Decode(&samples), body)
	return samples
}
