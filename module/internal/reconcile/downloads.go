package reconcile

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
)

// Artifacts finds what twins name: an [artifact.Store].
type Artifacts interface {
	// Find returns what is on this device; with artifact.ErrAbsent it must be downloaded.
	Find(artifact.Request) (artifact.Binary, error)
	// Download tries until it is there, is refused, or ctx ends.
	Download(context.Context, artifact.Request, func(artifact.Progress)) (artifact.Binary, error)
	// Need says which digests must stay on this device.
	Need(digests map[string]bool)
}

// refusalTime is how long what was refused is left alone: somebody may have put it right meanwhile.
const refusalTime = 10 * time.Minute

// downloads are what is being fetched beside the applier, which never waits for a network. Each ends by itself, or when no
// document asks for it any more; the applier then looks at its document again.
type downloads struct {
	artifacts Artifacts
	log       zerolog.Logger
	progress  func()        // something new is to be told
	ended     chan struct{} // capacity 1: some download came to an end

	running sync.WaitGroup

	// The applier's alone.
	jobs   map[artifact.Request]*download
	jitter time.Duration
}

// download is one of them.
type download struct {
	asked  bool // for, since the last sweep
	cancel context.CancelFunc

	mu      sync.Mutex // guards what follows
	text    string     // how it goes
	ended   time.Time  // zero while it runs
	refused error      // why it will not come
}

func newDownloads(artifacts Artifacts, log zerolog.Logger, progress func()) *downloads {
	return &downloads{artifacts: artifacts, log: log, progress: progress, ended: make(chan struct{}, 1), jobs: make(map[artifact.Request]*download)}
}

// find returns what is there, or the download that it waits for, which is begun where there is none. The downloads end with
// ctx at the latest.
func (d *downloads) find(ctx context.Context, r artifact.Request) (artifact.Binary, *download, error) {
	binary, err := d.artifacts.Find(r)
	if !errors.Is(err, artifact.ErrAbsent) {
		return binary, nil, err
	}
	job := d.jobs[r]
	if job == nil || job.over() {
		job = d.begin(ctx, r)
	}
	job.asked = true
	if err := job.refusal(); err != nil {
		return artifact.Binary{}, nil, err
	}
	return artifact.Binary{}, job, nil
}

// over reports whether a download may begin anew: it succeeded, and what it brought is gone, or was refused long ago.
func (j *download) over() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.ended.IsZero() && (j.refused == nil || time.Since(j.ended) > refusalTime)
}

func (j *download) refusal() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused
}

// String says how it goes.
func (j *download) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text
}

func (d *downloads) begin(ctx context.Context, r artifact.Request) *download {
	ctx, cancel := context.WithCancel(ctx)
	job := &download{cancel: cancel, text: "waiting to download"}
	d.jobs[r] = job
	wait := time.Duration(0)
	if d.jitter > 0 {
		wait = rand.N(d.jitter)
	}
	d.running.Go(func() {
		defer cancel()
		sleep(ctx, wait)
		_, err := d.artifacts.Download(ctx, r, func(p artifact.Progress) { d.tell(r, job, p) })
		if ctx.Err() != nil {
			return // nobody asks for it
		}
		job.mu.Lock()
		job.ended, job.refused, job.text = time.Now(), err, "downloaded"
		job.mu.Unlock()
		if err == nil {
			d.log.Info().Str("source", r.Source).Str("digest", r.Digest).Msg("downloaded")
		}
		wake(d.ended)
	})
	return job
}

// tell notes how a download goes.
func (d *downloads) tell(r artifact.Request, job *download, p artifact.Progress) {
	text := p.String()
	job.mu.Lock()
	job.text = text
	job.mu.Unlock()
	event := d.log.Info()
	if p.Err != nil {
		event = d.log.Warn()
	}
	event.Str("source", r.Source).Int64("bytes", p.Done).Msg(text)
	d.progress()
}

// sweep ends the downloads that were not asked for since the last time.
func (d *downloads) sweep() {
	for r, job := range d.jobs {
		if !job.asked {
			job.cancel()
			delete(d.jobs, r)
		}
		job.asked = false
	}
}

// wait returns when all have ended, after their context has.
func (d *downloads) wait() { d.running.Wait() }
