package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

const (
	retryMin     = 5 * time.Second // after a failure; doubles
	retryMax     = 5 * time.Minute
	stallTime    = 30 * time.Second // without a byte
	transferTime = 15 * time.Minute // of one attempt; the next goes on where it ended
)

var (
	errStalled = fmt.Errorf("nothing came for %v", stallTime)
	errTooLong = fmt.Errorf("it takes longer than %v", transferTime)
)

// Progress is how a download goes.
type Progress struct {
	Done, Total int64 // bytes; Total is 0 where it is not known
	Err         error // of the last attempt; nil: it goes on
	Retry       time.Duration
}

// String returns it in words for the operator.
func (p Progress) String() string {
	switch {
	case p.Err != nil:
		return fmt.Sprintf("download failed: %v; again in %v", p.Err, p.Retry.Round(time.Second))
	case p.Total > 0:
		return fmt.Sprintf("downloading %d %%", p.Done*100/p.Total)
	}
	return "downloading"
}

// Download gets something from where it is and keeps it. It tries until that succeeds, is refused, or ctx ends, and tells
// progress how it goes: at the beginning, at each tenth, and after a failure.
func (s *Store) Download(ctx context.Context, r Request, progress func(Progress)) (Binary, error) {
	var p partial
	s.stats.running.Add(1)
	defer s.stats.running.Add(-1)
	wait := retryMin
	for {
		had := len(p.bytes)
		b, err := s.attempt(ctx, r, &p, progress)
		if err == nil {
			return b, nil
		}
		err = fmt.Errorf("fetch %q: %w", r.Source, err)
		if ctx.Err() != nil || Refused(err) {
			return Binary{}, err
		}
		if len(p.bytes) > had {
			wait = retryMin // it gets on
		}
		jittered := wait - rand.N(wait/4)
		progress(Progress{Err: err, Retry: jittered})
		select {
		case <-ctx.Done():
			return Binary{}, err
		case <-time.After(jittered):
		}
		wait = min(2*wait, retryMax)
	}
}

// attempt is one transfer, once there is a slot for it.
func (s *Store) attempt(ctx context.Context, r Request, p *partial, progress func(Progress)) (Binary, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Binary{}, ctx.Err()
	}
	p.tell, p.came = progress, 0
	since := time.Now()
	b, err := s.transfer(ctx, r, p)
	s.stats.ended(ctx, since, p.came, err)
	return b, err
}

// transfer is an attempt within its bounds of time.
func (s *Store) transfer(ctx context.Context, r Request, p *partial) (Binary, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, transferTime, errTooLong)
	defer cancel()
	ctx, stall := context.WithCancelCause(ctx)
	defer stall(nil)
	p.alive = time.AfterFunc(stallTime, func() { stall(errStalled) })
	defer p.alive.Stop()
	b, err := s.get(ctx, r, p)
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errStalled) || errors.Is(cause, errTooLong)) {
		return Binary{}, cause
	}
	return b, err
}

// get transfers what is missing, checks it and keeps it.
func (s *Store) get(ctx context.Context, r Request, p *partial) (Binary, error) {
	if r.Digest == "" {
		return Binary{}, refuse("a remote source needs a digest")
	}
	there, err := s.open(ctx, r)
	if err != nil {
		return Binary{}, err
	}
	defer there.close()
	p.told(0)
	if err := there.content(ctx, p); err != nil {
		return Binary{}, err
	}
	if digest := Digest(p.bytes); digest != r.Digest {
		resumed := p.resumed
		p.reset()
		if resumed {
			return Binary{}, errors.New("its pieces do not fit together")
		}
		return Binary{}, mismatch(r.Digest, digest)
	}
	var proofs []trust.Proof
	b, err := s.vouched(r, p.bytes, func() (found []trust.Proof, err error) {
		p.alive.Reset(stallTime)
		proofs, err = there.proofs(ctx)
		return proofs, err
	})
	if err != nil {
		return Binary{}, err
	}
	s.cache.keep(b.Digest, kept{b.Bytes, proofs})
	return b, nil
}

// place is where something lies, for the length of an attempt.
type place interface {
	content(ctx context.Context, p *partial) error     // adds what is missing
	proofs(ctx context.Context) ([]trust.Proof, error) // the signatures that lie beside it
	close()
}

func (s *Store) open(ctx context.Context, r Request) (place, error) {
	switch {
	case strings.HasPrefix(r.Source, "https://"):
		return s.openWeb(ctx, r)
	case strings.HasPrefix(r.Source, "oci://"):
		return s.openRegistry(ctx, r)
	}
	return nil, refuse("it is neither https nor oci")
}

// partial is what has come so far.
type partial struct {
	bytes     []byte
	validator string // of the server, for the rest of the same content; "": it begins anew
	total     int64
	resumed   bool
	came      int64       // of the attempt at hand
	alive     *time.Timer // ends an attempt that stands still
	tell      func(Progress)
	tenth     int64 // told last
}

func (p *partial) reset() { p.bytes, p.validator, p.resumed = nil, "", false }

// take adds what a reader has, total bytes with what is there where that is known. More than a binary may have is refused.
func (p *partial) take(r io.Reader, total int64) error {
	if total > maxBinary {
		return errTooLarge()
	}
	p.total = total
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.Read(buffer)
		if len(p.bytes)+n > maxBinary {
			return errTooLarge()
		}
		p.bytes = append(p.bytes, buffer[:n]...)
		p.came += int64(n)
		if n > 0 {
			p.alive.Reset(stallTime)
			p.told(int64(len(p.bytes)))
		}
		switch {
		case errors.Is(err, io.EOF) && total > 0 && int64(len(p.bytes)) < total:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// told tells of each tenth once, and of the beginning.
func (p *partial) told(done int64) {
	tenth := int64(0)
	if p.total > 0 {
		tenth = done * 10 / p.total
	}
	if done == 0 || tenth != p.tenth {
		p.tenth = tenth
		p.tell(Progress{Done: done, Total: p.total})
	}
}
