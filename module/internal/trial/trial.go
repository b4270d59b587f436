// Package trial runs messages through a signal beside the module: through the host's stages and a guest of its own, with
// nothing sent and nothing kept. The direct method invoke, the commands call, replay and test, and whoever wants to know what
// a guest makes of a message are its users.
//
//	t, err := trial.New(trial.Config{Signal: signal, Spec: spec, Start: guest.Start})
//	result := t.Run(trial.Message{Message: message})
//	t.Close()
//
// What it does is what package supervise does with a share, without its second tries, backoffs and publish groups: an
// instance that a message ended makes way for a fresh one with the state of before.
//
// # Concurrency
//
// A Trial is one goroutine's at a time.
package trial

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Config is what is tried.
type Config struct {
	Signal module.Signal
	Spec   module.GuestSpec                                    // of its guest
	Start  func(supervise.Options) (supervise.Instance, error) // of its guest; nil: the signal is host-only
	State  map[string][]byte                                   // what the guest finds; of a partitioned signal each partition
	Files  string                                              // a directory for the guest; "": it gets none
}

// Trial is a signal that is tried.
type Trial struct {
	config Config
	reader *signals.Reader
	stages *signals.Stages
	parts  map[string]*part // by partition
}

// part is what a partition has of its own; of a signal without partitions there is one.
type part struct {
	instance supervise.Instance // nil: the next call starts one
	state    map[string][]byte
	sources  map[string]*signals.State
}

// New starts the guest and gives it its settings. An error is a *module.GuestError, or says what of the signal cannot be tried.
func New(c Config) (*Trial, error) {
	if c.Spec.Run == module.RunService {
		return nil, fmt.Errorf("try guest %q: it is a service, which runs on its own and cannot be called", c.Spec.Name)
	}
	reader, err := signals.NewReader(c.Signal)
	if err != nil {
		return nil, fmt.Errorf("read signal %q: %w", c.Signal.Name, err)
	}
	stages, err := signals.NewStages(c.Signal)
	if err != nil {
		return nil, fmt.Errorf("read signal %q: %w", c.Signal.Name, err)
	}
	t := &Trial{config: c, reader: reader, stages: stages, parts: make(map[string]*part)}
	if c.Start == nil || reader.Partitioned() {
		return t, nil
	}
	return t, t.start(t.part(""), "", new(Result))
}

// Close ends all instances.
func (t *Trial) Close() {
	for _, p := range t.parts {
		p.close()
	}
}

// State returns what the guest has kept by now, of the partition called so.
func (t *Trial) State(partition string) map[string][]byte { return maps.Clone(t.part(partition).state) }

func (t *Trial) part(partition string) *part {
	p := t.parts[partition]
	if p == nil {
		p = &part{state: maps.Clone(t.config.State), sources: make(map[string]*signals.State)}
		if p.state == nil {
			p.state = make(map[string][]byte)
		}
		t.parts[partition] = p
	}
	return p
}

// start runs an instance with the settings of the signal. What it logs and how long it takes goes into the result.
func (t *Trial) start(p *part, partition string, result *Result) error {
	c := &t.config
	instance, err := c.Start(supervise.Options{Signal: c.Signal.Name, Limits: c.Spec.Limits, Env: c.Spec.Permissions.Env,
		State: maps.Clone(p.state), Files: c.Files})
	if err != nil {
		return err
	}
	result.StartTook += instance.Took()
	result.log(instance)
	p.keep(instance)
	settings := c.Signal.Settings
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	document, err := json.Marshal(map[string]any{"signal": c.Signal.Name, "partition": partition, "settings": settings})
	if err != nil {
		instance.Close()
		return fmt.Errorf("encode settings: %w", err)
	}
	err = instance.Configure(document)
	result.StartTook += instance.Took()
	result.log(instance)
	if err != nil {
		instance.Close()
		return err
	}
	p.keep(instance)
	p.instance = instance
	return nil
}

// keep takes the state over that the last call changed.
func (p *part) keep(i supervise.Instance) {
	for _, change := range i.Effects().State {
		if change.Delete {
			delete(p.state, change.Key)
		} else {
			p.state[string([]byte(change.Key))] = append([]byte{}, change.Value...) // effects point into the instance
		}
	}
}

func (p *part) close() {
	if p.instance != nil {
		p.instance.Close()
		p.instance = nil
	}
}

func (p *part) source(key string) *signals.State {
	if p.sources[key] == nil {
		p.sources[key] = new(signals.State)
	}
	return p.sources[key]
}

// Message is what is tried on a signal.
type Message struct {
	module.Message
	Tick   bool             // it is no message but a tick
	Input  module.InputName // that it came in by; "": that of the signal
	Source string           // key of the source, of a signal with several
	Time   time.Time        // of its arrival; zero: now
}
