package app

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// healthTest runs a test with the health of a journal that ends transactions with *err.
func healthTest(t *testing.T, test func(t *testing.T, h *health, commit func(error), log *bytes.Buffer)) {
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		h := &health{log: zerolog.New(log), normal: "persistent", changed: func() {}}
		commit := func(err error) {
			watched{failing{err: err}, h.note}.Submit(&journal.Tx{}, func(got error) { assert.Equal(t, err, got) })
		}
		test(t, h, commit, log)
	})
}

// failing is a journal on a disk that answers all with an error, or with none.
type failing struct {
	pipeline.Journal
	err error
}

func (f failing) Submit(_ *journal.Tx, done func(error)) { done(f.err) }

func TestAJournalThatCannotBeWrittenIsReportedWithWhatToDo(t *testing.T) {
	for want, err := range map[string]error{
		"degraded: the disk reports errors; ":                      fmt.Errorf("sync segment: %w", syscall.EIO),
		"degraded: the file system is read-only":                   fmt.Errorf("create segment: %w", syscall.EROFS),
		"degraded: the directory of the journal is gone; ":         fmt.Errorf("create segment: %w", syscall.ENOENT),
		"degraded: it cannot be written: gremlins":                 errors.New("gremlins"),
		"full: the disk has no room; ":                             fmt.Errorf("%w: %w", journal.ErrFull, syscall.ENOSPC),
		"full: what is stored comes to WASM_ON_EDGE_STORAGE_MIB; ": journal.ErrFull,
	} {
		healthTest(t, func(t *testing.T, h *health, commit func(error), log *bytes.Buffer) {
			commit(nil)
			assert.Equal(t, "persistent", h.String())
			commit(err)
			commit(err)
			assert.True(t, strings.HasPrefix(h.String(), want), h.String())
			assert.Equal(t, 1, strings.Count(log.String(), "\n"), "said once")
		})
	}
}

func TestAJournalIsWellAgainWhenItHasRefusedNothingForAWhile(t *testing.T) {
	healthTest(t, func(t *testing.T, h *health, commit func(error), log *bytes.Buffer) {
		commit(syscall.EIO)
		commit(nil)
		assert.Contains(t, h.String(), "degraded")
		time.Sleep(calm)
		commit(journal.ErrClosed)
		assert.Contains(t, h.String(), "degraded")
		commit(nil)
		assert.Equal(t, "persistent", h.String())
		assert.Contains(t, log.String(), "the storage can be written again")
	})
}

func TestErrorsOfTheDiskDoNotFloodTheLog(t *testing.T) {
	healthTest(t, func(t *testing.T, h *health, _ func(error), log *bytes.Buffer) {
		for range 100 {
			h.onError(errors.New("store result"))
		}
		assert.Equal(t, 1, strings.Count(log.String(), "store result"))
		time.Sleep(errorPeriod)
		h.onError(errors.New("store result"))
		assert.Contains(t, log.String(), `"unsaid":99`)
	})
}
