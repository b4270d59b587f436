package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/desk"
)

type testCommand struct {
	Paths  []string `arg:"" optional:"" default:"." help:"Test files, or directories of *.test.yaml."`
	Guests string   `env:"WASM_ON_EDGE_GUESTS" default:"build/guests" placeholder:"DIR" help:"Directory of the guests that test files name without a directory."`
	Update bool     `help:"Write what the guests do now into the files, as what is expected. Look at the difference before you keep it."`
}

// Help is what --help adds.
func (testCommand) Help() string {
	return `Runs *.test.yaml files: messages to a guest, in whatever language it is written, and what is expected of it.

  guest: threshold.wasm                # in --guests, or a path from this file
  signal: { selector: /temperature }   # fields of the signal, as in the twin
  settings: { high: 25 }
  tests:
    - name: a value above the limit is an alert
      messages:
        - body: { temperature: 101 }   # or text:, base64:, tick: true; properties: { site: north }
          expect:                      # what is left out may be anything
            verdict: done
            outputs:
              - body: { … }

Beside verdict and outputs: error (a part of it), held, logs; and of a test state, keeps (the state afterwards), refuses
(its settings). The first message comes at 2026-01-01T00:00:00Z and each a second after the one before, unless it has a time.
Exits with 1 if a test fails.

  wasm-on-edge test wasm-guests
  wasm-on-edge test --update my.test.yaml`
}

func (c testCommand) Run(env *environment) error {
	d, err := desk.New([]string{app.CompilerCommand})
	if err != nil {
		return err
	}
	defer d.Close()
	run := testRun{testCommand: c, env: env, desk: d}
	for _, path := range c.Paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || name != path && !strings.HasSuffix(name, ".test.yaml") {
				return err
			}
			return run.file(name)
		})
		if err != nil {
			return fmt.Errorf("test: %w", err)
		}
	}
	if run.tests == 0 {
		return hint(errors.New("test: there is no *.test.yaml"), "wasm-on-edge test --help shows one")
	}
	fmt.Fprintf(env.stdout, "%s, %d failed\n", count(run.tests, "test"), run.failed)
	if run.failed > 0 {
		return errFindings
	}
	return nil
}

// testRun is one run of the command.
type testRun struct {
	testCommand
	env           *environment
	desk          *desk.Desk
	tests, failed int
}

func (r *testRun) file(name string) error {
	document, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := desk.ParseTest(document)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	binary, err := os.ReadFile(r.guest(name, f.Guest))
	if err != nil {
		return hint(fmt.Errorf("%s: read guest: %w", name, err), "make guests builds those of the repository; --guests names their directory")
	}
	reports, err := r.desk.Run(r.env.ctx, binary, f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.Update {
		if document, err = f.Update(reports); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(name, document, 0o644); err != nil { //nolint:gosec // a source file, which others read
			return err
		}
	}
	r.tell(name, reports)
	return nil
}

// guest returns where the guest of a test file is.
func (r *testRun) guest(file, guest string) string {
	if filepath.Base(guest) == guest {
		return filepath.Join(r.Guests, guest)
	}
	return filepath.Join(filepath.Dir(file), guest)
}

func (r *testRun) tell(name string, reports []desk.Report) {
	for _, report := range reports {
		r.tests++
		switch {
		case len(report.Failures) == 0:
			fmt.Fprintf(r.env.stdout, "ok    %s: %s\n", name, report.Name)
			continue
		case r.Update:
			fmt.Fprintf(r.env.stdout, "updated %s: %s\n", name, report.Name)
			continue
		}
		r.failed++
		fmt.Fprintf(r.env.stdout, "FAIL  %s: %s (- expected, + got)\n", name, report.Name)
		for _, failure := range report.Failures {
			fmt.Fprintf(r.env.stdout, "  %s\n", failure)
		}
	}
}
