package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Sensor stands in for Microsoft's simulated temperature sensor, under its name in the manifest and message for
// message: a machine that warms up from 21 °C to 100 °C, and the room around it. It is set by the module's environment
// and its twin, and reset by a message to its input "control" or by the direct method "reset".
type Sensor struct {
	hub      *Hub
	peer     *peer
	settings sensorSettings
	random   *rand.Rand
	patched  chan struct{} // of capacity 1: there was a desired patch; its effect is in the fields below

	mu    sync.Mutex // guards the fields below
	send  bool
	delay time.Duration
	reset bool
}

// NewSensor makes the sensor that the deployment calls module. The same seed makes the same readings.
func NewSensor(h *Hub, module string, seed uint64) (*Sensor, error) {
	p, settings, err := h.sensor(module)
	if err != nil {
		return nil, fmt.Errorf("simulate sensor %q: %w", module, err)
	}
	return &Sensor{
		hub: h, peer: p, settings: settings,
		random:  rand.New(rand.NewPCG(seed, 0)),
		patched: make(chan struct{}, 1),
		send:    true, delay: settings.delay,
	}, nil
}

// sensor finds a sensor's identity and what its environment says.
func (h *Hub) sensor(module string) (*peer, sensorSettings, error) {
	p, err := h.peer(module)
	if err != nil {
		return nil, sensorSettings{}, err
	}
	m, _ := h.cfg.Manifest.Module(module)
	settings, err := newSensorSettings(m.Env)
	return p, settings, err
}

// Run sends messages until ctx or the hub ends. Once it has sent as many as it should, it still listens, as
// Microsoft's does.
func (s *Sensor) Run(ctx context.Context) error {
	desired, _ := s.hub.Desired(s.peer.name)
	s.take(desired)
	link := &local{peer: s.peer, input: s.control, desired: s.onPatch, method: s.onMethod}
	s.peer.attach(link, func() {})
	defer s.peer.detach(link, ErrStopped)
	walk := s.settings.temperatureMin
	timer := time.NewTimer(0)
	defer timer.Stop()
	for number := s.sent() + 1; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-s.hub.stopped:
			return nil
		case <-s.patched:
			s.report()
			continue
		case <-timer.C:
		}
		send, delay, reset := s.state()
		if s.settings.count >= 0 && number > s.settings.count {
			continue // without another timer
		}
		walk = s.step(walk, reset)
		if send {
			if err := s.publish(ctx, s.read(walk), number); err != nil {
				return err
			}
			number++
		}
		timer.Reset(delay)
	}
}

// sent is how many messages it had sent before the hub was killed.
func (s *Sensor) sent() int {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	return int(s.peer.counters.Received)
}

// step is the machine's next temperature.
func (s *Sensor) step(temperature float64, reset bool) float64 {
	if reset {
		temperature = s.settings.temperatureMin
	}
	if temperature > s.settings.temperatureMax {
		return temperature + s.random.Float64() - 0.5
	}
	return temperature - 0.25 + s.random.Float64()*1.5
}

func (s *Sensor) read(temperature float64) reading {
	return reading{
		temperature: temperature,
		pressure:    s.settings.pressure(temperature),
		ambient:     s.settings.ambient + s.random.Float64() - 0.5,
		humidity:    24 + s.random.IntN(3),
		created:     time.Now(),
		numbered:    s.hub.cfg.Number,
	}
}

func (s *Sensor) publish(ctx context.Context, r reading, number int) error {
	err := s.hub.Publish(ctx, s.peer.name, sensorOutput, r.message(s.peer.batch, number))
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("simulate sensor %q: %w", s.peer.name, err)
	}
	return nil
}

// state returns what is asked of the sensor, and takes note that it is being reset.
func (s *Sensor) state() (send bool, delay time.Duration, reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reset, s.reset = s.reset, false
	return s.send, s.delay, reset
}

// take follows desired properties, or a patch of them. A wrong type is as good as nothing said.
func (s *Sensor) take(desired []byte) {
	var wanted struct{ SendData, SendInterval json.RawMessage }
	if json.Unmarshal(desired, &wanted) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var seconds int
	if wanted.SendInterval != nil && json.Unmarshal(wanted.SendInterval, &seconds) == nil {
		s.delay = time.Duration(max(seconds, 0)) * time.Second
	}
	if wanted.SendData != nil {
		_ = json.Unmarshal(wanted.SendData, &s.send) // leaves it as it is where it is no boolean
	}
}

func (s *Sensor) onPatch(patch []byte) {
	s.take(patch)
	select {
	case s.patched <- struct{}{}:
	default:
	}
}

// report tells what the desired properties made of the sensor.
func (s *Sensor) report() {
	s.mu.Lock()
	patch := encode(map[string]any{"SendData": s.send, "SendInterval": s.delay.Seconds()})
	s.mu.Unlock()
	if _, err := s.peer.report(patch); err != nil {
		s.peer.log.Warn().Err(err).Msg("sensor could not report")
	}
}

func (s *Sensor) onMethod(name string) (status int, known bool) {
	if name != "reset" {
		return 0, false
	}
	s.askReset()
	return statusOK, true
}

func (s *Sensor) askReset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset = true
}

// control takes {"command": "reset"} or an array of such; 0 is reset, 1 is noOperation.
func (s *Sensor) control(input string, body []byte) {
	type command struct{ Command any }
	var commands []command
	if json.Unmarshal(body, &commands) != nil {
		var one command
		if json.Unmarshal(body, &one) != nil {
			s.peer.log.Warn().Msg("sensor does not understand the message to its input " + input)
			return
		}
		commands = []command{one}
	}
	for _, c := range commands {
		if isReset(c.Command) {
			s.askReset()
		}
	}
}

// isReset reads the sensor's enumeration of commands, a name in any case or a number.
func isReset(command any) bool {
	name, isName := command.(string)
	number, isNumber := command.(float64)
	return command == nil || isName && strings.EqualFold(name, "reset") || isNumber && number == 0
}
