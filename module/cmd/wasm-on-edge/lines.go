package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	lookPeriod   = 500 * time.Millisecond // changes of state are told that soon
	totalsPeriod = 5 * time.Second
)

// lines shows a simulation where standard output is no terminal: a line for each change of state, the totals now and
// then.
type lines struct {
	mu     sync.Mutex // guards what follows
	stdout io.Writer
	stderr io.Writer

	looking sync.Mutex // guards before
	before  snapshot   // what was told last
}

func (l *lines) message(sim.Upstream)            {}
func (l *lines) fault(sim.Fault)                 {} // who asked for it has an answer
func (l *lines) reported(int64, json.RawMessage) {} // told as a change of state
func (l *lines) entered(string)                  {}

func (l *lines) Write(log []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stderr.Write(log)
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.stdout, format, args...) // whoever closed it does not want to know
}

func (l *lines) follow(ctx context.Context, look func() snapshot) {
	ticker := time.NewTicker(lookPeriod)
	defer ticker.Stop()
	var told history
	for next := time.Now().Add(totalsPeriod); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := look()
		if ctx.Err() != nil {
			return // a module that stops is no news
		}
		l.show(now)
		if told.add(now); !time.Now().Before(next) {
			l.printf("%s\n", now.totals(told.before()))
			next = next.Add(totalsPeriod)
		}
	}
}

// show tells what is not as it was before.
func (l *lines) show(now snapshot) {
	l.looking.Lock()
	defer l.looking.Unlock()
	before := l.before
	l.before = now
	if state := now.state(); state != before.state() {
		l.printf("%s\n", state)
	}
	was := make(map[string]string, len(before.rows))
	for _, row := range before.rows {
		was[row.name] = row.condition()
	}
	for _, row := range now.rows {
		if condition := row.condition(); condition != was[row.name] {
			l.printf("signal %s: %s\n", row.name, condition)
		}
	}
}

func (l *lines) end(t summary) { l.printf("%s\n", t) }
