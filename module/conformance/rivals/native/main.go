// Command native is the filter as somebody writes it in Go without this project, on the MQTT client of Eclipse Paho: a
// container of its own, with the twin left out. It acknowledges an input only when edgeHub has what came of it, so that it
// keeps the same promise. Its identity comes from the variables that iotedgehubdev hands out.
//
// # Concurrency
//
// The client's goroutine hands inputs over, one filters and publishes, one acknowledges in order of arrival, which is
// what edgeHub takes acknowledgements for: all of its packets have the same id.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

func main() {
	fmt.Fprintln(os.Stderr, run())
	os.Exit(1)
}

// run filters until something fails, or the process is ended.
func run() error {
	id := parse(os.Getenv("EdgeHubConnectionString"))
	options, err := id.options(os.Getenv("EdgeModuleCACertificateFile"))
	if err != nil {
		return err
	}
	f := newFilter(id["DeviceId"], id["ModuleId"])
	lost := make(chan error, 1) // full: one reason is enough
	options.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		return fmt.Errorf("connect: %w", token.Error())
	}
	go f.run(client, lost)
	inputs := edgehub.InputsFilter(id["DeviceId"], id["ModuleId"])
	if token := client.Subscribe(inputs, 1, func(_ mqtt.Client, m mqtt.Message) { f.inputs <- m }); token.Wait() && token.Error() != nil {
		return fmt.Errorf("subscribe: %w", token.Error())
	}
	return <-lost
}

// identity are the fields of a connection string.
type identity map[string]string

func parse(connectionString string) identity {
	id := identity{}
	for field := range strings.SplitSeq(connectionString, ";") {
		name, value, _ := strings.Cut(field, "=")
		id[name] = value
	}
	return id
}

// options are what edgeHub wants of a client, with the acknowledgement left to the program.
func (id identity) options(caFile string) (*mqtt.ClientOptions, error) {
	key, err := base64.StdEncoding.DecodeString(id["SharedAccessKey"])
	if err != nil {
		return nil, fmt.Errorf("decode key: %w", err)
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("read certificates: none in the file")
	}
	hub, device, module := id["HostName"], id["DeviceId"], id["ModuleId"]
	token := edgehub.NewSASToken(hub, device, module, time.Now().Add(24*time.Hour))
	token.Sign(key)
	return mqtt.NewClientOptions().
		AddBroker("ssl://" + id["GatewayHostName"]).
		SetTLSConfig(&tls.Config{RootCAs: roots}).
		SetClientID(edgehub.ClientID(device, module)).
		SetUsername(edgehub.Username{IoTHub: hub, DeviceID: device, ModuleID: module}.Encode()).
		SetPassword(token.Encode()).
		SetProtocolVersion(4).
		SetCleanSession(false).
		SetAutoReconnect(false).
		SetAutoAckDisabled(true), nil
}
