package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
)

// warmUp is how many messages each signal has had when its memory is looked at: guests keep windows and the like.
const warmUp = 12

// memory is signals of one guest, beside one that was there before.
type memory struct {
	device  *device
	of      *Guest
	signals int
	each    float64 // KiB
}

func newMemory(ctx context.Context, dir string, g *Guest, signals int) (*memory, error) {
	d, err := newDevice(ctx, dir, 0, g, 1)
	if err != nil {
		return nil, err
	}
	return &memory{device: d, of: g, signals: signals}, nil
}

func (m *memory) run(ctx context.Context, _ int) error {
	if err := m.device.send(ctx, m.of.message(), warmUp); err != nil {
		return err
	}
	before, err := footprint()
	if err != nil {
		return err
	}
	if _, err := m.device.hub.ReplaceDesired(ourName, desired(m.of, m.signals+1)); err != nil {
		return err
	}
	if err := m.device.await(ctx, m.signals+1); err != nil {
		return err
	}
	if err := m.device.send(ctx, m.of.message(), warmUp); err != nil {
		return err
	}
	after, err := footprint()
	m.each = float64(after-before) / 1024 / float64(m.signals)
	return err
}

func (m *memory) metrics() []metric { return []metric{{m.each, "KiB/signal"}} }

func (m *memory) close() { m.device.stop() }

// In KiB, proc_pid_status(5). Containers count page tables too.
var footprintFields = regexp.MustCompile(`(?m)^(?:VmRSS|VmPTE):\s+(\d+) kB$`)

// footprint returns the memory of this process in bytes: what is resident, without garbage, and page tables.
func footprint() (int64, error) {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read memory of the process: %w", err)
	}
	var sum int64
	for _, field := range footprintFields.FindAllSubmatch(bytes.TrimSpace(status), -1) {
		kib, err := strconv.ParseInt(string(field[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read memory of the process: %w", err)
		}
		sum += kib << 10
	}
	return sum, nil
}
