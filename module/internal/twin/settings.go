package twin

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Units of the fields, whose names end in them.
const (
	kibi = 1 << 10
	mebi = 1 << 20
	ms   = time.Millisecond
)

// longest is the longest time that a field in milliseconds takes: 31 days.
const longest = 31 * 24 * 60 * 60 * 1000

// moduleFields are the settings of the module as a whole.
var moduleFields = table[module.ModuleSettings]{
	one("logLevel", func(m *module.ModuleSettings) *string { return &m.LogLevel }, "info",
		choice("trace", "debug", "info", "warn", "error")),
	one("outboxMiB", func(m *module.ModuleSettings) *int64 { return &m.OutboxBytes }, 64*mebi, whole[int64](mebi, 1, 65536)),
	one("outboxFull", func(m *module.ModuleSettings) *string { return &m.OutboxFull }, "block", choice("block", "dropOldest")),
	one("spoolMiBPerSignal", func(m *module.ModuleSettings) *int64 { return &m.SpoolBytesPerSignal }, 4*mebi,
		whole[int64](mebi, 1, 1024)),
	one("unclaimedInputs", func(m *module.ModuleSettings) *string { return &m.UnclaimedInputs }, module.ActionDeadLetter,
		choice(module.ActionDeadLetter, module.ActionDrop)),
	one("onUnavailable", func(m *module.ModuleSettings) *string { return &m.OnUnavailable }, module.ActionDeadLetter,
		choice(module.ActionDeadLetter, module.ActionDrop)),
	one("deadLettersPerMinute", func(m *module.ModuleSettings) *int { return &m.DeadLettersPerMinute }, 60, whole(1, 0, 100000)),
	one("originProperties", func(m *module.ModuleSettings) *bool { return &m.OriginProperties }, true, boolean),
	one("downloadJitterMs", func(m *module.ModuleSettings) *time.Duration { return &m.DownloadJitter }, 60000*ms,
		whole(ms, 0, longest)),
}

// readModule takes the entry module. Where it is absent or refused, the defaults stay.
func (p *parser) readModule(value any) {
	if absent(value) {
		return
	}
	e, at := p.entry(module.EntryModule, ""), path(module.EntryModule)
	object, wrong := object(value)
	if wrong != nil {
		e.refuse(at, wrong)
	}
	settings := moduleFields.defaults()
	moduleFields.decode(&settings, object, at, e)
	if e.refused == nil {
		p.desired.Module = settings
	}
}

// groupFields are the settings of a publish group. That it waits ten seconds where nothing else is said is OPC
// Publisher's default (BatchTriggerInterval).
var groupFields = table[module.PublishGroup]{
	one("intervalMs", func(g *module.PublishGroup) *time.Duration { return &g.Interval }, 10000*ms, whole(ms, 10, longest)),
	one("maxBytes", func(g *module.PublishGroup) *int { return &g.MaxBytes }, 200000, whole(1, 1024, 200000)),
	one("maxSamples", func(g *module.PublishGroup) *int { return &g.MaxSamples }, 0, whole(1, 0, 100000)), // 0: what fits
}

func (p *parser) readGroups(section map[string]any) {
	p.entries(module.EntryGroup, path(module.EntryGroup), section, func(e *entry, at path, object map[string]any) {
		group := groupFields.defaults()
		groupFields.decode(&group, object, at, e)
		if e.refused == nil {
			p.desired.Groups[e.id.Name] = group
		}
	})
}
