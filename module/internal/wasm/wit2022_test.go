package wasm_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// The imports of the guests of 2022, to the byte.
const (
	importObservability = `
		(import "hostobservability" "loginfo" (func $loginfo (param i32 i32 i32 i32)))
		(import "hostobservability" "publish" (func $publish (param i32 i32 i32 i32)))
		(import "hostobservability" "subscribe" (func $subscribe (param i32 i32 i32)))
		(import "hostobservability" "read" (func $read (param i32 i32 i32)))`
	importSendout       = `(import "wasmimports" "sendout" (func $send (param i32 i32 i32)))`
	importSendtelemetry = `(import "hostfunctions" "sendtelemetry" (func $send (param i32 i32 i32)))`
)

// initOf returns the binary of a guest with the given imports, fields and body of init, which knows its $config and $len.
// Its canonical_abi_realloc counts up from 4096 and is to be called for new room only; at 0 lies "topicmessage".
func initOf(t testing.TB, imports, fields, init string) []byte {
	return wat(t, `(module `+imports+importWrite+importPoll+` (memory (export "memory") 5)
		(data (i32.const 0) "topicmessage") (data (i32.const 200) "\ff\fe\n")
		(global $next (mut i32) (i32.const 4096))
		(func (export "canonical_abi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
			(if (i32.or (local.get $old) (local.get $size)) (then (unreachable)))
			(if (i32.ne (local.get $align) (i32.const 1)) (then (unreachable)))
			(if (i32.eqz (local.get $new)) (then (return (local.get $align))))
			(global.get $next)
			(global.set $next (i32.add (global.get $next) (local.get $new))))
		(func (export "canonical_abi_free") (param i32 i32 i32))
		(func $log (param $ptr i32) (param $len i32) ;; a line of standard error
			(i32.store (i32.const 64) (local.get $ptr)) (i32.store (i32.const 68) (local.get $len))
			(i32.store (i32.const 72) (i32.const 202)) (i32.store (i32.const 76) (i32.const 1))
			(if (call $write (i32.const 2) (i32.const 64) (i32.const 2) (i32.const 96)) (then (unreachable))))
		(func $log_returned (call $log (i32.load (i32.const 80)) (i32.load (i32.const 84))))
		(func $nap
			(i32.store (i32.const 272) (i32.const 1)) (i64.store (i32.const 280) (i64.const 5000000))
			(if (call $poll (i32.const 256) (i32.const 320) (i32.const 1) (i32.const 380)) (then (unreachable))))
		`+fields+`
		(func (export "init") (param $config i32) (param $len i32) `+init+`))`)
}

// serve2022 serves a guest of 2022 with the given settings; its directory is returned too.
func serve2022(t testing.TB, guest *wasm.Guest, settings string, o wasm.Options) (*served, string) {
	s := &served{fakeIO: &fakeIO{in: make(chan string), out: make(chan string)}, ended: make(chan error, 1)}
	o.Signal, o.Files = "signal", t.TempDir()
	if o.Limits == (module.Limits{}) {
		o.Limits = limits()
	}
	var err error
	s.service, err = guest.Serve(o, s.fakeIO)
	require.NoError(t, err)
	t.Cleanup(s.service.Close)
	require.NoError(t, s.service.Configure([]byte(`{"signal":"signal","partition":"","settings":`+settings+`}`)))
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	var running sync.WaitGroup
	running.Go(func() { s.ended <- s.service.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return s, o.Files
}

// serveInit serves the guest of initOf, to its end.
func serveInit(t testing.TB, imports, init string) (*served, error) {
	s, _ := serve2022(t, compile(t, initOf(t, imports, "", init)), "{}", wasm.Options{})
	return s, s.end(t)
}

func TestAGuestOf2022IsToldItsConfigurationFileAndFindsIt(t *testing.T) {
	for path, content := range map[string]string{"./telemetry/config.toml": "interval = \"10\"\n", "config.json": `{"interval":"10"}`} {
		s, directory := serve2022(t, compile(t, initOf(t, importObservability, "", `(call $log (local.get $config) (local.get $len))`)),
			fmt.Sprintf(`{"configFile":%q,"config":{"interval":"10"}}`, path), wasm.Options{})
		require.NoError(t, s.end(t))
		assert.Equal(t, []string{path}, s.logged())
		found, err := os.ReadFile(filepath.Join(directory, path))
		require.NoError(t, err)
		assert.Equal(t, content, string(found))
	}
}

func TestItsDirectoryIsDescriptor3AndCalledByADot(t *testing.T) {
	s, err := serveInit(t, `
		(import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))`, `
		(if (call $prestat (i32.const 3) (i32.const 80)) (then (unreachable)))
		(if (i32.ne (i32.load (i32.const 84)) (i32.const 1)) (then (unreachable)))
		(if (call $name (i32.const 3) (i32.const 88) (i32.const 1)) (then (unreachable)))
		(call $log (i32.const 88) (i32.const 1))
		(if (i32.ne (call $prestat (i32.const 4) (i32.const 80)) (i32.const 8)) (then (unreachable)))`)
	require.NoError(t, err)
	assert.Equal(t, []string{"."}, s.logged())
}

func TestInitializeComesFirstWhereItIsExported(t *testing.T) {
	guest := compile(t, initOf(t, "", `(global $ready (mut i32) (i32.const 0))
		(func (export "_initialize") (global.set $ready (i32.const 1)))`, `(if (i32.eqz (global.get $ready)) (then (unreachable)))`))
	s, _ := serve2022(t, guest, "{}", wasm.Options{})
	assert.NoError(t, s.end(t))
	assert.Equal(t, wasm.ABIInit, guest.ABI())
	assert.True(t, guest.Endless())
	assert.False(t, guest.HasTimer())
}

func TestItLogsAndPublishesAndReadsItsTopics(t *testing.T) {
	s, err := serveInit(t, importObservability, `
		(call $loginfo (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7))
		(call $publish (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7))
		(call $publish (i32.const 0) (i32.const 5) (i32.const -1) (i32.const 0)) ;; an empty string may dangle
		(call $read (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)
		(call $read (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)
		(call $read (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)
		(call $read (i32.const -1) (i32.const 0) (i32.const 80)) (call $log_returned)`)
	require.NoError(t, err)
	assert.Equal(t, []string{"topic: message", "topic message", "topic ", "topic empty", " empty"}, s.logged(), "what is read begins with its topic")
}

func TestASubscriberGetsItsOwnCopyFromThenOn(t *testing.T) {
	s, err := serveInit(t, importObservability, `
		(call $publish (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 5))
		(call $subscribe (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)
		(call $publish (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7))
		(call $read (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)
		(call $read (i32.const 0) (i32.const 5) (i32.const 80)) (call $log_returned)`)
	require.NoError(t, err)
	assert.Equal(t, []string{"topic subscribed", "topic message", "topic empty"}, s.logged())
}

func TestGuestsOfAModuleShareItsTopics(t *testing.T) {
	host := newHost(t)
	compiled := func(init string) *wasm.Guest {
		guest, err := host.Compile(t.Context(), "guest", initOf(t, importObservability, "", init), limits())
		require.NoError(t, err)
		t.Cleanup(guest.Close)
		return guest
	}
	gateway, _ := serve2022(t, compiled(`(loop $again (call $nap)
		(call $read (i32.const 0) (i32.const 5) (i32.const 80))
		(br_if $again (i32.ne (i32.load (i32.const 84)) (i32.const 13))) ;; "topic message"
		(call $log_returned))`), "{}", wasm.Options{})
	sensor, _ := serve2022(t, compiled(`(loop (call $publish (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7)) (call $nap) (br 0))`), "{}", wasm.Options{})
	assert.NoError(t, gateway.end(t))
	assert.Equal(t, []string{"topic message"}, gateway.logged())
	sensor.stopsWithin(t, time.Second)
}

func TestWhatItSendsGoesToOutputs(t *testing.T) {
	for name, imports := range map[string]string{"sendout": importSendout, "sendtelemetry": importSendtelemetry} {
		s, err := serveInit(t, imports, `(call $send (i32.const 5) (i32.const 7) (i32.const 80)) (call $log_returned)`)
		require.NoError(t, err, name)
		assert.Equal(t, []string{": message"}, s.messages(), "the signal's own output")
		assert.Equal(t, []string{"Returned from host"}, s.logged())
	}
	s, _ := serve2022(t, compile(t, initOf(t, importObservability, "", `
		(call $publish (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7))
		(call $publish (i32.const 5) (i32.const 7) (i32.const 0) (i32.const 5))`)), `{"outputs":{"topic":"alerts"}}`, wasm.Options{})
	require.NoError(t, s.end(t))
	assert.Equal(t, []string{"alerts: message"}, s.messages(), "of topics those that the settings name")
}

func TestWhatIsTooLongToSendIsLeftOutAndTold(t *testing.T) {
	l := limits()
	l.EmitBytesPerCall = 6
	s, _ := serve2022(t, compile(t, initOf(t, importSendout, "", `(call $send (i32.const 5) (i32.const 7) (i32.const 80))
		(call $send (i32.const 5) (i32.const 6) (i32.const 80))`)), "{}", wasm.Options{Limits: l})
	require.NoError(t, s.end(t))
	assert.Equal(t, []string{": messag"}, s.messages())
	assert.Equal(t, []string{"a message was left out: it was longer than the 6 bytes of limits.emitKiBPerCall"}, s.logged())
	assert.Equal(t, int64(1), s.service.LinesRefused())
}

func TestALogOfSeveralLinesTakesSeveralOfItsMinute(t *testing.T) {
	l := limits()
	l.LogLinesPerMinute = 2
	s, _ := serve2022(t, compile(t, initOf(t, importObservability, `(data (i32.const 1000) "a\nb\n\nc")`, `
		(call $loginfo (i32.const 0) (i32.const 5) (i32.const 1000) (i32.const 6))`)), "{}", wasm.Options{Limits: l})
	require.NoError(t, s.end(t))
	assert.Equal(t, []string{"topic: a", "b"}, s.logged())
	assert.Equal(t, int64(1), s.service.LogsDropped())
}

func TestABreachOfTheABIEndsItAndNothingElse(t *testing.T) {
	const abroad = `(i32.const 327675) (i32.const 8)`
	for name, c := range map[string]struct{ init, message string }{
		"no utf-8":       {`(call $publish (i32.const 0) (i32.const 5) (i32.const 200) (i32.const 2))`, "invalid utf-8"},
		"topic abroad":   {`(call $publish ` + abroad + ` (i32.const 0) (i32.const 1))`, "publish was given a pointer or length outside the guest's memory"},
		"message abroad": {`(call $loginfo (i32.const 0) (i32.const 1) ` + abroad + `)`, "loginfo was given a pointer or length outside the guest's memory"},
		"length wraps":   {`(call $publish (i32.const 8) (i32.const -1) (i32.const 0) (i32.const 0))`, "publish was given a pointer or length outside the guest's memory"},
		"result abroad":  {`(call $read (i32.const 0) (i32.const 5) (i32.const 327676))`, "read was given a pointer or length outside the guest's memory"},
		"room abroad":    {`(global.set $next (i32.const 327679)) (call $read (i32.const 0) (i32.const 5) (i32.const 80))`, "canonical_abi_realloc returned room outside the guest's memory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serveInit(t, importObservability, c.init)
			e := guestError(t, err)
			assert.Equal(t, module.KindABI, e.Kind)
			assert.Contains(t, e.Message, c.message)
		})
	}
}

func TestATrapInItsAllocatorIsItsTrap(t *testing.T) {
	binary := wat(t, `(module `+importObservability+`(memory (export "memory") 1)
		(func (export "canonical_abi_realloc") (param i32 i32 i32 i32) (result i32) (if (i32.eq (local.get 3) (i32.const 6)) (then (unreachable))) (i32.const 64))
		(func (export "init") (param i32 i32) (call $read (i32.const 0) (i32.const 0) (i32.const 8))))`)
	s, _ := serve2022(t, compile(t, binary), "{}", wasm.Options{})
	assert.Equal(t, module.KindTrap, guestError(t, s.end(t)).Kind)
}

func TestAGuestOf2022RunsForEverAndEndsSoon(t *testing.T) {
	for name, init := range map[string]string{
		"sleeping":   `(loop (call $nap) (br 0))`,
		"computing":  `(loop (br 0))`,
		"publishing": `(loop (call $publish (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 7)) (br 0))`,
		"reading":    `(loop (call $read (i32.const 0) (i32.const 5) (i32.const 80)) (global.set $next (i32.const 4096)) (br 0))`,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := serve2022(t, compile(t, initOf(t, importObservability, "", `(call $log (i32.const 0) (i32.const 5)) `+init)), "{}", wasm.Options{})
			assert.Eventually(t, func() bool { return len(s.logged()) > 0 }, settle, time.Millisecond)
			s.stopsWithin(t, 900*time.Millisecond)
		})
	}
}

// postOf returns the binary of a guest that posts three times and ends itself where the answer is not 204, as the first ones did.
func postOf(t testing.TB, parameter string) []byte {
	const url = "https://hub.azure-devices.net/devices/d/messages/events?api-version=2020-03-13"
	return wat(t, fmt.Sprintf(`(module `+importHTTP+importPoll+`(memory (export "memory") 1) (data (i32.const 100) "%s") (data (i32.const 300) "POST")
		(data (i32.const 310) "Content-Type:application/text\nAuthorization:SharedAccessSignature sr=x\n") (data (i32.const 400) "hello")
		(func (export "post_iot_message") %s (local $n i32)
			(i32.store (i32.const 16) (i32.const -1))
			(loop $again
				(if (call $req (i32.const 100) (i32.const %d) (i32.const 300) (i32.const 4) (i32.const 310) (i32.const 71)
					(i32.const 400) (i32.const 5) (i32.const 16) (i32.const 20)) (then (unreachable)))
				(if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 204)) (then (unreachable)))
				(if (call $close (i32.load (i32.const 20))) (then (unreachable)))
				(br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))))`, url, parameter, len(url)))
}

func TestAGuestThatPostsRunsByItsOwnEntry(t *testing.T) {
	for _, parameter := range []string{"", "(param i32)"} {
		guest := compile(t, postOf(t, parameter))
		assert.Equal(t, wasm.ABIPost, guest.ABI())
		requests := 0
		answer := func(status int) outside {
			return func(r *http.Request) (*http.Response, error) {
				requests++
				assert.Equal(t, "POST /devices/d/messages/events", r.Method+" "+r.URL.Path)
				return &http.Response{StatusCode: status, Body: http.NoBody}, nil
			}
		}
		s, _ := serve2022(t, guest, "{}", wasm.Options{HTTP: answer(204)})
		require.NoError(t, s.end(t))
		assert.Equal(t, 3, requests)
		s, _ = serve2022(t, guest, "{}", wasm.Options{HTTP: answer(503)})
		assert.Equal(t, module.KindTrap, guestError(t, s.end(t)).Kind)
	}
}

func TestAGuestOf2022IsAServiceAndNothingElse(t *testing.T) {
	guest := compile(t, initOf(t, "", "", ""))
	_, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits()})
	assert.ErrorContains(t, err, "it is a guest of 2022/init, which runs for ever")
	_, err = guest.Serve(wasm.Options{Signal: "signal", Limits: limits()}, noIO{})
	assert.ErrorContains(t, err, "it needs a private directory, for its configuration file")
}

func TestSettingsThatMakeNoConfigurationAreRefused(t *testing.T) {
	service, err := compile(t, initOf(t, "", "", "")).Serve(wasm.Options{Signal: "signal", Limits: limits(), Files: t.TempDir()}, noIO{})
	require.NoError(t, err)
	t.Cleanup(service.Close)
	for settings, reason := range map[string]string{`{"interval":10}`: `unknown field "interval"`, `{"config":{"a":null}}`: "TOML has no null"} {
		e := guestError(t, service.Configure([]byte(`{"settings":`+settings+`}`)))
		assert.Equal(t, module.KindRefused, e.Kind)
		assert.Contains(t, e.Message, reason)
	}
}

func TestAGuestThatWantsASocketIsToldWhatToUseInstead(t *testing.T) {
	_, err := wasm.Inspect(wat(t, `(module `+importObservability+`(memory (export "memory") 1)
		(func (export "canonical_abi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
		(func (export "init") (param i32 i32 i32)))`))
	assert.ErrorContains(t, err, "not a guest of 2022 that runs here: its init takes a listening socket, and a guest has none here")
	assert.NotContains(t, err.Error(), "must be")
}

func TestWhatAGuestOf2022LacksIsNamed(t *testing.T) {
	_, err := wasm.Inspect(wat(t, `(module `+importObservability+`(import "edge" "now" (func (result i64))) (import "hostobservability" "write" (func))
		(func (export "init") (param i32 i32)))`))
	for _, finding := range []string{"it does not export canonical_abi_realloc (i32, i32, i32, i32) → i32", "a memory",
		"it imports edge.now, which this host does not offer but to guests of edge/1", "it imports hostobservability.write, which this host does not offer"} {
		assert.ErrorContains(t, err, finding)
	}
	_, err = wasm.Inspect(guestOf(t, importObservability, "", "(i32.const 0)"))
	assert.ErrorContains(t, err, "it imports hostobservability.read, which this host does not offer but to guests of 2022/init")
}
