package edgehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Limits of a reported patch (edgeHub's ReportedPropertiesValidator.cs, taken from IoT Hub).
const (
	maxReported       = 32 << 10 // bytes of compact JSON
	maxReportedDepth  = 10       // objects and arrays below the root
	maxReportedName   = 1024     // bytes of a key
	maxReportedString = 4096     // bytes of a string value
	maxReportedInt    = 1<<52 - 1
	minReportedInt    = -1 << 52
)

// checkReported returns the patch in compact form, or a *ReportedError for what edgeHub would answer with
// status 400 and no reason.
func checkReported(patch []byte) ([]byte, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, patch); err != nil {
		return nil, &ReportedError{Reason: err.Error()}
	}
	if compact.Len() > maxReported {
		return nil, &ReportedError{Reason: fmt.Sprintf("%d bytes exceed %d", compact.Len(), maxReported)}
	}
	if compact.Bytes()[0] != '{' {
		return nil, &ReportedError{Reason: "not an object"}
	}
	check := reportedCheck{decoder: json.NewDecoder(bytes.NewReader(compact.Bytes()))}
	check.decoder.UseNumber()
	if err := check.value(false); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

// reportedCheck walks a patch token by token.
type reportedCheck struct {
	decoder *json.Decoder
	path    []string // keys and indices that lead to the value at hand
}

func (c *reportedCheck) refuse(format string, args ...any) error {
	return &ReportedError{Path: strings.Join(c.path, "."), Reason: fmt.Sprintf(format, args...)}
}

// value checks the next value. inArray is true anywhere inside an array.
func (c *reportedCheck) value(inArray bool) error {
	token, err := c.decoder.Token()
	if err != nil {
		return c.refuse("%v", err)
	}
	switch v := token.(type) {
	case json.Delim:
		if len(c.path) > maxReportedDepth {
			return c.refuse("nested deeper than %d", maxReportedDepth)
		}
		if v == '{' {
			return c.object(inArray)
		}
		return c.array()
	case string:
		if len(v) > maxReportedString {
			return c.refuse("text of %d bytes exceeds %d", len(v), maxReportedString)
		}
	case json.Number:
		return c.number(v.String())
	case nil:
		if inArray {
			return c.refuse("null inside an array")
		}
	}
	return nil
}

func (c *reportedCheck) object(inArray bool) error {
	for c.decoder.More() {
		token, err := c.decoder.Token()
		if err != nil {
			return c.refuse("%v", err)
		}
		name, _ := token.(string) // nothing else can be a key
		c.path = append(c.path, name)
		if err := c.name(name); err != nil {
			return err
		}
		if err := c.value(inArray); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	return c.close()
}

func (c *reportedCheck) array() error {
	for i := 0; c.decoder.More(); i++ {
		c.path = append(c.path, strconv.Itoa(i))
		if err := c.value(true); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	return c.close()
}

// close takes the closing bracket.
func (c *reportedCheck) close() error {
	if _, err := c.decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
		return c.refuse("%v", err)
	}
	return nil
}

func (c *reportedCheck) name(name string) error {
	if len(name) > maxReportedName {
		return c.refuse("key of %d bytes exceeds %d", len(name), maxReportedName)
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(".$#", r) {
			return c.refuse("key contains %q", r)
		}
	}
	return nil
}

// number checks integers; numbers with a point or exponent are not limited.
func (c *reportedCheck) number(text string) error {
	if strings.ContainsAny(text, ".eE") {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > maxReportedInt || n < minReportedInt {
		return c.refuse("integer %s is beyond 52 bits", text)
	}
	return nil
}
