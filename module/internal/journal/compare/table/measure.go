package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// keyCount is how many keys commits set in turn.
const keyCount = 1000

var value = make([]byte, 300)

func key(n int) string { return fmt.Sprintf("%010d", n) }

// measure measures both, in turn, in directories of their own under dir.
func measure(dir string, p plan) ([]row, error) {
	var rows []row
	for _, waiters := range []int{1, 16} {
		measured, err := measureCommits(dir, p, waiters)
		if err != nil {
			return nil, err
		}
		rows = append(rows, measured...)
	}
	opened, err := measureOpen(dir, p)
	return append(rows, opened...), err
}

// measureCommits measures commits of one record that many goroutines wait for, in stores that hold keyCount records.
func measureCommits(dir string, p plan, waiters int) ([]row, error) {
	what := fmt.Sprintf("commit of 300 bytes, %d waiting", waiters)
	rows := []row{{what: what, unit: "µs"}, {what: what, unit: "bytes handed to the kernel"}, {what: what, unit: "bytes of dirty pages"}}
	var stores [2]store
	for n, open := range []func(string) (store, error){openOurs, openBolt(waiters)} {
		s, err := newStore(dir, fmt.Sprint(waiters, "-", n), open)
		if err != nil {
			return nil, err
		}
		defer s.close() // what was measured is synced
		stores[n] = s
		if err := fillStore(s, keyCount); err != nil {
			return nil, err
		}
	}
	for range p.rounds {
		var costs [2]cost
		for n, s := range stores {
			c, err := costOf(p.commits, func() error { return commits(s, p.commits, waiters) })
			if err != nil {
				return nil, err
			}
			costs[n] = c
		}
		rows[0].add(costs[0].micros, costs[1].micros)
		rows[1].add(costs[0].handed, costs[1].handed)
		rows[2].add(costs[0].dirtied, costs[1].dirtied)
	}
	return rows, nil
}

func newStore(dir, name string, open func(string) (store, error)) (store, error) {
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return open(dir)
}

// fillStore sets count keys, a hundred at once.
func fillStore(s store, count int) error {
	for at := 0; at < count; at += 100 {
		var keys []string
		for n := at; n < min(at+100, count); n++ {
			keys = append(keys, key(n))
		}
		if err := s.fill("state", keys, value); err != nil {
			return err
		}
	}
	return nil
}

// commits sets count keys, one in each commit, from many goroutines.
func commits(s store, count, waiters int) error {
	errs := make([]error, waiters)
	var all sync.WaitGroup
	for w := range waiters {
		all.Go(func() {
			for n := w; n < count && errs[w] == nil; n += waiters {
				errs[w] = s.put("state", key(n*7919%keyCount), value)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// measureOpen measures how long opening takes, and the bytes on disk: full, and after nearly all was set again and again.
func measureOpen(dir string, p plan) ([]row, error) {
	what := fmt.Sprintf("%d records of 300 bytes", p.records)
	rows := []row{{what: what + ", open", unit: "ms"}, {what: what, unit: "MB on disk"}}
	opens := []func(string) (store, error){openOurs, openBolt(1)}
	for n, open := range opens {
		s, err := newStore(dir, fmt.Sprint("open-", n), open)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(fillStore(s, p.records), s.close()); err != nil {
			return nil, err
		}
	}
	for range p.rounds {
		var took, size [2]float64
		for n, open := range opens {
			begin := time.Now()
			s, err := newStore(dir, fmt.Sprint("open-", n), open)
			took[n] = float64(time.Since(begin).Microseconds()) / 1000
			if err == nil {
				err = s.close()
			}
			if err != nil {
				return nil, err
			}
			if size[n], err = onDisk(filepath.Join(dir, fmt.Sprint("open-", n))); err != nil {
				return nil, err
			}
		}
		rows[0].add(took[0], took[1])
		rows[1].add(size[0], size[1])
	}
	return rows, nil
}

// onDisk returns the megabytes of all files under dir.
func onDisk(dir string) (megabytes float64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			megabytes += float64(info.Size()) / 1e6
		}
		return err
	})
	return megabytes, err
}
