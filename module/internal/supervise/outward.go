package supervise

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/egress"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// outward is what a runner's guest reaches over HTTP.
type outward struct {
	*egress.Client
	runner  *runner
	output  module.OutputName // of the signal, when the guest starts
	service *service          // nil: the guest is called, on the runner's goroutine
}

// outwardFor returns what the guest of w reaches, nil where this host has no way out.
func (r *runner) outwardFor(w *Work, s *service) (HTTP, error) {
	if r.supervisor.config.Egress == nil {
		return nil, nil
	}
	o := &outward{runner: r, service: s, output: w.Signal.Output}
	var err error
	o.Client, err = r.supervisor.config.Egress.Client(egress.Guest{Permissions: w.Spec.Permissions, Timeout: w.Spec.Limits.HTTPTimeout, Send: o.send})
	if err != nil {
		return nil, &module.GuestError{Guest: w.Spec.Name, Signal: r.name, Op: "bind", Kind: module.KindInvalid, Message: err.Error()}
	}
	return o, nil
}

var errCalledOff = errors.New("the signal is to change or to be removed")

// Do sends a request that can be called off.
func (o *outward) Do(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	off := context.AfterFunc(o.runner.requests.current(), cancel)
	end := func() { off(); cancel() }
	response, err := o.Client.Do(request.WithContext(ctx))
	if err != nil {
		defer end()
		if ctx.Err() != nil && request.Context().Err() == nil {
			return nil, errCalledOff
		}
		return nil, err
	}
	response.Body = &endingBody{response.Body, end}
	return response, nil
}

// endingBody is a body whose request can be called off until it is closed.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// send sends a message to the signal's own output, apart from what the call at hand sends: that may still fail.
func (o *outward) send(ctx context.Context, m module.Message) error {
	r := o.runner
	var p post
	if o.service == nil {
		p = o.prepare(m)
	} else {
		ready := make(chan struct{})
		select {
		case o.service.tasks <- func() { defer close(ready); p = o.prepare(m) }:
			<-ready
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return r.supervisor.config.Pipeline.SendNow(ctx, p.share, p.index, p.output, p.Message)
}

// post is a message that is sent at once.
type post struct {
	share  *pipeline.Share
	index  int // among those of the share
	output module.OutputName
	module.Message
}

// prepare completes a message on the runner's goroutine. At its start a guest, and a service always, works on no share.
func (o *outward) prepare(m module.Message) post {
	r := o.runner
	if !r.calling || o.service != nil {
		share, output := r.supervisor.config.Pipeline.Tick(r.stream(), "post", time.Now()), o.output
		if o.service != nil {
			output = r.work.Signal.Output // which may have changed since it started
		}
		return post{share, 0, output, r.completeOf(nil, m, "event")}
	}
	index := r.posted
	r.posted++
	return post{r.task.share, index, r.work.Signal.Output, r.completeOf(r.task.share.Message.Properties, m, "event")}
}

// requests are those that a runner's guest waits for. Who waits for the runner may call them off. There is a context once
// there was a request: few guests make any.
type requests struct {
	parent context.Context

	mu     sync.Mutex // guards what follows
	ctx    context.Context
	cancel context.CancelFunc
	off    bool
}

// current returns the context of a request that begins now.
func (q *requests) current() context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx == nil {
		q.ctx, q.cancel = context.WithCancel(q.parent)
	}
	if q.off {
		q.cancel()
	}
	return q.ctx
}

// callOff ends the requests until they are renewed, unless what was waited for is done.
func (q *requests) callOff(done <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-done:
	default:
		q.off = true
		if q.cancel != nil {
			q.cancel()
		}
	}
}

// renew lets requests begin again where they were called off. Those that are under way, of a service that has just begun,
// go on.
func (q *requests) renew() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.off {
		q.ctx, q.cancel, q.off = nil, nil, false
	}
}
