package wasm

/*
#include "host.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// serviceTick is how often the epoch strikes while services work: how soon one is throttled, or ends that was asked to.
const serviceTick = 10 * time.Millisecond

// maxServices bounds the services of a Host: each has a thread of its own and seven descriptors.
const maxServices = 64

// services is what the services of a Host share.
type services struct {
	mu    sync.Mutex // guards what follows
	count int
	event *os.File // nil before the first service
	pulse *C.woe_pulse
}

// takeService counts one more service, and has the epoch strike from the first on.
func (h *Host) takeService() (*C.woe_pulse, error) {
	s := &h.services
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == maxServices {
		return nil, fmt.Errorf("%d services run, and more are not taken", maxServices)
	}
	if s.event == nil {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("make eventfd: %w", err)
		}
		event, pulse := os.NewFile(uintptr(fd), "eventfd"), C.woe_pulse_new(C.int(fd))
		if pulse == nil {
			_ = event.Close()
			return nil, errors.New("the host has no memory left")
		}
		s.event, s.pulse = event, pulse
		h.ended.Go(func() { h.strikeForServices(event, pulse) })
	}
	s.count++
	return s.pulse, nil
}

func (s *services) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
}

// end has the striking end. The pulse is freed when it has.
func (s *services) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.event != nil {
		_ = s.event.Close() // nothing was written through it
	}
}

// strikeForServices increments the epoch every tick while services work, and sleeps while all of them wait.
func (h *Host) strikeForServices(event *os.File, pulse *C.woe_pulse) {
	defer C.woe_pulse_delete(pulse)
	var count [8]byte
	for {
		if _, err := event.Read(count[:]); err != nil {
			return // it was closed
		}
		ticker := time.NewTicker(serviceTick)
		for working := true; working; working = C.woe_pulse_working(pulse) > 0 {
			select {
			case <-h.done:
				ticker.Stop()
				return
			case <-ticker.C:
				h.increment()
			}
		}
		ticker.Stop()
	}
}
