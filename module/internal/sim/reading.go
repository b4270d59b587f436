package sim

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// sensorOutput is where Microsoft's simulated temperature sensor sends.
const sensorOutput = "temperatureOutput"

// reading is what a message of Microsoft's simulated temperature sensor says.
type reading struct {
	temperature, pressure float64 // of the machine
	ambient               float64
	humidity              int
	created               time.Time
	numbered              bool // the body holds the message's number
}

// message makes the sensor's message of a reading, as edgeHub has it from the C# SDK. The sensor sets no message id:
// batch, which is one per run, and number, which counts from 1, are what tells messages apart.
func (r reading) message(batch string, number int) edgehub.Message {
	return edgehub.Message{
		Body: r.body(number),
		Properties: edgehub.Properties{
			{Name: edgehub.PropertyContentType, Value: "application/json"},
			{Name: edgehub.PropertyContentEncoding, Value: "utf-8"},
			{Name: "sequenceNumber", Value: strconv.Itoa(number)},
			{Name: "batchId", Value: batch},
		},
	}
}

// body is the JSON that Newtonsoft.Json makes of the sensor's MessageBody: keys in this order, no white space.
func (r reading) body(number int) []byte {
	b := append(make([]byte, 0, 192), `{"machine":{"temperature":`...)
	b = appendDouble(b, r.temperature)
	b = append(b, `,"pressure":`...)
	b = appendDouble(b, r.pressure)
	b = append(b, `},"ambient":{"temperature":`...)
	b = appendDouble(b, r.ambient)
	b = append(b, `,"humidity":`...)
	b = strconv.AppendInt(b, int64(r.humidity), 10)
	b = append(b, `},"timeCreated":"`...)
	b = r.created.UTC().AppendFormat(b, "2006-01-02T15:04:05.9999999Z") // ticks of 100 ns, without the zeros at the end
	b = append(b, '"')
	if r.numbered {
		b = strconv.AppendInt(append(b, `,"n":`...), int64(number), 10)
	}
	return append(b, '}')
}

// appendDouble appends a number as Newtonsoft.Json writes a double: the shortest text that reads back as the same
// number, always with a decimal point or an exponent.
func appendDouble(b []byte, v float64) []byte {
	text := strconv.FormatFloat(v, 'E', -1, 64)
	_, exponent, _ := strings.Cut(text, "E")
	if e, _ := strconv.Atoi(exponent); e >= 15 || e < -4 {
		return append(b, text...)
	}
	text = strconv.FormatFloat(v, 'f', -1, 64)
	b = append(b, text...)
	if !strings.Contains(text, ".") {
		b = append(b, ".0"...)
	}
	return b
}

// newUUID makes a random UUID, also for the batch of a run. It is never seeded: two runs are two batches, or else a
// receiver that knows the first would take the second for repeats.
func newUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
