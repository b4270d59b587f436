package pipeline

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// mirror is an edgeHub that acknowledges at once.
type mirror struct{}

func (mirror) Publish(_ context.Context, _ module.OutputName, _ module.Message, done func(error)) error {
	done(nil)
	return nil
}

// BenchmarkPassOn measures a message's way from Deliver to its acknowledgement, through a signal that passes it on, with
// so many inputs in flight.
func BenchmarkPassOn(b *testing.B) {
	for _, window := range []int{1, 64} {
		b.Run("window="+strconv.Itoa(window), func(b *testing.B) { passOn(b, window) })
	}
}

func passOn(b *testing.B, window int) {
	p := New(Config{Publisher: mirror{}, Journal: openJournal(b)})
	p.SetLimits(Limits{Outbox: 64 << 20, DeadLettersPerMinute: 60, Spool: 1 << 20})
	p.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: consumer(func(s *Share) bool {
		properties := Inherit(s.Message.Properties, 8)
		Trace(&properties, s.Message.Properties, true)
		s.Send("out", module.Message{Body: s.Message.Body, Properties: properties}, true)
		s.Finish()
		return true
	})}}}})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Dispatch(ctx) })
	running.Go(func() { p.SendResults(ctx) })
	slots := make(chan struct{}, window)
	body := []byte(`{"machine":{"temperature":21.5,"pressure":1.2},"ambient":{"temperature":20.9,"humidity":25},"timeCreated":"2026-01-02T03:04:05Z"}`)
	ack := func() { <-slots }
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		slots <- struct{}{}
		d := Delivery{Input: "in", Connection: 1, Received: time.Now(), Ack: ack, Message: module.Message{Body: body, Properties: module.Properties{
			{Name: module.PropertySenderDevice, Value: "device"}, {Name: module.PropertySenderModule, Value: "sensor"},
			{Name: propertyBatchID, Value: "7b2c"}, {Name: propertySequence, Value: strconv.Itoa(i)},
		}}}
		if err := p.Deliver(d); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	running.Wait()
}
