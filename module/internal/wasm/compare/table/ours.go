package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

var limits = module.Limits{
	Memory: 4 << 20, Deadline: 50 * time.Millisecond, Start: 500 * time.Millisecond, Stack: 128 << 10,
	EmitsPerCall: 16, EmitBytesPerCall: 64 << 10, LogLinesPerMinute: 60, Storage: 4 << 10,
}

// input is the message as a sensor's reaches the module, with the properties that edgeHub adds.
var input = module.Message{Body: message, Properties: module.Properties{
	{Name: module.PropertyMessageID, Value: "01J000000000000000000000"}, {Name: module.PropertySenderDevice, Value: "device"}}}

// compilerCommand is the argument with which this program compiles guests for its host.
const compilerCommand = "compile"

func newHost() (*wasm.Host, error) {
	return wasm.New(wasm.Config{Compiler: []string{compilerCommand}})
}

// isCompiler reports whether this process was started to compile, and how it did.
func isCompiler(args []string) (exit int, is bool) {
	if len(args) < 2 || args[1] != compilerCommand {
		return 0, false
	}
	return wasm.CompilerMain(args[2:]), true
}

// ours is this module's host with guests on it.
type ours struct{ host *wasm.Host }

func (o ours) compile(guest edge) (*wasm.Guest, error) {
	binary, err := guest.binary()
	if err != nil {
		return nil, err
	}
	return o.host.Compile(context.Background(), "guest", binary, limits)
}

// instances starts as many instances of a guest as asked for, and returns what ends them too.
func (o ours) instances(of edge, count int) ([]*wasm.Instance, func(), error) {
	guest, err := o.compile(of)
	if err != nil {
		return nil, nil, err
	}
	var all []*wasm.Instance
	end := func() {
		for _, i := range all {
			i.Close()
		}
		guest.Close()
	}
	for range count {
		i, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits})
		if err != nil {
			end()
			return nil, nil, err
		}
		all = append(all, i)
	}
	return all, end, nil
}

// messages hands the message in n times, with all that the module does around it: properties, deadline, limits, and the
// effects read.
func messages(i *wasm.Instance, n int) error {
	for range n {
		if _, err := i.Message(input); err != nil {
			return err
		}
		i.Effects()
	}
	return nil
}

// message is the variant that calls one instance of a guest.
func (o ours) message(name string, guest edge) (*variant, error) {
	instances, end, err := o.instances(guest, 1)
	if err != nil {
		return nil, err
	}
	i := instances[0]
	return newVariant(name, func(n int) error { return messages(i, n) }, func() []byte { return output(i) }, end)
}

// output returns what the last call sends on: what was emitted, or the message that was passed.
func output(i *wasm.Instance) []byte {
	if emitted := i.Effects().Emitted; len(emitted) > 0 {
		return emitted[0].Body
	}
	return message
}

// goroutines is the variant that shares the messages out among instances, each in a goroutine of its own.
func (o ours) goroutines(name string, guest edge, count int) (*variant, error) {
	instances, end, err := o.instances(guest, count)
	if err != nil {
		return nil, err
	}
	run := func(n int) error {
		return together(count, func(at int) error { return messages(instances[at], (n+count-1)/count) })
	}
	return newVariant(name, run, func() []byte { return output(instances[0]) }, end)
}

// start is the variant that starts an instance and closes it.
func (o ours) start(name string) (*variant, error) {
	guest, err := o.compile(emits)
	if err != nil {
		return nil, err
	}
	run := func(n int) error {
		for range n {
			i, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits})
			if err != nil {
				return err
			}
			i.Close()
		}
		return nil
	}
	return newVariant(name, run, func() []byte { return message }, guest.Close)
}

// allocations returns how many allocations of Go a message costs.
func (o ours) allocations(guest edge) (float64, error) {
	instances, end, err := o.instances(guest, 1)
	if err != nil {
		return 0, err
	}
	defer end()
	average := testing.AllocsPerRun(10_000, func() { err = errors.Join(err, messages(instances[0], 1)) })
	return average, err
}
