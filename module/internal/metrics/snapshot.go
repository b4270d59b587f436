package metrics

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Snapshot is what the parts of the module have counted so far, and hold now.
type Snapshot struct {
	Pipeline pipeline.Counts
	Stored   map[module.SignalName]pipeline.Stored

	Signals  map[module.SignalName]supervise.State
	Removed  map[module.GuestName]supervise.Counts // of signals that are gone
	Times    map[module.GuestName]supervise.Times
	Measured map[module.GuestName]supervise.Measured

	Twin         Twin
	Storage      Storage
	Code         Code
	Downloads    Downloads
	ClockSuspect bool
}

// Twin is what became of the desired properties.
type Twin struct {
	Version int64 // of the last desired document that was looked at
	Status  int   // lastDesiredStatus.code; 0 before the first

	RolledBack int // signals of guests whose desired version failed on probation
}

// Storage is what is kept on the device, in bytes.
type Storage struct {
	Journal, JournalLive int64 // on disk, and what counts of it
	Lost                 int64 // records that could not be read any more
	Used, Limit          int64 // of the directory as a whole; 0 without one
	Writable             bool
}

// Code is what compiled guests are and take.
type Code struct {
	Cached, Compiled, Refused int64 // guests: from the cache, compiled, not to be compiled
	Compiling                 time.Duration
	CacheBytes                int64
	Instances                 int
	Memory, MemoryLimit       int64 // bytes, of the limits of all instances
}

// Downloads are those of guests and of files of signals.
type Downloads struct {
	Done, Refused, Failures, Bytes int64 // Failures: attempts that are followed by another
	Busy                           time.Duration
	Running                        int64
}

var (
	buildInfo = gauge("build_info", "1; what runs is in the labels.", "version", "wasmtime", "architecture")

	inputs            = counter("inputs_total", "Messages that edgeHub delivered to inputs, those left out that it delivered again.")
	inputsRedelivered = counter("inputs_redelivered_total", "Messages that edgeHub delivered again while they were at work.")
	inputsInFlight    = gauge("inputs_in_flight", "Messages that are not acknowledged to edgeHub yet.")
	inputsDropped     = counter("inputs_dropped_total", "Messages that no signal took, and that were dropped as the twin says.")
	deadLetters       = counter("dead_letters_total", "Messages that went to the dead letters, by reason.", "reason")
	deadLettersSent   = counter("dead_letters_sent_total", "Dead letters for edgeHub; the others are in the folder on the device.")
	outboxMessages    = gauge("outbox_messages", "Results that wait for edgeHub.")
	outboxBytes       = gauge("outbox_bytes", "Bytes of results that wait for edgeHub.")
	outboxLimit       = gauge("outbox_limit_bytes", "Bytes of results that may wait: outboxMiB of the twin.")
	outboxDropped     = counter("outbox_dropped_total", "Results that were given up for want of room, as outboxFull of the twin says.")
	groupSamples      = gauge("publish_group_samples", "Samples that wait in publish groups.")
	groupDiscarded    = counter("publish_group_samples_discarded_total", "Samples that their queue in a publish group had no room for.")
	groupBytes        = gauge("publish_group_bytes", "Bytes that those samples will take in messages.")
	groupMessages     = counter("publish_group_messages_total", "Messages that publish groups came to.")
	groupSent         = counter("publish_group_samples_sent_total", "Samples in those messages.")
	signalsByStatus   = gauge("signals", "Signals by runtimeStatus.", "status")

	twinVersion = gauge("twin_desired_version", "Version of the desired properties that was looked at last.")
	twinStatus  = gauge("twin_status_code", "Code of lastDesiredStatus: 200 where all of the desired properties are at work.")
	rolledBack  = gauge("signals_rolled_back", "Signals of guests whose desired version failed on probation: they do what they did before.")
	suspect     = gauge("clock_suspect", "Whether the wall clock is not to be believed.")

	journalDisk     = gauge("journal_bytes", "Bytes that the journal takes of the disk.")
	journalLive     = gauge("journal_live_bytes", "Bytes of records in the journal that count.")
	journalLost     = counter("journal_records_lost_total", "Records that could not be read any more.")
	storageUsed     = gauge("storage_bytes", "Bytes that the storage directory takes.")
	storageLimit    = gauge("storage_limit_bytes", "Bytes that the storage directory may take.")
	storageWritable = gauge("storage_writable", "Whether what is to be kept can be stored.")

	codeGuests       = counter("code_guests_total", "Guests by where their machine code came from: cache or compiler; or refused.", "result")
	codeSeconds      = counter("code_compile_seconds_total", "Time that compilers took.")
	codeCache        = gauge("code_cache_bytes", "Bytes of machine code in the cache.")
	downloads        = counter("downloads_total", "Downloads that ended, by whether what came was taken.", "result")
	downloadFailures = counter("download_failures_total", "Attempts of downloads that failed, and are followed by another.")
	downloadBytes    = counter("download_bytes_total", "Bytes that were downloaded, also in vain.")
	downloadSeconds  = counter("download_seconds_total", "Time that attempts of downloads took, waits between them left out.")
	downloadsRunning = gauge("downloads_running", "Downloads that have not ended, also such that wait for another attempt.")

	instances       = gauge("instances", "Instances of guests.")
	instancesMemory = gauge("instances_memory_limit_bytes", "Bytes that the memory limits of all instances come to.")
	instancesRoom   = gauge("instances_memory_room_bytes", "Bytes that the memory limits of all instances may come to.")
)

// statuses are all that a signal can have.
var statuses = [...]module.RuntimeStatus{module.Unknown, module.Running, module.Backoff, module.Failed, module.Quarantined, module.Stopped}

func (s *Snapshot) collect(ch chan<- prometheus.Metric) {
	s.collectPipeline(ch)
	s.collectStatuses(ch)
	twinVersion.send(ch, number(s.Twin.Version))
	twinStatus.send(ch, number(s.Twin.Status))
	rolledBack.send(ch, number(s.Twin.RolledBack))
	suspect.send(ch, truth(s.ClockSuspect))
	s.Storage.collect(ch)
	s.Code.collect(ch)
	s.Downloads.collect(ch)
}

func (s *Snapshot) collectPipeline(ch chan<- prometheus.Metric) {
	p := &s.Pipeline
	inputs.send(ch, number(p.Received))
	inputsRedelivered.send(ch, number(p.Redelivered))
	inputsInFlight.send(ch, number(p.InFlight))
	inputsDropped.send(ch, number(p.Dropped))
	for reason, n := range withAllReasons(p.Reasons) {
		deadLetters.send(ch, number(n), reason)
	}
	deadLettersSent.send(ch, number(p.DeadLetters))
	outboxMessages.send(ch, number(p.Outbox))
	outboxBytes.send(ch, number(p.OutboxBytes))
	outboxLimit.send(ch, number(p.OutboxLimit))
	outboxDropped.send(ch, number(p.OutboxDropped))
	groupSamples.send(ch, number(p.Gathered))
	groupBytes.send(ch, number(p.GatheredBytes))
	groupDiscarded.send(ch, number(p.Discarded))
	groupMessages.send(ch, number(p.Sealed))
	groupSent.send(ch, number(p.SealedSamples))
}

// withAllReasons adds the reasons that there was no dead letter for: an increase is seen of a series that was there before.
func withAllReasons(counted map[string]int64) map[string]int64 {
	all := make(map[string]int64)
	for _, reason := range [...]string{module.ReasonNoSignal, module.ReasonSignalNotRunning, module.ReasonStateNotKept,
		module.ReasonTooLarge, module.ReasonInvalid, module.ReasonNotJSON} {
		all[reason] = 0
	}
	for _, kind := range supervise.FailureKinds {
		all[string(kind)] = 0
	}
	maps.Copy(all, counted)
	return all
}

func (s *Snapshot) collectStatuses(ch chan<- prometheus.Metric) {
	count := make(map[module.RuntimeStatus]int, len(statuses))
	for _, state := range s.Signals {
		count[state.Status]++
	}
	for _, status := range statuses {
		signalsByStatus.send(ch, number(count[status]), string(status))
	}
}

func (s *Storage) collect(ch chan<- prometheus.Metric) {
	journalDisk.send(ch, number(s.Journal))
	journalLive.send(ch, number(s.JournalLive))
	journalLost.send(ch, number(s.Lost))
	storageUsed.send(ch, number(s.Used))
	storageLimit.send(ch, number(s.Limit))
	storageWritable.send(ch, truth(s.Writable))
}

func (c *Code) collect(ch chan<- prometheus.Metric) {
	codeGuests.send(ch, number(c.Cached), "cache")
	codeGuests.send(ch, number(c.Compiled), "compiler")
	codeGuests.send(ch, number(c.Refused), "refused")
	codeSeconds.send(ch, c.Compiling.Seconds())
	codeCache.send(ch, number(c.CacheBytes))
	instances.send(ch, number(c.Instances))
	instancesMemory.send(ch, number(c.Memory))
	instancesRoom.send(ch, number(c.MemoryLimit))
}

func (d *Downloads) collect(ch chan<- prometheus.Metric) {
	downloads.send(ch, number(d.Done), "done")
	downloads.send(ch, number(d.Refused), "refused")
	downloadFailures.send(ch, number(d.Failures))
	downloadBytes.send(ch, number(d.Bytes))
	downloadSeconds.send(ch, d.Busy.Seconds())
	downloadsRunning.send(ch, number(d.Running))
}
