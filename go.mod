module github.com/wasm-on-edge/wasm-on-edge

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/bytecodealliance/wasmtime-go/v39 v39.0.1
	github.com/eclipse/paho.mqtt.golang v1.5.1
	github.com/rogpeppe/go-internal v1.16.0
	github.com/rs/zerolog v1.35.1
	github.com/stretchr/testify v1.12.1
	golang.org/x/term v0.47.0
)

require (
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
)
