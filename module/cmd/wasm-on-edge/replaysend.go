package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/replay"
)

const (
	replayOutput     = "replay"
	propertyReplayed = "replayInput" // the input that the message is for; a name that conditions of routes can spell

	replayPatience = time.Minute // for a connection
)

// dryRun prints what would be sent.
type dryRun struct{ to io.Writer }

func (d dryRun) send(_ context.Context, l replay.Letter) error {
	m := l.Message()
	line := struct {
		Input      module.InputName  `json:"input"`
		Reason     string            `json:"reason"`
		Signal     module.SignalName `json:"signal,omitempty"`
		Time       time.Time         `json:"time"`
		Properties map[string]string `json:"properties"`
		Body       any               `json:"body"` // JSON and text as they are, bytes in base64
	}{l.Input, l.Reason, l.Signal, l.Time, make(map[string]string), m.Body}
	for _, p := range m.Properties {
		line.Properties[p.Name] = p.Value
	}
	switch {
	case json.Valid(m.Body):
		line.Body = json.RawMessage(m.Body)
	case utf8.Valid(m.Body):
		line.Body = string(m.Body)
	}
	return json.NewEncoder(d.to).Encode(line)
}

// replaySender sends to edgeHub, as a module of its own.
type replaySender struct {
	client *edgehub.Client
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func newReplaySender(env *environment) (*replaySender, error) {
	identity, err := edgehub.IdentityFromEnvironment(env.getenv)
	if err != nil {
		return nil, fmt.Errorf("replay: find identity: %w", err)
	}
	client, err := edgehub.New(edgehub.Config{Identity: identity, ProductInfo: "wasm-on-edge-replay/" + version(), OnEvent: func(e edgehub.Event) {
		fmt.Fprintln(env.stderr, e)
	}})
	if err != nil {
		return nil, fmt.Errorf("replay: make edgeHub client: %w", err)
	}
	ctx, stop := context.WithCancel(env.ctx)
	s := &replaySender{client: client, stop: stop}
	s.ended.Go(func() { _ = client.Run(ctx) }) // an error is a second Run
	return s, nil
}

// send returns when edgeHub has the message. What was lost with a connection is sent again: it has the same id.
func (s *replaySender) send(ctx context.Context, l replay.Letter) error {
	m := l.Message()
	m.Properties.Set(propertyReplayed, string(l.Input))
	for {
		if err := s.connected(ctx); err != nil {
			return err
		}
		err := s.client.Send(ctx, replayOutput, edgehub.Message{Body: m.Body, Properties: edgehub.Properties(m.Properties)})
		if !errors.Is(err, edgehub.ErrConnectionLost) && !errors.Is(err, edgehub.ErrNotConnected) {
			return err
		}
	}
}

func (s *replaySender) connected(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, replayPatience)
	defer cancel()
	err := s.client.WaitConnected(soon)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("no connection to edgeHub for %v", replayPatience)
	}
	return err
}

func (s *replaySender) close() {
	s.stop()
	s.ended.Wait()
}
