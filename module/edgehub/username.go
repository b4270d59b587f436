package edgehub

import (
	"errors"
	"fmt"
	"strings"
)

// APIVersion is what the username of a CONNECT announces; edgeHub wants one and does not look at it.
const APIVersion = "2021-04-12"

// ClientID is the MQTT client identifier of a module: "device/module", not escaped.
func ClientID(deviceID, moduleID string) string { return deviceID + "/" + moduleID }

// ParseClientID undoes ClientID.
func ParseClientID(id string) (deviceID, moduleID string, ok bool) {
	deviceID, moduleID, _ = strings.Cut(id, "/")
	return deviceID, moduleID, deviceID != "" && moduleID != "" && !strings.Contains(moduleID, "/")
}

// Username is the user name of a module's CONNECT.
type Username struct {
	IoTHub             string // host name of the hub; edgeHub does not check it
	DeviceID, ModuleID string
	APIVersion         string // "" stands for the constant APIVersion
	ProductInfo        string // DeviceClientType, may be empty
}

// Encode returns the name as it goes over the wire:
// "hub/device/module/?api-version=2021-04-12&DeviceClientType=product%2F1.0".
func (u Username) Encode() string {
	version := u.APIVersion
	if version == "" {
		version = APIVersion
	}
	s := u.IoTHub + "/" + u.DeviceID + "/" + u.ModuleID + "/?api-version=" + escape(version)
	if u.ProductInfo != "" {
		s += "&DeviceClientType=" + escape(u.ProductInfo)
	}
	return s
}

// ParseUsername reads a module's user name as edgeHub does: the "?" of the last segment may be missing, an
// api-version must be there, and of a parameter that comes twice the first counts (MqttUsernameParser.cs).
func ParseUsername(s string) (Username, error) {
	segments := strings.Split(s, "/")
	if len(segments) != 4 {
		return Username{}, errors.New("read username: not of the form hub/device/module/?parameters")
	}
	u := Username{IoTHub: segments[0], DeviceID: strings.TrimSpace(segments[1]), ModuleID: strings.TrimSpace(segments[2])}
	parameters := strings.TrimPrefix(segments[3], "?")
	u.APIVersion = parameter(parameters, "api-version")
	u.ProductInfo = parameter(parameters, "DeviceClientType")
	if u.DeviceID == "" || u.ModuleID == "" || strings.TrimSpace(u.APIVersion) == "" {
		return Username{}, fmt.Errorf("read username %q: device, module or api-version is missing", s)
	}
	return u, nil
}

func parameter(parameters, name string) string {
	for pair := range strings.SplitSeq(parameters, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return unescape(value)
		}
	}
	return ""
}
