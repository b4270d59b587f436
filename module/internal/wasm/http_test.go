package wasm_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

const importHTTP = `
	(import "wasi_experimental_http" "req" (func $req (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_experimental_http" "close" (func $close (param i32) (result i32)))
	(import "wasi_experimental_http" "header_get" (func $header (param i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_experimental_http" "headers_get_all" (func $headers (param i32 i32 i32 i32) (result i32)))
	(import "wasi_experimental_http" "body_read" (func $read (param i32 i32 i32 i32) (result i32)))`

// askFields has $ask send a GET request without headers and body, whose slices dangle; the status is at 16, the handle at 20.
const askFields = `(data (i32.const 0) "DELETx-name")
	(func $must (param i32) (if (local.get 0) (then (unreachable))))
	(func $ask (param $ptr i32) (param $len i32) (result i32)
		(call $req (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 5) (i32.const 1) (i32.const 0)
			(i32.const -1) (i32.const 0) (i32.const 16) (i32.const 20)))`

// asking returns the binary of a guest whose message is an address. It emits the code, the status, the value of X-Name and
// the body that came.
func asking(t testing.TB) []byte {
	return guestOf(t, importEmit+importHTTP, askFields+`
		(func $say (param $ptr i32) (param $len i32)
			(call $must (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0))))`, `
		(i32.store (i32.const 16) (i32.const -1))
		(i32.store (i32.const 24) (call $ask (local.get $ptr) (local.get $len)))
		(call $say (i32.const 24) (i32.const 1))
		(if (i32.load (i32.const 24)) (then (return (i32.const 2))))
		(call $say (i32.const 16) (i32.const 4))
		(if (i32.ne (call $header (i32.load (i32.const 20)) (i32.const 5) (i32.const 6) (i32.const 64) (i32.const 0) (i32.const 28)) (i32.const 4)) (then (unreachable)))
		(call $must (call $header (i32.load (i32.const 20)) (i32.const 5) (i32.const 6) (i32.const 64) (i32.const 100) (i32.const 28)))
		(call $say (i32.const 64) (i32.load (i32.const 28)))
		(loop $more
			(call $must (call $read (i32.load (i32.const 20)) (i32.const 200) (i32.const 3) (i32.const 28)))
			(call $say (i32.const 200) (i32.load (i32.const 28)))
			(br_if $more (i32.load (i32.const 28))))
		(call $must (call $headers (i32.load (i32.const 20)) (i32.const 200) (i32.const 800) (i32.const 28)))
		(call $say (i32.const 200) (i32.load (i32.const 28)))
		(call $must (call $close (i32.load (i32.const 20))))
		(call $must (call $close (i32.load (i32.const 20))))
		(i32.const 2)`)
}

// outside is what guests reach: nothing at "denied".
type outside func(*http.Request) (*http.Response, error)

func (outside) Check(u *url.URL) error {
	if u.Host == "denied" {
		return fs.ErrPermission
	}
	return nil
}

func (do outside) Do(r *http.Request) (*http.Response, error) { return do(r) }

func responded(body string) (*http.Response, error) {
	return &http.Response{StatusCode: 201, Header: http.Header{"X-Name": {"value"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestAGuestSendsARequestAndReadsItsResponse(t *testing.T) {
	var got string
	i := start(t, compile(t, asking(t)), wasm.Options{HTTP: outside(func(r *http.Request) (*http.Response, error) {
		got = r.Method + " " + r.URL.String()
		return responded("answer")
	})})
	_, err := i.Message(message("https://host/a"))
	require.NoError(t, err)
	assert.Equal(t, "DELETE https://host/a", got)
	assert.Equal(t, []string{"\x00", "\xc9\x00\xff\xff", "value", "ans", "wer", "", "x-name:value\n"}, bodies(i), "a status has two bytes")
}

func TestWhatIsDeniedIsACodeAndALineOfTheLog(t *testing.T) {
	guest := compile(t, asking(t))
	i := start(t, guest, wasm.Options{HTTP: outside(nil)})
	_, err := i.Message(message("https://denied/key"))
	require.NoError(t, err)
	assert.Equal(t, []string{"\x07"}, bodies(i))
	assert.Equal(t, []string{"request to https://denied: permission denied"}, logs(i))
	i = start(t, guest, wasm.Options{})
	_, err = i.Message(message("https://host/"))
	require.NoError(t, err)
	assert.Equal(t, []string{"\x07"}, bodies(i), "without permissions")
}

func TestAPanicOfTheHostIsACode(t *testing.T) {
	i := start(t, compile(t, asking(t)), wasm.Options{HTTP: outside(nil)})
	_, err := i.Message(message("https://host/"))
	require.NoError(t, err)
	assert.Equal(t, []string{"\x0c"}, bodies(i))
	assert.Contains(t, logs(i)[0], "internal error")
}

func TestFortyTwoResponsesAreOpenAtOnceOverCalls(t *testing.T) {
	guest := compile(t, guestOf(t, importHTTP, askFields, `(if (call $ask (local.get $ptr) (local.get $len)) (then (return (i32.const -1))))
		(i32.load (i32.const 20)) (i32.const 63) (i32.gt_u)`))
	i := start(t, guest, wasm.Options{HTTP: outside(func(*http.Request) (*http.Response, error) { return responded("") })})
	for n := range 64 {
		_, err := i.Message(message("https://host/"))
		require.NoError(t, err, n)
	}
	_, err := i.Message(message("https://host/"))
	require.Error(t, err)
}

func TestToWaitCostsNeitherTheDeadlineNorASlot(t *testing.T) {
	host := newHost(t)
	compiled := func(binary []byte) *wasm.Guest {
		guest, err := host.Compile(t.Context(), "guest", binary, limits())
		require.NoError(t, err)
		t.Cleanup(guest.Close)
		return guest
	}
	asker, other := compiled(asking(t)), compiled(file(t, "pass"))
	waiting, goOn := make(chan struct{}, 64), make(chan struct{})
	slow := outside(func(*http.Request) (*http.Response, error) {
		waiting <- struct{}{}
		<-goOn
		return responded("")
	})
	ended := make(chan error, 64)
	callers := 2 * runtime.GOMAXPROCS(0)
	for range callers {
		i := start(t, asker, wasm.Options{HTTP: slow})
		go func() { _, err := i.Message(message("https://host/")); ended <- err }()
	}
	for range callers {
		<-waiting
	}
	_, err := start(t, other, wasm.Options{}).Message(message("x"))
	require.NoError(t, err, "there are slots")
	time.Sleep(limits().Deadline * 12) // beyond what a call may take by the clock
	close(goOn)
	for range callers {
		require.NoError(t, <-ended)
	}
}

func TestACallThatComputesAfterItWaitedHasItsDeadline(t *testing.T) {
	guest := compile(t, guestOf(t, importHTTP, askFields, `(drop (call $ask (local.get $ptr) (local.get $len))) (loop (br 0)) (i32.const 1)`))
	i := start(t, guest, wasm.Options{HTTP: outside(func(*http.Request) (*http.Response, error) { return responded("") })})
	_, err := i.Message(message("https://host/"))
	assert.Equal(t, module.KindDeadline, guestError(t, err).Kind)
}

func TestACallThatWaitsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	i := start(t, compile(t, asking(t)), wasm.Options{Context: ctx, HTTP: outside(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done()
		return nil, r.Context().Err()
	})})
	_, err := i.Message(message("https://host/"))
	e := guestError(t, err)
	assert.Equal(t, module.KindHost, e.Kind)
	assert.Contains(t, e.Message, "called off while it waited")
	assert.True(t, i.Dead())
	assert.Empty(t, logs(i))
}

const askOnStart = `(module ` + importHTTP + `(memory (export "memory") 1) (data (i32.const 1024) "https://host/")` + askFields + `
	(func (export "_start") (call $must (call $ask (i32.const 1024) (i32.const 13))) (call $must (i32.load (i32.const 20)))))`

func TestAProgramSendsRequestsAndEachRunBeginsWithoutResponses(t *testing.T) {
	asked := 0
	i := start(t, compile(t, wat(t, askOnStart)), wasm.Options{HTTP: outside(func(*http.Request) (*http.Response, error) { asked++; return responded("") })})
	for range 100 { // the handle is 0 in each
		_, err := i.Message(message(""))
		require.NoError(t, err)
	}
	assert.Equal(t, 100, asked)
}

// noIO are the streams of a service that neither reads nor writes.
type noIO struct{}

func (noIO) Read(ctx context.Context) ([]byte, error)        { <-ctx.Done(); return nil, ctx.Err() }
func (noIO) Write(context.Context, []byte)                   {}
func (noIO) Log(module.LogLine)                              {}
func (noIO) Send(context.Context, module.OutputName, []byte) {}

func TestAServiceThatWaitsForAnAnswerEndsWithItsRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	service, err := compile(t, wat(t, askOnStart)).Serve(wasm.Options{Signal: "signal", Limits: limits(), HTTP: outside(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}, noIO{})
	require.NoError(t, err)
	t.Cleanup(service.Close)
	assert.NoError(t, service.Run(ctx))
}
