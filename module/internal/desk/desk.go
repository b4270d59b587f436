// Package desk runs guests at a desk: single messages, recordings and test files, through a signal as the module would, with
// no edgeHub and nothing that is kept.
//
//	d, err := desk.New([]string{"compile"})
//	defer d.Close()
//	t, err := d.Open(ctx, binary, desk.Entry{Settings: []byte(`{"high":25}`)})
//	defer t.Close()
//	result := t.Run(trial.Message{…})
//
// # Concurrency
//
// A Desk and its trials are one goroutine's.
package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// Desk is where guests are run.
type Desk struct {
	host   *wasm.Host
	guests map[compiled]*wasm.Guest
	files  string // made for guests that have private files; "" until one does
}

// compiled is what one compilation is of: the same guest is opened many times.
type compiled struct {
	digest [sha256.Size]byte
	name   module.GuestName
	limits module.Limits
}

// New makes a desk. Compiler are the arguments with which this program compiles a guest.
func New(compiler []string) (*Desk, error) {
	host, err := wasm.New(wasm.Config{Compiler: compiler})
	if err != nil {
		return nil, fmt.Errorf("make Wasm host: %w", err)
	}
	return &Desk{host: host, guests: make(map[compiled]*wasm.Guest)}, nil
}

// Close ends the desk, after its trials.
func (d *Desk) Close() {
	for _, guest := range d.guests {
		guest.Close()
	}
	d.host.Close()
	if d.files != "" {
		_ = os.RemoveAll(d.files) // it is temporary
	}
}

// Entry is what the twin would say of a signal and its guest: JSON objects, each may be empty.
type Entry struct {
	Guest    json.RawMessage // fields of the guest but for its source: limits, permissions, run, settings
	Signal   json.RawMessage // fields of the signal; its source is input:input where there is none
	Settings json.RawMessage // of the signal
	State    map[string][]byte
}

// Open starts a guest for a signal that the entry describes. The twin's rules hold: what it would refuse is an error.
func (d *Desk) Open(ctx context.Context, binary []byte, e Entry) (*trial.Trial, error) {
	document, err := e.document()
	if err != nil {
		return nil, err
	}
	return d.OpenTwin(ctx, document, environment, "signal", binary, e.State)
}

// environment stands in for the device: any variable counts as set.
var environment = twin.Environment{DeviceID: "device", ModuleID: "wasmOnEdge", Getenv: func(name string) string { return "${env:" + name + "}" }}

// document is a twin with the entry in it.
func (e Entry) document() ([]byte, error) {
	doc := []byte(`{"schemaVersion":"1.0","guests":{"guest":{"source":"file:guest.wasm"}},"signals":{"signal":{"source":"input:input","guest":"guest"}}}`)
	for _, part := range []struct {
		what, format string
		json         json.RawMessage
	}{{"guest", `{"guests":{"guest":%s}}`, e.Guest}, {"signal", `{"signals":{"signal":%s}}`, e.Signal}, {"settings", `{"signals":{"signal":{"settings":%s}}}`, e.Settings}} {
		if len(part.json) == 0 {
			continue
		}
		merged, err := twin.Merge(doc, fmt.Appendf(nil, part.format, part.json))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", part.what, err)
		}
		doc = merged
	}
	return doc, nil
}

// OpenTwin starts the guest of a signal of a twin. The binary is the guest's, whatever its source says.
func (d *Desk) OpenTwin(ctx context.Context, document []byte, env twin.Environment, name module.SignalName, binary []byte, state map[string][]byte) (*trial.Trial, error) {
	desired := twin.Parse(document, env)
	signal, there := desired.Signals[name]
	if !there {
		return nil, refusal(desired, name)
	}
	c := trial.Config{Signal: signal, State: state}
	if signal.Guest == "" {
		return trial.New(c)
	}
	spec, there := desired.Guests[signal.Guest]
	if !there {
		return nil, refusal(desired, name)
	}
	guest, err := d.compile(ctx, spec, binary)
	if err != nil {
		return nil, err
	}
	if c.Spec, err = twin.ForSignal(spec, name); err != nil {
		return nil, err
	}
	if spec.Permissions.Files == module.FilesPrivate {
		if c.Files, err = d.directory(); err != nil {
			return nil, err
		}
	}
	c.Start = func(o supervise.Options) (supervise.Instance, error) { return start(guest, o) }
	return trial.New(c)
}

// compile compiles a guest, once.
func (d *Desk) compile(ctx context.Context, spec module.GuestSpec, binary []byte) (*wasm.Guest, error) {
	key := compiled{sha256.Sum256(binary), spec.Name, spec.Limits}
	if guest := d.guests[key]; guest != nil {
		return guest, nil
	}
	guest, err := d.host.Compile(ctx, spec.Name, binary, spec.Limits)
	if err == nil {
		d.guests[key] = guest
	}
	return guest, err
}

// start gives the guest no way out: a trial reaches nobody.
func start(guest *wasm.Guest, o supervise.Options) (supervise.Instance, error) {
	i, err := guest.Start(wasm.Options{Signal: o.Signal, Limits: o.Limits, Env: o.Env, State: o.State, Files: o.Files})
	if err != nil {
		return nil, err // not i: a nil *wasm.Instance in an interface is none
	}
	return i, nil
}

// directory returns an empty directory for a guest's files.
func (d *Desk) directory() (string, error) {
	if d.files == "" {
		files, err := os.MkdirTemp("", "wasm-on-edge-")
		if err != nil {
			return "", fmt.Errorf("make directory of guest: %w", err)
		}
		d.files = files
	}
	return os.MkdirTemp(d.files, "files-")
}

// refusal says why a twin has no such signal that works.
func refusal(d module.Desired, name module.SignalName) error {
	var reasons []string
	for _, f := range d.Findings {
		if f.Severity == module.Refused {
			reasons = append(reasons, f.String())
		}
	}
	return errors.New(cmp.Or(strings.Join(reasons, "; "), fmt.Sprintf("the twin has no signal %q", name)))
}
