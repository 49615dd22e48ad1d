package main

import (
	"encoding/json"
	"strconv"
	"strings"
)

const largestInteger = 1 << 53

// plainness decides which values need no second look.
type plainness struct{ sentinel string }

// same reports whether a built value is the expected one, in type too, and plain: no null, no float, no empty list or map, no
// integer that JSON readers round, and plain text.
func (p plainness) same(built, expected any) bool {
	switch built := built.(type) {
	case map[string]any:
		expected, ok := expected.(map[string]any)
		if !ok || len(built) != len(expected) || len(built) == 0 {
			return false
		}
		for key, value := range built {
			wanted, ok := expected[key]
			if !ok || !p.text(key) || !p.same(value, wanted) {
				return false
			}
		}
		return true
	case []any:
		expected, ok := expected.([]any)
		if !ok || len(built) != len(expected) || len(built) == 0 {
			return false
		}
		for i, value := range built {
			if !p.same(value, expected[i]) {
				return false
			}
		}
		return true
	case string:
		expected, ok := expected.(string)
		return ok && built == expected && p.text(built)
	case bool:
		expected, ok := expected.(bool)
		return ok && built == expected
	case int:
		expected, ok := expected.(json.Number)
		return ok && strconv.Itoa(built) == expected.String() && -largestInteger <= built && built <= largestInteger
	}
	return false
}

// text reports whether a text has one way to be printed, and that one is read back by every reader: printable ASCII and line
// ends, no space where a block could lose or mistake it, nothing that one reader takes for a number and another does not.
func (p plainness) text(value string) bool {
	if value == "" {
		return true
	}
	if strings.ContainsRune("+-.0123456789_=<", rune(value[0])) && readersDiffer(value) {
		return false
	}
	if value[0] == ' ' || value[0] == '\n' || value[len(value)-1] == ' ' || strings.HasSuffix(value, "\n\n") {
		return false
	}
	for i := range len(value) {
		if (value[i] < ' ' || value[i] > '~') && value[i] != '\n' {
			return false
		}
	}
	return p.sentinel == "" || !strings.Contains(value, p.sentinel)
}

// readersDiffer is asked of texts that begin as numbers do. The printer leaves some of them bare that YAML 1.1 reads as numbers.
func readersDiffer(value string) bool {
	switch strings.ToLower(strings.TrimLeft(value, "+-")) {
	case "=", "<<", ".inf", ".nan":
		return true
	}
	return strings.ContainsAny(value, "_:") && !strings.HasPrefix(value, "--")
}
