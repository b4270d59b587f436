package configfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// appendTOML appends an object as a document of TOML 1.0, its keys in order. What lies within it are inline tables, so that
// no key has to say where it belongs.
func appendTOML(b []byte, object map[string]any) ([]byte, error) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		var err error
		if b, err = appendPair(b, key, object[key]); err != nil {
			return nil, err
		}
		b = append(b, '\n')
	}
	return b, nil
}

func appendPair(b []byte, key string, value any) ([]byte, error) {
	b = append(appendKey(b, key), " = "...)
	b, err := appendValue(b, value)
	if err != nil {
		return nil, fmt.Errorf("config, %s: %w", key, err)
	}
	return b, nil
}

func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return nil, errors.New("TOML has no null: leave the key out")
	case bool:
		return fmt.Append(b, v), nil
	case string:
		return appendText(b, v), nil
	case json.Number:
		return appendNumber(b, v)
	case []any:
		return appendArray(b, v)
	case map[string]any:
		return appendInlineTable(b, v)
	}
	return nil, fmt.Errorf("%T is nothing that JSON has", value)
}

// appendNumber appends a number as JSON spells it, which is TOML too but for integers of more than 64 bits.
func appendNumber(b []byte, number json.Number) ([]byte, error) {
	if i, ok := new(big.Int).SetString(number.String(), 10); ok && !i.IsInt64() {
		return nil, fmt.Errorf("%s does not fit into 64 bits", number)
	}
	return append(b, number...), nil
}

func appendArray(b []byte, array []any) ([]byte, error) {
	b = append(b, '[')
	for n, element := range array {
		if n > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = appendValue(b, element); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendInlineTable(b []byte, object map[string]any) ([]byte, error) {
	b = append(b, '{')
	for n, key := range slices.Sorted(maps.Keys(object)) {
		if n > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = appendPair(b, key, object[key]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendText appends a basic string. What is not printable is escaped.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = fmt.Appendf(b, `\u%04X`, c)
		default:
			b = append(b, string(c)...)
		}
	}
	return append(b, '"')
}

const bareLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// appendKey appends a key, without quotes where it can be: a small program may know no others.
func appendKey(b []byte, key string) []byte {
	if key != "" && strings.Trim(key, bareLetters) == "" {
		return append(b, key...)
	}
	return appendText(b, key)
}
