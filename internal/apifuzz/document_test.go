package apifuzz

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"momentcast/internal/moment"
)

// schema is what the document says of a value: the part of JSON Schema that the
// program uses. A word more fails the tests until check knows it.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a text, or a list of them
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Additional any                `json:"additionalProperties"` // false, true or a schema
	AnyOf      []*schema          `json:"anyOf"`
	Items      *schema            `json:"items"`
	MaxItems   *int               `json:"maxItems"`
	MinItems   *int               `json:"minItems"`
	MaxLength  *int               `json:"maxLength"`
	MinLength  *int               `json:"minLength"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	Examples   []any              `json:"examples"`
}

// knownWords are the schema words that check reads, or that say nothing to check.
var knownWords = []string{"$ref", "anyOf", "type", "format", "enum", "properties", "required", "additionalProperties", "items", "maxItems", "minItems",
	"maxLength", "minLength", "minimum", "maximum", "examples", "description", "default", "contentMediaType", "contentEncoding"}

type media struct {
	Schema  *schema `json:"schema"`
	Example any     `json:"example"`
}

type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Schema   *schema `json:"schema"`
}

type response struct {
	Content map[string]media `json:"content"`
}

// operation is one line of the document, with where it is.
type operation struct {
	ID          string                              `json:"operationId"`
	Description string                              `json:"description"`
	Parameters  []parameter                         `json:"parameters"`
	RequestBody *struct{ Content map[string]media } `json:"requestBody"`
	Responses   map[string]response                 `json:"responses"`
	Security    []map[string][]string               `json:"security"`

	method, path string
	public       bool
	needs        moment.Permission // "" for what is public
}

// document is the OpenAPI document as the program serves it.
type document struct {
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`

	ops []*operation // in the order of their ids
}

var namedScope = regexp.MustCompile(`Needs the scope \*\*([a-z]+)\*\*\.`)

// readDocument reads the document and says what is missing in it.
func readDocument(t *testing.T, raw []byte) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	for path, ops := range d.Paths {
		for method, op := range ops {
			op.method, op.path = strings.ToUpper(method), path
			op.public = op.Security != nil && len(op.Security) == 0
			if m := namedScope.FindStringSubmatch(op.Description); m != nil {
				i := slices.IndexFunc(moment.Permissions, func(p moment.Permission) bool { return p.Scope() == moment.Scope(m[1]) })
				op.needs = moment.Permissions[i]
			}
			if op.public != (op.needs == "") {
				t.Errorf("%s: public %t, and needs %q", op.ID, op.public, op.needs)
			}
			d.ops = append(d.ops, op)
		}
	}
	slices.SortFunc(d.ops, func(a, b *operation) int { return strings.Compare(a.ID, b.ID) })
	words := map[string]bool{}
	schemas, _ := decoded(raw).(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for _, s := range schemas {
		wordsOf(s, words)
	}
	for word := range words {
		if !slices.Contains(knownWords, word) {
			t.Errorf("the schemas say %q, which check does not read", word)
		}
	}
	if len(d.ops) < 60 {
		t.Fatalf("the document has %d operations only", len(d.ops))
	}
	return &d
}

// wordsOf collects the words that a schema, and those inside it, consist of.
func wordsOf(v any, words map[string]bool) {
	s, _ := v.(map[string]any)
	for word, inner := range s {
		words[word] = true
		switch inner := inner.(type) {
		case []any:
			if word == "anyOf" {
				for _, one := range inner {
					wordsOf(one, words)
				}
			}
		case map[string]any:
			if word != "properties" {
				wordsOf(inner, words)
				continue
			}
			for _, one := range inner {
				wordsOf(one, words)
			}
		}
	}
}

// resolve follows a reference.
func (d *document) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// types are the types that a value may have; none for any.
func (s *schema) types() []string {
	switch t := s.Type.(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, one := range t {
			out = append(out, one.(string))
		}
		return out
	}
	return nil
}

// check reports what is wrong with a value by its schema; "" for nothing.
func (d *document) check(s *schema, v any, at string) string {
	if s = d.resolve(s); s == nil {
		return ""
	}
	if len(s.AnyOf) > 0 {
		said := ""
		for _, one := range s.AnyOf {
			m := d.check(one, v, at)
			if m == "" {
				return ""
			}
			said = longer(said, m)
		}
		return said
	}
	if t := typeOf(v); len(s.types()) > 0 && !slices.Contains(s.types(), t) && (t != "integer" || !slices.Contains(s.types(), "number")) {
		return fmt.Sprintf("%s is %s, not %v", at, t, s.types())
	}
	if len(s.Enum) > 0 && v != nil && !slices.Contains(s.Enum, v) {
		return fmt.Sprintf("%s is %v, not of %v", at, v, s.Enum)
	}
	switch v := v.(type) {
	case map[string]any:
		return d.checkObject(s, v, at)
	case []any:
		if s.MaxItems != nil && len(v) > *s.MaxItems || s.MinItems != nil && len(v) < *s.MinItems {
			return fmt.Sprintf("%s has %d items", at, len(v))
		}
		for i, item := range v {
			if m := d.check(s.Items, item, fmt.Sprintf("%s[%d]", at, i)); m != "" {
				return m
			}
		}
	case string:
		return checkText(s, v, at)
	case json.Number:
		f, err := v.Float64()
		if err != nil || s.Minimum != nil && f < *s.Minimum || s.Maximum != nil && f > *s.Maximum {
			return fmt.Sprintf("%s is %s", at, v)
		}
	}
	return ""
}

// longer is the one that was found deeper inside.
func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func (d *document) checkObject(s *schema, v map[string]any, at string) string {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return at + "." + name + " is missing"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		of, known := s.Properties[name]
		if !known && s.Additional == false {
			return at + "." + name + " is not in the document"
		}
		if m := d.check(of, v[name], at+"."+name); known && m != "" {
			return m
		}
	}
	return ""
}

func checkText(s *schema, v, at string) string {
	n := utf8.RuneCountInString(v)
	if s.MaxLength != nil && n > *s.MaxLength || s.MinLength != nil && n < *s.MinLength {
		return fmt.Sprintf("%s has %d characters", at, n)
	}
	if s.Format == "date-time" {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return fmt.Sprintf("%s is %q, no time", at, v)
		}
	}
	return ""
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func TestSchemasAreChecked(t *testing.T) {
	t.Parallel()
	var s schema
	if err := json.Unmarshal([]byte(`{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"integer","minimum":2},
		"b":{"type":["string","null"],"enum":["x","y"]},"c":{"type":"array","maxItems":1,"items":{"type":"string","format":"date-time"}}}}`), &s); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`{"a":2}`: "", `{"a":3,"b":null}`: "", `{"a":3,"b":"x","c":["2026-01-02T03:04:05Z"]}`: "",
		`{}`: ".a is missing", `{"a":1}`: ".a is 1", `{"a":2.5}`: ".a is number, not [integer]", `{"a":"2"}`: ".a is string, not [integer]",
		`{"a":2,"b":"z"}`: ".b is z, not of [x y]", `{"a":2,"d":1}`: ".d is not in the document", `{"a":2,"c":["",""]}`: ".c has 2 items",
		`{"a":2,"c":["today"]}`: `.c[0] is "today", no time`, `[]`: " is array, not [object]",
	} {
		if got := new(document).check(&s, decoded([]byte(in)), ""); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// decoded is a JSON value with its numbers as they are written; nil for none.
func decoded(raw []byte) (v any) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	_ = dec.Decode(&v) // what is no JSON is no object either, and found as such
	return v
}
