package twin

import (
	"fmt"
	"maps"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// ForSignal returns guest as an instance for one signal gets it: "${signal}" is replaced in its environment
// variables and its settings.
func ForSignal(guest module.GuestSpec, signal module.SignalName) (module.GuestSpec, error) {
	guest.Permissions.Env = maps.Clone(guest.Permissions.Env)
	for name, value := range guest.Permissions.Env {
		guest.Permissions.Env[name] = strings.ReplaceAll(value, placeholderSignal, string(signal))
	}
	if len(guest.Settings) == 0 {
		return guest, nil
	}
	tree, err := decodeTree(guest.Settings)
	if err != nil {
		return guest, fmt.Errorf("read settings of guest %q: %w", guest.Name, err)
	}
	if guest.Settings, err = encodeTree(nameSignal(tree, signal)); err != nil {
		return guest, fmt.Errorf("write settings of guest %q: %w", guest.Name, err)
	}
	return guest, nil
}

// WithGuest returns signal with the settings of guest under its own, as [Parse] does where the guest is in the
// same document. It is for a signal whose guest's entry was refused and whose last good guest stays.
func WithGuest(signal module.Signal, guest module.GuestSpec) (module.Signal, error) {
	guest, err := ForSignal(guest, signal.Name)
	if err != nil {
		return signal, err
	}
	under, over := orEmpty(guest.Settings), orEmpty(signal.Settings)
	merged, err := Merge(under, over)
	if err != nil {
		return signal, fmt.Errorf("merge settings of signal %q: %w", signal.Name, err)
	}
	if signal.Settings = merged; string(merged) == "{}" {
		signal.Settings = nil
	}
	return signal, nil
}

func orEmpty(settings []byte) []byte {
	if len(settings) == 0 {
		return []byte("{}")
	}
	return settings
}
