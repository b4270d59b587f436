package wasm

/*
#include "program.h"
*/
import "C"

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// streams are the pipes between a service and the host, by the number of the stream, and the event that asks for its end.
// None of the descriptors blocks.
type streams struct {
	host  [3]*os.File
	guest [3]int // -1: closed
	stop  int    // -1: closed
}

// open makes all of them. After an error some may be open.
func (s *streams) open() error {
	s.guest, s.stop = [3]int{-1, -1, -1}, -1
	for n := range s.host {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			return fmt.Errorf("make pipe: %w", err)
		}
		host, guest := ends[0], ends[1]
		if n == 0 {
			host, guest = guest, host
		}
		s.host[n], s.guest[n] = os.NewFile(uintptr(host), "pipe"), guest
	}
	var err error
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make eventfd: %w", err)
	}
	return nil
}

// closeGuest closes the guest's ends, so that those who read the others come to an end.
func (s *streams) closeGuest() {
	for n, fd := range s.guest {
		if fd >= 0 {
			_ = unix.Close(fd) // a pipe keeps nothing back
			s.guest[n] = -1
		}
	}
}

func (s *streams) close() {
	s.closeGuest()
	for _, f := range s.host {
		if f != nil {
			_ = f.Close() // perhaps once more
		}
	}
	if s.stop >= 0 {
		_ = unix.Close(s.stop)
		s.stop = -1
	}
}

var newline = []byte("\n")

// feed writes the input until it, or ctx, ends.
func (s *Service) feed(ctx context.Context) {
	in := s.streams.host[0]
	defer func() { _ = in.Close() }() // perhaps once more
	for {
		lines, err := s.io.Read(ctx)
		if err == nil {
			_, err = in.Write(lines)
		}
		if err == nil && !bytes.HasSuffix(lines, newline) {
			_, err = in.Write(newline)
		}
		if err != nil {
			return // the input is at its end, or nobody reads it any more
		}
	}
}

// forward hands the lines of standard output on, until the guest has ended. One that is too long is told of once a minute.
func (s *Service) forward(ctx context.Context) {
	most := s.instance.limits.EmitBytesPerCall
	var told time.Time
	take := func(line []byte) { s.io.Write(ctx, line) }
	refuse := func() {
		s.refused.Add(1)
		if now := time.Now(); now.Sub(told) >= time.Minute {
			told = now
			s.io.Log(module.LogLine{Level: levelWarn, Text: fmt.Sprintf("a line of standard output was left out: it was longer than the %d bytes of limits.emitKiBPerCall", most)})
		}
	}
	eachLine(s.streams.host[1], most, take, refuse)
}

// Levels of a module.LogLine; standard error is a warning.
const (
	levelInfo = 2
	levelWarn = 3
)

// log hands the lines of the log on, most of which are those of standard error, and keeps the last.
func (s *Service) log() {
	take := func(line []byte) {
		level, text := int(line[0]-'0'), strings.ToValidUTF8(string(line[1:]), "�") // service.c puts the one before the other
		_, _ = s.words.Write([]byte(text + "\n"))                                   // it never fails
		s.io.Log(module.LogLine{Level: level, Text: text})
	}
	eachLine(s.streams.host[2], 1+C.WOE_LINE_MAX, take, func() {}) // none is longer
}

// eachLine calls take with each line that is not empty, without its newline, and refuse for each that is longer than most
// bytes, until the reader ends.
func eachLine(r io.Reader, most int, take func(line []byte), refuse func()) {
	b := bufio.NewReader(r)
	var line []byte
	long := false
	for {
		piece, err := b.ReadSlice('\n')
		if long = long || len(line)+len(bytes.TrimSuffix(piece, newline)) > most; !long {
			line = append(line, piece...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		switch line := bytes.TrimSuffix(line, newline); {
		case long:
			refuse()
		case len(line) > 0:
			take(line)
		}
		if err != nil {
			return
		}
		line, long = line[:0], false
	}
}
