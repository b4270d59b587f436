// Command above is ../above.c in Go: built with GOOS=wasip1 GOARCH=wasm it runs here, for each message or as a service.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var settings struct{ High float64 }
	if err := json.Unmarshal([]byte(os.Getenv("EDGE_SETTINGS")), &settings); err != nil {
		fmt.Fprintln(os.Stderr, "read settings:", err)
		os.Exit(2)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var sample struct{ Value *float64 }
		if err := json.Unmarshal(in.Bytes(), &sample); err != nil || sample.Value == nil {
			fmt.Fprintln(os.Stderr, "no value in", in.Text())
			os.Exit(1)
		}
		if *sample.Value > settings.High {
			fmt.Println(in.Text())
		}
	}
}
