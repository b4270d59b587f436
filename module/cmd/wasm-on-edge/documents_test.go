package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fenced is a block of a document. One that a reader pastes into a shell says nothing behind its fence, or sh.
var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```")

// Every command of ours in the documents is one that the command line takes, and every target is one of the Makefile. Those
// that check files of the repository are run, and find nothing.
func TestTheCommandsInTheDocumentsWork(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	require.NoError(t, err)
	makefile, parsed, run := string(text), 0, 0
	t.Chdir(repository)
	for file, lines := range shellLines(t) {
		for _, line := range lines {
			for _, words := range shellCommands(line) {
				switch program := strings.TrimPrefix(words[0], "build/bin/"); {
				case program == "make":
					for _, word := range words[1:] {
						assert.True(t, strings.Contains(word, "=") || strings.Contains(makefile, "\n"+word+":"), "%s: %s", file, line)
					}
				case program == "wasm-on-edge":
					parsed++
					assert.NoError(t, parse(words[1:]), "%s: %s", file, line)
					if checksTheRepository(words) {
						run++
						assert.Equal(t, exitOK, runQuietly(t, words[1:]), "%s: %s", file, line)
					}
				}
			}
		}
	}
	assert.GreaterOrEqual(t, parsed, 10, "commands in the documents")
	assert.GreaterOrEqual(t, run, 3, "commands that check the repository")
}

// shellLines returns the lines of the documents' shell blocks, by document.
func shellLines(t *testing.T) map[string][]string {
	t.Helper()
	lines := make(map[string][]string)
	for _, pattern := range []string{"README.md", "docs/*.md"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range fenced.FindAllStringSubmatch(string(text), -1) {
				if match[1] == "" || match[1] == "sh" {
					lines[file] = append(lines[file], strings.Split(strings.ReplaceAll(match[2], "\\\n", ""), "\n")...)
				}
			}
		}
	}
	return lines
}

// word is one of a command line: in quotes or without, or what separates commands.
var word = regexp.MustCompile(`[0-9]>+|(?:'[^']*'|"[^"]*"|[^\s'"|;<>&#])+|#.*|[|;<>&]+`)

// shellCommands takes a line apart into commands, without comments and files that are redirected to. It knows as much of the
// shell as the documents use.
func shellCommands(line string) (commands [][]string) {
	next := true
	skip := false
	for _, text := range word.FindAllString(line, -1) {
		switch {
		case text[0] == '#':
			return commands
		case strings.Trim(text, "012<>") == "" && strings.ContainsAny(text, "<>"):
			skip = true
		case strings.ContainsAny(text[:1], "|;&"):
			next = true
		case skip:
			skip = false
		case next:
			commands, next = append(commands, []string{unquoted(text)}), false
		default:
			commands[len(commands)-1] = append(commands[len(commands)-1], unquoted(text))
		}
	}
	return commands
}

// unquoted takes the outer quotes of a word away.
func unquoted(text string) string {
	if strings.Contains(text, "'") {
		return strings.ReplaceAll(text, "'", "")
	}
	return strings.ReplaceAll(text, `"`, "")
}

// parse takes a command line as the program does, without running it.
func parse(args []string) error {
	parser, err := newParser(&environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}, func(int) {})
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}

// checksTheRepository reports whether a command is a check of files that are all there.
func checksTheRepository(words []string) bool {
	if len(words) < 3 || words[1] != "check" {
		return false
	}
	return !slices.ContainsFunc(words[2:], func(name string) bool {
		_, err := os.Stat(name)
		return err != nil
	})
}

func runQuietly(t *testing.T, args []string) int {
	t.Helper()
	var out bytes.Buffer
	code := execute(args, &environment{stdin: strings.NewReader(""), stdout: &out, stderr: &out})
	if code != exitOK {
		t.Log(out.String())
	}
	return code
}

func TestShellCommandsAreTakenApart(t *testing.T) {
	assert.Equal(t, [][]string{{"az", "show", "--query", "a b"}, {"wasm-on-edge", "check", "-"}}, shellCommands(`az show --query 'a b' | wasm-on-edge check - > out 2> log # or so`))
	assert.Empty(t, shellCommands("# nothing"))
}
