package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

// actions are the calls that act on a post.
var actions = map[moment.Action]struct {
	path string
	body any
}{
	moment.ActSubmit:     {"submit", nil},
	moment.ActApprove:    {"approve", nil},
	moment.ActReject:     {"reject", map[string]any{"reason": "wrong link"}},
	moment.ActCancel:     {"cancel", nil},
	moment.ActRetry:      {"retry", nil},
	moment.ActSendNow:    {"send-now", nil},
	moment.ActReschedule: {"reschedule", map[string]any{"due_at": "2027-03-01T09:00:00+08:00"}},
	moment.ActRecall:     {"recall", map[string]any{"mode": "private"}},
	moment.ActFoundSent:  {"resolve", map[string]any{"outcome": "sent", "moment_id": "13367129656153944194"}},
	moment.ActNotSent:    {"resolve", map[string]any{"outcome": "not_sent", "note": "looked twice"}},
	moment.ActLeave:      {"resolve", map[string]any{"outcome": "leave"}},
	moment.ActReopen:     {"resolve", map[string]any{"outcome": "reopen"}},
}

func TestEveryActionInEveryState(t *testing.T) {
	t.Parallel()
	for action, call := range actions {
		t.Run(string(action), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.exec(`UPDATE settings SET own_approval = true`)
			for n, state := range moment.States {
				id := s.post(s.instance(fmt.Sprint("wxid_", n)))
				s.force(id, state)
				if action == moment.ActReopen && state == moment.Unknown {
					s.exec(`UPDATE posts SET left_at = now() WHERE id = $1`, id)
				}
				to, refused := state.After(action)
				a := s.call("POST", fmt.Sprintf("/posts/%d/%s", id, call.path), call.body, "If-Match", `"1"`)
				if refused != nil {
					p := a.want(409).problem()
					if p.Detail != moment.MessageOf(refused) {
						t.Errorf("%s: %q", state, p.Detail)
					}
					for _, from := range action.From() {
						if !strings.Contains(p.Detail, string(from.Shown())) {
							t.Errorf("%s: %q does not name %s", state, p.Detail, from)
						}
					}
					continue
				}
				if got := a.want(200).object(); got["state"] != string(to.Shown()) || a.header.Get("ETag") != fmt.Sprintf(`"%v"`, got["version"]) {
					t.Errorf("%s: %v", state, got)
				}
			}
		})
	}
}

func TestActionsHonourIfMatch(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i)
	path := fmt.Sprintf("/posts/%d/", id)
	s.call("POST", path+"send-now", nil, "If-Match", `"9"`).want(412).problem()
	s.call("POST", path+"send-now", nil, "If-Match", `"1"`).want(200)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := s.call("POST", path+"cancel", map[string]any{"reason": "x"}, "If-Match", `"2"`)
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	wg.Wait()
	if d := cmp.Diff(map[int]int{200: 1, 412: 7}, got); d != "" {
		t.Error(d)
	}
	s.call("POST", "/posts/999/cancel", nil).want(404).problem()
}

func TestReasonsAreAudited(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"))
	s.call("POST", fmt.Sprintf("/posts/%d/cancel", id), map[string]any{"reason": "sold out"}, "Authorization", "Bearer "+s.token("shop", moment.ScopeWrite)).want(200)
	events := s.call("GET", fmt.Sprintf("/posts/%d", id), nil).object()["events"].([]any)
	last := events[len(events)-1].(map[string]any)
	if last["actor"] != "shop" || last["source"] != "api" || last["action"] != "cancel" || last["to_state"] != "cancelled" || !cmp.Equal(last["detail"], map[string]any{"reason": "sold out"}) {
		t.Errorf("%v", last)
	}
}

func TestSubmitChecksTheWholePost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"), "draft", true, "title", nil, "due_at", nil)
	got := locations(s.call("POST", fmt.Sprintf("/posts/%d/submit", id), nil).want(422).problem())
	if d := cmp.Diff([]string{"body.due_at", "body.title"}, got); d != "" {
		t.Error(d)
	}
}

func TestFoundMomentTellsItsTime(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i)
	s.force(id, moment.Unknown)
	body := map[string]any{"outcome": "sent", "moment_id": "13367129656153944194"}
	got := s.call("POST", fmt.Sprintf("/posts/%d/resolve", id), body).want(200).object()
	if got["moment_id"] != "13367129656153944194" || got["moment_created_at"] != time.UnixMilli(13367129656153944194>>23).UTC().Format(time.RFC3339Nano) {
		t.Errorf("%v", got)
	}
	// A moment belongs to one post.
	other := s.post(i)
	s.force(other, moment.Unknown)
	s.call("POST", fmt.Sprintf("/posts/%d/resolve", other), body).want(409).problem()
}

func TestNotSentWaitsForTheCallsDeadline(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.post(s.instance("wxid_one"))
	s.force(id, moment.Unknown)
	s.exec(`UPDATE posts SET call_until = '2031-01-01T00:00:00Z' WHERE id = $1`, id)
	path := fmt.Sprintf("/posts/%d/resolve", id)
	p := s.call("POST", path, map[string]any{"outcome": "not_sent"}).want(409).problem()
	if !strings.Contains(p.Detail, "2031-01-01T00:00:00Z") {
		t.Error(p.Detail)
	}
	if n := s.count(`SELECT count(*) FROM posts WHERE state = 'unknown'`); n != 1 {
		t.Error("it was scheduled")
	}
	s.exec(`UPDATE posts SET call_until = now() - interval '1 second' WHERE id = $1`, id)
	if got := s.call("POST", path, map[string]any{"outcome": "not_sent"}).want(200).object(); got["state"] != "scheduled" {
		t.Errorf("%v", got)
	}
}

func TestRecallAsksTheGatewayFirst(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	id := s.post(i)
	s.force(id, moment.Sent)
	path := fmt.Sprintf("/posts/%d/recall", id)
	momentID := fmt.Sprint(uint64(13000000000000000000) + uint64(id))

	for _, err := range []error{
		moment.Errorf(moment.Refused, "The gateway says: 朋友圈不存在"), moment.Errorf(moment.Unavailable, "The gateway says: 朋友圈不存在"),
		moment.Errorf(moment.Unauthenticated, "The gateway says: 朋友圈不存在"),
	} {
		s.gateway.fail(err)
		if p := s.call("POST", path, map[string]any{"mode": "private"}).want(502).problem(); !strings.Contains(p.Detail, "朋友圈不存在") {
			t.Error(p.Detail)
		}
	}
	s.call("POST", path, map[string]any{"mode": "private"}, "If-Match", `"5"`).want(412)
	s.gateway.fail(nil)
	if n := s.count(`SELECT count(*) FROM posts WHERE recall_mode <> ''`); n != 0 {
		t.Error("recorded although the gateway refused")
	}
	s.gateway.calls = nil
	if got := s.call("POST", path, map[string]any{"mode": "private"}, "If-Match", `"1"`).want(200).object(); got["recall_mode"] != "private" || got["recalled_at"] == nil || got["state"] != "sent" {
		t.Errorf("%v", got)
	}
	s.call("POST", path, map[string]any{"mode": "private"}).want(409)
	s.call("POST", path, map[string]any{"mode": "delete"}).want(200)
	s.call("POST", path, map[string]any{"mode": "private"}).want(409)
	if d := cmp.Diff([]string{"private w-wxid_one " + momentID, "delete w-wxid_one " + momentID}, s.gateway.calls); d != "" {
		t.Error(d)
	}
	s.exec(`UPDATE instances SET online = false, ready_at = NULL`)
	s.exec(`UPDATE posts SET recall_mode = ''`)
	if p := s.call("POST", path, map[string]any{"mode": "delete"}).want(409).problem(); !strings.Contains(p.Detail, "logged in") {
		t.Error(p.Detail)
	}
}
