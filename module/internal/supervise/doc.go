// Package supervise runs signals: each has a runner with a goroutine, an inbox, and an instance of its guest or a service.
//
//	         Apply ok                  call ends badly twice
//	unknown ──────────→ running ─────────────────────────────→ backoff
//	   │                   ↑  ↑                                  ↑│
//	   ├───────────────────│──│── first start ends badly ────────┘│
//	   │ cannot start      │  └──────── wait is over ─────────────┤
//	   ↓                   │                                      │ too often, or restartPolicy never
//	failed ────────────────┤ Apply ok                             ↓
//	                       └───────────────────────────── quarantined, failed
//
// A message whose call ends badly gets one more try on a fresh instance, and then goes to the dead letters. No input waits
// for a signal that does not run: what comes while it is being started or backs off waits in its spool, and what comes when
// it is failed or quarantined goes to the dead letters. One that is slow is served from its spool too.
//
// A service is a guest that runs on its own. Its runner gives it a share when it asks for one, and sends what it writes.
// When it ends badly the runner backs off at once; when it ends well restartPolicy decides, and where that does not start
// it again the signal is stopped, and what comes goes to the dead letters.
//
// New work takes over between two messages. If it cannot, because the guest refuses its settings or a new version does
// not start, the old work goes on: the same instance, or, where the settings killed that, a fresh one with the old.
//
// A new version of a guest is on probation, which its signals share: if it is to blame for the end of a call, all of them do
// again what they did before, from the state of then. A candidate beside a guest, its shadow, is given each call once that is
// settled, and compared.
//
// # Concurrency
//
// Supervisor's methods may be called from any goroutine; Apply and Remove are meant for one, the reconciler's. A
// runner's goroutine alone touches its instance; it ends when the signal is removed or Run's context ends, and Run waits
// for all of them. A service runs on one more goroutine, which the runner awaits; what its streams carry is handed to the
// runner's through a channel without room. A candidate has a goroutine too, and a queue of 64 calls before it; what does not
// fit is skipped and counted. The runner awaits it.
package supervise
