// Package observe is how the module is seen from outside: its log, its health and metrics over HTTP, what it leaves behind
// when it crashes, and a watchdog that finds it stuck.
//
// # Concurrency
//
// The logger may be used from any goroutine; each event is one write. RecordCrash is called once, at the start. A
// Watchdog runs in the goroutine of Run's caller, and each probe in one of its own. A Server calls the functions that it
// answers with from goroutines of its own, several at a time.
package observe

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// LogFormat says how log lines look.
type LogFormat string

// The formats.
const (
	LogEdge     LogFormat = "edge"     // as edgeAgent parses: <6> 2026-01-02 03:04:05.678 +00:00 [INF] - …
	LogTerminal LogFormat = "terminal" // for eyes, with colours
	LogJSON     LogFormat = "json"
)

// ParseLogFormat reads the name of a format; "" is edge.
func ParseLogFormat(name string) (LogFormat, error) {
	switch f := LogFormat(name); f {
	case "":
		return LogEdge, nil
	case LogEdge, LogTerminal, LogJSON:
		return f, nil
	}
	return "", fmt.Errorf("log format %q is not one of edge, terminal, json", name)
}

// Level is the least level that is logged. It can be changed while the program runs.
type Level struct{ level atomic.Int32 }

// NewLevel returns the level called name; see [ParseLevel].
func NewLevel(name string) *Level {
	l := &Level{}
	l.Set(name)
	return l
}

// Set changes the level to the one called name; see [ParseLevel].
func (l *Level) Set(name string) { l.level.Store(int32(ParseLevel(name))) }

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Run stamps an event, or discards it where its level is too low. It makes Level a zerolog.Hook.
func (l *Level) Run(e *zerolog.Event, level zerolog.Level, _ string) {
	if level < zerolog.Level(l.level.Load()) {
		e.Discard()
		return
	}
	e.Str(zerolog.TimestampFieldName, time.Now().Format(timeLayout))
}

// NewLogger returns a logger that writes to w what level lets pass.
func NewLogger(w io.Writer, format LogFormat, level *Level) zerolog.Logger {
	switch format {
	case LogEdge:
		w = edgeWriter(w)
	case LogTerminal:
		w = zerolog.ConsoleWriter{Out: w, FormatTimestamp: formatTime("15:04:05.000")}
	}
	return zerolog.New(w).Hook(level)
}

// formatTime writes the time of an event in another layout.
func formatTime(layout string) zerolog.Formatter {
	return func(value any) string {
		at, err := time.Parse(timeLayout, fmt.Sprint(value))
		if err != nil {
			return fmt.Sprint(value)
		}
		return at.Format(layout)
	}
}

// edgeLevels are syslog's severity, which edgeAgent filters by, and the runtime's tag of zerolog's levels (protocol:
// doc/built-in-logs-pull.md of the runtime).
var edgeLevels = map[string]struct {
	severity int
	tag      string
}{
	"trace": {7, "VRB"}, "debug": {7, "DBG"}, "info": {6, "INF"}, "warn": {4, "WRN"}, "error": {3, "ERR"}, "fatal": {0, "FTL"}, "panic": {0, "FTL"},
}

func edgeWriter(w io.Writer) zerolog.ConsoleWriter {
	return zerolog.ConsoleWriter{
		Out:        w,
		NoColor:    true,
		PartsOrder: []string{severityField, zerolog.TimestampFieldName, zerolog.LevelFieldName, zerolog.MessageFieldName},
		FormatPrepare: func(event map[string]any) error {
			level, _ := event[zerolog.LevelFieldName].(string)
			event[severityField] = fmt.Sprintf("<%d>", edgeLevel(level).severity)
			return nil
		},
		FormatPartValueByName: func(value any, name string) string { return fmt.Sprint(value) },
		FormatTimestamp:       formatTime("2006-01-02 15:04:05.000 -07:00"),
		FormatLevel:           func(level any) string { return "[" + edgeLevel(fmt.Sprint(level)).tag + "]" },
		FormatMessage:         func(message any) string { return "- " + oneLine(message) },
		FieldsExclude:         []string{severityField},
	}
}

// severityField carries the syslog prefix to its place at the begin of the line.
const severityField = "severity"

func edgeLevel(level string) struct {
	severity int
	tag      string
} {
	if l, ok := edgeLevels[level]; ok {
		return l
	}
	return edgeLevels["info"]
}

// oneLine keeps a record on one line: edgeAgent takes each line for a record of its own.
func oneLine(message any) string {
	if message == nil {
		return ""
	}
	return strings.Join(strings.FieldsFunc(fmt.Sprint(message), func(r rune) bool { return r == '\n' || r == '\r' }), " | ")
}

// ParseLevel reads a level as RuntimeLogLevel or the twin spells it; what is not known is info.
func ParseLevel(name string) zerolog.Level {
	switch strings.ToLower(name) {
	case "trace", "verbose":
		return zerolog.TraceLevel
	case "debug":
		return zerolog.DebugLevel
	case "warn", "warning":
		return zerolog.WarnLevel
	case "error":
		return zerolog.ErrorLevel
	case "fatal":
		return zerolog.FatalLevel
	}
	return zerolog.InfoLevel
}
