package wasm

/*
#include "host.h"
*/
import "C" // what C is handed is on the heap (no #cgo noescape): a host function in Go may move the stack

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Instance is one running guest: a memory, a state and limits of its own.
type Instance struct {
	guest  *Guest
	signal module.SignalName
	limits module.Limits
	c      *C.woe_instance
	dead   bool
	room   room
	slot   int        // that the call at hand has, or the last one had
	files  *directory // nil: none
	http   *outward   // nil: its guest sends no requests
	serves bool       // it is a service's

	env map[string]string // of a program, as it was granted

	properties []byte // scratch: a message's properties as C reads them
	effects    effects
}

// Message hands a message to the guest and returns its verdict. An error is a *module.GuestError; one of kind failed
// comes with a negative verdict and leaves the instance usable.
func (i *Instance) Message(m module.Message) (module.Verdict, error) {
	if err := i.begin(i.guest.abi.message); err != nil {
		return 0, err
	}
	i.encodeProperties(m.Properties)
	i.enter()
	end := C.woe_message(i.c, bytesOf(m.Body), C.size_t(len(m.Body)), bytesOf(i.properties), C.size_t(len(i.properties)),
		C.int64_t(i.limits.Deadline))
	i.leave()
	return i.verdict(i.guest.abi.message, end)
}

// Tick calls the guest's timer, with the properties of the tick, as Message does with a message. The guest must have one
// ([Guest.HasTimer]).
func (i *Instance) Tick(properties module.Properties) (module.Verdict, error) {
	if err := i.begin(i.guest.abi.timer); err != nil {
		return 0, err
	}
	i.encodeProperties(properties)
	i.enter()
	end := C.woe_timer(i.c, bytesOf(i.properties), C.size_t(len(i.properties)), C.int64_t(i.limits.Deadline))
	i.leave()
	return i.verdict(i.guest.abi.timer, end)
}

// Configure gives the guest its settings: the JSON document {"signal","partition","settings"}. A guest that has no
// edge_configure accepts everything; a program finds its settings in the environment of its next run. An error of kind refused says why; the guest then keeps its old settings.
func (i *Instance) Configure(document []byte) error {
	if err := i.begin("configure"); err != nil {
		return err
	}
	if i.guest.abi.program {
		return i.configureProgram(document)
	}
	i.enter()
	end := C.woe_configure(i.c, bytesOf(document), C.size_t(len(document)), C.int64_t(startDeadline(i.limits)))
	i.leave()
	verdict, err := i.verdict("configure", end)
	if verdict < 0 {
		e := i.newError("configure", module.KindRefused, i.reason())
		e.Hint = "correct the settings of the signal or the guest"
		return e
	}
	return err
}

// Dead reports whether a call ended so badly that the instance cannot be called again.
func (i *Instance) Dead() bool { return i.dead }

// Took returns how long the last call took by the clock, from when it had its slot; the first one is the start. 0 after
// Close.
func (i *Instance) Took() time.Duration {
	if i.c == nil {
		return 0
	}
	return time.Duration(i.c.took_ns)
}

// Memory returns the size of the guest's linear memory after the last call, in bytes, and of
// a program at the end of its last run. 0 after Close.
func (i *Instance) Memory() int64 {
	if i.c == nil {
		return 0
	}
	return int64(i.c.memory_bytes)
}

// Close frees the instance and all that its guest held. What the last call left behind is gone with it.
func (i *Instance) Close() {
	if i.c != nil {
		i.effects.reset()
		i.closeHTTP()
		C.woe_instance_delete(i.c)
		if i.files != nil {
			i.guest.host.directories.giveBack(i.files)
		}
		i.guest.host.admission.giveBack(i.room)
		i.c, i.dead = nil, true
	}
}

// begin lets go of what the last call left behind, before C writes over it.
func (i *Instance) begin(op string) error {
	i.effects.reset()
	if i.http != nil && i.guest.abi.program { // what a run left open is no other run's
		i.http.responses.CloseAll()
	}
	if i.dead {
		return &module.GuestError{Guest: i.guest.name, Signal: i.signal, Op: op, Kind: module.KindHost, Message: "the instance has ended"}
	}
	return nil
}

func (i *Instance) enter() { i.slot = i.guest.host.enter(i.slot) }
func (i *Instance) leave() { i.guest.host.leave(i.slot) }

// verdict turns the end of a call into what the guest said, or into an error.
func (i *Instance) verdict(op string, end C.woe_end) (module.Verdict, error) {
	if err := i.failure(op, end); err != nil {
		return 0, err
	}
	switch verdict := module.Verdict(i.c.verdict); {
	case verdict < 0:
		return verdict, i.newError(op, module.KindFailed, i.reason())
	case verdict > module.Done:
		e := i.newError(op, module.KindABI, fmt.Sprintf("the verdict %d is not one: 0 drop, 1 pass, 2 done, negative failed", verdict))
		i.dead = true
		return 0, e
	default:
		return verdict, nil
	}
}

// encodeProperties writes properties as C reads them: for each two lengths, then name and value.
func (i *Instance) encodeProperties(properties module.Properties) {
	b := i.properties[:0]
	for _, p := range properties {
		b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Name)))
		b = binary.NativeEndian.AppendUint32(b, uint32(len(p.Value)))
		b = append(append(b, p.Name...), p.Value...)
	}
	i.properties = b
}
