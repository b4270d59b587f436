package wasm_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// FuzzTypes holds our reader of binaries against the engine's: calls are made on the word of ours, and with the wrong
// number of values they would write where they must not.
func FuzzTypes(f *testing.F) {
	guests, err := filepath.Glob("../../../wasm-guests/testdata/*.wat")
	require.NoError(f, err)
	for _, guest := range guests {
		f.Add(file(f, strings.TrimSuffix(filepath.Base(guest), ".wat")))
	}
	engine := wasmtime.NewEngine()
	f.Fuzz(func(t *testing.T, bytes []byte) {
		info, err := binary.Read(bytes)
		if err != nil || wasmtime.ModuleValidate(engine, bytes) != nil {
			return
		}
		compiled, err := wasmtime.NewModule(engine, bytes)
		if err != nil {
			return
		}
		defer compiled.Close()
		exports := compiled.Exports()
		require.Len(t, info.Exports, len(exports))
		for n, e := range exports {
			require.Equal(t, e.Name(), info.Exports[n].Name)
			if typ := e.Type().FuncType(); typ != nil {
				require.Equal(t, typeOf(typ), info.Exports[n].Type)
			}
		}
	})
}

func typeOf(f *wasmtime.FuncType) string {
	names := func(types []*wasmtime.ValType) string {
		var all []string
		for _, v := range types {
			all = append(all, v.String())
		}
		return strings.Join(all, ", ")
	}
	text := "(" + names(f.Params()) + ")"
	if len(f.Results()) > 0 {
		text += " → " + names(f.Results())
	}
	return text
}
