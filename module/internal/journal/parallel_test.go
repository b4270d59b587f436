package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// TestManyUseAJournalAtTheSameTime reads while others commit and while cleaning moves what is read.
func TestManyUseAJournalAtTheSameTime(t *testing.T) {
	j := start(t, journal.Config{Limit: 1 << 20, SegmentBytes: 8 << 10})
	var all sync.WaitGroup
	for table := range 4 {
		all.Go(func() { useTable(t, j.Journal, fmt.Sprint(table)) })
	}
	all.Wait()
	assert.Len(t, j.Tables(""), 4)
}

// useTable counts up in the keys of a table, and never reads less than it has committed.
func useTable(t *testing.T, j *journal.Journal, table string) {
	for i := range 1000 {
		var tx journal.Tx
		key := fmt.Sprint(i % 10)
		tx.Put(table, key, fmt.Appendf(nil, "%0200d", i))
		if !assert.NoError(t, j.Commit(&tx)) {
			return
		}
		for back := range min(i, 10) {
			value, err := j.Get(table, fmt.Sprint((i-back)%10))
			if !assert.NoError(t, err) || !assert.Equal(t, fmt.Sprintf("%0200d", i-back), string(value)) {
				return
			}
		}
		j.Keys(table)
		j.Usage()
	}
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "write" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killed is how the journal of a process that gets killed is opened.
func killed(dir string) journal.Config {
	return journal.Config{Dir: dir, Limit: 1 << 20, SegmentBytes: 16 << 10}
}

// writeUntilKilled counts up in two keys at once, and prints what was committed.
func writeUntilKilled(dir string) error {
	j, damage, err := journal.Open(killed(dir))
	if err != nil || len(damage) > 0 {
		return fmt.Errorf("open: %w, %v", err, damage)
	}
	go j.Run(context.Background())
	next := 0
	if value, err := j.Get("t", "first"); err == nil {
		if next, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
			return err
		}
	} else if !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	for {
		next++
		var tx journal.Tx
		tx.Put("t", "first", fmt.Appendf(nil, "%100d", next))
		tx.Put("u", "second", fmt.Appendf(nil, "%400d", next))
		if err := j.Commit(&tx); err != nil {
			return err
		}
		fmt.Println(next)
	}
}

func TestAProcessThatIsKilledLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	last := 0
	for range 15 {
		acknowledged := writeAndKill(t, dir, last)
		j := start(t, killed(dir))
		first, second := number(t, j, "t", "first"), number(t, j, "u", "second")
		j.stop()
		require.Equal(t, first, second, "a transaction is whole or absent")
		require.Contains(t, []int{acknowledged, acknowledged + 1}, first)
		last = first
	}
	t.Logf("%d transactions", last)
}

func number(t *testing.T, j running, table, key string) int {
	n, err := strconv.Atoi(strings.TrimSpace(j.value(t, table, key)))
	require.NoError(t, err)
	return n
}

// writeAndKill has a process write for a while, kills it, and returns the last number that it has printed.
func writeAndKill(t *testing.T, dir string, last int) int {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "write", dir)
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(output)
	require.True(t, lines.Scan(), "%s", &complaints)
	stop := time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { _ = command.Process.Kill() })
	defer stop.Stop()
	for more := true; more; more = lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		require.Equal(t, last+1, n)
		last = n
	}
	_, _ = io.Copy(io.Discard, output)
	assert.ErrorContains(t, command.Wait(), "killed", "%s", &complaints)
	return last
}
