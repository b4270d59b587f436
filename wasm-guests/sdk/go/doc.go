// Package edge is the Go SDK for guests of Wasm-on-Edge: small programs that an IoT Edge gateway runs in a
// sandbox, one instance for each signal that the module's twin binds to them.
//
// A guest is a [Guest] value, handed to [Register] in an init function. This one passes the samples above a
// limit that the twin sets:
//
//	package main
//
//	import edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
//
//	type settings struct{ High float64 }
//
//	var guest = edge.Guest[settings]{Sample: func(_ *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
//		value, ok := s.Float()
//		return edge.PassIf(ok && value > set.High), nil
//	}}
//
//	func init() { edge.Register(guest) }
//	func main() {}
//
// It is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o above.wasm
//
// and tested natively, without a sandbox, by package edgetest.
//
// # Calls are transactions
//
// What a guest emits, stores and counts during a call takes effect only when its handler returns without an
// error. An error becomes the reason under which the host keeps the message as a dead letter. What a handler
// keeps in its own variables is not undone: change them last.
//
// # Concurrency
//
// The host calls an instance from one thread, one call at a time, and nothing of a guest runs between calls:
// a handler needs no locks, and a goroutine it starts makes no progress after it has returned. A [Host] and
// whatever a handler is given are valid until the handler returns.
package edge
