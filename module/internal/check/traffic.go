package check

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// How IoT Hub counts device-to-cloud messages ("IoT Hub quotas and throttling", "Azure IoT Hub pricing").
const (
	wholeBytes = 1024    // an assumption
	blockBytes = 4096    // what counts as one message, or begins another
	unitBlocks = 400_000 // that one unit of S1 takes in a day
	day        = 24 * 60 * 60
)

// Rates say how often an input brings a message, in messages a second, by "input:NAME". One that is missing brings one a second.
type Rates map[string]float64

// Traffic is an estimate of what is sent in a day at most: deadbands and triggers hold back what nobody can tell in advance. A
// guest is taken to make one value of each that it gets, a whole message to have wholeBytes, and partitions to bring no
// heartbeats of their own.
type Traffic struct {
	Messages float64
	Blocks   float64 // of 4 KB, by which IoT Hub counts
	Single   float64 // what Blocks would be without publish groups

	assumed []string // the inputs and their rates
}

// bag is what shares messages: signals of one group, output, payload and properties.
type bag struct {
	samples float64 // a second
	bytes   float64 // a second
	group   module.PublishGroup
}

// estimate adds up what a desired twin sends.
type estimate struct {
	desired module.Desired
	rates   Rates
	known   map[module.SignalName]float64 // values a second that a signal sends
	bags    map[string]bag
	total   Traffic
}

// traffic estimates what is sent to the outputs that count.
func traffic(d module.Desired, rates Rates, counts func(module.OutputName) bool) Traffic {
	e := &estimate{desired: d, rates: rates, known: map[module.SignalName]float64{}, bags: map[string]bag{}}
	read := map[string]bool{}
	for _, s := range signalsInOrder(d) {
		if s.Status == module.StatusRunning {
			for _, name := range inputs(s) {
				read["input:"+name] = true
			}
		}
		if s.Output != module.OutputNone && counts(s.Output) {
			e.send(s, e.rate(s.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.bags)) {
		e.gathered(e.bags[name])
	}
	for _, input := range slices.Sorted(maps.Keys(read)) {
		e.total.assumed = append(e.total.assumed, fmt.Sprintf("%s at %s", input, rateText(e.arriving(input))))
	}
	return e.total
}

// rate returns how many values a second a signal sends at most.
func (e *estimate) rate(name module.SignalName) float64 {
	s, ok := e.desired.Signals[name]
	if !ok || s.Status == module.StatusStopped {
		return 0
	}
	if rate, ok := e.known[name]; ok {
		return rate
	}
	rate, ticks := e.incoming(s)
	switch every := perSecond(s.SamplingInterval); {
	case ticks:
		rate += every
	case every > 0 && s.PartitionBy == "": // else each key has its own
		rate = min(rate, every)
	}
	rate = withHeartbeats(s, rate)
	e.known[name] = rate
	return rate
}

// incoming returns how many values a second a signal gets, and whether a timer is among its sources.
func (e *estimate) incoming(s module.Signal) (rate float64, ticks bool) {
	for _, source := range sourcesOf(s) {
		switch source.Kind {
		case module.SourceInput:
			rate += e.arriving(source.String())
		case module.SourceSignal:
			rate += e.rate(module.SignalName(source.Name))
		case module.SourceTimer:
			ticks = true
		}
	}
	return rate, ticks
}

// withHeartbeats adds a signal's heartbeats to the rate of its values. Those of a watchdog are sent where nothing else is.
func withHeartbeats(s module.Signal, rate float64) float64 {
	beats := perSecond(s.HeartbeatInterval)
	switch {
	case beats == 0 || strings.HasSuffix(s.HeartbeatBehavior, "DiagnosticsOnly"):
		return rate
	case strings.HasSuffix(s.HeartbeatBehavior, "DropValue"):
		return beats
	case strings.HasPrefix(s.HeartbeatBehavior, "periodic"), rate < beats:
		return rate + beats
	}
	return rate
}

// send adds what a signal sends to its bag, or counts its messages.
func (e *estimate) send(s module.Signal, rate float64) {
	group, grouped := e.desired.Groups[s.PublishGroup]
	size := sizeOf(s)
	e.total.Single += rate * day * blocks(size)
	if !grouped {
		e.total.Messages += rate * day
		e.total.Blocks += rate * day * blocks(size)
		return
	}
	if s.QueueSize > 0 && s.PartitionBy == "" {
		rate = min(rate, float64(s.QueueSize)*perSecond(group.Interval))
	}
	key := bagOf(s)
	b := e.bags[key]
	e.bags[key] = bag{b.samples + rate, b.bytes + rate*size, group}
}

// sizeOf returns how many bytes a value of a signal adds to a message.
func sizeOf(s module.Signal) float64 {
	if s.Guest == "" && s.Format == module.FormatJSON && s.Selector == "" && len(inputs(s)) > 0 {
		return wholeBytes
	}
	return float64(signals.ElementSize(s.Payload, signals.Named{Signal: string(s.Name), DisplayName: s.DisplayName, Unit: s.Unit,
		Sample: module.Sample{Value: []byte("-1234.5678"), SourceTimestamp: time.Unix(0, 0)}}, signals.Batch{Group: s.PublishGroup}))
}

// gathered counts the messages of a bag: one an interval, or as many as its samples need.
func (e *estimate) gathered(b bag) {
	messages := min(b.samples, perSecond(b.group.Interval))
	if b.group.MaxSamples > 0 {
		messages = max(messages, b.samples/float64(b.group.MaxSamples))
	}
	if messages = max(messages, b.bytes/float64(b.group.MaxBytes)); messages == 0 {
		return
	}
	e.total.Messages += messages * day
	e.total.Blocks += messages * day * blocks(b.bytes/messages)
}

func (e *estimate) arriving(input string) float64 {
	if rate, ok := e.rates[input]; ok {
		return rate
	}
	return 1
}

// sourcesOf returns the sources of a signal, in the order of their keys where they are several.
func sourcesOf(s module.Signal) []module.Source {
	if len(s.Sources) == 0 {
		return []module.Source{s.Source}
	}
	var all []module.Source
	for _, key := range slices.Sorted(maps.Keys(s.Sources)) {
		all = append(all, s.Sources[key])
	}
	return all
}

// blocks returns how many messages IoT Hub counts for one of a size in bytes.
func blocks(size float64) float64 { return max(math.Ceil(size/blockBytes), 1) }

func perSecond(interval time.Duration) float64 {
	if interval <= 0 {
		return 0
	}
	return 1 / interval.Seconds()
}
