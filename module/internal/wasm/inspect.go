package wasm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// A refusal names this many findings, and of a name this many bytes: a binary of megabytes may declare millions of imports.
const maxFindings, maxName = 32, 100

// Inspect reads what a binary declares and checks that it is a guest of an interface that this host speaks. What is missing or
// of the wrong type is named, all of it at once, and whose guest it seems to be instead.
func Inspect(wasm []byte) (*binary.Info, error) {
	info, err := binary.Read(wasm)
	if errors.Is(err, binary.ErrComponent) {
		return nil, errors.New("it is a WebAssembly component; components are not supported yet, build a core module")
	}
	if err != nil {
		return nil, err
	}
	abi := abiOf(info)
	wrong := append(wrongExports(info, abi.exports), wrongImports(info, abi)...)
	if abi == initialized && wantsSocket(info) {
		wrong[0] = noSocket // in the place of its type
	}
	if len(wrong) == 0 {
		return info, nil
	}
	text := abi.not + ": " + strings.Join(wrong[:min(len(wrong), maxFindings)], "; ")
	if len(wrong) > maxFindings {
		text += "; and more"
	}
	if whose := family(info); whose != "" {
		text += "; it seems to be " + whose
	}
	return info, errors.New(text)
}

// noSocket is what is said of the old server guest.
const noSocket = "its init takes a listening socket, and a guest has none here: what it served others belongs into inputs and outputs of the module, or into topics (docs/coming-from-wasi-experimental-http.md)"

func wantsSocket(info *binary.Info) bool {
	e, ok := info.Export(binary.Func, "init")
	return ok && e.Type == initWithSocket
}

func wrongImports(info *binary.Info, abi *abi) (wrong []string) {
	for _, i := range info.Imports {
		if len(wrong) > maxFindings {
			break
		}
		switch want, known := abi.typeOf(i); {
		case i.Kind != binary.Func || !known:
			wrong = append(wrong, fmt.Sprintf("it imports %s.%s, which this host does not offer%s", printable(i.Module), printable(i.Name), offeredTo(i)))
		case i.Type != want:
			wrong = append(wrong, fmt.Sprintf("it imports %s.%s as %s, which is %s", i.Module, i.Name, printable(i.Type), want))
		}
	}
	return wrong
}

// offeredTo says which guests may import what this one may not.
func offeredTo(i binary.Import) string {
	for _, other := range []*abi{edge1, initialized} {
		if _, known := other.typeOf(i); known && i.Kind == binary.Func {
			return " but to guests of " + other.name
		}
	}
	return ""
}

func wrongExports(info *binary.Info, exports []export) (wrong []string) {
	for _, want := range exports {
		e, ok := info.Export(binary.Func, want.name)
		switch {
		case !ok && want.required:
			wrong = append(wrong, fmt.Sprintf("it does not export %s %s", want.name, want.typ))
		case ok && e.Type != want.typ:
			wrong = append(wrong, fmt.Sprintf("it exports %s as %s, which must be %s", want.name, printable(e.Type), want.typ))
		}
	}
	if _, ok := info.Export(binary.Mem, "memory"); !ok {
		wrong = append(wrong, `it does not export a memory called "memory"`)
	}
	return wrong
}

// printable returns a name from a binary as it can stand in a log line.
func printable(name string) string {
	cut := name[:min(len(name), maxName)]
	quoted := strconv.Quote(cut)
	return quoted[1:len(quoted)-1] + strings.Repeat("…", min(len(name)-len(cut), 1))
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
