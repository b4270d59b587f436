package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Limits of reported patches (ReportedPropertiesValidator.cs of edgeHub, taken from IoT Hub).
const (
	reportedMax      = 32 << 10 // bytes of the patch as JSON
	reportedDepth    = 10       // objects and arrays within each other
	reportedKeyMax   = 1024     // bytes of a key
	reportedValueMax = 4096     // bytes of a string
	reportedInteger  = 1 << 52  // integers are from -2^52 to 2^52-1
)

// errOverflow: an integer that does not fit 64 bits. edgeHub's validator fails over it, which is another status.
var errOverflow = errors.New("is out of range")

// validateReported says what edgeHub's validator would not let through.
func validateReported(patch map[string]any) error {
	if size := len(encode(patch)); size > reportedMax {
		return fmt.Errorf("%d bytes, at most %d are possible", size, reportedMax)
	}
	return validateValue(patch, 0, false)
}

func validateValue(value any, depth int, inArray bool) error {
	switch v := value.(type) {
	case map[string]any:
		return validateObject(v, depth, inArray)
	case []any:
		return validateArray(v, depth)
	case string:
		if len(v) > reportedValueMax {
			return fmt.Errorf("text of %d bytes, at most %d are possible", len(v), reportedValueMax)
		}
	case json.Number:
		return validateNumber(v)
	case nil:
		if inArray {
			return fmt.Errorf("null inside an array")
		}
	}
	return nil
}

func validateObject(object map[string]any, depth int, inArray bool) error {
	if depth > reportedDepth {
		return fmt.Errorf("nested deeper than %d", reportedDepth)
	}
	for key, value := range object {
		if err := validateKey(key); err != nil {
			return err
		}
		if err := validateValue(value, depth+1, inArray); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return nil
}

func validateArray(array []any, depth int) error {
	if depth > reportedDepth {
		return fmt.Errorf("nested deeper than %d", reportedDepth)
	}
	for i, value := range array {
		if err := validateValue(value, depth+1, true); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func validateKey(key string) error {
	if len(key) > reportedKeyMax {
		return fmt.Errorf("key of %d bytes, at most %d are possible", len(key), reportedKeyMax)
	}
	bad := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(".$#", r) }
	if strings.ContainsFunc(key, bad) {
		return fmt.Errorf("key %q: control characters, white space, \".\", \"$\" and \"#\" are not possible", key)
	}
	return nil
}

func validateNumber(number json.Number) error {
	if strings.ContainsAny(number.String(), ".eE") {
		return nil
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		return fmt.Errorf("integer %s: %w", number, errOverflow)
	}
	if n < -reportedInteger || n >= reportedInteger {
		return fmt.Errorf("integer %s is not within -2^52 and 2^52-1", number)
	}
	return nil
}
