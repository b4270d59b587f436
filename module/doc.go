// Package module is the vocabulary of Wasm-on-Edge: the messages, names, specifications and errors that the other
// packages speak to each other in. It uses the standard library only, holds no state and starts nothing.
//
// # The flow of data
//
//	edgeHub ──input──→ edgehub.Client ──→ pipeline: table ──→ dispatcher ──→ supervise: a signal's queue
//	   ↑                    │                 ↑                                       │
//	   │                    │                 │ finished                     signals: sample
//	   │                 PUBACK, last,        │                                       │
//	   │                 in order of arrival ←┘                              wasm: the guest's instance
//	   │                                      ↑                                       │ verdict, emitted
//	   └─────output──── edgehub.Client ←── pipeline: outbox ←─────────────────────────┘
//
// # The flow of control
//
//	twin desired → edgehub → reconcile: watcher → twin.Parse → resolve (artifact) → Plan → execute (wasm compiles)
//	                                                                                    │
//	twin reported ← edgehub ← reconcile: reporter ← supervise: states ← supervise ←─────┘
//
// # The packages
//
//	module              this one: the words
//	edgehub             the client for edgeHub; public, and of use to any module written in Go
//	internal/app        puts the parts together and stops them in order
//	internal/pipeline   inputs in flight, shares, results, acknowledgements, dead letters
//	internal/supervise  the runners of signals: restart, backoff, quarantine, timers, state
//	internal/trial      runs messages through a signal beside the module, with nothing sent and nothing kept
//	internal/methods    the direct methods
//	internal/desk       runs guests at a desk: a message, a recording, a test file
//	internal/signals    pure: what the host does to a message before a guest sees it
//	internal/document   pure: JSON, read once for many readers
//	internal/wasm       the only one with C: engines, guests, instances, their limits
//	internal/reconcile  the twin's desired properties against what runs; reported
//	internal/twin       pure: desired documents in, findings and reported documents out
//	internal/egress     what a guest may reach over HTTP
//	internal/artifact   where guest binaries come from
//	internal/trust      pure: public keys, and what they have signed
//	internal/policy     pure: what the twin may ask for on a device
//	internal/store      what survives a restart
//	internal/journal    tables that survive a crash: state, spools, the outbox
//	internal/observe    the log, health, and what a crash leaves behind
//	internal/metrics    what all of it counts, as Prometheus reads it
//	internal/query      pure: the language of edgeHub's routes, with conditions
//	internal/manifest   pure: deployment manifests and their routes
//	internal/publishednodes  pure: OPC Publisher's configuration in, signals out
//	internal/check      pure: what is wrong with a twin or a deployment
//	internal/replay     pure: dead letters, from captures and from the folder
//	internal/sim        a simulated Edge Hub, workload API and sensor
//	internal/portal     the simulator's web page
//	internal/bench      measures all that on the machine at hand
//	cmd/wasm-on-edge    the command
//	conformance         checks against programs that were not written here
//	conformance/chaos   a campaign of faults, in which every message is accounted for
//
// Which of them may import which is a table in structure_test.go.
//
// # Concurrency
//
// Everything here is plain values: they may be used from any goroutine that nobody else changes them in.
package module
