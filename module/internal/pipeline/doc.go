// Package pipeline carries messages from edgeHub's inputs through signals to edgeHub's outputs and loses none.
//
//	edgeHub input → table (in flight) → dispatcher → signal → outbox → edgeHub output
//	                 ↑                              ↑ │       │  │            │
//	                 │                              spool     journal         │
//	                 └──────────── acknowledgement, in order of arrival ──────┘
//
// An input is acknowledged when every signal's share of it is finished, and a share when all that came of it is: results,
// or the dead letter that stands for them, which edgeHub has acknowledged or the journal has. A copy that edgeHub delivers
// again is attached to its input, never run again. The steps and the numbers in comments are those of the guarantee in the
// README.
//
// While all goes well nothing touches the disk. Three things do: a call that changed its guest's state, whose results are
// stored with it in one transaction ([Kept.Settle]); results that wait for edgeHub longer than an input may (the outbox
// stores them); and shares that their signal cannot take ([Spool]).
//
// # Concurrency
//
// Deliver is called from the edgeHub client's reader and does not block. Dispatch and SendResults run each on a goroutine
// of their caller's. Consumers (the signals' runners) take shares on the dispatcher's goroutine, or on that of the signal whose
// output they read, and may block it: that is the back-pressure which keeps everything here bounded. A [Share] and a
// [Kept] belong to one goroutine at a time, a [Spool] may be used from any. What the journal calls back with never waits
// for the journal.
package pipeline
