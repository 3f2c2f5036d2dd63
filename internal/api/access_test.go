package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"momentcast/internal/api"
	"momentcast/internal/moment"
)

type document struct {
	OpenAPI  string `json:"openapi"`
	Security []map[string][]string
	Paths    map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Description string
		Tags        []string
		Security    *[]map[string][]string
		Parameters  []struct{ Name, In, Description string }
		RequestBody *struct {
			Content map[string]struct{ Schema map[string]any }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema map[string]any }
		}
	}
	Components struct{ Schemas map[string]map[string]any }
}

func openAPI(s *service) document {
	s.t.Helper()
	a := s.call("GET", "/openapi.json", nil, "Authorization", "").want(200)
	if b := s.call("GET", "/api/v1/openapi.json", nil, "Authorization", "").want(200); b.body != a.body {
		s.t.Error("two documents")
	}
	return decode[document](a)
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	d := openAPI(newService(t))
	if d.OpenAPI != "3.1.0" || len(d.Security) != 1 {
		t.Errorf("openapi %q, security %v", d.OpenAPI, d.Security)
	}
	seen := map[string]bool{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			where := method + " " + path
			if op.OperationID == "" || seen[op.OperationID] {
				t.Errorf("%s: operationId %q is missing or taken", where, op.OperationID)
			}
			seen[op.OperationID] = true
			if op.Summary == "" || op.Description == "" || len(op.Tags) == 0 {
				t.Errorf("%s: no summary, description or tag", where)
			}
			if op.Security != nil {
				continue // public
			}
			for _, status := range []string{"401", "403", "422", "503"} {
				if _, ok := op.Responses[status].Content["application/problem+json"]; !ok {
					t.Errorf("%s: no problem %s", where, status)
				}
			}
			if op.OperationID == "create-import" {
				if len(op.RequestBody.Content) != 4 || op.RequestBody.Content["multipart/form-data"].Schema == nil {
					t.Errorf("%s: body %v", where, op.RequestBody)
				}
				continue // a file
			}
			if op.RequestBody != nil && (len(op.RequestBody.Content) != 1 || op.RequestBody.Content["application/json"].Schema == nil) {
				t.Errorf("%s: body %v", where, op.RequestBody)
			}
		}
	}
	refs := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				if _, ok := d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !ok {
					t.Errorf("%s is not there", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	for _, s := range d.Components.Schemas {
		walk(s)
	}
	b, err := json.Marshal(d.Paths)
	if err != nil {
		t.Fatal(err)
	}
	var paths any
	if err := json.Unmarshal(b, &paths); err != nil {
		t.Fatal(err)
	}
	walk(paths)
	if refs < 30 {
		t.Errorf("%d references", refs)
	}
	detail := d.Components.Schemas["PostDetail"]["properties"].(map[string]any)
	for _, name := range []string{"id", "state", "hold", "proof", "attempts", "events", "actions", "lateness_ms"} {
		if detail[name] == nil {
			t.Errorf("PostDetail has no %s", name)
		}
	}
}

// TestEveryOperationHasAScope walks the document: whoever adds an operation has
// to say who may call it.
func TestEveryOperationHasAScope(t *testing.T) {
	t.Parallel()
	rest := maps.Clone(api.Needs())
	for _, ops := range openAPI(newService(t)).Paths {
		for _, op := range ops {
			scope, ok := rest[op.OperationID]
			if !ok {
				t.Errorf("%s is not in the table", op.OperationID)
			}
			if (scope == "") != (op.Security != nil) {
				t.Errorf("%s: scope %q, documented as %v", op.OperationID, scope, op.Security)
			}
			if scope != "" && !strings.Contains(op.Description, "**"+string(scope.Scope())+"**") {
				t.Errorf("%s: its description does not name its scope", op.OperationID)
			}
			delete(rest, op.OperationID)
		}
	}
	for op := range rest {
		t.Errorf("%s is in the table and not in the document", op)
	}
}

func TestTokensMayDoWhatTheirScopeSays(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tokens := map[moment.Scope]string{}
	for _, scope := range moment.Scopes {
		tokens[scope] = s.token("t-"+string(scope), scope)
	}
	for path, ops := range openAPI(s).Paths {
		for method, op := range ops {
			need := api.Needs()[op.OperationID]
			if need == "" {
				continue
			}
			method = strings.ToUpper(method)
			url := strings.ReplaceAll(path, "{id}", "4711")
			var body any
			if op.RequestBody != nil {
				body = `{"nothing": "right"}`
			}
			p := s.call(method, url, body, "Authorization", "").want(http.StatusUnauthorized)
			if p.problem(); p.header.Get("WWW-Authenticate") != `Bearer realm="momentcast"` {
				t.Errorf("%s: %v", op.OperationID, p.header)
			}
			for _, wrong := range []string{"Bearer mc_nobody", "Basic " + s.admin, "Bearer", s.admin, "Bearer " + s.admin + "x"} {
				s.call(method, url, body, "Authorization", wrong).want(http.StatusUnauthorized).problem()
			}
			for scope, token := range tokens {
				a := s.call(method, url, body, "Authorization", "Bearer "+token)
				allowed := scope.May(need)
				if allowed == (a.status == http.StatusForbidden || a.status == http.StatusUnauthorized) {
					t.Errorf("%s with %s: %d %s", op.OperationID, scope, a.status, a.body)
				}
				if !allowed && !strings.Contains(a.problem().Detail, fmt.Sprintf("%q", need.Scope())) {
					t.Errorf("%s with %s: %s", op.OperationID, scope, a.body)
				}
			}
		}
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	s := newService(t)
	a := s.call("POST", "/tokens", map[string]any{"name": "crm", "scopes": []string{"read", "write"}, "expires_in": "720h"}).want(201)
	made := a.object()
	value := made["token"].(string)
	if !strings.HasPrefix(value, "mc_") || len(value) != 46 || made["created_by"] != "test" || // who set up the token that made it
		made["expires_at"] == nil {
		t.Errorf("%v", made)
	}
	if n := s.count(`SELECT count(*) FROM api_tokens WHERE hash = sha256($1::bytea) AND name = 'crm'`, []byte(value)); n != 1 {
		t.Error("the hash is not stored")
	}
	s.call("GET", "/posts", nil, "Authorization", "Bearer "+value).want(200)
	listed := s.call("GET", "/tokens", nil).want(200)
	if strings.Contains(listed.body, value) || strings.Contains(listed.body, "hash") {
		t.Error("the list shows secrets")
	}
	items := listed.object()["items"].([]any)
	if last := items[len(items)-1].(map[string]any); last["name"] != "crm" || last["last_used_at"] == nil || last["revoked_at"] != nil {
		t.Errorf("%v", last)
	}
	if got := s.pages("/tokens?", 1); len(got) != 2 {
		t.Errorf("tokens %v", got)
	}
	path := fmt.Sprintf("/tokens/%d", a.id())
	s.call("DELETE", path, nil).want(204)
	s.call("DELETE", path, nil).want(204)
	s.call("DELETE", "/tokens/999", nil).want(404).problem()
	s.call("GET", "/posts", nil, "Authorization", "Bearer "+value).want(401)
	if n := s.count(`SELECT count(*) FROM events WHERE action IN ('token_create', 'token_revoke') AND actor = 'admin'`); n != 2 {
		t.Errorf("%d events", n)
	}
	if names := slices.Collect(maps.Keys(made)); !slices.Contains(names, "scopes") {
		t.Error(names)
	}
}

func TestDocumentSaysWhatMayComeBack(t *testing.T) {
	t.Parallel()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody any    `json:"requestBody"`
			Responses   map[string]any
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Ref   string `json:"$ref"`
					AnyOf []map[string]any
					Type  any
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(newService(t).call("GET", "/openapi.json", nil).want(200).body), &doc); err != nil {
		t.Fatal(err)
	}
	for _, ops := range doc.Paths {
		for _, op := range ops {
			for _, status := range []string{"408", "413", "415"} {
				if op.RequestBody != nil && op.Responses[status] == nil {
					t.Errorf("%s takes a body, and %s is not documented", op.OperationID, status)
				}
			}
			if op.OperationID == "commit-import" && op.Responses["202"] == nil {
				t.Error("commit-import: 202 is not documented")
			}
		}
	}
	hold := doc.Components.Schemas["Post"].Properties["hold"]
	if len(hold.AnyOf) != 2 || hold.AnyOf[1]["type"] != "null" || hold.Ref != "" {
		t.Errorf("a post's hold may be null: %+v", hold)
	}
	if detail := doc.Components.Schemas["Event"].Properties["detail"]; fmt.Sprint(detail.Type) != "[object null]" {
		t.Errorf("an event's detail may be null: %+v", detail)
	}
}
