package edgehub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Twin is the module's twin as edgeHub has it.
type Twin struct {
	Desired  json.RawMessage // an object, with "$version" and maybe "$metadata"
	Reported json.RawMessage // an object

	// Version is the "$version" of Desired. 0 means that edgeHub does not know the twin: it is offline and
	// has never seen it. That is not "all properties were removed".
	Version int64
}

// twinTimeout is how long Twin and Report wait. An edgeHub without a network tries the cloud for a minute
// before it answers from its store.
const twinTimeout = 90 * time.Second

// twinResponse is edgeHub's answer to a request.
type twinResponse struct {
	status int
	body   []byte
}

// Twin asks for the twin. While edgeHub works on the answer, for up to a minute when it is offline, it
// acknowledges no publish. An error is ErrNotConnected, ErrConnectionLost, *StatusError, ctx's, that of a
// timeout after 90 s, or tells that the answer is not a twin; the caller tries again.
func (c *Client) Twin(ctx context.Context) (Twin, error) {
	answer, err := c.request(ctx, TwinGetTopic, nil)
	if err != nil {
		return Twin{}, fmt.Errorf("get twin: %w", err)
	}
	if answer.status != 200 {
		return Twin{}, fmt.Errorf("get twin: %w", &StatusError{Status: answer.status})
	}
	twin, err := parseTwin(answer.body)
	if err != nil {
		return Twin{}, fmt.Errorf("read twin: %w", err)
	}
	return twin, nil
}

// Report sends a merge patch of the reported properties, a JSON object in which null removes a key, and
// waits until edgeHub has stored it. IoT Hub gets it later; that it refuses one is not seen here.
// An error is a *ReportedError for a patch that edgeHub would refuse, which is not sent, or as with Twin.
func (c *Client) Report(ctx context.Context, patch []byte) error {
	compact, err := checkReported(patch)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	answer, err := c.request(ctx, TwinReportTopic, compact)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if answer.status != 204 {
		return fmt.Errorf("report: %w", &StatusError{Status: answer.status})
	}
	return nil
}

// request makes a twin request and waits for its answer.
func (c *Client) request(ctx context.Context, topic func(rid string) string, body []byte) (twinResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, twinTimeout)
	defer cancel()
	rid := strconv.FormatUint(c.requests.Add(1), 10)
	for {
		conn, err := c.ready(ctx)
		if err != nil {
			return twinResponse{}, err
		}
		answer, err := conn.request(ctx, rid, topic(rid), body)
		if !errors.Is(err, errPaused) && !errors.Is(err, errEnded) {
			return answer, err
		}
	}
}

func (c *connection) request(ctx context.Context, rid, topic string, body []byte) (twinResponse, error) {
	response := make(chan twinResponse, 1)
	if err := c.lockWithRoom(ctx); err != nil {
		return twinResponse{}, err
	}
	c.requests[rid] = response
	c.pending = appendRequest(c.pending, topic, body)
	c.unlock()
	defer c.forget(rid)

	answer, err := await(ctx, c, response)
	if err != nil && ctx.Err() == nil {
		err = c.lostError()
	}
	return answer, err
}

func (c *connection) forget(rid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.requests, rid)
	c.checkDrained()
}

// deliverTwinResponse gives an answer to who waits for it. Late ones have nobody.
func (c *connection) deliverTwinResponse(topic string, body []byte) {
	status, rid, ok := ParseTwinResponseTopic(topic)
	c.mu.Lock()
	response := c.requests[rid]
	delete(c.requests, rid)
	c.mu.Unlock()
	if !ok || response == nil {
		c.client.emit(PacketIgnored{Topic: topic, Reason: "nobody waits for this answer"})
		return
	}
	response <- twinResponse{status: status, body: body}
}

// parseTwin reads {"desired":{…,"$version":n},"reported":{…}}.
func parseTwin(body []byte) (Twin, error) {
	var document struct{ Desired, Reported json.RawMessage }
	if err := json.Unmarshal(body, &document); err != nil {
		return Twin{}, err
	}
	twin := Twin{Desired: orEmpty(document.Desired), Reported: orEmpty(document.Reported)}
	var desired struct {
		Version int64 `json:"$version"`
	}
	if err := json.Unmarshal(twin.Desired, &desired); err != nil {
		return Twin{}, fmt.Errorf("desired: %w", err)
	}
	twin.Version = desired.Version
	return twin, nil
}

// orEmpty makes an object of a section that is missing.
func orEmpty(section json.RawMessage) json.RawMessage {
	if len(section) == 0 || bytes.Equal(section, []byte("null")) {
		return json.RawMessage("{}")
	}
	return section
}
