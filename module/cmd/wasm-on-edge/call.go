package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/desk"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
)

type callCommand struct {
	Guest    string            `arg:"" placeholder:"GUEST.wasm" help:"The guest."`
	Message  string            `arg:"" optional:"" default:"-" help:"File with the body of the message; - reads standard input."`
	Settings string            `placeholder:"JSON" help:"Settings of the signal."`
	Signal   string            `placeholder:"JSON" help:"Fields of the signal's entry, like {\"selector\":\"/temperature\"}; without them the guest gets the whole message."`
	Entry    string            `placeholder:"JSON" help:"Fields of the guest's entry, like {\"limits\":{\"memoryMiB\":4}}."`
	Property map[string]string `placeholder:"NAME=VALUE" help:"A property of the message. May be repeated." mapsep:"none"`
	State    map[string]string `placeholder:"KEY=TEXT" help:"State that the guest finds. May be repeated." mapsep:"none"`
	Tick     bool              `help:"Call the guest's timer instead of giving it a message."`
	JSON     bool              `help:"Print the answer of the direct method invoke, one JSON object."`
}

// Help is what --help adds.
func (callCommand) Help() string {
	return `Gives a guest one message, as the module would, and tells its verdict, what would be sent, what it logged, and what that
took. Nothing is sent. Exits with 1 if the message would go to the dead letters.

  echo '{"machine":{"temperature":101}}' | wasm-on-edge call build/guests/threshold.wasm --settings '{"high":25}' \
    --signal '{"selector":"/machine/temperature","unit":"Cel"}'
  wasm-on-edge call guest.wasm message.json --property site=north --json
  wasm-on-edge call guest.wasm --tick --state count=7`
}

// errCallFailed means that the message would go to the dead letters, which has been said already.
var errCallFailed = fmt.Errorf("the message would go to the dead letters: %w", errFindings)

func (c callCommand) Run(env *environment) error {
	binary, err := os.ReadFile(c.Guest)
	if err != nil {
		return hint(fmt.Errorf("read guest: %w", err), "make guests builds those of the repository into build/guests")
	}
	m := trial.Message{Tick: c.Tick}
	if !c.Tick {
		if m.Body, err = readInput(env, c.Message); err != nil {
			return fmt.Errorf("read message: %w", err)
		}
	}
	for name, value := range c.Property {
		m.Properties.Set(name, value)
	}
	state := make(map[string][]byte, len(c.State))
	for key, value := range c.State {
		state[key] = []byte(value)
	}
	d, err := desk.New([]string{app.CompilerCommand})
	if err != nil {
		return err
	}
	defer d.Close()
	session, err := d.Open(env.ctx, binary, desk.Entry{Guest: []byte(c.Entry), Signal: []byte(c.Signal), Settings: []byte(c.Settings), State: state})
	if err != nil {
		return guestHint(err)
	}
	defer session.Close()
	return c.print(env.stdout, session.Run(m))
}

// guestHint adds what to do about an error of a guest, where that is known.
func guestHint(err error) error {
	if e, ok := errors.AsType[*module.GuestError](err); ok && e.Hint != "" {
		return hint(err, e.Hint)
	}
	return err
}

// readInput reads a file, or standard input where its name is -.
func readInput(env *environment, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(env.stdin)
	}
	return os.ReadFile(name)
}

func (c callCommand) print(w io.Writer, r trial.Result) error {
	if c.JSON {
		if err := json.NewEncoder(w).Encode(methods.AnswerOf(r)); err != nil {
			return err
		}
	} else {
		printResult(w, r)
	}
	if r.Err != nil {
		return errCallFailed
	}
	return nil
}

// printResult tells people what came of a message.
func printResult(w io.Writer, r trial.Result) {
	fmt.Fprintf(w, "verdict: %s\n", r.Verdict())
	if r.Err != nil {
		fmt.Fprintf(w, "error: %v\n", r.Err)
	}
	for _, end := range r.Held {
		fmt.Fprintf(w, "held back: %v\n", end)
	}
	for _, o := range r.Outputs {
		fmt.Fprintf(w, "output %s: %s\n", o.Output, printable(o.Body))
		for _, p := range o.Properties {
			fmt.Fprintf(w, "  %s: %s\n", p.Name, p.Value)
		}
	}
	for _, l := range r.Logs {
		fmt.Fprintf(w, "log: %s\n", l.Text)
	}
	for _, call := range r.Calls {
		fmt.Fprintf(w, "call: %v, %d KiB of memory\n", call.Took.Round(100*time.Nanosecond), call.Memory>>10)
	}
}

func printable(body []byte) string {
	if utf8.Valid(body) {
		return string(body)
	}
	return fmt.Sprintf("%d bytes, %x…", len(body), body[:min(len(body), 32)])
}
