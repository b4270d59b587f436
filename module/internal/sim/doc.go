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
// # What survives
//
// With Config.Keep a hub keeps its identity and the modules' in a file of its directory, and sessions, twins, messages
// and counters in a journal there. Nothing is told to a client before the operating system has what it rests on, so
// that SIGKILL loses nothing that was acknowledged; a power cut may. What the modules acknowledged since the last
// checkpoint, up to ten messages for each input, they are sent again, as by edgeHub.
//
// # Faults
//
// Hub has a method for each fault, and [Hub.Fault] takes them as words; [FaultHelp] lists them. Config.Ledger accounts
// for every message.
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
// that accepts, one that keeps the state, three for each connection (read, handle publishes in order, write), one for
// each module that keeps its time, one for each workload socket, and waits for them all. A module's state (peer) has one
// lock; nothing waits for the network while it is held. Who takes several locks takes them in the order uplink, peer,
// journal, ledger. An [Observer] is called under them, one call at a time: it must not block and must not call the hub.
//
// What is full makes its producers wait: an endpoint holds Config.QueueLimit messages, as does $upstream while IoT Hub
// is away, then publishes into it are not acknowledged and [Hub.Publish] blocks; a hundred publishes wait for their turn
// on a connection, then it is not read. A module from which 65,535 answers are kept back by a fault is cut off.
package sim
