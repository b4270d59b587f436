// Package manifest reads an IoT Edge deployment: a deployment.template.json, or the manifest that iotedgedev or
// the VS Code tools generate from one. It gives what a simulator and a checker need of it: the modules with their
// desired properties, edgeHub's routes and its store-and-forward settings.
//
// [Parse] takes the file whole and gives back a [Manifest], or an [*Error] that names the JSON path and the line.
// Routes are read as edgeHub reads them, conditions included: what it would refuse is refused, with the column in the
// route's text.
// Placeholders such as ${MODULEDIR<.>} and ${EDGEHUB_SCHEMA_VERSION} are text and stay text.
//
// # Concurrency
//
// Everything here is pure: no state, no goroutine, no clock. A Manifest is a plain value; any number of goroutines
// may read one that nobody changes.
package manifest

import (
	"encoding/json"
	"errors"
	"time"
)

// Manifest is what a deployment says of modules and routes.
type Manifest struct {
	Modules         []Module // all but edgeAgent and edgeHub, by name
	Routes          []Route  // by name
	StoreAndForward StoreAndForward
}

// Module is a module that a deployment starts.
type Module struct {
	Name          string
	Image         string            // "mcr.microsoft.com/…:1.5"; may hold placeholders
	Env           map[string]string // never nil
	CreateOptions string            // Docker's container create options as JSON text, chunks joined; may hold placeholders
	Status        string            // "running" or "stopped"
	Desired       json.RawMessage   // its "properties.desired", a JSON object; nil where the deployment leaves the twin alone
}

// StoreAndForward says how long edgeHub keeps what it cannot deliver, and how much of it.
type StoreAndForward struct {
	TimeToLive time.Duration // [Forever] where it never expires
	MaxBytes   int64         // of edgeHub's store, 0 for no limit
}

// Forever is the time to live of messages that never expire, "timeToLiveSecs": -1 in a manifest.
const Forever time.Duration = -1

// defaultTimeToLive is what edgeHub takes where a deployment names none.
const defaultTimeToLive = 2 * time.Hour

// Parse reads a deployment template or a generated manifest, with or without a "content" object around it. Its
// error is an [*Error].
func Parse(data []byte) (Manifest, error) {
	m, err := parse(data)
	if problem, ok := errors.AsType[*Error](err); ok {
		problem.locate(data)
	}
	return m, err
}

// Module returns the module called name and whether there is one.
func (m Manifest) Module(name string) (Module, bool) {
	for _, module := range m.Modules {
		if module.Name == name {
			return module, true
		}
	}
	return Module{}, false
}
