package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help adds.
func (completionCommand) Help() string {
	return `Prints what a shell needs to complete commands and flags; what follows is completed as files.

  source <(wasm-on-edge completion bash)                  # in ~/.bashrc
  source <(wasm-on-edge completion zsh)                   # in ~/.zshrc, after compinit
  wasm-on-edge completion fish > ~/.config/fish/completions/wasm-on-edge.fish`
}

func (c completionCommand) Run(env *environment, parsed *kong.Context) error {
	script := map[string]func(*kong.Node) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	_, err := io.WriteString(env.stdout, script(parsed.Model.Node))
	return err
}

// flagsOf returns the flags that a command has, those of all commands included.
func flagsOf(command *kong.Node) (flags []*kong.Flag) {
	for _, group := range command.AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

// longFlags returns the flags of a command as they are written.
func longFlags(command *kong.Node) string {
	var names []string
	for _, f := range flagsOf(command) {
		names = append(names, "--"+f.Name)
	}
	return strings.Join(names, " ")
}

// argumentWords returns the words that the arguments of a command take.
func argumentWords(command *kong.Node) string {
	var words []string
	for _, a := range command.Positional {
		if a.Enum != "" {
			words = append(words, strings.Split(a.Enum, ",")...)
		}
	}
	return strings.Join(words, " ")
}

// bashScript completes with what a case for each command knows.
func bashScript(app *kong.Node) string {
	var names []string
	var flags, words strings.Builder
	for _, command := range app.Children {
		names = append(names, command.Name)
		fmt.Fprintf(&flags, "    %s) flags=%q ;;\n", command.Name, longFlags(command))
		if w := argumentWords(command); w != "" {
			fmt.Fprintf(&words, "    %s) words=%q ;;\n", command.Name, w)
		}
	}
	return fmt.Sprintf(`_wasm_on_edge() {
  local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} flags= words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W %q -- "$cur"))
    return
  fi
  case $command in
%s  esac
  case $command in
%s  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
  esac
}
complete -o filenames -F _wasm_on_edge wasm-on-edge
`, strings.Join(names, " "), flags.String(), words.String())
}

// zshScript tells _arguments of each command's flags.
func zshScript(app *kong.Node) string {
	var names, cases strings.Builder
	for _, command := range app.Children {
		fmt.Fprintf(&names, "    %s\n", singleQuoted(command.Name+":"+command.Help))
		fmt.Fprintf(&cases, "  %s) _arguments", command.Name)
		for _, f := range flagsOf(command) {
			fmt.Fprintf(&cases, " \\\n    %s", singleQuoted(zshFlag(f)))
		}
		rest := "*:file:_files"
		if w := argumentWords(command); w != "" {
			rest = "*:word:(" + w + ")"
		}
		fmt.Fprintf(&cases, " \\\n    %s ;;\n", singleQuoted(rest))
	}
	return fmt.Sprintf(`#compdef wasm-on-edge
_wasm_on_edge() {
  local -a commands=(
%s  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
%s  esac
}
compdef _wasm_on_edge wasm-on-edge
`, names.String(), cases.String())
}

// zshFlag writes a flag as _arguments reads it.
func zshFlag(f *kong.Flag) string {
	text := "--" + f.Name + "[" + strings.NewReplacer("[", "(", "]", ")", ":", `\:`).Replace(f.Help) + "]"
	if f.IsBool() {
		return text
	}
	return text + ":value:_files"
}

// fishScript is a line for each command and each of its flags.
func fishScript(app *kong.Node) string {
	var lines strings.Builder
	for _, command := range app.Children {
		fmt.Fprintf(&lines, "complete -c wasm-on-edge -n __fish_use_subcommand -f -a %s -d %s\n", command.Name, singleQuoted(command.Help))
		within := "complete -c wasm-on-edge -n '__fish_seen_subcommand_from " + command.Name + "'"
		if w := argumentWords(command); w != "" {
			fmt.Fprintf(&lines, "%s -f -a %s\n", within, singleQuoted(w))
		}
		for _, f := range flagsOf(command) {
			value := " -r"
			if f.IsBool() {
				value = ""
			}
			fmt.Fprintf(&lines, "%s -l %s%s -d %s\n", within, f.Name, value, singleQuoted(f.Help))
		}
	}
	return lines.String()
}

// singleQuoted quotes a text for zsh and, where it has no backslash, for fish.
func singleQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'" }
