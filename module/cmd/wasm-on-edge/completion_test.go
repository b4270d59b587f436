package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func completionOf(t *testing.T, shell string) string {
	t.Helper()
	var out bytes.Buffer
	require.Equal(t, exitOK, execute([]string{"completion", shell}, &environment{stdout: &out, stderr: &out}), out.String())
	return out.String()
}

func TestBashCompletesCommandsFlagsAndFiles(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	script := completionOf(t, "bash")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "threshold.wasm"), nil, 0o600))
	for typed, want := range map[string]string{
		"sim": "simulate", "": "run simulate check call test replay bench push inspect completion version", "check --di": "--diff",
		"call --s": "--settings --signal --state", "call thr": "threshold.wasm", "completion z": "zsh", "nothing --": "",
	} {
		words := append([]string{"wasm-on-edge"}, strings.Split(typed, " ")...)
		cmd := exec.Command(bash, "-c", script+`COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wasm_on_edge; echo "${COMPREPLY[@]}"`, "bash")
		cmd.Args, cmd.Dir = append(cmd.Args, words...), dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Equal(t, want, strings.TrimSpace(string(out)), typed)
	}
}

func TestOtherShellsTakeTheirScripts(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			script := completionOf(t, shell)
			for _, part := range []string{"simulate", "from-published-nodes", "bash zsh fish"} {
				assert.Contains(t, script, part)
			}
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(shell + " is not installed: it does not say what it thinks of its script")
			}
			file := filepath.Join(t.TempDir(), "script")
			require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
			out, err := exec.Command(program, "-n", file).CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
}

// Each command teaches by example, with lines that the command line takes.
func TestHelpOfEachCommandHasExamples(t *testing.T) {
	parser, err := newParser(&environment{}, func(int) {})
	require.NoError(t, err)
	for _, command := range parser.Model.Children {
		examples := 0
		for line := range strings.Lines(strings.ReplaceAll(command.Detail, "\\\n", "")) {
			_, example, found := strings.Cut(line, "wasm-on-edge "+command.Name)
			if !found || !strings.HasPrefix(line, "  ") {
				continue
			}
			examples++
			words := shellCommands("wasm-on-edge " + command.Name + strings.TrimRight(strings.Split(example, " #")[0], " )"))[0]
			assert.NoError(t, parse(words[1:]), line)
		}
		assert.Positive(t, examples, command.Name)
	}
}
