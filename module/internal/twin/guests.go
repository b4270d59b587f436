package twin

import (
	"encoding/json"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// guest is a guest's entry while it is read.
type guest struct {
	module.GuestSpec
	settings map[string]any // with ${signal} in place
}

// guestFields are the settings of a guest.
var guestFields = table[guest]{
	one("source", func(g *guest) *string { return &g.Source }, "", text[string](checkGuestSource)),
	one("digest", func(g *guest) *string { return &g.Digest }, "", text[string](checkDigest)),
	one("credentials", func(g *guest) *string { return &g.Credentials }, "", text[string](checkFileName)),
	one("status", func(g *guest) *module.Status { return &g.Status }, module.StatusRunning,
		choice(module.StatusRunning, module.StatusStopped)),
	one("restartPolicy", func(g *guest) *module.RestartPolicy { return &g.RestartPolicy }, module.RestartOnFailure,
		choice(module.RestartNever, module.RestartOnFailure, module.RestartAlways)),
	one("run", func(g *guest) *module.RunMode { return &g.Run }, "", choice(module.RunPerMessage, module.RunService)),
	inside("limits", func(g *guest) *module.Limits { return &g.Limits }, limitFields),
	inside("permissions", func(g *guest) *module.Permissions { return &g.Permissions }, permissionFields),
	expanded(freeform("settings", func(g *guest) *map[string]any { return &g.settings })),
	inside("probation", func(g *guest) *module.Probation { return &g.Probation }, probationFields),
	maybe("shadow", func(g *guest) **module.Shadow { return &g.Shadow }, shadowFields),
}

var limitFields = table[module.Limits]{
	one("memoryMiB", func(l *module.Limits) *int64 { return &l.Memory }, 16*mebi, whole[int64](mebi, 1, 1024)),
	one("deadlineMs", func(l *module.Limits) *time.Duration { return &l.Deadline }, 100*ms, whole(ms, 1, 10000)),
	one("startMs", func(l *module.Limits) *time.Duration { return &l.Start }, 2000*ms, whole(ms, 1, 60000)),
	one("httpTimeoutMs", func(l *module.Limits) *time.Duration { return &l.HTTPTimeout }, 10000*ms, whole(ms, 1, 300000)),
	one("stackKiB", func(l *module.Limits) *int { return &l.Stack }, 128*kibi, whole(kibi, 16, 1024)),
	one("emitsPerCall", func(l *module.Limits) *int { return &l.EmitsPerCall }, 64, whole(1, 0, 10000)),
	one("emitKiBPerCall", func(l *module.Limits) *int { return &l.EmitBytesPerCall }, 1024*kibi, whole(kibi, 1, 65536)),
	one("logLinesPerMinute", func(l *module.Limits) *int { return &l.LogLinesPerMinute }, 600, whole(1, 0, 100000)),
	one("storageMiB", func(l *module.Limits) *int64 { return &l.Storage }, 1*mebi, whole[int64](mebi, 0, 1024)),
	one("cpuPercent", func(l *module.Limits) *int { return &l.CPUPercent }, 50, whole(1, 1, 100)),
}

var permissionFields = table[module.Permissions]{
	mapOf("http", func(p *module.Permissions) *map[string]string { return &p.HTTP }, checkName, text[string](checkOrigin)),
	expanded(mapOf("env", func(p *module.Permissions) *map[string]string { return &p.Env }, checkVariable, text[string](anyText))),
	mapOf("secrets", func(p *module.Permissions) *map[string]string { return &p.Secrets }, checkVariable, text[string](checkFileName)),
	one("files", func(p *module.Permissions) *module.FileAccess { return &p.Files }, module.FilesNone,
		choice(module.FilesNone, module.FilesPrivate)),
}

var probationFields = table[module.Probation]{
	one("messages", func(p *module.Probation) *int { return &p.Messages }, 100, whole(1, 1, 1000000)),
	one("seconds", func(p *module.Probation) *time.Duration { return &p.Duration }, 60*time.Second, whole(time.Second, 1, 604800)),
}

var shadowFields = table[module.Shadow]{
	one("source", func(s *module.Shadow) *string { return &s.Source }, "", text[string](checkGuestSource)),
	one("digest", func(s *module.Shadow) *string { return &s.Digest }, "", text[string](checkDigest)),
}

func (p *parser) readGuests(section map[string]any) {
	p.entries(module.EntryGuest, path(module.EntryGuest), section, func(e *entry, at path, object map[string]any) {
		g := guestFields.defaults()
		g.Name = module.GuestName(e.id.Name)
		guestFields.decode(&g, object, at, e)
		requireBinary(g.Source, g.Digest, at, e)
		if g.Shadow != nil {
			requireBinary(g.Shadow.Source, g.Shadow.Digest, at.key("shadow"), e)
		}
		g.settings, _ = mergeTree(nil, g.settings, false).(map[string]any)
		g.Settings = e.encodeSettings(g.settings, at.key("settings"))
		if e.refused == nil {
			p.guests[g.Name] = &g
			p.desired.Guests[g.Name] = g.GuestSpec
		}
	})
}

// requireBinary refuses an entry that does not say what to fetch, or fetches it unchecked.
func requireBinary(source, digest string, at path, e *entry) {
	switch {
	case source == "":
		e.refuse(at.key("source"), wrongly("is missing").try(`give "file:NAME", "https://…" or "oci://…"`))
	case digest == "" && remote(source):
		e.refuse(at.key("digest"), wrongly("is missing: a remote source needs one").try(`give the "sha256:…" of the file itself`))
	}
}

// maxSettings is how many bytes of JSON the settings of a guest or a signal may have.
const maxSettings = 16 * kibi

// encodeSettings returns settings as JSON, nil where there are none.
func (e *entry) encodeSettings(settings map[string]any, at path) json.RawMessage {
	if len(settings) == 0 {
		return nil
	}
	encoded, err := encodeTree(settings)
	switch {
	case err != nil:
		e.refuse(at, wrongly("cannot be encoded: %v", err))
	case len(encoded) > maxSettings:
		e.refuse(at, wrongly("must be %d bytes of JSON at most, is %d", maxSettings, len(encoded)))
	}
	return encoded
}
