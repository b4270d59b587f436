module github.com/wasm-on-edge/wasm-on-edge/wasm-guests/telemetry

go 1.26.0

require github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go v0.0.0

require (
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go => ../sdk/go
