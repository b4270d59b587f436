package sim

import (
	"encoding/base64"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Names of the simulated device. The hub's name is not one that exists.
const (
	iotHub      = "simulated.azure-devices.net"
	deviceID    = "simulated-device"
	gatewayHost = "localhost"
	edgeHubPort = 8883
)

// workloadAPIVersion is what aziot-edged hands to edgeAgent and edgeAgent to every module.
const workloadAPIVersion = "2022-08-03"

// Environment returns what edgeAgent puts into a module's environment: the IOTEDGE_* variables and RuntimeLogLevel.
// The module's own variables are in the manifest. It is nil where the deployment has no such module.
func (h *Hub) Environment(module string) map[string]string {
	p, ok := h.peers[module]
	if !ok {
		return nil
	}
	logLevel := "Information"
	if m, _ := h.cfg.Manifest.Module(module); m.Env["RuntimeLogLevel"] != "" {
		logLevel = m.Env["RuntimeLogLevel"]
	}
	return map[string]string{
		"IOTEDGE_WORKLOADURI":        (&url.URL{Scheme: "unix", Path: h.workloads[module].path()}).String(),
		"IOTEDGE_AUTHSCHEME":         "sasToken",
		"IOTEDGE_MODULEGENERATIONID": p.generation,
		"IOTEDGE_IOTHUBHOSTNAME":     iotHub,
		"IOTEDGE_GATEWAYHOSTNAME":    h.gateway(),
		"IOTEDGE_DEVICEID":           deviceID,
		"IOTEDGE_MODULEID":           module,
		"IOTEDGE_APIVERSION":         workloadAPIVersion,
		"RuntimeLogLevel":            logLevel,
	}
}

// ConnectionString returns what iotedgehubdev gives to a module that runs outside a container: the value for
// EdgeHubConnectionString, and the file for EdgeModuleCACertificateFile. Both are empty where the deployment has no
// such module.
func (h *Hub) ConnectionString(module string) (connectionString, caFile string) {
	p, ok := h.peers[module]
	if !ok {
		return "", ""
	}
	return strings.Join([]string{
		"HostName=" + iotHub,
		"GatewayHostName=" + h.gateway(),
		"DeviceId=" + deviceID,
		"ModuleId=" + module,
		"SharedAccessKey=" + base64.StdEncoding.EncodeToString(p.key),
	}, ";"), h.caFile
}

// gateway is where modules find the hub. Unlike on a device it names a port, unless that is the one of edgeHub, which
// modules take for granted.
func (h *Hub) gateway() string {
	port := portOf(h.listener)
	if port == edgeHubPort {
		return gatewayHost
	}
	return net.JoinHostPort(gatewayHost, strconv.Itoa(port))
}

func (w *workload) path() string { return w.listener.Addr().String() }
