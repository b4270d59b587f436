package wasm

/*
#include "host.h"
*/
import "C"

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// ServiceIO is the other end of a service's standard streams. Read, Write and Send are each called from one goroutine, Log from
// several; all of them while Run runs, and in no other time.
type ServiceIO interface {
	// Read returns what comes next on standard input: a line, or several. It gets its newline where it has none. Read may
	// block until ctx ends, as it does when the service does. An error is the end of the input.
	Read(ctx context.Context) ([]byte, error)
	// Write takes a line of standard output, without its newline, which is valid during the call. It may block until ctx
	// ends: the guest blocks with it, once the pipe between them is full.
	Write(ctx context.Context, line []byte)
	// Send takes a message that a guest of 2022 sends to an output; "" is the signal's own. It may block until ctx ends.
	Send(ctx context.Context, output module.OutputName, body []byte)
	// Log takes a line of standard error, or one in which the host tells what it left out.
	Log(module.LogLine)
}

// Service is a program that runs for long: a line on its standard input is a message to it, a line on its standard
// output one from it. It has no deadline; limits.CPUPercent is its share of a processor. Close frees it.
type Service struct {
	instance *Instance
	io       ServiceIO
	streams  streams
	refused  atomic.Int64
	old      *old // nil: it is a WASI command
	words    tail // the end of standard error; the log's goroutine's until Run has awaited it
}

// Serve prepares a service; Run runs it. Only a WASI command or a guest of 2022 can be one, and at most 64 of a Host. Of the
// options State is not for services, and Files must be there for a guest of 2022. An error is a *module.GuestError.
func (g *Guest) Serve(o Options, io ServiceIO) (*Service, error) {
	refuse := func(kind module.GuestErrorKind, reason, hint string) (*Service, error) {
		return nil, &module.GuestError{Guest: g.name, Signal: o.Signal, Op: "serve", Kind: kind, Message: reason, Hint: hint}
	}
	if !g.abi.program {
		return refuse(module.KindInvalid, "it is a guest of "+g.abi.name+": only a WASI command can run as a service", "leave run out")
	}
	if name := g.edgeImport(); name != "" {
		return refuse(module.KindInvalid, "it imports edge."+name+": a service speaks through its standard streams", "use run: perMessage")
	}
	if g.abi.endless && o.Files == "" {
		return refuse(module.KindHost, "it needs a private directory, for its configuration file", "")
	}
	pulse, err := g.host.takeService()
	if err != nil {
		return refuse(module.KindHost, err.Error(), "use run: perMessage where that will do")
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	i, err := g.newInstance(o)
	if err != nil {
		g.host.services.giveBack()
		return nil, err
	}
	i.serves = true
	s := &Service{instance: i, io: io}
	s.openOld()
	if err := s.connect(pulse); err != nil {
		s.Close()
		return refuse(module.KindHost, err.Error(), "")
	}
	return s, nil
}

// edgeImport returns a host function of edge/1 that the guest imports, or "".
func (g *Guest) edgeImport() string {
	for _, i := range g.info.Imports {
		if i.Module == "edge" {
			return i.Name
		}
	}
	return ""
}

// connect gives the instance its ends of the streams.
func (s *Service) connect(pulse *C.woe_pulse) error {
	if err := s.streams.open(); err != nil {
		return err
	}
	guest, limits := s.streams.guest, s.instance.limits
	setup := C.woe_service_setup{
		in: C.int(guest[0]), out: C.int(guest[1]), err: C.int(guest[2]), stop: C.int(s.streams.stop),
		percent: C.uint32_t(cmp.Or(limits.CPUPercent, 100)), log_lines: C.uint32_t(limits.LogLinesPerMinute),
	}
	if !C.woe_service_new(s.instance.c, &setup, pulse) {
		return errors.New("make service: the host has no memory left")
	}
	return nil
}

// Configure gives the service its settings, which a WASI command finds in EDGE_SETTINGS and a guest of 2022 in its
// configuration file. It comes before Run. The document is that of Instance.Configure.
func (s *Service) Configure(document []byte) error {
	if err := s.instance.configureProgram(document); err != nil {
		return err
	}
	return s.configureOld(document)
}

// Run runs the service in the caller's goroutine, once, until it ends or ctx does; what it wrote before it ended by itself
// has reached Write by then. It returns nil where the exit code is 0 and where ctx ended, else a *module.GuestError. A
// service that ctx ends has no time to finish: its next call of the host is its last, and it has 10 ms where it calls none.
func (s *Service) Run(ctx context.Context) error {
	i := s.instance
	if err := i.begin("serve"); err != nil {
		return err
	}
	i.dead = true // it runs once
	running, ended := context.WithCancel(ctx)
	defer ended()
	if i.http != nil {
		i.http.ctx = running
	}
	if s.old != nil {
		s.old.ctx = running
	}
	var parts sync.WaitGroup
	parts.Go(func() { s.feed(running) })
	parts.Go(func() { s.forward(ctx) })
	parts.Go(s.log)
	parts.Go(func() {
		<-running.Done()
		C.woe_service_stop(i.c)
		_ = s.streams.host[0].Close() // also where feed waits for room in it
	})
	end := C.woe_service_run(i.c) // holds this thread until it returns
	ended()
	s.streams.closeGuest()
	parts.Wait()
	return s.failure(end)
}

// failure says why a service ended.
func (s *Service) failure(end C.woe_end) error {
	err := s.instance.failure("serve", end)
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		e.Output = lastOf(strings.Join(s.words.lines(), " | "))
		if e.Kind == module.KindExit {
			e.Hint = ""
		}
	}
	return err
}

// Close frees the service and all that its guest held. It must not be running.
func (s *Service) Close() {
	if s.instance.c != nil {
		s.closeOld()
		s.instance.Close()
		s.streams.close()
		s.instance.guest.host.services.giveBack()
	}
}

// Memory returns the size of the guest's linear memory, in bytes, as it was when it last waited, or some milliseconds ago. It may be called from
// any goroutine, as may LinesRefused and LogsDropped, but not beside Close.
func (s *Service) Memory() int64 {
	if s.instance.c == nil {
		return 0
	}
	return int64(C.woe_service_memory(s.instance.c))
}

// LinesRefused returns how many lines of standard output were longer than limits.EmitBytesPerCall and so left out.
func (s *Service) LinesRefused() int64 { return s.refused.Load() }

// LogsDropped returns how many lines of standard error were beyond limits.LogLinesPerMinute.
func (s *Service) LogsDropped() int64 {
	if s.instance.c == nil {
		return 0
	}
	return int64(C.woe_service_logs_dropped(s.instance.c))
}
