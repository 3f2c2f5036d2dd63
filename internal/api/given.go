package api

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// given is a field of a change: not given, null, or a value.
type given[T any] struct {
	Given bool
	Null  bool
	Value T
}

// UnmarshalJSON implements json.Unmarshaler; it is called for what is given.
func (g *given[T]) UnmarshalJSON(b []byte) error {
	g.Given = true
	if string(b) == "null" {
		g.Null = true
		return nil
	}
	return json.Unmarshal(b, &g.Value)
}

// set puts the value into v if it is given; null is the zero value.
func (g *given[T]) set(v *T) {
	if g.Given {
		*v = g.Value
	}
}

// pointer is the value, or nil where none is given.
func (g *given[T]) pointer() *T {
	if !g.Given || g.Null {
		return nil
	}
	return &g.Value
}

// Schema implements huma.SchemaProvider: it is that of the value, or null.
func (given[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	if s.Ref == "" {
		s.Nullable = true
	}
	return &s
}
