package main

import (
	"encoding/json"
	"fmt"
	"strings"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// window is more than edgeHub ever has in flight for one module in the comparison.
const window = 1024

// filter passes messages on where the machine is hotter than 25 °C.
type filter struct {
	device, module string
	inputs         chan mqtt.Message // full: the client waits, and reads nothing more
	sent           chan delivery     // full: inputs wait
}

// delivery is an input and what came of it.
type delivery struct {
	input  mqtt.Message
	output mqtt.Token // nil where it was not passed on
}

func newFilter(device, module string) *filter {
	return &filter{device: device, module: module, inputs: make(chan mqtt.Message, window), sent: make(chan delivery, window)}
}

// run works until the process ends, or puts into failed why it cannot.
func (f *filter) run(client mqtt.Client, failed chan<- error) {
	go acknowledge(f.sent, failed)
	for input := range f.inputs {
		topic, err := f.route(input)
		if err != nil {
			failed <- err
			return
		}
		d := delivery{input: input}
		if topic != "" {
			d.output = client.Publish(topic, 1, false, input.Payload())
		}
		f.sent <- d
	}
}

// acknowledge acknowledges each input when the hub has acknowledged what came of it, in order.
func acknowledge(sent <-chan delivery, failed chan<- error) {
	for d := range sent {
		if d.output != nil && d.output.Wait() && d.output.Error() != nil {
			failed <- fmt.Errorf("publish: %w", d.output.Error())
			return
		}
		d.input.Ack()
	}
}

// route returns the topic that an input is to be passed on to, "" for none, with the properties that are not edgeHub's.
func (f *filter) route(input mqtt.Message) (topic string, err error) {
	var body struct{ Machine struct{ Temperature float64 } }
	if err := json.Unmarshal(input.Payload(), &body); err != nil {
		return "", fmt.Errorf("read input: %w", err)
	}
	if body.Machine.Temperature <= 25 {
		return "", nil
	}
	in, err := edgehub.ParseInputTopic(input.Topic())
	if err != nil {
		return "", fmt.Errorf("read input: %w", err)
	}
	out := edgehub.MessageTopic{DeviceID: f.device, ModuleID: f.module, Name: "hot"}
	for _, p := range in.Properties {
		if !strings.HasPrefix(p.Name, "$.") || p.Name == edgehub.PropertyMessageID || p.Name == edgehub.PropertyContentType || p.Name == edgehub.PropertyContentEncoding {
			out.Properties = append(out.Properties, p)
		}
	}
	return out.Output(), nil
}
