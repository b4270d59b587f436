package edge

// appendBag appends a property bag, "name=value&name=value", as edgeHub reads it. All but the unreserved
// characters of RFC 3986 are percent-encoded: a bag that edgeHub cannot read it throws away with its message.
func appendBag(bag []byte, properties Properties) []byte {
	for i, p := range properties {
		if i > 0 {
			bag = append(bag, '&')
		}
		bag = appendEncoded(bag, p.Name)
		bag = append(bag, '=')
		bag = appendEncoded(bag, p.Value)
	}
	return bag
}

func appendEncoded(bag []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		if c := text[i]; unreserved(c) {
			bag = append(bag, c)
		} else {
			bag = append(bag, '%', hex[c>>4], hex[c&15])
		}
	}
	return bag
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
