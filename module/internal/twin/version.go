package twin

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// The schema that this version reads.
const (
	schemaMajor = 1
	schemaMinor = 0
)

// pathSchemaVersion is where all findings stand that mean "not a schema of ours", code 412.
const pathSchemaVersion path = "schemaVersion"

var schemaPattern = regexp.MustCompile(`^([0-9]{1,9})\.([0-9]{1,9})$`)

// schemaVersion reads the version of the schema that a document is written in. Newer: of the same major and
// a newer minor version, of which keys may be unknown here.
func schemaVersion(value any) (version string, newer bool, wrong *problem) {
	if value == nil {
		return "", false, wrongly("is missing").try(`add "schemaVersion": "1.0"`)
	}
	version, ok := value.(string)
	if !ok {
		return "", false, mismatch("a string", value).try(`write "1.0"`)
	}
	parts := schemaPattern.FindStringSubmatch(version)
	if parts == nil {
		return "", false, wrongly("%s is not a version of the form 1.0", quote(version))
	}
	major, _ := strconv.Atoi(parts[1]) // nine digits: cannot fail
	minor, _ := strconv.Atoi(parts[2])
	if major != schemaMajor {
		return version, false, wrongly("version %s cannot be read, this module reads %d.%d", version, schemaMajor, schemaMinor)
	}
	return version, minor > schemaMinor, nil
}

// Unknown reports whether doc, the desired section of a twin, says nothing: it is empty but for keys of IoT
// Hub's own, or without $version. An offline edgeHub that never saw the twin hands out such a one (its
// StoringTwinManager); it must not be taken for "delete all". What is not JSON is not unknown but bad.
func Unknown(doc []byte) bool {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(doc, &object); err != nil {
		return false
	}
	version := string(object["$version"])
	return version == "" || version == "null" || empty(object)
}

// empty reports whether a desired section configures nothing: it has no keys but IoT Hub's own.
func empty[V any](object map[string]V) bool {
	for key := range object {
		if !strings.HasPrefix(key, "$") {
			return false
		}
	}
	return true
}
