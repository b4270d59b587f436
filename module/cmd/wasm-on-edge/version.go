package main

import (
	"fmt"
	"runtime/debug"
)

// releaseVersion is the version that module.json names; a test holds the two together.
const releaseVersion = "0.1.0"

const shortRevision = 12 // characters of a commit that tell it from others

type versionCommand struct{}

// Help is what --help adds.
func (versionCommand) Help() string {
	return `Prints the release and, where the build knows it, the commit.

  wasm-on-edge version`
}

func (versionCommand) Run(env *environment) error {
	_, err := fmt.Fprintln(env.stdout, "wasm-on-edge", version())
	return err
}

// version is the release and, where the build knows it, the commit, as build metadata of semantic versioning.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return releaseVersion
	}
	text := releaseVersion
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && len(setting.Value) >= shortRevision:
			text += "+" + setting.Value[:shortRevision]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			text += ".modified"
		}
	}
	return text
}
