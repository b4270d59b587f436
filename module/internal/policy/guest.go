package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Excess is what the twin asks for beyond the policy.
type Excess struct {
	Field  string // of the guest's entry, as in the twin: "limits.memoryMiB"
	Reason string
}

func (e *Excess) Error() string { return e.Field + ": " + e.Reason }

// limit is one of a guest's limits.
type limit struct {
	of   func(module.Limits) int64
	unit int64
}

// limits are those of the twin, by its names and in its units.
var limits = map[string]limit{
	"memoryMiB":         {func(l module.Limits) int64 { return l.Memory }, 1 << 20},
	"deadlineMs":        {func(l module.Limits) int64 { return int64(l.Deadline) }, int64(time.Millisecond)},
	"startMs":           {func(l module.Limits) int64 { return int64(l.Start) }, int64(time.Millisecond)},
	"httpTimeoutMs":     {func(l module.Limits) int64 { return int64(l.HTTPTimeout) }, int64(time.Millisecond)},
	"stackKiB":          {func(l module.Limits) int64 { return int64(l.Stack) }, 1 << 10},
	"emitsPerCall":      {func(l module.Limits) int64 { return int64(l.EmitsPerCall) }, 1},
	"emitKiBPerCall":    {func(l module.Limits) int64 { return int64(l.EmitBytesPerCall) }, 1 << 10},
	"logLinesPerMinute": {func(l module.Limits) int64 { return int64(l.LogLinesPerMinute) }, 1},
	"storageMiB":        {func(l module.Limits) int64 { return l.Storage }, 1 << 20},
	"cpuPercent":        {func(l module.Limits) int64 { return int64(l.CPUPercent) }, 1},
}

// CheckGuest returns the first thing that a guest asks for and may not have, or nil.
func (p *Policy) CheckGuest(spec module.GuestSpec) *Excess {
	if p == nil {
		return nil
	}
	if e := p.CheckSource("source", spec.Source); e != nil {
		return e
	}
	if spec.Shadow != nil {
		if e := p.CheckSource("shadow.source", spec.Shadow.Source); e != nil {
			return e
		}
	}
	if e := p.checkLimits(spec.Limits); e != nil {
		return e
	}
	return p.checkPermissions(spec.Permissions)
}

// CheckSource returns why something may not come from a source, or nil.
func (p *Policy) CheckSource(field, source string) *Excess {
	if p == nil || p.allowsSource(source) {
		return nil
	}
	return &Excess{field, fmt.Sprintf("the policy of this device does not allow the source %q", source)}
}

func (p *Policy) checkLimits(asked module.Limits) *Excess {
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		l := limits[name]
		if most := p.Limits[name]; l.of(asked) > most*l.unit {
			return &Excess{"limits." + name, fmt.Sprintf("the policy of this device allows %d at most, the twin asks for %d", most, l.of(asked)/l.unit)}
		}
	}
	return nil
}

func (p *Policy) checkPermissions(asked module.Permissions) *Excess {
	for _, name := range slices.Sorted(maps.Keys(asked.HTTP)) {
		if origin := asked.HTTP[name]; p.Origins != nil && !slices.ContainsFunc(*p.Origins, func(most string) bool { return covers(most, origin) }) {
			return &Excess{"permissions.http." + name, fmt.Sprintf("the policy of this device does not allow the origin %q", origin)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asked.Secrets)) {
		if file := asked.Secrets[name]; p.Secrets != nil && !slices.Contains(*p.Secrets, file) {
			return &Excess{"permissions.secrets." + name, fmt.Sprintf("the policy of this device does not allow the secret %q", file)}
		}
	}
	return nil
}

// covers reports whether an origin, which may have a wildcard itself, is within another.
func covers(most, origin string) bool {
	if strings.EqualFold(most, origin) {
		return true
	}
	scheme, domain, wild := strings.Cut(strings.ToLower(most), "://*")
	rest, same := strings.CutPrefix(strings.ToLower(origin), scheme+"://")
	return wild && same && strings.HasSuffix(rest, domain) && len(rest) > len(domain)
}
