package main

import (
	_ "embed" // for guest
	"fmt"
	"os"
	"path/filepath"
)

//go:generate clang-19 --target=wasm32 -std=c11 -ffreestanding -nostdlib -mbulk-memory -Oz -Wall -Wextra -Werror -Wl,--no-entry,--stack-first,-z,stack-size=34304,--strip-all -o guest/filter.wasm guest/filter.c

// guest is guest/filter.c, compiled.
//
//go:embed guest/filter.wasm
var guest []byte

// rival is one way to write the filter.
type rival int

const (
	ours    rival = iota // a guest in C, in this module
	native               // a Go program on Paho's client
	node                 // a module on Microsoft's SDK for Node
	session              // a Go program on module/edgehub
	rivals               // how many there are
)

// String is also the module's name at the hub.
func (r rival) String() string { return [...]string{"wasmOnEdge", "native", "node", "session"}[r] }

// desired is the rival's twin.
func (r rival) desired() []byte {
	if r != ours {
		return nil
	}
	return []byte(`{"schemaVersion":"1.0","module":{"logLevel":"warn"},"guests":{"filter":{"source":"file:filter.wasm","limits":{"memoryMiB":1}}},
		"signals":{"hot":{"source":"input:sensor","guest":"filter","output":"hot"}}}`)
}

// command returns the rival's program, and the variables that it gets beside its identity.
func (r rival) command(dir, binaries string) (command, env []string, err error) {
	switch r {
	case native, session:
		return []string{filepath.Join(binaries, r.String())}, nil, nil
	case node:
		return []string{"node", "filter.js"}, nil, nil
	}
	guests := filepath.Join(dir, "guests")
	if err := os.MkdirAll(guests, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make directory: %w", err)
	}
	if err := os.WriteFile(filepath.Join(guests, "filter.wasm"), guest, 0o600); err != nil {
		return nil, nil, fmt.Errorf("write guest: %w", err)
	}
	return []string{filepath.Join(binaries, "wasm-on-edge")},
		[]string{"WASM_ON_EDGE_GUESTS=" + guests, "WASM_ON_EDGE_STORAGE=" + filepath.Join(dir, "storage"), "RuntimeLogLevel=warn"}, nil
}
