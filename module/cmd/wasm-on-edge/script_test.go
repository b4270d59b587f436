package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
)

// Where the deployment template is, and the guests that make guests builds.
const (
	repository  = "../../.."
	builtGuests = repository + "/build/guests"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == app.CompilerCommand { // a module that runs in a test compiles a guest
		os.Exit(app.CompilerMain(os.Args[2:]))
	}
	testscript.Main(m, map[string]func(){"wasm-on-edge": main})
}

// TestScripts runs the command as a user does. Beside testscript's own commands the scripts know
//
//	exits CODE COMMAND …   runs the command, which must end with the exit code
//	lines COUNT JSON       so many lines of standard output are objects that hold all that the JSON object does
//	repository             puts the repository's deployment template and guests into place
//
// and the condition [guests], which holds where make guests has run.
func TestScripts(t *testing.T) {
	guests := compileGuests(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/scripts",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("WASM_ON_EDGE_GUESTS", guests)
			return os.CopyFS(env.WorkDir, os.DirFS("testdata/shared"))
		},
		Condition: condition,
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "lines": countLines, "repository": useRepository},
	})
}

// compileGuests makes a guests directory of the tests' guests.
func compileGuests(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"pass", "echo_settings", "trap_on_message", "emit_twice"} {
		text, err := os.ReadFile(filepath.Join(repository, "wasm-guests/testdata", name+".wat"))
		require.NoError(t, err)
		binary, err := wasmtime.Wat2Wasm(string(text))
		require.NoError(t, err, name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".wasm"), binary, 0o600))
	}
	return dir
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
}

func countLines(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var pattern any
	ts.Check(json.Unmarshal([]byte(args[1]), &pattern))
	got := 0
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var object any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("standard output holds a line that is no JSON: %s", line)
		}
		if holds(object, pattern) {
			got++
		}
	}
	if got != want {
		ts.Fatalf("%d lines hold %s, want %d", got, args[1], want)
	}
}

// holds reports whether a JSON value has all that pattern has.
func holds(value, pattern any) bool {
	members, ok := pattern.(map[string]any)
	if !ok {
		return value == pattern
	}
	object, ok := value.(map[string]any)
	for name, want := range members {
		got, there := object[name]
		if !there || !holds(got, want) {
			return false
		}
	}
	return ok
}

func useRepository(ts *testscript.TestScript, _ bool, _ []string) {
	guests, err := filepath.Abs(builtGuests)
	ts.Check(err)
	ts.Setenv("WASM_ON_EDGE_GUESTS", guests)
	template, err := os.ReadFile(filepath.Join(repository, "deployment.template.json"))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("deployment.template.json"), template, 0o600))
}

func condition(name string) (bool, error) {
	if name != "guests" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	for _, guest := range []string{"threshold.wasm", "anomaly.wasm"} {
		if _, err := os.Stat(filepath.Join(builtGuests, guest)); err != nil {
			return false, nil
		}
	}
	return true, nil
}
