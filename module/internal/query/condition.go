package query

// Condition is a WHERE clause.
type Condition struct {
	text string
	root node
}

// ParseCondition reads a condition alone. Its error is an [*Error].
func ParseCondition(text string) (*Condition, error) {
	if len(text) > MaxText {
		return nil, &Error{Column: MaxText + 1, Reason: "a condition is no longer than 4096 bytes"}
	}
	p := parser{text: text, tokens: lex(text)}
	c, err := p.condition()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, errorAt(t, "%s after the end of the condition", t)
	}
	return c, nil
}

// String returns the condition as it was written.
func (c *Condition) String() string { return c.text }

// Evaluate tells whether the condition is met by a message. It is not where defined is false.
func (c *Condition) Evaluate(m *Message) (holds, defined bool) {
	v := c.root.eval(m)
	switch v.kind {
	case isBool:
		return v.truth, true
	case isNull:
		return false, c.root.kind == isNull // null alone is false; what the body lacks is undefined
	default:
		return false, false
	}
}

// Holds tells whether the condition is met by a message.
func (c *Condition) Holds(m *Message) bool {
	holds, _ := c.Evaluate(m)
	return holds
}
