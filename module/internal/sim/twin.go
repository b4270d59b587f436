package sim

import (
	"bytes"
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
	desired, reported section
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
	return twin{
		desired:  section{properties: properties, version: 1},
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

// getTwin answers a twin GET on the connection that it came from.
func (p *peer) getTwin(c *connection, rid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.answerTwin(statusOK, rid, p.twin.document())
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
	if qos, ok := c.session.twinResponses(); ok {
		c.send(qos, edgehub.TwinResponseTopic(status, rid), body, nil)
	}
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
	p.hub.observe.reported(p.name, p.twin.reported)
	return statusNoContent, nil
}

// patchDesired merges a patch into the desired properties and pushes it to the module, if it is there and listens.
// edgeHub keeps no patch for a module that is away.
func (p *peer) patchDesired(patch map[string]any) int64 {
	p.twin.desired.apply(patch)
	version := p.twin.desired.version
	p.hub.observe.desired(p.name, p.twin.desired)
	if p.link != nil {
		p.link.patch(version, encode(withVersion(patch, version)))
	}
	return version
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
