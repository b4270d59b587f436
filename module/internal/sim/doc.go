// Package sim is a simulated Edge Hub: what a module of an IoT Edge deployment finds around it on a device, without
// the device and without Azure. It listens for MQTT 3.1.1 over TLS, hands out identities and signs tokens through
// a workload API for each module, keeps their twins, follows the routes of the manifest, and stands in for Microsoft's
// simulated temperature sensor.
//
// It is no MQTT broker: topics are not routed between clients. A publish is a message for the routes or an operation
// on the twin, and what a client receives is addressed to it. Where MQTT and edgeHub differ it does what edgeHub does;
// the names of edgeHub's sources stand beside what was read there.
//
//	sensor ─┐                                              ┌─▶ upstream (Observer)
//	        ├─▶ route ─▶ endpoint: queues, window, backoff ─┤
//	module ─┘   │                                          └─▶ link: connection or local ─▶ module
//	  │         └ no route: acknowledged and thrown away
//	  └ $iothub/…: twin, methods
//
// # Use
//
// [New] opens the sockets, so that [Hub.Environment] and [Hub.ConnectionString] are known before anything runs, and
// [Hub.Run] serves them. [NewSensor] and [NewReplay] make the simulated sensors, which have a Run of their own.
// Desired properties are changed, methods invoked and faults made with the methods of Hub, while it runs.
//
// # Concurrency
//
// All methods of [Hub] may be called from any goroutine, also before Run and after it. Run owns every goroutine: one
// that accepts, three for each connection (read, handle publishes in order, write), one for each module that keeps its
// time, one for each workload socket, and waits for them all. A module's state (peer) has one lock; nothing waits for
// the network while it is held. An [Observer] is called under that lock, one call at a time: it must not block and must
// not call the hub.
//
// What is full makes its producers wait: an endpoint holds Config.QueueLimit messages, then publishes into it are not
// acknowledged and [Hub.Publish] blocks; a hundred publishes wait for their turn on a connection, then it is not read.
package sim
