// Package journal keeps what must survive: tables of keys and values, changed by transactions that are whole or absent
// after a crash, written to devices where every byte and every sync counts and where files get corrupted.
//
//	j, damage, err := journal.Open(journal.Config{Dir: dir, Limit: 64 << 20})
//	go j.Run(ctx)
//	var t journal.Tx
//	t.Put("state/temperature", "sum", value)
//	t.Delete("spool/temperature", "0007")
//	err = j.Commit(&t) // it is on the disk
//
// A journal is a log: segments (files) to whose last one transactions are appended, and an index in memory of where the
// latest value of each key lies. Nothing is written twice until cleaning moves what is live out of the oldest segment.
// Transactions that wait while a sync is under way are written together, with one sync. Values stay on disk; the index takes
// some 60 bytes of memory for a record, and its key.
//
// # The format, version 1
//
// Numbers are little-endian, sums are CRC-32C. A segment's name holds its number and a random salt; they and the format
// version are the seed of the sums of its frames, so that no value, whoever chose it, can pass for a frame.
//
//	segment  header, frame…, zeros where it is the newest: it is allocated in advance
//	header   magic 8, format version 4, length of the segment before 4, sum 4
//	frame    magic 4, length of the payload 4, start of the batch 4, sum of the payload 4, sum of this and of the offset 4, payload
//	payload  record…
//	record   kind 1, table, key, of a put the value (each with its length before it, as uvarint), sum 4
//
// A frame is a transaction; a batch is what was written with one sync. All before the start of the batch in a frame was
// synced when the frame was written, and so is all in a segment that has a successor: so what a crash cut off can be told
// from what was damaged. A damaged place is filled by a frame with another magic, which is skipped.
//
// # Concurrency
//
// Submit, Commit, Get, Keys, Tables and Usage may be called from any goroutine. Run is called once; all writing is done in
// its caller's goroutine, and so are the calls of done, which must not block. No other goroutine is started. A Tx belongs to
// one goroutine until it is submitted, and to the journal until it is done.
package journal
