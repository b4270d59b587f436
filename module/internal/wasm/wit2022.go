package wasm

/*
#include <stdlib.h>
#include "program.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/configfile"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/topics"
)

// initImports are the host functions of the guests that export init. A guest has those of one of the three modules.
var initImports = functions{
	"hostobservability": {
		"loginfo":   "(i32, i32, i32, i32)",
		"publish":   "(i32, i32, i32, i32)",
		"subscribe": "(i32, i32, i32)",
		"read":      "(i32, i32, i32)",
	},
	"wasmimports":   {"sendout": "(i32, i32, i32)"},
	"hostfunctions": {"sendtelemetry": "(i32, i32, i32)"},
}

// initWithSocket is the type of the init that wants a listening socket besides, as descriptor 4.
const initWithSocket = "(i32, i32, i32)"

// sent is what sendout and sendtelemetry return; guests print it.
const sent = "Returned from host"

// old is what a service has of its own whose guest is of 2022.
type old struct {
	settings configfile.Settings
	topics   *topics.Member
	handle   cgo.Handle // by which C knows the service
	ctx      context.Context
}

// openOld lets the service's guest use the module's topics, if it is one that may.
func (s *Service) openOld() {
	if !s.instance.guest.abi.endless {
		return
	}
	s.old = &old{topics: s.instance.guest.host.topics.Join(), handle: cgo.NewHandle(s)}
	C.woe_program_set_host(s.instance.c, C.uintptr_t(s.old.handle))
}

func (s *Service) closeOld() {
	if s.old != nil {
		s.old.topics.Leave()
		s.old.handle.Delete()
		s.old = nil
	}
}

// configureOld writes the configuration file.
func (s *Service) configureOld(document []byte) error {
	if s.old == nil {
		return nil
	}
	i := s.instance
	var d struct{ Settings json.RawMessage }
	err := json.Unmarshal(document, &d)
	if err == nil {
		s.old.settings, err = configfile.Parse(d.Settings)
	}
	if err != nil {
		e := i.newError("configure", module.KindRefused, err.Error())
		e.Hint = "correct the settings of the signal or the guest"
		return e
	}
	if err := s.old.settings.Write(i.files.path); err != nil {
		return i.newError("configure", module.KindHost, err.Error())
	}
	path := C.CString(s.old.settings.File)
	defer C.free(unsafe.Pointer(path))
	if !C.woe_program_set_config(i.c, path) {
		return i.newError("configure", module.KindHost, "the host has no memory left")
	}
	return nil
}

// The functions, as wit2022.c numbers them.
const (
	oldLogInfo = iota
	oldPublish
	oldSubscribe
	oldRead
	oldSend
)

// woe2022 answers a call of one of the functions; what it returns goes to woe_program_answer. It runs on the goroutine in Run.
//
//export woe2022
func woe2022(host C.uintptr_t, function C.int32_t, first *C.uint8_t, firstLen C.uint32_t, second *C.uint8_t, secondLen C.uint32_t) {
	s := cgo.Handle(host).Value().(*Service)
	defer func() {
		if reason := recover(); reason != nil { // a panic must not meet the engine's frames
			s.note(levelWarn, fmt.Sprintf("internal error in a host function: %v", reason))
		}
	}()
	answer := s.answer(int(function), copied(first, firstLen), copied(second, secondLen))
	text := (*C.char)(unsafe.Pointer(unsafe.StringData(answer)))
	if !C.woe_program_answer(s.instance.c, text, C.size_t(len(answer))) {
		s.note(levelWarn, "the host has no memory left for an answer")
	}
}

func copied(text *C.uint8_t, size C.uint32_t) string {
	return strings.Clone(unsafe.String((*byte)(unsafe.Pointer(text)), int(size)))
}

// answer does what a function is for. What the server of that time read and wrote began with the topic, and so do these answers.
func (s *Service) answer(function int, first, second string) string {
	switch function {
	case oldLogInfo:
		s.note(levelInfo, first+": "+second)
	case oldPublish:
		s.publish(first, second)
	case oldSubscribe:
		if err := s.old.topics.Subscribe(first); err != nil {
			s.note(levelWarn, fmt.Sprintf("subscribe to topic %q: %v", first, err))
			return first + " refused"
		}
		return first + " subscribed"
	case oldRead:
		return first + " " + s.read(first)
	case oldSend:
		s.send("", first)
		return sent
	}
	return ""
}

// publish puts a message on a topic, and sends it where the settings name an output for it.
func (s *Service) publish(topic, text string) {
	if output, there := s.old.settings.Outputs[topic]; there {
		s.send(module.OutputName(output), text)
	}
	if err := s.old.topics.Publish(topic, text); err != nil {
		s.note(levelWarn, fmt.Sprintf("publish on topic %q: %v", topic, err))
	}
}

// read returns the next message of a topic, or that it is empty.
func (s *Service) read(topic string) string {
	text, there, missed := s.old.topics.Read(topic)
	if missed {
		s.note(levelWarn, fmt.Sprintf("read topic %q: messages were published faster than they were read, and the oldest are gone", topic))
	}
	if !there {
		return "empty"
	}
	return text
}

// send hands a message to the signal, unless it is longer than a line of a service may be.
func (s *Service) send(output module.OutputName, text string) {
	if most := s.instance.limits.EmitBytesPerCall; len(text) > most {
		s.refused.Add(1)
		s.note(levelWarn, fmt.Sprintf("a message was left out: it was longer than the %d bytes of limits.emitKiBPerCall", most))
		return
	}
	s.io.Send(s.old.ctx, output, []byte(text))
}

// note writes into the service's log, of which it is the guest's own share: a text of several lines takes several.
func (s *Service) note(level int, text string) {
	for line := range strings.Lines(text) {
		for bytes := []byte(strings.TrimRight(line, "\r\n")); len(bytes) > 0; {
			piece := bytes[:min(len(bytes), C.WOE_LINE_MAX)]
			C.woe_log(s.instance.c, C.uint32_t(level), bytesOf(piece), C.size_t(len(piece)))
			bytes = bytes[len(piece):]
		}
	}
}
