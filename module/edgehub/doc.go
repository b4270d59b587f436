// Package edgehub is a client for modules of Azure IoT Edge: it connects a module to its edgeHub and gives
// it inputs, outputs, the module twin and direct methods. It needs no SDK; it speaks MQTT 3.1.1 over TLS as
// edgeHub understands it, with an identity from the workload API or from a connection string.
//
//	id, err := edgehub.IdentityFromEnvironment(os.Getenv)
//	…
//	client, err := edgehub.New(edgehub.Config{
//		Identity: id,
//		OnInput:  func(in *edgehub.Input) error { inputs <- in; return nil },
//	})
//	…
//	go client.Run(ctx)
//
// Inputs are delivered at least once and in order. Config.OnInput takes them; Input.Ack acknowledges one, when
// all that came of it is safe, in any order and from any goroutine. What is not acknowledged in 30 s, or before
// the connection ends, comes again. edgeHub sends a module one message at a time, over all its inputs, and
// waits for the acknowledgement: the time until Ack is the throughput.
//
// Outputs are sent with Publish, which tells later whether edgeHub has stored the message, or Send, which
// waits for that. The client never repeats a message by itself: a publish ends by its acknowledgement or by
// the loss of its connection, and the caller, who knows whether the message still matters, sends it again. Give
// messages a "$.mid" that stays the same, so that receivers can tell a repetition. What edgeHub would punish by
// closing the connection, or throw away without a word, is refused before it is sent.
//
// The twin is asked for with Twin, after each Connected event, since edgeHub keeps no patches for a module that is
// not connected; Config.OnDesired takes the patches between. Report sends reported properties.
//
// Topics, property bags, user names and tokens have builders and parsers for both sides, for those who write
// a simulator or a test.
//
// # Connections
//
// Run keeps one connection. A lost one is replaced after a wait of 1 to 60 s. A token is good for an hour; before it
// expires a new connection with a fresh token takes over from the old one, because MQTT 3.1.1 cannot renew a
// token in place. For a moment inputs may come over both, Input.Connection tells them apart; publishes wait for the
// new one.
//
// # Concurrency
//
// All methods of Client but Run, and Input.Ack, may be called from any goroutine at any time. Run is called once at a
// time and returns when everything it started has stopped. Config.OnInput, Config.OnDesired and the done functions
// of Publish are called one at a time, by the goroutine that reads the connection; they must not block, or
// nothing is read: hand over to a goroutine of your own. They may call Input.Ack, but not Send, Twin or Report, and
// Publish only where less than Config.MaxUnacked publishes are outstanding and no renewal can be under way, in short:
// not at all. Config.OnMethod has a goroutine for each call. Config.OnEvent is called one at a time, by Run's
// goroutine or the reader's.
//
// Messages handed to Publish are copied before it returns; those handed to callbacks belong to the callee.
//
// Sources: facts of edgeHub are cited by file, from github.com/Azure/iotedge (edge-hub/core/src), PG for
// github.com/Azure/azure-iot-protocol-gateway.
package edgehub
