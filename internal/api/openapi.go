package api

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const about = `Queue link cards for WeChat Moments, and see what became of each.

**Times** are RFC 3339 with offset. **Ids** are integers; moment ids are strings, because they exceed 64 signed bits.
**Durations** are written like "15m" or "72h"; "0s" switches a gap, an age gate or a lateness limit off.

**Lists** answer ` + "`{\"items\":[…],\"next_cursor\":\"…\"|null}`" + `; pass next_cursor as cursor, with the same filters, for the next page.

**Errors** are problem details (RFC 9457) that name every wrong field and never repeat what was sent.

**Creating twice** is prevented by an Idempotency-Key: the same key with the same body answers what it answered first.
**Changing what somebody else has changed** is prevented by ETag and If-Match.

Every operation but the gateway's callback needs ` + "`Authorization: Bearer <token>`" + ` with the scope its description names; admin includes all others.`

// humaConfig is the OpenAPI document without its operations. Every automatism
// that would add routes, links or pages is off.
func humaConfig(version string) huma.Config {
	read := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "momentcast", Version: orDev(version), Description: about},
			Servers: []*huma.Server{{URL: prefix}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "An API token: mc_…"},
				},
			},
			Security: []map[string][]string{{"token": {}}},
			Tags: []*huma.Tag{
				{Name: "posts", Description: "One link card for one instance at one time."},
				{Name: "actions", Description: "What moves a post from one state to another. 409 says which states allow it."},
				{Name: "history", Description: "What became of the posts: as a file, and in numbers."},
				{Name: "campaigns", Description: "Cards that go out again and again: schedules, targets, occurrences."},
				{Name: "instances", Description: "The WeChat accounts on the gateway."},
				{Name: "audiences", Description: "Named visibilities, to be used again."},
				{Name: "control", Description: "The kill switch and the whole picture."},
				{Name: "tokens", Description: "Who may use this API."},
				{Name: "holidays", Description: "Public holidays and make-up working days, by region; campaigns go by them."},
				{Name: "imports", Description: "Posts from a table, CSV or XLSX: checked first, stored when somebody commits."},
				{Name: "gateway", Description: "What the gateway calls."},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": read, "json": read},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true, // a misspelt filter would select everything
	}
}

func orDev(version string) string {
	if version == "" {
		return "dev"
	}
	return version
}

func marshal(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// schemaName leaves out the suffix by which our bodies differ from the domain's types.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
}

// document completes an operation: the scope it needs, the errors it may end
// in, the limit on its body.
func document(op *huma.Operation) {
	if need := needs[op.OperationID]; need != public {
		op.Description = strings.TrimSpace(op.Description + "\n\nNeeds the scope **" + string(need.Scope()) + "**.")
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	if strings.Contains(op.Path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.MaxBodyBytes++       // huma counts a body of exactly the limit as too large
	op.BodyReadTimeout = -1 // takeBody has read it
}

// examplePost is a whole post; one put together from the fields' own examples
// would name its instance twice.
var examplePost = map[string]any{
	"instance_id": 7, "content": "New in: autumn 2026", "title": "Autumn collection", "description": "Twelve looks",
	"url": "https://example.com/autumn", "thumb_url": "https://example.com/autumn.jpg",
	"visibility": map[string]any{"mode": "allow", "users": []string{"wxid_a1b2c3"}, "labels": []string{"3"}},
	"due_at":     "2026-12-01T09:00:00+08:00", "max_lateness": "30m", "external_key": "crm-2026-1193",
}

// example is a body with an example of the whole.
func example(v any) *huma.RequestBody {
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: v}}}
}

// sayNull completes the schemas of objects that may be null: huma says so of
// texts and numbers, and not of what a pointer to a struct, or a map, becomes.
func sayNull(r huma.Registry) {
	for name, s := range r.Map() {
		t := r.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := s.Properties[name]
			if property == nil || strings.Contains(rest, "omit") {
				continue // left out rather than null
			}
			switch {
			case f.Type.Kind() == reflect.Pointer && property.Ref != "":
				of := &huma.Schema{Ref: property.Ref}
				s.Properties[name] = &huma.Schema{AnyOf: []*huma.Schema{of, {Type: "null"}}, Description: property.Description}
			case f.Type.Kind() == reflect.Map && property.Type == huma.TypeObject:
				property.Nullable = true
			}
		}
	}
}

// sayRefused adds what takeBody refuses to the operations that take a body.
func sayRefused(doc *huma.OpenAPI) {
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Post, path.Patch, path.Put, path.Delete} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			like := op.Responses[strconv.Itoa(http.StatusUnprocessableEntity)]
			for _, status := range []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType} {
				if key := strconv.Itoa(status); op.Responses[key] == nil {
					op.Responses[key] = &huma.Response{Description: http.StatusText(status), Content: like.Content}
				}
			}
		}
	}
}
