package wasm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// ABIs lists the interfaces that this host speaks, for the reported properties.
const ABIs = ABIEdge1 + "," + ABICommand

// The interfaces that a guest may have.
const (
	ABIEdge1   = "edge/1"
	ABICommand = "wasi/command" // a program: it runs from its _start to its end
)

// abi is an interface as a binary shows it, and as errors speak of it.
type abi struct {
	name    string
	not     string // what a binary is that has not all of it
	exports []export
	message string // the ways into a guest
	timer   string
}

// export is a function of an interface, with its type.
type export struct {
	name, typ string
	required  bool
}

var edge1 = &abi{ABIEdge1, "not an edge/1 guest", []export{
	{"edge_alloc", "(i32) → i32", true},
	{"edge_message", "(i32, i32) → i32", true},
	{"edge_configure", "(i32, i32) → i32", false},
	{"edge_timer", "() → i32", false},
	{"_initialize", "()", false},
}, "call edge_message of", "call edge_timer of"}

var command = &abi{ABICommand, "not a WASI command that runs here", []export{{"_start", "()", true}}, "run", "run"}

// edge1Imports are the host functions of edge/1, with their types.
var edge1Imports = map[string]string{
	"emit":         "(i32, i32, i32, i32, i32, i32) → i32",
	"property":     "(i32, i32, i32, i32) → i32",
	"fail":         "(i32, i32)",
	"log":          "(i32, i32, i32)",
	"now":          "() → i64",
	"state_get":    "(i32, i32, i32, i32) → i32",
	"state_set":    "(i32, i32, i32, i32) → i32",
	"state_delete": "(i32, i32) → i32",
	"metric":       "(i32, i32, i32, f64)",
}

// hostImports are the host functions besides WASI's, by the module that they are imported from.
var hostImports = map[string]map[string]string{"edge": edge1Imports, moduleHTTP: httpImports}

// families are the hosts whose guests are sometimes met here, by a telling import or export.
var families = []struct{ mark, whose string }{
	{"wasi_experimental_http", "a wasi-experimental-http guest with an entry point of its own, not supported yet"},
	{"hostobservability", "a guest with the WIT host functions of 2022, not supported yet"},
	{"wasmimports", "a guest with the WIT host functions of 2022, not supported yet"},
	{"hostfunctions", "a guest with the WIT host functions of 2022, not supported yet"},
	{"redpanda_transform", "a Redpanda data transform"},
	{"fluvio", "a Fluvio SmartModule"},
	{"extism:host", "an Extism plug-in"},
	{"wasi_config", "a Spin application"},
	{"spin", "a Spin application"},
	{"proxy_", "a proxy-wasm filter"},
	{"wapc", "a waPC guest"},
	{"env.abort", "built by AssemblyScript with its abort hook: build with --use abort="},
}

// A refusal names this many findings, and of a name this many bytes: a binary of megabytes may declare millions of imports.
const maxFindings, maxName = 32, 100

// abiOf returns the interface that a binary seems to have. What has edge_message is no command, whatever else it exports.
func abiOf(info *binary.Info) *abi {
	_, message := info.Export(binary.Func, "edge_message")
	if _, start := info.Export(binary.Func, "_start"); start && !message {
		return command
	}
	return edge1
}

// Inspect reads what a binary declares and checks that it is a guest, of edge/1 or a WASI command. What is missing or of
// the wrong type is named, all of it at once.
func Inspect(wasm []byte) (*binary.Info, error) {
	info, err := binary.Read(wasm)
	if errors.Is(err, binary.ErrComponent) {
		return nil, errors.New("it is a WebAssembly component; components are not supported yet, build a core module")
	}
	if err != nil {
		return nil, err
	}
	abi := abiOf(info)
	wrong := append(wrongExports(info, abi.exports), wrongImports(info)...)
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

func wrongImports(info *binary.Info) (wrong []string) {
	for _, i := range info.Imports {
		if len(wrong) > maxFindings {
			break
		}
		want, known := hostImports[i.Module][i.Name]
		switch {
		case i.Module == "wasi_snapshot_preview1" && i.Kind == binary.Func:
			// The linker has all of it; an import that it has not is refused by it, by name.
		case i.Kind != binary.Func || !known:
			wrong = append(wrong, fmt.Sprintf("it imports %s.%s, which this host does not offer", printable(i.Module), printable(i.Name)))
		case i.Type != want:
			wrong = append(wrong, fmt.Sprintf("it imports %s.%s as %s, which is %s", i.Module, i.Name, printable(i.Type), want))
		}
	}
	return wrong
}

func wrongExports(info *binary.Info, exports []export) (wrong []string) {
	if _, ok := info.Export(binary.Mem, "memory"); !ok {
		wrong = append(wrong, `it does not export a memory called "memory"`)
	}
	for _, want := range exports {
		e, ok := info.Export(binary.Func, want.name)
		switch {
		case !ok && want.required:
			wrong = append(wrong, fmt.Sprintf("it does not export %s %s", want.name, want.typ))
		case ok && e.Type != want.typ:
			wrong = append(wrong, fmt.Sprintf("it exports %s as %s, which must be %s", want.name, printable(e.Type), want.typ))
		}
	}
	return wrong
}

// printable returns a name from a binary as it can stand in a log line.
func printable(name string) string {
	cut := name[:min(len(name), maxName)]
	quoted := strconv.Quote(cut)
	return quoted[1:len(quoted)-1] + strings.Repeat("…", min(len(name)-len(cut), 1))
}

func family(info *binary.Info) string {
	for _, f := range families {
		for _, i := range info.Imports {
			if strings.HasPrefix(i.Module, f.mark) || strings.HasPrefix(i.Module+"."+i.Name, f.mark) || strings.HasPrefix(i.Name, f.mark) {
				return f.whose
			}
		}
		for _, e := range info.Exports {
			if strings.HasPrefix(e.Name, f.mark) {
				return f.whose
			}
		}
	}
	return ""
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
