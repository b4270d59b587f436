package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// closeTime is how long a service has to end by itself once its input is at its end. Then it is stopped.
const closeTime = time.Second

// service is a guest that runs beside its runner. What it reads and writes passes through the runner's goroutine, so that
// the one holds up the other: a full outbox its writing, its not reading what waits for the signal.
type service struct {
	guest Service
	work  Work
	log   zerolog.Logger
	tasks chan func()   // capacity 0: work for the runner, which takes it until ended is closed
	input chan []byte   // capacity 1: the line it has asked for; closed at the end of its input
	ended chan struct{} // closed when it has ended; end says how
	end   error
	stop  context.CancelFunc

	// The runner's.
	asking  bool // it waits for a line
	closing bool // its input is at its end
	lines   int  // that it wrote
	started time.Time
	dropped int64 // lines of its log, as far as they are counted
}

// serve prepares a service with the settings of w.
func (r *runner) serve(w *Work, files string) (*service, error) {
	s := &service{work: *w, tasks: make(chan func()), input: make(chan []byte, 1), ended: make(chan struct{}),
		log: r.supervisor.config.Log.With().Str("signal", string(r.name)).Str("guest", string(w.Spec.Name)).Logger()}
	out, err := r.outwardFor(w, s)
	if err != nil {
		return nil, err
	}
	guest, err := w.Guest.Serve(Options{Signal: r.name, Limits: w.Spec.Limits, Env: w.Spec.Permissions.Env, Files: files, HTTP: out}, &serviceIO{r, s})
	if err != nil {
		r.counts.ended(err)
		return nil, err
	}
	if err := guest.Configure(r.settingsDocument(w)); err != nil {
		guest.Close()
		return nil, err
	}
	s.guest = guest
	return s, nil
}

// run runs it on a goroutine of its own, which close awaits.
func (s *service) run() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.started = stop, time.Now()
	go func() {
		defer close(s.ended)
		label(&s.work)
		s.end = s.guest.Run(ctx)
	}()
}

// close ends a service that runs, or has ended, and frees it: first its input ends, and, where that does not end it, its
// time. What it wrote until then is taken.
func (s *service) close() {
	s.closing = true
	close(s.input)
	patience := time.AfterFunc(closeTime, s.stop)
	defer patience.Stop()
	for s.await(context.Background()) {
	}
	s.stop()
	s.guest.Close()
}

// await does what the service wants done next. It reports false when the service or ctx has ended.
func (s *service) await(ctx context.Context) bool {
	select {
	case f := <-s.tasks:
		f()
		return true
	case <-s.ended:
		return false
	case <-ctx.Done():
		return false
	}
}

// over is closed when the service has ended. Without one it never is.
func (s *service) over() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.ended
}

// full reports whether there is a service that takes no line now.
func (s *service) full() bool { return s != nil && (s.closing || !s.asking) }

// serviceIO is the other end of a service's streams.
type serviceIO struct {
	runner  *runner
	service *service
}

// Read asks the runner for a line and waits for it.
func (o *serviceIO) Read(ctx context.Context) ([]byte, error) {
	o.service.tasks <- o.runner.ask
	select {
	case line, ok := <-o.service.input:
		if !ok {
			return nil, io.EOF
		}
		return line, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Write has the runner send a line. The runner takes it also when ctx has ended: it waits for all that was written.
func (o *serviceIO) Write(_ context.Context, line []byte) {
	line = bytes.Clone(line)
	o.service.tasks <- func() { o.runner.say(o.service, "", line) }
}

// Send has the runner send a message, as Write does with a line.
func (o *serviceIO) Send(_ context.Context, output module.OutputName, body []byte) {
	o.service.tasks <- func() { o.runner.say(o.service, output, body) }
}

// Log writes a line into the module's log. How many a minute there are is the guest's own limit.
func (o *serviceIO) Log(line module.LogLine) {
	o.service.log.WithLevel(guestLevels[min(max(line.Level, 0), len(guestLevels)-1)]).Msg(line.Text)
	o.runner.rememberLine(&o.service.work, line)
}

// tasks is what the service wants done, nil without one. Before routes are known nothing is taken from it: what it sends
// must find those that read it. The inbox is told of them, and so the runner looks again.
func (r *runner) tasks() <-chan func() {
	if r.service == nil || !r.supervisor.config.Pipeline.Routed() {
		return nil
	}
	return r.service.tasks
}

// ask gives the service the next share, now or when it comes.
func (r *runner) ask() {
	r.service.asking = true
	if !r.busy {
		r.takeOne()
	}
}

// awaitRoom lets the service go on until it may take one of the shares that wait. It reports false where there is nothing
// to wait for.
func (r *runner) awaitRoom(ctx context.Context) bool {
	waiting, _ := r.inbox.len()
	return waiting > 0 && r.service.full() && r.service.await(ctx)
}

// say sends what the service wrote; without an output it is for the signal's own. No input waits for it.
func (r *runner) say(s *service, output module.OutputName, body []byte) {
	share := r.supervisor.config.Pipeline.Tick(r.stream(), "line", time.Now())
	share.Identity = "line\x00" + s.started.UTC().Format(time.RFC3339Nano) + "\x00" + strconv.Itoa(s.lines)
	s.lines++
	interrupted := r.task
	r.task = task{share: share}
	own := output == "" || output == r.work.Signal.Output
	if own {
		output = r.work.Signal.Output
	}
	r.send(output, module.Message{Body: body}, own)
	r.settle()
	r.task = interrupted
	r.measure(s)
}

// feed gives a piece to the service when it asks for one. What a service makes of it is its own affair (15).
func (r *runner) feed(m module.Message) error {
	line, err := lineOf(m.Body)
	if err != nil {
		return err
	}
	for !r.service.asking {
		if !r.service.await(r.supervisor.ctx) {
			return errEndedBefore
		}
	}
	r.service.asking = false
	r.service.input <- line // there is room: it asked
	return nil
}

// lineOf returns a body as one line. The newlines of a JSON document stand between its tokens, where a space does as well.
func lineOf(body []byte) ([]byte, error) {
	body = bytes.TrimSuffix(bytes.TrimSuffix(body, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(body, '\n') < 0 {
		return body, nil
	}
	if !json.Valid(body) {
		return nil, errLines
	}
	return bytes.ReplaceAll(body, []byte("\n"), []byte(" ")), nil
}

// measure notes what the service came to.
func (r *runner) measure(s *service) {
	r.counts.holds(s.guest.Memory())
	dropped := s.guest.LogsDropped()
	r.counts.linesDropped.Add(dropped - s.dropped)
	s.dropped = dropped
}

// onServiceEnd follows a service that ended by itself.
func (r *runner) onServiceEnd() {
	s := r.service
	r.measure(s)
	r.counts.ended(s.end)
	r.closeWorker()
	switch {
	case s.end != nil:
		r.counts.traps.Add(1)
		r.fail(s.end)
	case r.restarts.policy == module.RestartAlways:
		r.fail(errEnded)
	default:
		r.event(zerolog.InfoLevel, &r.work).Msg("service " + errEnded.Error())
		r.set(module.Stopped, errEnded.Error())
	}
}

var (
	errEnded = errors.New("ended with exit code 0")
	errLines = errors.New("give message to service: it has several lines and is not JSON")
)
