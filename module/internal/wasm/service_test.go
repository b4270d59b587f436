package wasm_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// fakeIO is the host of a service. None of its channels has room: nothing is kept anywhere but in the pipes.
type fakeIO struct {
	in   chan string // closed: the input is at its end
	out  chan string
	mu   sync.Mutex // guards what follows
	logs []string
	sent []string // "output: body"
}

func (f *fakeIO) Read(ctx context.Context) ([]byte, error) {
	select {
	case line, ok := <-f.in:
		if !ok {
			return nil, io.EOF
		}
		return []byte(line), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fakeIO) Write(ctx context.Context, line []byte) {
	select {
	case f.out <- string(line):
	case <-ctx.Done():
	}
}

func (f *fakeIO) Send(_ context.Context, output module.OutputName, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, string(output)+": "+string(body))
}

func (f *fakeIO) messages() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.sent...)
}

func (f *fakeIO) Log(line module.LogLine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs = append(f.logs, line.Text)
}

func (f *fakeIO) logged() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.logs...)
}

// served is a service that runs.
type served struct {
	*fakeIO
	service *wasm.Service
	stop    context.CancelFunc
	ended   chan error // capacity 1: what Run returned
}

func serve(t testing.TB, guest *wasm.Guest, l module.Limits) *served {
	s := &served{fakeIO: &fakeIO{in: make(chan string), out: make(chan string)}, ended: make(chan error, 1)}
	var err error
	s.service, err = guest.Serve(wasm.Options{Signal: "signal", Limits: l}, s.fakeIO)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	var running sync.WaitGroup
	running.Go(func() { s.ended <- s.service.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		s.service.Close()
	})
	return s
}

// end returns what Run returned, which it must soon.
func (s *served) end(t testing.TB) error {
	select {
	case err := <-s.ended:
		return err
	case <-time.After(settle):
		require.Fail(t, "the service runs on")
		return nil
	}
}

// next returns the next line of standard output.
func (s *served) next(t testing.TB) string {
	select {
	case line := <-s.out:
		return line
	case <-time.After(settle):
		require.Fail(t, "the service writes nothing", "its log: %v", s.logged())
		return ""
	}
}

// stopsWithin asks for the end and checks how long it takes.
func (s *served) stopsWithin(t testing.TB, most time.Duration) {
	asked := time.Now()
	s.stop()
	assert.NoError(t, s.end(t))
	assert.Less(t, time.Since(asked), most)
}

const forEver = `(loop (br 0))`

func TestAServiceReadsAndWritesLines(t *testing.T) {
	s := serve(t, compile(t, above(t)), limits())
	for range 3 {
		s.in <- `{"value":-1}`
		s.in <- "{\"value\":1}\n{\"value\":2}\n"
		assert.Equal(t, `{"value":1}`, s.next(t))
		assert.Equal(t, `{"value":2}`, s.next(t))
	}
	assert.Eventually(t, func() bool { return s.service.Memory() > 0 }, settle, time.Millisecond)
	close(s.in)
	assert.NoError(t, s.end(t), "it returns at the end of its input")
}

func TestAServiceThatEndsBadlySaysWhy(t *testing.T) {
	s := serve(t, compile(t, above(t)), limits())
	s.in <- "what is this"
	err := s.end(t)
	e := guestError(t, err)
	assert.Equal(t, module.KindExit, e.Kind)
	assert.ErrorContains(t, err, `serve guest "guest" for signal "signal": exit: exit code 1`)
	assert.Equal(t, "no value in what is this", e.Output)
	assert.Equal(t, []string{"no value in what is this"}, s.logged())

	trap := guestError(t, serve(t, compile(t, programOf(t, "", "(unreachable)")), limits()).end(t))
	assert.Equal(t, module.KindTrap, trap.Kind)
}

func TestWhatAServiceWroteBeforeItEndedArrives(t *testing.T) {
	s := serve(t, compile(t, programOf(t, importExit, `(call $say (i32.const 16) (i32.const 10)) (call $exit (i32.const 0))`)), limits())
	assert.Equal(t, "first", s.next(t))
	assert.Equal(t, "last", s.next(t), "a line without an end")
	assert.NoError(t, s.end(t))
}

func TestAServiceRunsOnce(t *testing.T) {
	s := serve(t, compile(t, programOf(t, "", "")), limits())
	require.NoError(t, s.end(t))
	assert.ErrorContains(t, s.service.Run(t.Context()), "the instance has ended")
}

// timerStart writes a line every 5 ms.
const timerStart = `
	(i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 5000000))
	(loop
		(if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 256)) (then (unreachable)))
		(call $say (i32.const 16) (i32.const 6)) (br 0))`

func TestAServiceMaySleep(t *testing.T) {
	began := time.Now()
	s := serve(t, compile(t, programOf(t, importPoll, timerStart)), limits())
	for range 20 {
		assert.Equal(t, "first", s.next(t))
	}
	assert.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
	s.stopsWithin(t, time.Second)
}

func TestAServiceWaitsForInputOrTime(t *testing.T) {
	// It waits for both at once, and writes a line for each: "first" for the input, which it reads, "words" for the time.
	s := serve(t, compile(t, programOf(t, importPoll+importRead, `
		(i64.store (i32.const 64) (i64.const 1)) (i32.store8 (i32.const 72) (i32.const 1))
		(i64.store (i32.const 112) (i64.const 2)) (i32.store (i32.const 128) (i32.const 1)) (i64.store (i32.const 136) (i64.const 20000000))
		(i32.store (i32.const 512) (i32.const 1024)) (i32.store (i32.const 516) (i32.const 64))
		(loop
			(if (call $poll (i32.const 64) (i32.const 256) (i32.const 2) (i32.const 400)) (then (unreachable)))
			(if (i32.ne (i32.load (i32.const 400)) (i32.const 1)) (then (unreachable)))
			(if (i64.eq (i64.load (i32.const 256)) (i64.const 1))
				(then (drop (call $read (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 520))) (call $say (i32.const 16) (i32.const 6)))
				(else (call $say (i32.const 27) (i32.const 6))))
			(br 0))`)), limits())
	assert.Equal(t, "words", s.next(t))
	s.in <- "input"
	for s.next(t) != "first" {
	}
	s.stopsWithin(t, time.Second)
}

func TestAnEndThatIsAskedForComesSoon(t *testing.T) {
	for name, c := range map[string]string{
		"waiting for input": echoStart,
		"sleeping":          strings.Replace(timerStart, "5000000", "3600000000000", 1),
		"ignoring it":       `(call $say (i32.const 16) (i32.const 6))` + forEver,
		"writing":           `(loop (call $say (i32.const 16) (i32.const 6)) (br 0))`,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, compile(t, programOf(t, importRead+importPoll, c)), limits())
			if strings.HasPrefix(name, "i") {
				s.next(t)
			}
			s.stopsWithin(t, 900*time.Millisecond)
		})
	}
}

func TestAServiceThatReadsNothingHasABoundedInput(t *testing.T) {
	s := serve(t, compile(t, programOf(t, importPoll, timerStart)), limits())
	taken := 0
	for full := false; !full; {
		select {
		case s.in <- strings.Repeat("x", 8<<10):
			taken += 8 << 10
			require.Less(t, taken, 256<<10)
		case <-time.After(100 * time.Millisecond):
			full = true
		}
	}
	assert.Equal(t, "first", s.next(t), "it goes on")
	s.stopsWithin(t, time.Second)
}

func TestAFloodOnStandardOutputWaitsForItsReader(t *testing.T) {
	guest := compile(t, programOf(t, "", `(loop (call $say (i32.const 16) (i32.const 6)) (br 0))`))
	s := serve(t, guest, limits())
	s.next(t)
	before := processorTime(t)
	time.Sleep(200 * time.Millisecond) // nobody reads: the pipe is full, and the guest waits
	assert.Less(t, processorTime(t)-before, 100*time.Millisecond)
	for range 1000 {
		assert.Equal(t, "first", s.next(t), "nothing is lost")
	}
	s.stopsWithin(t, time.Second)
}

func TestALineThatIsTooLongIsLeftOutAndTold(t *testing.T) {
	l := limits()
	l.EmitBytesPerCall = 5000
	s := serve(t, compile(t, programOf(t, importRead, echoStart)), l)
	for range 2 {
		s.in <- strings.Repeat("x", 5001)
		s.in <- "short"
		assert.Equal(t, "short", s.next(t))
	}
	s.in <- strings.Repeat("x", 5000)
	assert.Len(t, s.next(t), 5000)
	assert.Equal(t, []string{"a line of standard output was left out: it was longer than the 5000 bytes of limits.emitKiBPerCall"}, s.logged(), "once a minute")
	assert.Equal(t, int64(2), s.service.LinesRefused())
}

func TestAFloodOnStandardErrorIsDroppedAndCounted(t *testing.T) {
	s := serve(t, compile(t, programOf(t, importPoll, `(local $n i32)
		(loop (call $complain (i32.const 16) (i32.const 6))
			(br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))`)), limits())
	assert.NoError(t, s.end(t))
	assert.Len(t, s.logged(), limits().LogLinesPerMinute)
	assert.Equal(t, int64(1000-limits().LogLinesPerMinute), s.service.LogsDropped())
}

func TestTheMemoryOfAServiceIsBounded(t *testing.T) {
	s := serve(t, compile(t, programOf(t, "", `(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)`)), limits())
	assert.Equal(t, module.KindMemory, guestError(t, s.end(t)).Kind)
	assert.LessOrEqual(t, s.service.Memory(), limits().Memory)
	assert.Greater(t, s.service.Memory(), limits().Memory-(64<<10))
}

// processorTime is what this process has used.
func processorTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestAServiceHasItsShareOfAProcessor(t *testing.T) {
	l := limits()
	l.CPUPercent = 20
	s := serve(t, compile(t, programOf(t, "", `(call $say (i32.const 16) (i32.const 6))`+forEver)), l)
	s.next(t)
	before, began := processorTime(t), time.Now()
	time.Sleep(1500 * time.Millisecond) // over which the share is measured
	share := float64(processorTime(t)-before) / float64(time.Since(began))
	t.Logf("used %.1f %% of a processor", 100*share)
	assert.Less(t, share, 0.30)
	assert.Greater(t, share, 0.03, "on a machine that others use")
	s.stopsWithin(t, time.Second)
}

func TestServicesThatWaitCostNothing(t *testing.T) {
	guest := compile(t, programOf(t, importRead, echoStart))
	for range 16 {
		s := serve(t, guest, limits())
		s.in <- "line"
		assert.Equal(t, "line", s.next(t))
	}
	assert.Eventually(t, func() bool { // some time without noise
		before := switches(t)
		time.Sleep(300 * time.Millisecond) // at a strike every 10 ms it were thirty
		return switches(t)-before < 15
	}, settle, time.Millisecond)
}

// switches is how often this process has gone to sleep.
func switches(t testing.TB) int64 {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Nvcsw
}

func TestServicesLeaveTheProcessorsToCalls(t *testing.T) {
	host := newHost(t)
	l := limits()
	l.CPUPercent = 10
	busy, err := host.Compile(t.Context(), "busy", programOf(t, "", forEver), l)
	require.NoError(t, err)
	t.Cleanup(busy.Close)
	for range 4 { // more than there are slots for calls
		serve(t, busy, l)
	}
	i := start(t, compileOn(t, host, "pass"), wasm.Options{})
	for range 100 {
		_, err := i.Message(message("body"))
		require.NoError(t, err)
	}
}

func TestSoManyServicesRunAndNoMore(t *testing.T) {
	guest := compile(t, programOf(t, importRead, echoStart))
	o := wasm.Options{Signal: "signal", Limits: limits()}
	var services []*wasm.Service
	for range 64 {
		s, err := guest.Serve(o, &fakeIO{})
		require.NoError(t, err)
		services = append(services, s)
	}
	_, err := guest.Serve(o, &fakeIO{})
	assert.EqualError(t, err, `serve guest "guest" for signal "signal": host: 64 services run, and more are not taken`)
	services[0].Close()
	services[0], err = guest.Serve(o, &fakeIO{})
	require.NoError(t, err, "there is room again")
	for _, s := range services {
		s.Close()
	}
}

func TestServicesGiveBackTheirDescriptors(t *testing.T) {
	guest := compile(t, programOf(t, "", ""))
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	var before int
	for n := range 50 {
		if n == 10 {
			before = count()
		}
		s, err := guest.Serve(wasm.Options{Signal: "signal", Limits: limits()}, &fakeIO{})
		require.NoError(t, err)
		require.NoError(t, s.Run(t.Context()))
		s.Close()
	}
	assert.InDelta(t, before, count(), 5)
}

func TestWhatIsNoProgramCannotServe(t *testing.T) {
	_, err := compile(t, file(t, "pass")).Serve(wasm.Options{Signal: "signal", Limits: limits()}, &fakeIO{})
	e := guestError(t, err)
	assert.Equal(t, module.KindInvalid, e.Kind)
	assert.Equal(t, "it is a guest of edge/1: only a WASI command can run as a service", e.Message)
	_, err = compile(t, programOf(t, importLog, "")).Serve(wasm.Options{Signal: "signal", Limits: limits()}, &fakeIO{})
	assert.Equal(t, "it imports edge.log: a service speaks through its standard streams", guestError(t, err).Message)
}

func TestAServiceEndsWithAContextThatHasEnded(t *testing.T) {
	guest := compile(t, programOf(t, "", forEver))
	s, err := guest.Serve(wasm.Options{Signal: "signal", Limits: limits()}, &fakeIO{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("before it began"))
	assert.NoError(t, s.Run(ctx))
}
