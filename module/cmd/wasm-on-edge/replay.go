package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/replay"
)

type replayCommand struct {
	Files  []string  `arg:"" help:"Captures of IoT Hub, files of the folder deadletters, or directories of either; - reads standard input."`
	DryRun bool      `help:"Print what would be sent, one JSON object a line, and send nothing."`
	Reason []string  `help:"Only letters with one of these reasons."`
	Signal []string  `help:"Only letters of these signals."`
	Guest  []string  `help:"Only letters of these guests."`
	Since  time.Time `placeholder:"TIME" help:"Only letters from this time on, like 2026-11-23T08:00:00Z."`
	Until  time.Time `placeholder:"TIME" help:"Only letters from before this time."`

	Twin      string `placeholder:"FILE" help:"Run the messages through the one --signal of this twin or deployment here, and send nothing."`
	Recording bool   `help:"With --twin: the files are recordings, what the method trace answered or CSV with a header, instead of dead letters."`
	Golden    string `placeholder:"FILE" help:"With --twin: compare what comes out with this file, instead of printing it."`
	Update    bool   `help:"With --golden: write the file."`
	Wasm      string `placeholder:"FILE" help:"With --twin: the guest's binary, instead of that in --guests."`
	Guests    string `env:"WASM_ON_EDGE_GUESTS" default:"build/guests" placeholder:"DIR" help:"With --twin: the directory of file: sources."`
	Module    string `default:"wasmOnEdge" help:"With --twin: what the deployment calls this module."`
}

// Help is what --help adds.
func (replayCommand) Help() string {
	return `Reads dead letters and sends their messages again, as they came in, for the module's inputs. It reads
what az iot hub monitor-events --properties all --output json prints, the JSON of a storage endpoint (or of its Avro), and
the folder deadletters of a device's storage directory.

It connects to edgeHub as a module of its own: IOTEDGE_* or EdgeHubConnectionString and EdgeModuleCACertificateFile say as
which, so give the deployment a module for it. It sends to its output replay, and names the input in the
property replayInput. A route brings that to the module:

  FROM /messages/modules/replay/outputs/replay WHERE replayInput = 'sensor'
    INTO BrokeredEndpoint("/modules/wasmOnEdge/inputs/sensor")

Each message keeps the id of its letter as $$.mid, however often it is sent. Every signal that names the input gets it.

  wasm-on-edge replay --dry-run --reason trap events.json
  az iot hub monitor-events … --properties all --output json | wasm-on-edge replay --signal pressTemp -

With --twin nothing is sent: the messages, of dead letters or of a --recording, go through a signal of that twin at this desk,
one after the other, and what comes out is printed, one JSON object a message, or compared with a --golden file. Exits with 1
where that differs or, without a golden file, where a message would go to the dead letters again.

  wasm-on-edge replay --twin deployment.template.json --signal pressTemp --wasm mended.wasm events.json
  az iot hub invoke-module-method -n HUB -d DEVICE -m wasmOnEdge --mn trace --mp '{"signal":"pressTemp"}' > trace.json
  wasm-on-edge replay --twin twin.json --signal pressTemp --recording trace.json --golden expected.ndjson`
}

// Validate refuses flags that make no sense together.
func (c replayCommand) Validate() error {
	switch {
	case c.Twin == "" && (c.Recording || c.Golden != "" || c.Wasm != ""):
		return errors.New("--recording, --golden and --wasm go with --twin")
	case c.Update && c.Golden == "":
		return errors.New("--update goes with --golden")
	case c.Twin != "" && c.DryRun:
		return errors.New("--twin sends nothing, so --dry-run says nothing")
	}
	return nil
}

func (c replayCommand) Run(env *environment) error {
	if c.Twin != "" {
		return c.atDesk(env)
	}
	to := destination(dryRun{env.stdout})
	if !c.DryRun {
		sender, err := newReplaySender(env)
		if err != nil {
			return hint(err, "--dry-run needs no connection")
		}
		defer sender.close()
		to = sender
	}
	sent, unfit := 0, 0
	for l, err := range c.letters(env.stdin) {
		if err != nil {
			return fmt.Errorf("replay: %w; %s sent before", err, count(sent, "message"))
		}
		if !c.wanted(l) {
			continue
		}
		if why := l.Unfit(); why != "" {
			unfit++
			fmt.Fprintf(env.stderr, "left out: letter %s (%s): %s\n", l.ID, l.Reason, why)
			continue
		}
		if err := to.send(env.ctx, l); err != nil {
			return fmt.Errorf("replay: %w; %s sent before", err, count(sent, "message"))
		}
		sent++
	}
	fmt.Fprintf(env.stderr, "%s sent, %d left out\n", count(sent, "message"), unfit)
	return nil
}

// wanted reports whether a letter passes the filters.
func (c replayCommand) wanted(l replay.Letter) bool {
	among := func(values []string, value string) bool { return len(values) == 0 || slices.Contains(values, value) }
	return among(c.Reason, l.Reason) && among(c.Signal, string(l.Signal)) && among(c.Guest, string(l.Guest)) &&
		!l.Time.Before(c.Since) && (c.Until.IsZero() || l.Time.Before(c.Until))
}

// letters reads all files, one after the other, until the first error.
func (c replayCommand) letters(stdin io.Reader) iter.Seq2[replay.Letter, error] {
	return func(yield func(replay.Letter, error) bool) {
		more := true
		each := func(l replay.Letter, err error) bool {
			more = yield(l, err) && err == nil
			return more
		}
		for _, name := range c.Files {
			if name == "-" {
				replay.Read(stdin)(each)
			} else if err := readLetters(name, each, &more); more && err != nil {
				each(replay.Letter{}, err)
			}
			if !more {
				return
			}
		}
	}
}

// readLetters reads a file, or the files of a directory in the order of their names, as long as more is wanted.
func readLetters(name string, each func(replay.Letter, error) bool, more *bool) error {
	return filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		replay.Read(file)(func(l replay.Letter, err error) bool {
			if err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
			return each(l, err)
		})
		if !*more {
			return fs.SkipAll
		}
		return nil
	})
}

// destination takes the messages.
type destination interface {
	send(context.Context, replay.Letter) error
}
