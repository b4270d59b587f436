// Package reconcile makes the signals that run match the twin's desired properties, and says in reported what is.
//
//	twin GET, patches → watcher → desired document ─→ resolve → Plan → execute → last good
//	                                                              ↑        ↓
//	                                                        what runs   supervisor ─→ reporter → twin reported
//
// It is level-based: a change only wakes it, and it then compares all that is wanted with all that runs. The unit is
// the entry: what is wrong with one leaves its last good at work and does not hold up another.
//
// # Concurrency
//
// Run owns three goroutines: the watcher, which waits for twins; the applier, which alone changes what runs; and the
// reporter. Connected, Patch and Changed only wake them; they may be called from any goroutine and do not block.
package reconcile
