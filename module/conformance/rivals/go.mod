module github.com/wasm-on-edge/wasm-on-edge/module/conformance/rivals

go 1.26.0

replace github.com/wasm-on-edge/wasm-on-edge => ../../..

require (
	github.com/eclipse/paho.mqtt.golang v1.5.1
	github.com/rs/zerolog v1.35.1
	github.com/stretchr/testify v1.12.1
	github.com/wasm-on-edge/wasm-on-edge v0.0.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.44.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
