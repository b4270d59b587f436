package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// variant is one way to do a piece of work. Its fields belong to one goroutine at a time.
type variant struct {
	name  string
	run   func(n int) error // does it n times
	close func()
	chunk int // repetitions that take about two milliseconds, found out by calibrate

	shared bool // a chunk, by two goroutines
}

// newVariant returns a variant that has been seen to hand the message back.
func newVariant(name string, run func(n int) error, output func() []byte, end func()) (*variant, error) {
	v := &variant{name: name, run: run, close: end}
	if err := v.check(output); err != nil {
		end()
		return nil, fmt.Errorf("try %s: %w", name, err)
	}
	return v, nil
}

func (v *variant) check(output func() []byte) error {
	if err := v.run(1); err != nil {
		return err
	}
	if out := output(); !bytes.Equal(out, message) {
		return fmt.Errorf("the output is %q", out)
	}
	return v.calibrate()
}

// calibrate finds the chunk. It warms up on the way.
func (v *variant) calibrate() error {
	for v.chunk = 1; ; v.chunk *= 2 {
		took, err := v.time()
		if took >= 2*time.Millisecond || err != nil {
			return err
		}
	}
}

// sharedByTwo tells that two goroutines share a chunk, which becomes longer so that their start and end do not count. An
// error goes through.
func sharedByTwo(v *variant, err error) (*variant, error) {
	if err == nil {
		v.shared = true
		v.chunk *= 8
	}
	return v, err
}

// time returns how long a chunk takes. One that two goroutines share is tried again, a few times, until the process has
// had two processors for it: on a machine that others use too, it would tell of them and not of us.
func (v *variant) time() (took time.Duration, err error) {
	for range tries {
		begin, used := time.Now(), processorTime()
		err = v.run(v.chunk)
		took = time.Since(begin)
		if !v.shared || err != nil || float64(processorTime()-used) > undisturbed*2*float64(took) {
			break
		}
	}
	return took, err
}

const (
	tries       = 20
	undisturbed = 0.95 // of the processors' time
)

// processorTime returns what this process has used, over all threads.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no way to fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// variants closes what it has opened, the last first.
type variants struct{ opened []*variant }

// add keeps a variant that was opened; an error goes through.
func (vs *variants) add(v *variant, err error) (*variant, error) {
	if err == nil {
		vs.opened = append(vs.opened, v)
	}
	return v, err
}

func (vs *variants) close() {
	for _, v := range slices.Backward(vs.opened) {
		v.close()
	}
}

// together does the work of count goroutines and waits for them.
func together(count int, work func(at int) error) error {
	errs := make([]error, count)
	var all sync.WaitGroup
	for at := range count {
		all.Go(func() { errs[at] = work(at) })
	}
	all.Wait()
	return errors.Join(errs...)
}

var errEnded = errors.New("the guest's call ended badly")
