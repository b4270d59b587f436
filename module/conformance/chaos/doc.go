// Package chaos proves that nothing is lost: it runs the real binary as a module in a process of its own against the
// simulated Edge Hub in another, feeds it numbered messages, makes faults of every kind at random moments, and in the end
// accounts for each message of each signal: it has reached $upstream, or is a dead letter with its reason.
//
// And it stops the real binary under load, measures how long that takes, and accounts for what was under way.
//
// There is nothing to import. The campaign is a test that runs for as long as CHAOS_TIME says, and is skipped without it:
//
//	make chaos TIME=1h SEED=7
//
// A seed gives the same faults in the same order; the moments at which they meet the messages are the machine's.
//
// # Concurrency
//
// The test's goroutine makes the faults. The source, the reader of what the hub prints and the waiters for the processes
// have a goroutine each, and the test waits for all of them. An account has a lock.
package chaos
