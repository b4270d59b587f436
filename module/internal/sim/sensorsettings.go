package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// sensorImage is a part of the image's name of Microsoft's simulated temperature sensor, in whatever registry.
const sensorImage = "azureiotedge-simulated-temperature-sensor"

// IsSensor reports whether a module is Microsoft's simulated temperature sensor, which the simulator can stand in
// for.
func IsSensor(m manifest.Module) bool { return strings.Contains(m.Image, sensorImage) }

// sensorSettings are what the sensor reads from its environment (Program.cs of Microsoft's).
type sensorSettings struct {
	delay                    time.Duration // between messages
	count                    int           // of messages; negative for no end
	temperatureMin           float64       // where the machine starts
	temperatureMax           float64       // from where on it stays
	pressureMin, pressureMax float64       // at these temperatures
	ambient                  float64
}

// pressure is the pressure of the machine at a temperature.
func (s sensorSettings) pressure(temperature float64) float64 {
	normal := (s.pressureMax - s.pressureMin) / (s.temperatureMax - s.temperatureMin)
	return s.pressureMin + (temperature-s.temperatureMin)*normal
}

func newSensorSettings(env map[string]string) (sensorSettings, error) {
	var problems []error
	number := func(name string, otherwise float64) float64 {
		return setting(env, name, otherwise, func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }, &problems)
	}
	s := sensorSettings{
		delay:          setting(env, "MessageDelay", 5*time.Second, parseTimeSpan, &problems),
		count:          setting(env, "MessageCount", 500, strconv.Atoi, &problems),
		temperatureMin: number("machineTempMin", 21),
		temperatureMax: number("machineTempMax", 100),
		pressureMin:    number("machinePressureMin", 1),
		pressureMax:    number("machinePressureMax", 10),
		ambient:        number("ambientTemp", 21),
	}
	return s, errors.Join(problems...)
}

// setting reads a variable; .NET's configuration does not look at the case of its name.
func setting[T any](env map[string]string, name string, otherwise T, parse func(string) (T, error), problems *[]error) T {
	for key, text := range env {
		if strings.EqualFold(key, name) {
			value, err := parse(strings.TrimSpace(text))
			if err != nil {
				*problems = append(*problems, fmt.Errorf("read variable %s: %w", key, err))
			}
			return value
		}
	}
	return otherwise
}

// parseTimeSpan reads a .NET TimeSpan, [d.]hh:mm[:ss[.fffffff]].
func parseTimeSpan(text string) (time.Duration, error) {
	problem := fmt.Errorf("%q is not of the form [d.]hh:mm[:ss[.fffffff]]", text)
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, problem
	}
	days, hours, found := strings.Cut(parts[0], ".")
	if !found {
		days, hours = "0", parts[0]
	}
	seconds := "0"
	if len(parts) == 3 {
		seconds = parts[2]
	}
	span := time.Duration(0)
	for _, part := range []struct {
		text  string
		unit  time.Duration
		limit float64
	}{{days, 24 * time.Hour, 10675199}, {hours, time.Hour, 24}, {parts[1], time.Minute, 60}, {seconds, time.Second, 60}} {
		value, err := strconv.ParseFloat(part.text, 64)
		inRange := value >= 0 && value < part.limit // which NaN is not
		if err != nil || !inRange || part.unit > time.Second && value != float64(int64(value)) {
			return 0, problem
		}
		span += time.Duration(value * float64(part.unit))
	}
	return span, nil
}
