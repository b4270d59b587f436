package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// process is a rival at work.
type process struct {
	rival rival
	pid   int
	stop  func() // and waits
}

// start starts a rival as a module of the hub.
func start(r rival, h *hub, dir, binaries string) (*process, error) {
	command, env, err := r.command(dir, binaries)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	if r == native {
		text, caFile := h.ConnectionString(r.String())
		cmd.Env = append(cmd.Env, "EdgeHubConnectionString="+text, "EdgeModuleCACertificateFile="+caFile)
	} else {
		for name, value := range h.Environment(r.String()) {
			if name != "RuntimeLogLevel" {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
		}
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", r, err)
	}
	return &process{rival: r, pid: cmd.Process.Pid, stop: func() { cancel(); _ = cmd.Wait() }}, nil
}

// cpu returns the processor time that the process has used, and when it was read. Its clock counts nanoseconds, where
// /proc/PID/stat counts hundredths of a second; how its number is made of the pid is clock_getcpuclockid of the C library.
func (p *process) cpu() (time.Duration, time.Time, error) {
	const scheduler = 2
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid<<3|scheduler), &used); err != nil {
		return 0, time.Time{}, fmt.Errorf("read processor time of %s: %w", p.rival, err)
	}
	return time.Duration(used.Nano()), time.Now(), nil
}

// memory returns the resident memory of the process in bytes.
func (p *process) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of %s: %w", p.rival, err)
	}
	var total, resident int64
	if _, err := fmt.Fscan(bytes.NewReader(text), &total, &resident); err != nil {
		return 0, fmt.Errorf("read memory of %s: %w", p.rival, err)
	}
	return resident * int64(os.Getpagesize()), nil
}
