package edge

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan"
)

// decodeSettings reads the settings of the twin over the defaults that target points to, and validates them.
// The rules stand at [Guest.Settings].
func decodeSettings(document []byte, target any) error {
	if err := readSettings(document, target); err != nil {
		return err
	}
	if settings, ok := target.(interface{ Validate() error }); ok {
		return settings.Validate()
	}
	return nil
}

func readSettings(document []byte, target any) error {
	if document == nil || scan.KindOf(document) == scan.Null {
		return nil
	}
	if settings, ok := target.(interface{ UnmarshalJSON([]byte) error }); ok {
		return settings.UnmarshalJSON(document)
	}
	return assign("", document, reflect.ValueOf(target).Elem())
}

// assign puts a JSON value into a variable. path says where in the settings it stands, "" being their top.
func assign(path string, value Value, into reflect.Value) error {
	if scan.KindOf(value) == scan.Null {
		return nil // as in encoding/json: what was there stays
	}
	switch into.Kind() {
	case reflect.Struct:
		return assignStruct(path, value, into)
	case reflect.Slice:
		return assignSlice(path, value, into)
	case reflect.Pointer:
		// Always a new variable: the one that a default points to belongs to the defaults.
		pointer := reflect.New(into.Type().Elem())
		into.Set(pointer)
		return assign(path, value, pointer.Elem())
	case reflect.Bool:
		return put(path, value, into.SetBool, value.Bool, "true or false")
	case reflect.String:
		return put(path, value, into.SetString, value.Text, "a string")
	case reflect.Float64:
		return put(path, value, into.SetFloat, value.Float, "a number")
	case reflect.Int, reflect.Int64:
		return put(path, value, into.SetInt, value.Int, "a whole number")
	}
	return settingError(path, "settings cannot have the type "+into.Type().String())
}

// put sets a variable to what get makes of a value.
func put[T any](path string, value Value, set func(T), get func() (T, bool), want string) error {
	converted, ok := get()
	if !ok {
		return settingError(path, "want "+want+", got "+excerpt(value))
	}
	set(converted)
	return nil
}

func assignStruct(path string, value Value, into reflect.Value) error {
	names := settingNames(into.Type())
	members := scan.Members(value)
	for members.Next() {
		member := join(path, string(members.Key))
		index := slices.Index(names, string(members.Key))
		if index < 0 || names[index] == "" {
			return unknownSetting(member, names)
		}
		if err := assign(member, members.Value, into.Field(index)); err != nil {
			return err
		}
	}
	if err := members.Err(); err != nil {
		return settingError(path, err.Error())
	}
	return nil
}

func assignSlice(path string, value Value, into reflect.Value) error {
	list := reflect.MakeSlice(into.Type(), 0, 0)
	elements := scan.Elements(value)
	for elements.Next() {
		element := reflect.New(into.Type().Elem()).Elem()
		if err := assign(join(path, strconv.Itoa(list.Len())), elements.Value, element); err != nil {
			return err
		}
		list = reflect.Append(list, element)
	}
	if err := elements.Err(); err != nil {
		return settingError(path, err.Error())
	}
	into.Set(list)
	return nil
}

// settingNames returns the key of each field of a struct type in order, "" for a field that is no setting.
func settingNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case name == "":
			names[i] = strings.ToLower(field.Name[:1]) + field.Name[1:]
		default:
			names[i] = name
		}
	}
	return names
}

func unknownSetting(path string, names []string) error {
	known := slices.DeleteFunc(slices.Sorted(slices.Values(names)), func(name string) bool { return name == "" })
	if len(known) == 0 {
		return errors.New("unknown setting " + strconv.Quote(path) + " (there are none)")
	}
	return errors.New("unknown setting " + strconv.Quote(path) + " (known: " + strings.Join(known, ", ") + ")")
}

func settingError(path, text string) error {
	if path == "" {
		return errors.New("settings: " + text)
	}
	return errors.New("setting " + strconv.Quote(path) + ": " + text)
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

// excerpt returns the beginning of a value for an error message.
func excerpt(value Value) string {
	const most = 40
	if len(value) > most {
		return string(value[:most]) + "…"
	}
	return string(value)
}
