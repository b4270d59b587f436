// Command session is the filter as a Go program on module/edgehub, the MQTT session of this module, without Wasm and all
// that belongs to it: a container of its own, with the twin left out. It acknowledges an input only when edgeHub has what
// came of it, as native does.
//
// # Concurrency
//
// The session's reader hands inputs over to one goroutine, which filters and publishes. The reader acknowledges what was
// passed on when edgeHub has it; the session brings acknowledgements into the order of arrival.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// window is more than edgeHub ever has in flight for one module in the comparison.
const window = 1024

func main() {
	fmt.Fprintln(os.Stderr, run(context.Background()))
	os.Exit(1)
}

// run filters until something fails, or the process is ended.
func run(ctx context.Context) error {
	id, err := edgehub.IdentityFromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	inputs := make(chan *edgehub.Input, window)
	failed := make(chan error, 1)
	client, err := edgehub.New(edgehub.Config{
		Identity:   id,
		MaxUnacked: window,
		OnInput:    func(in *edgehub.Input) error { inputs <- in; return nil },
		OnEvent: func(e edgehub.Event) {
			if _, ok := e.(edgehub.Connected); !ok {
				fmt.Fprintln(os.Stderr, e)
			}
		},
	})
	if err != nil {
		return err
	}
	go func() { failed <- filter(ctx, client, inputs) }()
	go func() { failed <- client.Run(ctx) }()
	return <-failed
}

// filter passes inputs on where the machine is hotter than 25 °C.
func filter(ctx context.Context, client *edgehub.Client, inputs <-chan *edgehub.Input) error {
	for in := range inputs {
		var body struct{ Machine struct{ Temperature float64 } }
		if err := json.Unmarshal(in.Body, &body); err != nil {
			return fmt.Errorf("read input: %w", err)
		}
		if body.Machine.Temperature <= 25 {
			in.Ack()
			continue
		}
		m := edgehub.Message{Body: in.Body, Properties: passedOn(in.Properties)}
		if err := client.Publish(ctx, "hot", m, acknowledge(in)); err != nil {
			return err
		}
	}
	return nil
}

// acknowledge returns what is to be done when edgeHub has what came of an input. After the loss of the connection the
// input comes again.
func acknowledge(in *edgehub.Input) func(error) {
	return func(err error) {
		if err == nil {
			in.Ack()
		}
	}
}

// passedOn returns the properties that are not edgeHub's.
func passedOn(all edgehub.Properties) (own edgehub.Properties) {
	for _, p := range all {
		if !strings.HasPrefix(p.Name, "$.") || p.Name == edgehub.PropertyMessageID || p.Name == edgehub.PropertyContentType || p.Name == edgehub.PropertyContentEncoding {
			own = append(own, p)
		}
	}
	return own
}
