package edge

import (
	"errors"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan"
)

// Instance is a guest at work for one signal: the exports of the edge/1 interface, with Go's types. The host
// of a sandbox drives it through [Register], a native test through package edgetest.
type Instance[S any] struct {
	guest    Guest[S]
	host     Host
	settings *S     // those in force; nil until the first were accepted
	sample   Sample // reused, so that texts that repeat are not copied again
}

// NewInstance returns an instance of guest that reaches its host through imports.
func NewInstance[S any](guest Guest[S], imports Imports) *Instance[S] {
	return &Instance[S]{guest: guest, host: Host{imports: imports}}
}

// Configure is edge_configure: document is {"signal","partition","settings"}. It returns 0, or a negative
// number after telling the host why the settings are refused.
func (i *Instance[S]) Configure(document []byte) int32 {
	if err := i.configure(document); err != nil {
		return i.finish(failed, err)
	}
	return 0
}

func (i *Instance[S]) configure(document []byte) error {
	if i.guest.Sample != nil && i.guest.Message != nil {
		return errors.New("guest has a handler for samples and one for messages: one of them is to go")
	}
	signal, err := readSignal(document)
	if err != nil {
		return wrap("read configuration", err)
	}
	next := i.guest.Settings
	if err := decodeSettings(signal.settings, &next); err != nil {
		return err
	}
	i.host.signal, i.host.partition = signal.name, signal.partition
	if i.guest.Configure != nil {
		if err := i.guest.Configure(&i.host, &next); err != nil {
			return err
		}
	}
	i.settings = &next
	return nil
}

// Message is edge_message: it hands the body of a message, or a sample as JSON, to the guest and returns its
// verdict, negative after telling the host the reason.
func (i *Instance[S]) Message(body []byte) int32 {
	if i.settings == nil {
		return i.finish(failed, errNotConfigured)
	}
	switch {
	case i.guest.Sample != nil:
		if err := i.sample.decode(body); err != nil {
			return i.finish(failed, wrap("read sample", err))
		}
		return i.finish(i.guest.Sample(&i.host, &i.sample, i.settings))
	case i.guest.Message != nil:
		return i.finish(i.guest.Message(&i.host, body, i.settings))
	}
	return i.finish(failed, errors.New("guest takes no messages"))
}

// Timer is edge_timer: it hands a tick to the guest and returns its verdict as Message does.
func (i *Instance[S]) Timer() int32 {
	if i.settings == nil {
		return i.finish(failed, errNotConfigured)
	}
	if i.guest.Tick == nil {
		return i.finish(failed, errors.New("guest takes no ticks"))
	}
	return i.finish(i.guest.Tick(&i.host, i.settings))
}

// finish turns what a handler returned into the result of an export.
func (i *Instance[S]) finish(verdict Verdict, err error) int32 {
	if err != nil {
		i.host.imports.Fail(err.Error())
		verdict = failed
	}
	return int32(verdict)
}

var errNotConfigured = errors.New("guest was called before it accepted settings")

// signalDocument is what edge_configure is given.
type signalDocument struct {
	name, partition string
	settings        []byte // JSON; nil where there are none
}

func readSignal(document []byte) (signalDocument, error) {
	var d signalDocument
	members := scan.Members(document)
	for members.Next() {
		var err error
		switch string(members.Key) {
		case "signal":
			d.name, err = text("signal", members.Value, "")
		case "partition":
			d.partition, err = text("partition", members.Value, "")
		case "settings":
			d.settings = members.Value
		}
		if err != nil {
			return d, err
		}
	}
	return d, members.Err()
}

// text returns the JSON string or null in value, as old itself where that has the same characters.
func text[T ~string](key string, value []byte, old T) (T, error) {
	if scan.KindOf(value) == scan.Null {
		return "", nil
	}
	chars, err := scan.Text(value)
	if err != nil {
		return "", wrap(key, err)
	}
	if string(chars) == string(old) {
		return old, nil
	}
	return T(chars), nil
}

// wrapped is an error with the operation that met it. It stands for fmt.Errorf, whose package would make every
// guest a third of a megabyte larger.
type wrapped struct {
	operation string
	err       error
}

func wrap(operation string, err error) error { return &wrapped{operation, err} }

func (w *wrapped) Error() string { return w.operation + ": " + w.err.Error() }
func (w *wrapped) Unwrap() error { return w.err }
