module github.com/wasm-on-edge/wasm-on-edge/module/internal/journal/compare

go 1.26.0

replace github.com/wasm-on-edge/wasm-on-edge => ../../../..

require (
	github.com/stretchr/testify v1.12.1
	github.com/wasm-on-edge/wasm-on-edge v0.0.0
	go.etcd.io/bbolt v1.5.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
