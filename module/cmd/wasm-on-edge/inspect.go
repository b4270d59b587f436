package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

type inspectCommand struct {
	Guest string `arg:"" help:"A file, https://… or oci://REGISTRY/REPOSITORY:TAG."`
	JSON  bool   `name:"json" help:"As JSON."`
	registryOptions
}

// Help is what --help adds.
func (inspectCommand) Help() string {
	return `Tells what a binary is without running it: its digest for the twin, its interface, what it imports and exports, the
memory that it begins with, the permissions that it can make use of, and whether this host runs it. Exits with 1 if not.

  wasm-on-edge inspect build/guests/threshold.wasm
  wasm-on-edge inspect oci://contoso.azurecr.io/guests/threshold:1.2.0 --json`
}

// inspection is what is told of a guest.
type inspection struct {
	Digest      string            `json:"digest"`
	Bytes       int               `json:"bytes"`
	Runs        bool              `json:"runs"`
	Reason      string            `json:"reason,omitempty"` // why it does not run
	ABI         string            `json:"abi,omitempty"`
	MemoryPages uint64            `json:"memoryPages,omitempty"` // of 64 KiB, at the start
	Imports     []string          `json:"imports"`
	Exports     []string          `json:"exports"`
	Permissions []string          `json:"permissions"` // fields of the twin that it can make use of
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (c inspectCommand) Run(env *environment) error {
	content, manifest, err := c.read(env)
	if err != nil {
		return err
	}
	i := inspect(content)
	var m struct{ Annotations map[string]string }
	if json.Unmarshal(manifest, &m) == nil { // a file has none
		i.Annotations = m.Annotations
	}
	if c.JSON {
		encoder := json.NewEncoder(env.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(i)
	} else {
		err = i.print(env.stdout)
	}
	if err == nil && !i.Runs {
		err = errFindings
	}
	return err
}

func (c inspectCommand) read(env *environment) (content, manifest []byte, err error) {
	if !remote(c.Guest) {
		content, err = os.ReadFile(c.Guest)
		if err != nil {
			return nil, nil, fmt.Errorf("inspect: %w", err)
		}
		return content, nil, nil
	}
	store, credentials, err := c.store(env.getenv)
	if err != nil {
		return nil, nil, err
	}
	b, manifest, err := store.Look(env.ctx, artifact.Request{Source: c.Guest, Credentials: credentials})
	return b.Bytes, manifest, err
}

// inspect reads a binary, as far as it is one.
func inspect(content []byte) inspection {
	i := inspection{Digest: artifact.Digest(content), Bytes: len(content), Imports: []string{}, Exports: []string{}, Permissions: []string{}}
	if _, err := wasm.Inspect(content); err != nil {
		i.Reason = err.Error()
	}
	i.Runs = i.Reason == ""
	info, err := binary.Read(content)
	if err != nil {
		return i
	}
	if i.Runs {
		i.ABI = wasm.ABIOf(info)
	}
	if info.Memory != nil {
		i.MemoryPages = info.Memory.Min
	}
	for _, im := range info.Imports {
		i.Imports = append(i.Imports, fmt.Sprintf("%q.%q %s", im.Module, im.Name, im.Type))
	}
	for _, e := range info.Exports {
		i.Exports = append(i.Exports, fmt.Sprintf("%q %s", e.Name, e.Type))
	}
	i.Permissions = append(i.Permissions, permissions(info)...)
	return i
}

// permissions returns what in the twin a binary can make use of, by what it imports.
func permissions(info *binary.Info) []string {
	var files, http, env, state bool
	for _, i := range info.Imports {
		switch {
		case i.Module == "wasi_experimental_http":
			http = true
		case i.Module == "wasi_snapshot_preview1" && i.Name == "path_open":
			files = true
		case i.Module == "wasi_snapshot_preview1" && i.Name == "environ_get":
			env = true
		case i.Module == "edge" && i.Name == "state_set":
			state = true
		}
	}
	var uses []string
	for _, p := range []struct {
		used  bool
		field string
	}{{http, "permissions.http"}, {files, "permissions.files"}, {env, "permissions.env"}, {files || state, "limits.storageMiB"}} {
		if p.used {
			uses = append(uses, p.field)
		}
	}
	return uses
}

func (i inspection) print(w io.Writer) error {
	verdict := "runs here, as " + i.ABI
	if !i.Runs {
		verdict = "does not run here: " + i.Reason
	}
	_, err := fmt.Fprintf(w, "digest       %s\nbytes        %d\nverdict      %s\nmemory       %d KiB at the start\n", i.Digest, i.Bytes, verdict, i.MemoryPages*64)
	for _, list := range []struct {
		title string
		items []string
	}{{"imports", i.Imports}, {"exports", i.Exports}, {"can use", i.Permissions}} {
		for _, item := range list.items {
			if err == nil {
				_, err = fmt.Fprintf(w, "%-12s %s\n", list.title, item)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Annotations)) {
		if err == nil {
			_, err = fmt.Fprintf(w, "annotation   %q %q\n", name, i.Annotations[name])
		}
	}
	return err
}
