package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// Statuses of twin answers (DeviceMessageHandler.cs of edgeHub). The body of all but statusOK is empty.
const (
	statusOK         = 200
	statusNoContent  = 204
	statusBadRequest = 400 // the validator says no
	statusError      = 500 // not a JSON object, or the validator fails over it
)

const versionKey = "$version"

// twin is a module's twin. Its peer's lock guards it.
type twin struct {
	deployed          map[string]any // desired properties of the manifest
	desired, reported section
	before            section  // desired properties before they were last changed
	cached            *section // desired properties that edgeHub has in its store; nil before the module's first GET
}

// section is desired or reported properties.
type section struct {
	properties map[string]any // numbers as json.Number: as they were written
	version    int64
}

func newTwin(desired json.RawMessage) (twin, error) {
	properties := map[string]any{}
	if len(desired) > 0 {
		var err error
		if properties, err = decodeObject(desired); err != nil {
			return twin{}, err
		}
	}
	first := section{properties: properties, version: 1}
	return twin{
		deployed: properties,
		before:   first,
		desired:  first,
		reported: section{properties: map[string]any{}, version: 1},
	}, nil
}

// document returns {"desired": {…, "$version": n}, "reported": {…, "$version": n}}.
func (t *twin) document() []byte {
	return encode(map[string]any{"desired": t.desired.versioned(), "reported": t.reported.versioned()})
}

func (s *section) apply(patch map[string]any) {
	s.properties = mergePatch(s.properties, patch)
	s.version++
}

func (s *section) versioned() map[string]any { return withVersion(s.properties, s.version) }

func withVersion(properties map[string]any, version int64) map[string]any {
	versioned := maps.Clone(properties)
	versioned[versionKey] = version
	return versioned
}

// getTwin answers a twin GET on the connection that it came from. Without IoT Hub that takes edgeHub's time, in which
// no other publish of the connection is handled.
func (p *peer) getTwin(ctx context.Context, c *connection, rid string) {
	online := p.hub.uplink.reach(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if online {
		p.cache()
	}
	c.answerTwin(statusOK, rid, p.document())
}

// cache takes note that edgeHub has the newest desired properties in its store.
func (p *peer) cache() {
	if cached := p.twin.cached; cached != nil && cached.version == p.twin.desired.version {
		return
	}
	known := p.twin.desired
	p.twin.cached = &known
	p.hub.journal.append(p.twinRecord())
}

// document is what a twin GET answers: the twin that edgeHub has in its store, which is empty where it never saw one,
// unless a fault asks for another.
func (p *peer) document() []byte {
	t := p.twin
	if t.cached != nil {
		t.desired = *t.cached
	}
	switch {
	case t.cached == nil || p.twinFault == TwinEmpty:
		return []byte(`{"desired":{},"reported":{}}`)
	case p.twinFault == TwinStale:
		t.desired = t.before
	case p.twinFault == TwinUnversioned:
		return encode(map[string]any{"desired": t.desired.properties, "reported": t.reported.properties})
	}
	return t.document()
}

// patchReported takes a patch of reported properties and answers it, if the client wants an answer.
func (p *peer) patchReported(c *connection, rid string, body []byte) {
	status, err := p.report(body)
	if err != nil {
		p.log.Warn().Err(err).Int("status", status).Msg("reported patch refused")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if rid != "" {
		c.answerTwin(status, rid, nil)
	}
}

// answerTwin answers a twin request if the client has subscribed to answers. The peer's lock is held.
func (c *connection) answerTwin(status int, rid string, body []byte) {
	qos, ok := c.session.twinResponses()
	if !ok {
		return
	}
	send := func() { c.send(qos, edgehub.TwinResponseTopic(status, rid), body, nil) }
	if c.holding(heldTwin) {
		c.keep(heldTwin, send)
		return
	}
	send()
}

// report merges a patch into the reported properties, if edgeHub's validator would let it through.
func (p *peer) report(body []byte) (status int, err error) {
	patch, err := decodeObject(body)
	if err != nil {
		return statusError, fmt.Errorf("reported patch: %w", err)
	}
	switch err := validateReported(patch); {
	case errors.Is(err, errOverflow):
		return statusError, fmt.Errorf("reported patch: %w", err)
	case err != nil:
		return statusBadRequest, fmt.Errorf("reported patch: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.twin.reported.apply(patch)
	p.hub.journal.append(p.twinRecord())
	p.hub.observe.reported(p.name, p.twin.reported)
	return statusNoContent, nil
}

// patchDesired merges a patch into the desired properties and, if edgeHub hears of it, pushes it to the module.
func (p *peer) patchDesired(patch map[string]any, online bool) int64 {
	p.twin.before = p.twin.desired
	p.twin.desired.apply(patch)
	p.hub.journal.append(p.twinRecord())
	p.hub.observe.desired(p.name, p.twin.desired)
	if online {
		p.push(patch)
	}
	return p.twin.desired.version
}

// push hands the patch that makes the newest desired properties to the module, if it is there and listens. edgeHub
// keeps no patch for a module that is away.
func (p *peer) push(patch map[string]any) {
	version := p.twin.desired.version
	if p.link != nil {
		p.link.patch(version, encode(withVersion(patch, version)))
	}
	if p.twin.cached != nil {
		p.cache()
	}
}

// catchUp tells the module of what has changed while IoT Hub could not be reached: in one patch, whose version jumps.
// A twin that edgeHub has never had it has nothing to compare with.
func (p *peer) catchUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cached := p.twin.cached; cached != nil && cached.version != p.twin.desired.version {
		p.push(diff(cached.properties, p.twin.desired.properties))
	}
}

// decodeObject reads a JSON object and nothing else.
func decodeObject(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := decoder.Token(); object == nil || err != io.EOF {
		return nil, errors.New("not a JSON object")
	}
	return object, nil
}

// encode is json.Marshal of what was decoded before: it cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
