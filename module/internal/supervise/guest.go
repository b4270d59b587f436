package supervise

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Guest is a compiled guest.
type Guest interface {
	// Start runs a new instance. An error is a *module.GuestError.
	Start(Options) (Instance, error)
	// Serve prepares a service, which Run runs. An error is a *module.GuestError.
	Serve(Options, ServiceIO) (Service, error)
	// HasTimer reports whether it can be bound to a timer.
	HasTimer() bool
	// IsProgram reports whether it is a WASI command, of which the twin may say how it is run.
	IsProgram() bool
	// Endless reports whether it runs for ever: it is a service whatever the twin says, and needs a private directory.
	Endless() bool
}

// Options are what an instance is started with.
type Options struct {
	Signal module.SignalName
	Limits module.Limits
	Env    map[string]string
	State  map[string][]byte
	Files  string // the signal's private directory; "" where the guest may have none
	HTTP   HTTP   // what the guest reaches; nil: nothing
	// Context is that of the instance's calls: where they wait they end with it, by an error.
	Context context.Context
}

// HTTP is what a guest reaches over HTTP.
type HTTP interface {
	// Check returns an error where the guest may not send requests to an address.
	Check(*url.URL) error
	// Do sends a request, on the goroutine that called the guest.
	Do(*http.Request) (*http.Response, error)
}

// Instance is a running guest. Errors are *module.GuestError.
type Instance interface {
	Configure(document []byte) error
	Message(module.Message) (module.Verdict, error)
	Tick(module.Properties) (module.Verdict, error)
	Effects() *module.Effects       // of the last call, valid until the next
	Logs() iter.Seq[module.LogLine] // of the last call, also of one that failed
	LogsDropped() int               // lines of the last call that were too many
	Took() time.Duration            // of the last call, or the start
	Memory() int64                  // of the guest after it, in bytes
	Dead() bool                     // it cannot be called again
	Close()
}

// Service is a guest that runs on its own. Errors are *module.GuestError.
type Service interface {
	Configure(document []byte) error // before Run
	// Run runs it once, until it ends or ctx does. It returns nil where its exit code is 0 and where ctx ended.
	Run(ctx context.Context) error
	Memory() int64      // of the guest, in bytes; like LogsDropped from any goroutine, while it runs
	LogsDropped() int64 // lines of its log that were too many, so far
	Close()             // when it does not run
}

// ServiceIO is the other end of a service's standard streams. Read, Write and Send are each called from one goroutine, Log from
// several, while Run runs.
type ServiceIO interface {
	// Read waits for what comes next on standard input: a line. An error is the end of the input.
	Read(ctx context.Context) ([]byte, error)
	// Write takes a line of standard output, which is valid during the call, and may block.
	Write(ctx context.Context, line []byte)
	// Send takes a message for an output, "" being the signal's own, and may block.
	Send(ctx context.Context, output module.OutputName, body []byte)
	Log(module.LogLine)
}

// worker is what does a runner's work: an instance that is called, a service, or neither for the host alone.
type worker struct {
	instance Instance
	service  *service
}

func (w worker) close() {
	if w.instance != nil {
		w.instance.Close()
	}
	if w.service != nil {
		w.service.close()
	}
}

// Work is what a runner works on: a signal and, unless it is host-only, its guest. Work is replaced as a whole.
type Work struct {
	Version int64 // of the desired document that asked for it
	Signal  module.Signal
	Spec    module.GuestSpec // zero for a host-only signal
	Digest  string           // of the guest's binary
	Guest   Guest            // nil for a host-only signal

	Probation *Probation // of this version of the guest, shared by its signals; nil: it is on none
	Former    *Work      // with a probation: what the signal does again where the version fails
}

// sameInstance reports whether an instance of w can go on with the other work, perhaps with other settings. The limit
// of log lines is the runner's to keep. A service learns of neither while it runs.
func (w *Work) sameInstance(other *Work) bool {
	a, b := w.Spec.Limits, other.Spec.Limits
	if w.serves() {
		if !bytes.Equal(w.Signal.Settings, other.Signal.Settings) {
			return false
		}
	} else {
		a.LogLinesPerMinute = b.LogLinesPerMinute
	}
	return w.serves() == other.serves() && w.Guest == other.Guest && a == b && w.hasFiles() == other.hasFiles() && w.samePermissions(other)
}

func (w *Work) samePermissions(other *Work) bool {
	a, b := &w.Spec.Permissions, &other.Spec.Permissions
	return maps.Equal(a.Env, b.Env) && maps.Equal(a.HTTP, b.HTTP) && maps.Equal(a.Secrets, b.Secrets)
}

// sameTicks reports whether the other work ticks as w does, or neither of them ticks.
func (w *Work) sameTicks(other *Work) bool {
	return w.ticks() == other.ticks() && w.Signal.SamplingInterval == other.Signal.SamplingInterval
}

// sameValues reports whether the samples of w are those of the other work, whatever is made of them.
func (w *Work) sameValues(other *Work) bool {
	a, b := &w.Signal, &other.Signal
	return a.Source == b.Source && maps.Equal(a.Sources, b.Sources) && a.Format == b.Format && a.Selector == b.Selector &&
		maps.Equal(a.Where, b.Where) && a.Node == b.Node && a.PartitionBy == b.PartitionBy
}

// gathers reports whether what the signal sends goes into a publish group.
func (w *Work) gathers() bool {
	return w.Signal.PublishGroup != "" && w.Signal.Output != module.OutputNone
}

func (w *Work) hasFiles() bool {
	return w.Spec.Permissions.Files == module.FilesPrivate || w.Guest != nil && w.Guest.Endless()
}

func (w *Work) serves() bool {
	return w.Spec.Run == module.RunService || w.Guest != nil && w.Guest.Endless()
}

func (w *Work) ticks() bool {
	_, ticks := w.timer()
	return ticks
}

// timer returns the key of the source that is a timer, and whether there is one.
func (w *Work) timer() (source string, there bool) {
	for key, s := range w.Signal.Sources {
		if s.Kind == module.SourceTimer {
			return key, true
		}
	}
	return "", w.Signal.Source.Kind == module.SourceTimer
}
