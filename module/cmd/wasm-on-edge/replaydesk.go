package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/desk"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// atDesk runs the messages through a signal of a twin here, and sends nothing.
func (c replayCommand) atDesk(env *environment) error {
	if len(c.Signal) != 1 {
		return hint(errors.New("replay: --twin wants one --signal"), "it names the signal of the twin that the messages go through")
	}
	d, err := desk.New([]string{app.CompilerCommand})
	if err != nil {
		return err
	}
	defer d.Close()
	session, err := c.session(env, d)
	if err != nil {
		return guestHint(err)
	}
	defer session.Close()
	var results bytes.Buffer
	failed, n := 0, 0
	for m, err := range c.messages(env.stdin) {
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if env.ctx.Err() != nil {
			return env.ctx.Err()
		}
		result := session.Run(m)
		n++
		if result.Err != nil {
			failed++
		}
		writeResult(&results, result)
	}
	fmt.Fprintf(env.stderr, "%s, %d to the dead letters\n", count(n, "message"), failed)
	return c.compare(env, results.Bytes(), failed)
}

// replayed is a line of what a replay at the desk prints: what does not depend on the machine.
type replayed struct {
	Verdict string            `json:"verdict"`
	Error   string            `json:"error,omitempty"`
	Held    []string          `json:"held,omitempty"`
	Outputs []methods.Message `json:"outputs"`
}

func writeResult(w io.Writer, result trial.Result) {
	a := methods.AnswerOf(result)
	line := replayed{Verdict: a.Verdict, Held: a.Held, Outputs: a.Outputs}
	if line.Error = a.Error; line.Error != "" { // a backtrace is another one with each build
		if e, ok := errors.AsType[*module.GuestError](result.Err); ok {
			line.Error = string(e.Kind)
		}
	}
	_ = json.NewEncoder(w).Encode(line) // strings, and JSON that was valid, into memory
}

// compare prints the results, or holds them against the golden file.
func (c replayCommand) compare(env *environment, results []byte, failed int) error {
	if c.Golden == "" {
		if _, err := env.stdout.Write(results); err != nil {
			return err
		}
		if failed > 0 {
			return errFindings
		}
		return nil
	}
	if c.Update {
		if err := os.WriteFile(c.Golden, results, 0o644); err != nil { //nolint:gosec // a file for a repository, which others read
			return fmt.Errorf("write golden file: %w", err)
		}
		return nil
	}
	golden, err := os.ReadFile(c.Golden)
	if err != nil {
		return hint(fmt.Errorf("read golden file: %w", err), "--update writes it")
	}
	if bytes.Equal(golden, results) {
		return nil
	}
	fmt.Fprintf(env.stdout, "differs from %s (- expected, + got)\n%s", c.Golden, desk.Diff(strings.TrimSuffix(string(golden), "\n"), strings.TrimSuffix(string(results), "\n")))
	return errFindings
}

// session opens the signal with its guest.
func (c replayCommand) session(env *environment, d *desk.Desk) (*trial.Trial, error) {
	document, err := os.ReadFile(c.Twin)
	if err != nil {
		return nil, fmt.Errorf("read twin: %w", err)
	}
	if check.IsDeployment(document) {
		m, err := manifest.Parse(document)
		if err != nil {
			return nil, fmt.Errorf("read deployment: %w", err)
		}
		ours, _ := m.Module(c.Module)
		document = ours.Desired
	}
	if document, err = twin.Merge(document, []byte(`{"$version":1}`)); err != nil {
		return nil, fmt.Errorf("read twin: %w", err)
	}
	surroundings := atHand(c.Module, c.Guests)
	name := module.SignalName(c.Signal[0])
	binary, err := c.binary(twin.Parse(document, surroundings), name)
	if err != nil {
		return nil, err
	}
	return d.OpenTwin(env.ctx, document, surroundings, name, binary, nil)
}

// binary reads the guest of the signal: the file that was named, or that of its source in the guests directory.
func (c replayCommand) binary(d module.Desired, name module.SignalName) ([]byte, error) {
	spec, there := d.Guests[d.Signals[name].Guest]
	if !there {
		return nil, nil // host-only, or what is wrong is said when it is opened
	}
	file := c.Wasm
	if file == "" {
		base, local := strings.CutPrefix(spec.Source, "file:")
		if !local {
			return nil, hint(fmt.Errorf("replay: guest %q comes from %s", spec.Name, spec.Source), "--wasm names a file to use instead")
		}
		file = filepath.Join(c.Guests, base)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		return nil, hint(fmt.Errorf("read guest: %w", err), "--guests names the directory, --wasm another file")
	}
	return binary, nil
}

// messages are those of all files: of dead letters the messages that came in, or recordings.
func (c replayCommand) messages(stdin io.Reader) iter.Seq2[trial.Message, error] {
	return func(yield func(trial.Message, error) bool) {
		if !c.Recording {
			for l, err := range c.letters(stdin) {
				if err == nil && (!c.wanted(l) || l.Unfit() != "") {
					continue
				}
				m := trial.Message{}
				if err == nil {
					m = trial.Message{Message: l.Message(), Input: l.Input, Time: l.Time}
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
			return
		}
		for _, name := range c.Files {
			if !record(name, stdin, yield) {
				return
			}
		}
	}
}

// record yields the messages of a recording, and reports whether more is wanted.
func record(name string, stdin io.Reader, yield func(trial.Message, error) bool) bool {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			yield(trial.Message{}, fmt.Errorf("read recording: %w", err))
			return false
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	for m, err := range desk.Record(in) {
		if !yield(m, err) || err != nil {
			return false
		}
	}
	return true
}
