// Package pipeline carries messages from edgeHub's inputs through signals to edgeHub's outputs and loses none.
//
//	edgeHub input → table (in flight) → dispatcher → signal → outbox → edgeHub output
//	                 ↑                                                        │
//	                 └──────────── acknowledgement, in order of arrival ──────┘
//
// An input is acknowledged when every signal's share of it is finished, and a share when edgeHub has acknowledged all
// that came of it: results, or the dead letter that stands for them. A copy that edgeHub delivers again is attached to
// its input, never run again. The steps and the numbers in comments are those of the guarantee in the README.
//
// # Concurrency
//
// Deliver is called from the edgeHub client's reader and does not block. Dispatch and SendResults run each on a goroutine
// of their caller's. Consumers (the signals' runners) take shares on the dispatcher's goroutine, or on that of the signal whose
// output they read, and may block it: that is the back-pressure which keeps everything here bounded. A [Share] belongs
// to one goroutine at a time.
package pipeline
