package supervise

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestATraceTellsWhatASignalDidWithItsNextMessages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{program: diesOn("bad")}
		p.start(t, workOf(g))
		p.deliver(t, "before")
		trace := p.Trace("s", 2)
		p.deliver(t, "good")
		select {
		case <-trace.Full():
			t.Fatal("two were asked for")
		default:
		}
		p.deliver(t, "bad")
		<-trace.Full()
		p.deliver(t, "after")

		traced := trace.Take()
		require.Len(t, traced, 2)
		good, bad := traced[0], traced[1]
		assert.Equal(t, "good", string(good.Message.Body))
		assert.Equal(t, module.InputName("in"), good.Input)
		assert.Equal(t, "early", good.Message.Properties.Value("shift"))
		require.Len(t, good.Calls, 1)
		assert.Equal(t, module.Pass, good.Calls[0].Verdict)
		require.Len(t, good.Outputs, 1)
		assert.Equal(t, module.OutputName("telemetry"), good.Outputs[0].Output)
		assert.Equal(t, "good", string(good.Outputs[0].Body))
		assert.Empty(t, good.Failure)

		require.Len(t, bad.Calls, 2, "a fresh instance gets one more try")
		assert.ErrorIs(t, bad.Calls[1].Err, trap)
		assert.Contains(t, bad.Failure, "unreachable")
		assert.Empty(t, trace.Take(), "each is told once")
	})
}

func TestATraceIsBounded(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			for range 20 {
				i.effects.Emitted = append(i.effects.Emitted, module.Emitted{Message: m})
			}
			return module.Done, nil
		}
		p.start(t, workOf(g))
		trace := p.Trace("s", 1)
		p.deliver(t, strings.Repeat("x", 5000))
		traced := trace.Take()[0]
		assert.Len(t, traced.Message.Body, 4096)
		assert.Equal(t, 5000, traced.Message.Bytes)
		assert.Len(t, traced.Outputs, 16)
		assert.Equal(t, 4, traced.Left)
	})
}

func TestATraceCoversPartitionsAndEndsWhenItIsEnded(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, byMachine(&fakeGuest{}, nil))
		trace := p.Trace("s", 3)
		p.deliverMachine(t, "a", "1")
		p.deliverMachine(t, "b", "2")
		p.Untrace("s", trace)
		p.deliverMachine(t, "a", "3")
		traced := trace.Take()
		require.Len(t, traced, 2)
		assert.Equal(t, []string{"a", "b"}, []string{traced[0].Partition, traced[1].Partition})
	})
}

func TestTheLastLinesOfAGuestAreRemembered(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			i.logs = []module.LogLine{{Level: 3, Text: string(m.Body)}}
			return module.Drop, nil
		}
		w := workOf(g)
		w.Spec.Limits.LogLinesPerMinute = 1000
		p.start(t, w)
		for range 250 {
			p.deliver(t, strings.Repeat("y", 2000))
		}
		p.deliver(t, "last")
		synctest.Wait()
		lines := p.Logged("g", 1000)
		require.Len(t, lines, 200)
		assert.Equal(t, "last", lines[199].Text)
		assert.Equal(t, module.SignalName("s"), lines[199].Signal)
		assert.Len(t, lines[0].Text, 1024+len("…"))
		assert.Equal(t, lines[199:], p.Logged("g", 1))
		assert.Empty(t, p.Logged("other", 5))
		assert.WithinDuration(t, time.Now(), lines[0].Time, time.Hour)
	})
}
