package twin

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Grammars of what a twin refers to outside itself. A registry's repository, tag and digest are those of the
// OCI distribution specification; the host "$upstream:PORT" means the parent of a nested device.
var (
	digestPattern   = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	fileNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
	variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	hostPattern     = regexp.MustCompile(`^(\$upstream:[0-9]{1,5}|([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)$`)
	imagePattern    = regexp.MustCompile(`^[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
	originPattern   = regexp.MustCompile(`^https?://(\*\.)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)
)

// Schemes of a guest's source.
const (
	schemeFile  = "file:"
	schemeHTTPS = "https://"
	schemeOCI   = "oci://"
)

// remote reports whether a source of a guest is fetched over the network.
func remote(source string) bool {
	return strings.HasPrefix(source, schemeHTTPS) || strings.HasPrefix(source, schemeOCI)
}

// checkGuestSource takes file:NAME, https://HOST/PATH and oci://HOST/REPOSITORY with a tag or a digest.
func checkGuestSource(source string) *problem {
	if name, ok := strings.CutPrefix(source, schemeFile); ok {
		return checkFileName(name)
	}
	if strings.HasPrefix(source, "http://") {
		return wrongly("http is not offered: nobody vouches for what it brings").try("use https")
	}
	if !remote(source) {
		return wrongly("must begin with %q, %q or %q", schemeFile, schemeHTTPS, schemeOCI)
	}
	if strings.Contains(source, "?") {
		return wrongly("a query string can hold a secret and is refused").try("name a file or variable of the device in credentials")
	}
	if image, ok := strings.CutPrefix(source, schemeOCI); ok {
		return checkImage(image)
	}
	return checkURL(source)
}

func checkURL(source string) *problem {
	// An own cut at the host: net/url does not know $upstream.
	host, file, _ := strings.Cut(strings.TrimPrefix(source, schemeHTTPS), "/")
	switch u, err := url.Parse("/" + file); {
	case strings.Contains(host, "@"):
		return wrongly("user and password in an address are refused").try("name a file or variable of the device in credentials")
	case !hostPattern.MatchString(host):
		return wrongly("has no valid host")
	case file == "" || err != nil || u.Fragment != "":
		return wrongly("must be https://HOST/PATH")
	}
	return nil
}

func checkImage(image string) *problem {
	host, repository, _ := strings.Cut(image, "/")
	switch {
	case !hostPattern.MatchString(host):
		return wrongly("has no valid registry host")
	case !imagePattern.MatchString(repository) || !strings.ContainsAny(repository, ":"):
		return wrongly("must be oci://REGISTRY/REPOSITORY:TAG or …@sha256:DIGEST")
	}
	return nil
}

func checkDigest(digest string) *problem {
	if digestPattern.MatchString(digest) {
		return nil
	}
	return wrongly(`must be "sha256:" and 64 hexadecimal digits in lower case`)
}

// checkFileName takes names of files in a directory of the device, which lead to no other directory.
func checkFileName(name string) *problem {
	if fileNamePattern.MatchString(name) {
		return nil
	}
	return wrongly("must be the name of a file, without a directory: 1 to 128 of A-Z a-z 0-9 . _ -, not beginning with a dot")
}

func checkVariable(name string) *problem {
	if variablePattern.MatchString(name) {
		return nil
	}
	return wrongly("must be the name of a variable: letters, digits and _, not beginning with a digit")
}

func checkOrigin(origin string) *problem {
	if originPattern.MatchString(origin) {
		return nil
	}
	return wrongly("must be an origin, https://HOST or https://HOST:PORT, without a path").try(`"https://*.contoso.com" takes all hosts of a domain`)
}

// signalSource reads the source of a signal: input:NAME, signal:NAME or timer.
func signalSource(value any) (module.Source, *problem) {
	text, ok := value.(string)
	if !ok {
		return module.Source{}, mismatch("a string", value)
	}
	kind, name, named := strings.Cut(text, ":")
	switch source := (module.Source{Kind: module.SourceKind(kind), Name: name}); source.Kind {
	case module.SourceInput, module.SourceSignal:
		return source, checkName(name)
	case module.SourceTimer:
		if !named {
			return source, nil
		}
	}
	wrong := wrongly(`must be "input:NAME", "signal:NAME" or "timer"`)
	if module.ValidName(text) {
		wrong.hint = "did you mean " + quote("input:"+text) + "?"
	}
	return module.Source{}, wrong
}
