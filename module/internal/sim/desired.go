package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// Desired returns a module's desired properties, without $version, and their version.
func (h *Hub) Desired(module string) (json.RawMessage, int64) {
	return h.section(module, func(t *twin) section { return t.desired })
}

// Reported returns a module's reported properties, without $version, and their version.
func (h *Hub) Reported(module string) (json.RawMessage, int64) {
	return h.section(module, func(t *twin) section { return t.reported })
}

// section encodes a section of a module's twin; nil and 0 where the deployment has no such module.
func (h *Hub) section(module string, of func(*twin) section) (json.RawMessage, int64) {
	p, ok := h.peers[module]
	if !ok {
		return nil, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := of(&p.twin)
	return encode(s.properties), s.version
}

// PatchDesired merges a JSON object into a module's desired properties, as az iot hub module-twin update does, and
// returns the version that this makes. The module is told if it is connected and listens; if not, it finds out by its
// next GET.
func (h *Hub) PatchDesired(module string, patch []byte) (version int64, err error) {
	return h.changeDesired(module, patch, func(_, patch map[string]any) map[string]any { return patch })
}

// ReplaceDesired puts a JSON object in the place of a module's desired properties, as a deployment does, and returns
// the version that this makes. The module is told the difference, as edgeHub works it out.
func (h *Hub) ReplaceDesired(module string, document []byte) (version int64, err error) {
	return h.changeDesired(module, document, diff)
}

func (h *Hub) changeDesired(module string, data []byte, patch func(before, object map[string]any) map[string]any) (int64, error) {
	p, err := h.peer(module)
	if err != nil {
		return 0, fmt.Errorf("change desired properties: %w", err)
	}
	object, err := decodeObject(data)
	if err != nil {
		return 0, fmt.Errorf("change desired properties of module %q: %w", module, err)
	}
	// $version and $metadata are the service's: it takes documents as it gave them out.
	maps.DeleteFunc(object, func(key string, _ any) bool { return strings.HasPrefix(key, "$") })
	online := !h.uplink.offline()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.patchDesired(patch(p.twin.desired.properties, object), online), nil
}
