package portal

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// Point is a mark on a signal's time axis: milliseconds since 1970, a value, and what it is.
type Point [3]float64

// What a point is.
const (
	Arrived = 0 // a value that a message brought, scaled
	Sent    = 1 // a value that was sent
	Told    = 2 // something without a value of its own was sent: it stands at the value that arrived
	Died    = 3 // the message went to the dead letters
)

// plotter makes points of what a signal did.
type plotter struct {
	signal module.Signal
	reader *signals.Reader // nil: no values are found
	last   float64         // that arrived
}

func newPlotter(s module.Signal) *plotter { return &plotter{signal: s, reader: readerOf(s)} }

func (p *plotter) plot(t *Traced, add func(Point)) {
	at := float64(t.Time - t.WaitedUs/1000) // of its arrival: what waited in a spool is taken up all at once
	for _, value := range p.values(t) {
		p.last = value
		add(Point{at, value, Arrived})
	}
	for _, o := range t.Outputs {
		value, is := sentValue(o.Body)
		if is {
			add(Point{at, value, Sent})
			continue
		}
		add(Point{at, p.last, Told})
	}
	if t.Failure != "" {
		add(Point{at, p.last, Died})
	}
}

// values returns the numbers that a message brought, on the signal's scale.
func (p *plotter) values(t *Traced) (values []float64) {
	if p.reader == nil || len(t.body) == 0 || !p.reader.Samples(t.properties) {
		return nil
	}
	found, err := p.reader.Read(nil, signals.NewContent(t.body), t.properties)
	if err != nil {
		return nil // it goes to the dead letters, and is shown there
	}
	for _, f := range found {
		value, is := number(f.Value)
		value = value*p.signal.Scale + p.signal.Offset
		if is && finite(value) && (t.Partition == "" || f.Partition == t.Partition) {
			values = append(values, value)
		}
	}
	return values
}

// sentValue returns the value in what was sent: of a sample, or of the last one of several.
func sentValue(body string) (float64, bool) {
	var one struct{ Value json.RawMessage }
	if json.Unmarshal([]byte(body), &one) == nil {
		return number(one.Value)
	}
	var several []struct{ Value json.RawMessage }
	if json.Unmarshal([]byte(body), &several) == nil && len(several) > 0 {
		return number(several[len(several)-1].Value)
	}
	return number([]byte(body))
}

// number reads a JSON value as a number: true is 1, false is 0.
func number(value []byte) (float64, bool) {
	switch string(value) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	n, err := strconv.ParseFloat(string(value), 64)
	return n, err == nil && finite(n)
}

// finite reports whether JSON has a way to write a number.
func finite(n float64) bool { return !math.IsNaN(n) && !math.IsInf(n, 0) }
