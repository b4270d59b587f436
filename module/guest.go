package module

import (
	"encoding/json"
	"time"
)

// GuestSpec is a guest as the twin asks for it: one Wasm binary with its limits and permissions. All fields
// are resolved: defaults are filled in.
type GuestSpec struct {
	Name          GuestName       `json:"name"`
	Source        string          `json:"source"`           // "file:threshold.wasm", "https://…" or "oci://…"
	Digest        string          `json:"digest,omitempty"` // "sha256:…" of the binary; required for remote sources
	Credentials   string          `json:"credentials,omitempty"`
	Status        Status          `json:"status"`
	RestartPolicy RestartPolicy   `json:"restartPolicy"`
	Run           RunMode         `json:"run,omitempty"`
	Limits        Limits          `json:"limits"`
	Permissions   Permissions     `json:"permissions"`
	Settings      json.RawMessage `json:"settings,omitempty"` // a JSON object; defaults for the guest's signals
	Probation     Probation       `json:"probation"`
	Shadow        *Shadow         `json:"shadow,omitempty"`
}

// Limits bound what an instance of a guest may use.
type Limits struct {
	Memory            int64         `json:"memory"`            // bytes over all memories and tables
	Deadline          time.Duration `json:"deadline"`          // processor time of one call
	Start             time.Duration `json:"start"`             // processor time of instantiation and first configuration
	HTTPTimeout       time.Duration `json:"httpTimeout"`       // of one outgoing request
	Stack             int           `json:"stack"`             // bytes of Wasm stack
	EmitsPerCall      int           `json:"emitsPerCall"`      // messages
	EmitBytesPerCall  int           `json:"emitBytesPerCall"`  // bytes over all messages of a call, bags included
	LogLinesPerMinute int           `json:"logLinesPerMinute"` // further lines are dropped and counted
	Storage           int64         `json:"storage"`           // bytes of durable state, keys and values
	CPUPercent        int           `json:"cpuPercent"`        // of one processor, for services
}

// Permissions are what a guest may reach outside its sandbox. The zero value allows nothing.
type Permissions struct {
	HTTP    map[string]string `json:"http,omitempty"`    // name → origin, "https://*.contoso.com" allowed
	Env     map[string]string `json:"env,omitempty"`     // environment variables of a WASI guest
	Secrets map[string]string `json:"secrets,omitempty"` // name → file under the secrets directory
	Files   FileAccess        `json:"files,omitempty"`
}

// Probation is how long a swapped guest is watched before its predecessor is forgotten.
type Probation struct {
	Messages int           `json:"messages"`
	Duration time.Duration `json:"duration"`
}

// Shadow is a candidate that runs beside a guest on the same messages; its outputs are compared, not sent.
type Shadow struct {
	Source string `json:"source"`
	Digest string `json:"digest,omitempty"`
}

// Status is what the twin wants of an entry.
type Status string

// RestartPolicy says when an instance that ended badly is started again, in edgeAgent's words.
type RestartPolicy string

// RunMode says how a guest without an edge/1 interface is run.
type RunMode string

// FileAccess says what of a file system a guest sees.
type FileAccess string

// The values of the types above, as they are spelled in the twin.
const (
	StatusRunning Status = "running"
	StatusStopped Status = "stopped"

	RestartNever     RestartPolicy = "never"
	RestartOnFailure RestartPolicy = "on-failure"
	RestartAlways    RestartPolicy = "always"

	RunPerMessage RunMode = "perMessage"
	RunService    RunMode = "service"

	FilesNone    FileAccess = "none"
	FilesPrivate FileAccess = "private"
)
