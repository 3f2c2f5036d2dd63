package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func TestPostIsShownAsItWasCreated(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	a := s.call("POST", "/posts", map[string]any{
		"wc_id": "wxid_one", "content": "文字 <b>&", "title": "题", "description": "d", "url": "https://example.com/a?b=1&c=2", "thumb_url": "http://example.com/a.jpg",
		"visibility": map[string]any{"mode": "deny", "users": []string{"wxid_a"}, "labels": []string{"3"}},
		"due_at":     "2027-01-02T09:00:00+08:00", "max_lateness": "1h", "first_comment": "first!", "external_key": "crm-1",
	}, "User-Agent", "momentcast-cli/1").want(201)
	if got, want := a.header.Get("Location"), fmt.Sprintf("/api/v1/posts/%d", a.id()); got != want {
		t.Errorf("location %q, want %q", got, want)
	}
	if a.header.Get("ETag") != `"1"` || a.header.Get("X-Request-Id") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.header)
	}
	got := s.call("GET", a.header.Get("Location"), nil).want(200).object()
	for _, k := range []string{"created_at", "updated_at", "events"} {
		if got[k] == nil {
			t.Errorf("no %s", k)
		}
		delete(got, k)
	}
	want := map[string]any{
		"id": float64(a.id()), "instance_id": float64(i), "wc_id": "wxid_one", "campaign_id": nil, "campaign_name": nil, "instance_name": "", "state": "scheduled", "hold": nil,
		"due_at": "2027-01-02T01:00:00Z", "max_lateness": "1h", "miss_at": "2027-01-02T02:00:00Z",
		"content": "文字 <b>&", "title": "题", "description": "d", "url": "https://example.com/a?b=1&c=2", "thumb_url": "http://example.com/a.jpg",
		"visibility":    map[string]any{"mode": "deny", "users": []any{"wxid_a"}, "labels": []any{"3"}},
		"first_comment": map[string]any{"content": "first!", "state": "waiting", "error": nil},
		"external_key":  "crm-1", "author": "admin", "source": "cli", "attempt": 0.0,
		"sent_at": nil, "lateness_ms": nil, "held_for": nil, "moment_id": nil, "moment_created_at": nil, "error": nil,
		"recall_mode": nil, "recalled_at": nil, "left_at": nil, "actions": []any{"edit", "reschedule", "send-now", "cancel"}, "version": 1.0,
		"proof": nil, "audience_id": nil, "attempts": []any{}, "approvals": []any{}, "read_backs": []any{},
		"content_hash": "1:1d3ab00a9d62068b68f121fd08d1e205d1b3eac5a792f3bad0a9cc739ce7093a",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s.engine.wakes == 0 {
		t.Error("the engine was not woken")
	}
}

func TestLatenessLimitComesFromSettings(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	s.exec(`UPDATE settings SET max_lateness = '45 minutes'`)
	for given, want := range map[string]string{"": "45m", "0s": "0s", "90s": "1m30s"} {
		more := []any{}
		if given != "" {
			more = []any{"max_lateness", given}
		}
		if got := s.call("POST", "/posts", card(i, more...)).want(201).object()["max_lateness"]; got != want {
			t.Errorf("%q: %v, want %s", given, got, want)
		}
	}
}

func TestSentPostShowsProof(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"))
	s.force(id, moment.Sent)
	s.exec(`UPDATE posts SET proof = '{"content":"text","title":"other","url":"https://example.com/a?from=wx","style":3}' WHERE id = $1`, id)
	s.exec(`INSERT INTO attempts (post_id, number, started_at, verdict, request, reply, http_status, duration)
		VALUES ($1, 1, now(), 'delivered', '{"wId":"w"}', '{"code":"1000"}', 200, '1.5 seconds')`, id)
	got := s.call("GET", fmt.Sprintf("/posts/%d", id), nil).want(200).object()
	if got["lateness_ms"] != 250.0 || got["sent_at"] == nil || got["moment_id"] != fmt.Sprint(uint64(13000000000000000000)+uint64(id)) {
		t.Errorf("%v", got)
	}
	proof := got["proof"].(map[string]any)
	if proof["matches"] != false || !cmp.Equal(proof["differences"], []any{"title"}) || proof["url"] != "https://example.com/a?from=wx" {
		t.Errorf("proof %v", proof)
	}
	attempt := got["attempts"].([]any)[0].(map[string]any)
	if attempt["reply"] != `{"code":"1000"}` || attempt["duration_ms"] != 1500.0 || attempt["http_status"] != 200.0 {
		t.Errorf("attempt %v", attempt)
	}
}

func TestHoldSaysWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i, "due_at", time.Now().Add(-time.Minute).Format(time.RFC3339))
	behind := s.post(i, "due_at", time.Now().Format(time.RFC3339))
	hold := func(id int64) map[string]any {
		t.Helper()
		h, _ := s.call("GET", fmt.Sprintf("/posts/%d", id), nil).want(200).object()["hold"].(map[string]any)
		return h
	}
	if h := hold(id); h != nil {
		t.Errorf("held: %v", h)
	}
	if h := hold(behind); h["reason"] != "behind_earlier" {
		t.Errorf("hold %v", h)
	}
	s.call("PATCH", fmt.Sprintf("/instances/%d", i), map[string]any{"online_age": "200h"}).want(200)
	if h := hold(id); h["reason"] != "online_age" || h["until"] == nil || !strings.Contains(h["message"].(string), "+08:00") {
		t.Errorf("hold %v", h)
	}
	s.call("PATCH", fmt.Sprintf("/instances/%d", i), map[string]any{"paused": true, "paused_reason": "check"}).want(200)
	if h := hold(id); h["reason"] != "instance_paused" || h["until"] != nil {
		t.Errorf("hold %v", h)
	}
	s.call("POST", "/pause", map[string]any{"reason": "stop"}).want(200)
	if h := hold(id); h["reason"] != "paused" {
		t.Errorf("hold %v", h)
	}
	if got := decode[struct {
		Items []struct{ Hold map[string]any }
	}](s.call("GET", "/posts?state=scheduled", nil)); len(got.Items) != 2 || got.Items[0].Hold["reason"] != "paused" {
		t.Errorf("list %v", got)
	}
}

func TestBatchIsAllOrNone(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	posts := []any{card(i), card(i, "external_key", "a"), card(i, "draft", true, "title", nil)}
	ids := decode[struct{ IDs []int64 }](s.call("POST", "/posts/batch", map[string]any{"posts": posts}).want(201)).IDs
	if len(ids) != 3 || ids[0] >= ids[1] || ids[1] >= ids[2] {
		t.Fatalf("ids %v", ids)
	}
	posts = []any{card(i), card(i, "url", "ftp://x"), card(i), card(i, "url", "javascript:1", "title", strings.Repeat("x", 201))}
	got := locations(s.call("POST", "/posts/batch", map[string]any{"posts": posts}).want(422).problem())
	if d := cmp.Diff([]string{"body.posts[1].url", "body.posts[3].title", "body.posts[3].url"}, got); d != "" {
		t.Error(d)
	}
	posts = []any{card(i), card(i, "external_key", "a"), card(999)}
	if got := locations(s.call("POST", "/posts/batch", map[string]any{"posts": posts}).want(422).problem()); !cmp.Equal(got, []string{"body.posts[2].instance_id"}) {
		t.Error(got)
	}
	p := s.call("POST", "/posts/batch", map[string]any{"posts": posts[:2]}).want(409).problem()
	if got := locations(p); !cmp.Equal(got, []string{"body.posts[1].external_key"}) || !strings.Contains(p.Detail, fmt.Sprint(ids[1])) {
		t.Error(p)
	}
	posts = []any{card(i, "external_key", "b"), card(i), card(i, "external_key", "b")}
	if got := locations(s.call("POST", "/posts/batch", map[string]any{"posts": posts}).want(422).problem()); !cmp.Equal(got, []string{"body.posts[2].external_key"}) {
		t.Error(got)
	}
	s.call("POST", "/posts/batch", map[string]any{"posts": []any{}}).want(422)
	many := make([]any, 1001)
	for n := range many {
		many[n] = card(i)
	}
	s.call("POST", "/posts/batch", map[string]any{"posts": many}).want(422)
	if n := s.count(`SELECT count(*) FROM posts`); n != 3 {
		t.Errorf("%d posts stored, want 3", n)
	}
	s.call("POST", "/posts/batch", map[string]any{"posts": many[:1000]}).want(201)
}

func TestExternalKeyNamesItsPost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i, "external_key", "crm-1")
	p := s.call("POST", "/posts", card(i, "external_key", "crm-1")).want(409).problem()
	if want := fmt.Sprintf("Post %d has this external_key already.", id); p.Detail != want {
		t.Errorf("detail %q, want %q", p.Detail, want)
	}
	if got := locations(p); !cmp.Equal(got, []string{"body.external_key"}) {
		t.Error(got)
	}
	other := s.post(i)
	s.call("PATCH", fmt.Sprintf("/posts/%d", other), map[string]any{"external_key": "crm-1"}, "If-Match", "*").want(409)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	body := card(i)
	first := s.call("POST", "/posts", body, "Idempotency-Key", "k 1").want(201)
	again := s.call("POST", "/posts", body, "Idempotency-Key", "k 1").want(201)
	if first.id() != again.id() || first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %v, %d %v", first.id(), first.header, again.id(), again.header)
	}
	// The same JSON in another spelling is the same request.
	spaced, err := json.MarshalIndent(body, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.call("POST", "/posts", string(spaced), "Idempotency-Key", "k 1").want(201).id(); got != first.id() {
		t.Errorf("post %d, want %d", got, first.id())
	}
	s.call("POST", "/posts", card(i, "title", "other"), "Idempotency-Key", "k 1").want(409).problem()
	s.call("POST", "/posts/batch", map[string]any{"posts": []any{body}}, "Idempotency-Key", "k 1").want(409)
	batch := s.call("POST", "/posts/batch", map[string]any{"posts": []any{body, body}}, "Idempotency-Key", "k2").want(201)
	if again := s.call("POST", "/posts/batch", map[string]any{"posts": []any{body, body}}, "Idempotency-Key", "k2").want(201); again.body != batch.body || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s, %s", batch.body, again.body)
	}
	// Another token's key is another key.
	if got := s.call("POST", "/posts", body, "Idempotency-Key", "k 1", "Authorization", "Bearer "+s.token("other", moment.ScopeWrite)).want(201).id(); got == first.id() {
		t.Error("keys of two tokens are the same")
	}
	s.call("POST", "/posts", body, "Idempotency-Key", strings.Repeat("x", 201)).want(422)
	s.call("POST", "/posts", body, "Idempotency-Key", "schlüssel").want(422)
	if n := s.count(`SELECT count(*) FROM posts`); n != 4 {
		t.Errorf("%d posts, want 4", n)
	}
}

func TestRepeatedRequestIsAnsweredWhenItWouldNoLongerBeRight(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	body := card(i, "due_at", time.Now().Add(-24*time.Hour+2*time.Second).Format(time.RFC3339Nano), "external_key", "once")
	first := s.call("POST", "/posts", body, "Idempotency-Key", "k").want(201)
	again := s.call("POST", "/posts", body, "Idempotency-Key", "k").want(201) // its external key is taken by now
	if first.id() != again.id() {
		t.Errorf("%d, then %d", first.id(), again.id())
	}
}

func TestConcurrentRequestsWithOneKeyMakeOnePost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	body := card(i)
	const n = 20
	ids := make([]int64, n)
	fresh := make([]bool, n)
	var wg sync.WaitGroup
	for j := range n {
		wg.Go(func() {
			a := s.call("POST", "/posts", body, "Idempotency-Key", "same")
			if a.status != 201 {
				t.Errorf("status %d: %s", a.status, a.body)
				return
			}
			ids[j], fresh[j] = a.id(), a.header.Get("Idempotency-Replayed") == ""
		})
	}
	wg.Wait()
	made := 0
	for j := range n {
		if ids[j] != ids[0] {
			t.Errorf("ids %v", ids)
			break
		}
		if fresh[j] {
			made++
		}
	}
	if total := s.count(`SELECT count(*) FROM posts`); made != 1 || total != 1 {
		t.Errorf("%d posts, %d answers as new", total, made)
	}
}

func TestEditNeedsTheCurrentVersion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"), "first_comment", "old")
	path := fmt.Sprintf("/posts/%d", id)
	if p := s.call("PATCH", path, map[string]any{"title": "new"}).want(428).problem(); !strings.Contains(p.Detail, "If-Match") {
		t.Error(p.Detail)
	}
	s.call("PATCH", path, map[string]any{"title": "new"}, "If-Match", `"7"`).want(412).problem()
	s.call("PATCH", path, map[string]any{"title": "new"}, "If-Match", `7`).want(422).problem()
	a := s.call("PATCH", path, map[string]any{"title": "new", "due_at": "2027-05-01T00:00:00Z", "max_lateness": "2h", "first_comment": nil}, "If-Match", `"1"`).want(200)
	got := a.object()
	if a.header.Get("ETag") != `"2"` || got["title"] != "new" || got["content"] != "text" || got["miss_at"] != "2027-05-01T02:00:00Z" || got["first_comment"] != nil {
		t.Errorf("%v", got)
	}
	if n := s.count(`SELECT count(*) FROM first_comments`); n != 0 {
		t.Errorf("%d comments wait", n)
	}
	events := s.call("GET", path, nil).object()["events"].([]any)
	changed := events[len(events)-1].(map[string]any)["detail"].(map[string]any)["changed"].(map[string]any)
	if !cmp.Equal(changed["title"], []any{"title", "new"}) || !cmp.Equal(changed["first_comment"], []any{"old", ""}) || len(changed) != 4 {
		t.Errorf("audit %v", changed)
	}
	// What changes nothing leaves no trace.
	if v := s.call("PATCH", path, map[string]any{"title": "new"}, "If-Match", `"2"`).want(200).object()["version"]; v != 2.0 {
		t.Errorf("version %v", v)
	}
	got422 := locations(s.call("PATCH", path, map[string]any{"title": nil, "url": "x", "visibility": map[string]any{"mode": "allow"}, "due_at": "2001-01-01T00:00:00Z"}, "If-Match", "*").want(422).problem())
	if d := cmp.Diff([]string{"body.due_at", "body.title", "body.url", "body.visibility.users"}, got422); d != "" {
		t.Error(d)
	}
	s.call("PATCH", path, map[string]any{"instance_id": 1}, "If-Match", "*").want(422)
}

func TestEditOfAnOverduePostKeepsItsTime(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"))
	s.exec(`UPDATE posts SET due_at = now() - interval '10 days' WHERE id = $1`, id)
	s.call("PATCH", fmt.Sprintf("/posts/%d", id), map[string]any{"title": "mended"}, "If-Match", "*").want(200)
}

func TestPendingPostStaysPendingWhenEdited(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	s.exec(`UPDATE settings SET require_approval = true`)
	id := s.post(i)
	if got := s.call("PATCH", fmt.Sprintf("/posts/%d", id), map[string]any{"title": "x"}, "If-Match", `"1"`).want(200).object()["state"]; got != "pending" {
		t.Errorf("state %v", got)
	}
}

func TestOnlyOneOfManyEditsWins(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"))
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			a := s.call("PATCH", fmt.Sprintf("/posts/%d", id), map[string]any{"title": fmt.Sprint("title ", n)}, "If-Match", `"1"`)
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	wg.Wait()
	if d := cmp.Diff(map[int]int{200: 1, 412: 9}, got); d != "" {
		t.Error(d)
	}
}

func TestOnlyDraftsAreDeleted(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i, "draft", true, "first_comment", "x")
	s.call("DELETE", fmt.Sprintf("/posts/%d", id), nil, "If-Match", `"2"`).want(412)
	if a := s.call("DELETE", fmt.Sprintf("/posts/%d", id), nil, "If-Match", `"1"`).want(204); a.body != "" {
		t.Errorf("body %q", a.body)
	}
	s.call("GET", fmt.Sprintf("/posts/%d", id), nil).want(404).problem()
	if n := s.count(`SELECT count(*) FROM events WHERE post_id = $1`, id); n != 2 {
		t.Errorf("%d events stay, want 2", n)
	}
	p := s.call("DELETE", fmt.Sprintf("/posts/%d", s.post(i)), nil).want(409).problem()
	if !strings.Contains(p.Detail, "draft") {
		t.Error(p.Detail)
	}
}

func TestUnreachableDatabaseIsSaidPlainly(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.call("GET", "/posts", nil).want(200) // the token is known now
	s.db.Close()
	a := s.call("GET", "/posts", nil)
	if a.status < 500 {
		t.Fatalf("status %d", a.status)
	}
	p := a.problem()
	if strings.Contains(a.body, "pool") || !strings.Contains(s.log.String(), p.RequestID) {
		t.Errorf("answer %s, log %s", a.body, s.log)
	}
}

func TestEveryMethodWithoutRouteIsAProblem(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, path := range []string{"/nothing", "/api/v1", "/api/v1/", "/api/v2/posts", "/posts/", "/posts//1", "/posts/../posts", "/docs/none.js"} {
		a := s.call("GET", path, nil).want(404)
		if a.problem(); strings.Contains(a.body, path) {
			t.Errorf("%s is repeated", path)
		}
	}
	a := s.call("PUT", "/posts/1", nil).want(405)
	if a.problem(); !strings.Contains(a.header.Get("Allow"), http.MethodPatch) {
		t.Errorf("Allow: %s", a.header.Get("Allow"))
	}
}

// locations are where a problem says something is wrong, sorted.
func locations(p problemOf) []string {
	out := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		out[i] = e.Location
	}
	return sorted(out)
}
