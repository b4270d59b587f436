package edgehub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// A filter: what is over 25 degrees goes on, and an input is acknowledged only when edgeHub has what came of
// it. A message that was on its way when the connection ended is not acknowledged either and comes again.
func Example() {
	id, err := edgehub.IdentityFromEnvironment(os.Getenv)
	if err != nil {
		fmt.Println(err)
		return
	}
	inputs := make(chan *edgehub.Input, 100)
	client, err := edgehub.New(edgehub.Config{
		Identity:    id,
		ProductInfo: "contoso-filter/1.0",
		OnInput: func(in *edgehub.Input) error {
			select {
			case inputs <- in:
				return nil
			default: // the reader must not wait; edgeHub itself keeps one message under way
				return errors.New("too many inputs at once")
			}
		},
		OnEvent: func(e edgehub.Event) { fmt.Println(e) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background() // ends with SIGTERM in a real module
	go func() {
		for in := range inputs {
			filter(ctx, client, in)
		}
	}()
	fmt.Println("stopped:", client.Run(ctx))
}

func filter(ctx context.Context, client *edgehub.Client, in *edgehub.Input) {
	var reading struct{ Temperature float64 }
	if json.Unmarshal(in.Body, &reading) != nil || reading.Temperature <= 25 {
		in.Ack()
		return
	}
	m := edgehub.Message{Body: in.Body}
	m.Properties.Set(edgehub.PropertyContentType, "application/json")
	m.Properties.Set(edgehub.PropertyContentEncoding, "utf-8")
	if id, ok := in.Properties.Get(edgehub.PropertyMessageID); ok {
		m.Properties.Set(edgehub.PropertyMessageID, id) // a repetition carries the same id
	}
	err := client.Publish(ctx, "alerts", m, func(err error) {
		if err == nil {
			in.Ack()
		}
	})
	var tooLarge *edgehub.TooLargeError
	if errors.As(err, &tooLarge) {
		in.Ack() // it will not become smaller
	}
}

// The twin is asked for after each connect, because edgeHub keeps no patches for a module that is away.
// Patches only say that there is something new.
func ExampleClient_Twin() {
	id, err := edgehub.IdentityFromEnvironment(os.Getenv)
	if err != nil {
		fmt.Println(err)
		return
	}
	look := make(chan struct{}, 1) // capacity 1: the twin is read anew, patches are not replayed
	news := func() {
		select {
		case look <- struct{}{}:
		default:
		}
	}
	client, err := edgehub.New(edgehub.Config{
		Identity:  id,
		OnDesired: func([]byte) { news() },
		OnEvent: func(e edgehub.Event) {
			if _, ok := e.(edgehub.Connected); ok {
				news()
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	go func() {
		for range look {
			twin, err := client.Twin(ctx)
			switch {
			case err != nil:
				fmt.Println(err)
				time.AfterFunc(10*time.Second, news)
				continue
			case twin.Version == 0:
				continue // edgeHub is offline and does not know the twin: keep what there is
			}
			var desired struct{ Threshold float64 }
			if err := json.Unmarshal(twin.Desired, &desired); err != nil {
				fmt.Println(err)
			}
			report := fmt.Appendf(nil, `{"threshold":%g,"lastDesiredVersion":%d}`, desired.Threshold, twin.Version)
			if err := client.Report(ctx, report); err != nil {
				fmt.Println(err)
			}
		}
	}()
	fmt.Println("stopped:", client.Run(ctx))
}

// Direct methods are answered with a status and JSON.
func ExampleConfig_onMethod() {
	id, err := edgehub.IdentityFromEnvironment(os.Getenv)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := edgehub.New(edgehub.Config{
		Identity: id,
		OnMethod: func(ctx context.Context, name string, payload []byte) (int, []byte) {
			switch name {
			case "ping":
				return 200, []byte(`{"pong":true}`)
			case "echo":
				return 200, payload
			}
			return 404, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stopped:", client.Run(context.Background()))
}

// Send is for those who have nothing else to do until edgeHub has the message.
func ExampleClient_Send() {
	var client *edgehub.Client // from New, kept connected by Run
	ctx := context.Background()
	m := edgehub.Message{Body: []byte(`{"state":"started"}`)}
	m.Properties.Set(edgehub.PropertyMessageID, "start-1")
	for {
		err := client.Send(ctx, "telemetry", m)
		if !errors.Is(err, edgehub.ErrNotConnected) && !errors.Is(err, edgehub.ErrConnectionLost) {
			return // sent, or refused for good
		}
		if client.WaitConnected(ctx) != nil {
			return
		}
	}
}

// What travels in a topic.
func ExampleMessageTopic() {
	topic := edgehub.MessageTopic{DeviceID: "edge-1", ModuleID: "filter", Name: "alerts"}
	topic.Properties.Set("$.ct", "application/json")
	topic.Properties.Set("place", "Halle 3")
	fmt.Println(topic.Output())

	_, err := edgehub.ParseOutputTopic("devices/edge-1/modules/filter/messages/events/%24.on=alerts&a=b=c/")
	fmt.Println(err)
	// Output:
	// devices/edge-1/modules/filter/messages/events/%24.on=alerts&%24.ct=application%2Fjson&place=Halle%203/
	// property "a": has a raw "=" in its value
}
