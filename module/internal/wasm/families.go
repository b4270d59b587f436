package wasm

import (
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// families are the hosts whose guests are sometimes met here, the more telling marks first.
var families = []struct {
	mark  mark
	whose string
}{
	{imported("redpanda_transform"), "a Redpanda data transform"},
	{imported("redpanda_schema_registry"), "a Redpanda data transform"},
	{imported("env.copy_records"), "a Fluvio SmartModule"},
	{imported("env.extism_"), "an Extism plug-in"},
	{imported("extism:"), "an Extism plug-in"},
	{imported("wasi_config"), "a Spin application"},
	{imported("wasi-outbound-http"), "a Spin application"},
	{imported("spin"), "a Spin application"},
	{exported("handle-http-request"), "a Spin application"},
	{exported("handle-redis-message"), "a Spin application"},
	{imported("env.proxy_"), "a proxy-wasm filter"},
	{exported("proxy_"), "a proxy-wasm filter"},
	{imported("wapc"), "a waPC guest"},
	{exported("__guest_call"), "a waPC guest"},
	{imported("wasi_unstable"), "built for a draft of WASI from before 2020: build with newer tools"},
	{imported("wasi_snapshot_preview1.sock_open"), "built for the sockets of WasmEdge"},
	{imported("wasi:"), "the core module of a component"},
	{imported("cm32p2"), "the core module of a component"},
	{imported("gojs"), "built by Go for a browser: build with GOOS=wasip1"},
	{imported("wbg"), "built by wasm-bindgen for a browser: build for wasm32-wasip1"},
	{imported("__wbindgen"), "built by wasm-bindgen for a browser: build for wasm32-wasip1"},
	{imported("env.emscripten_"), "built by Emscripten for a browser: build with the WASI SDK"},
	{imported("env.abort"), "built by AssemblyScript with its abort hook: build with --use abort="},
	{imported("hostobservability"), "a guest with the WIT host functions of 2022"},
	{imported("wasmimports"), "a guest with the WIT host functions of 2022"},
	{imported("hostfunctions"), "a guest with the WIT host functions of 2022"},
	{imported("wasi_experimental_http"), "a wasi-experimental-http guest with an entry of its own: rename that to _start or post_iot_message"},
}

// mark tells guests of a host: the beginning of what they import, "module.name", or export.
type mark struct{ imported, exported string }

func imported(name string) mark { return mark{imported: name} }
func exported(name string) mark { return mark{exported: name} }

// family returns whose guest a binary seems to be, or "".
func family(info *binary.Info) string {
	for _, f := range families {
		if f.mark.of(info) {
			return f.whose
		}
	}
	return ""
}

func (m mark) of(info *binary.Info) bool {
	for _, i := range info.Imports {
		if m.imported != "" && strings.HasPrefix(i.Module+"."+i.Name, m.imported) {
			return true
		}
	}
	for _, e := range info.Exports {
		if m.exported != "" && strings.HasPrefix(e.Name, m.exported) {
			return true
		}
	}
	return false
}
