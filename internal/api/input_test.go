package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/api"
)

type problemOf = api.Problem

func sorted(s []string) []string { slices.Sort(s); return s }

// marker is in every wrong value; no answer may contain it.
const marker = "MARKER7"

func TestBadPostNamesEveryField(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	vis := func(kv ...any) map[string]any {
		m := map[string]any{}
		for n := 0; n < len(kv); n += 2 {
			m[kv[n].(string)] = kv[n+1]
		}
		return m
	}
	tests := map[string]struct {
		body any
		want []string // below body.
	}{
		"nothing": {map[string]any{}, []string{"content", "due_at", "instance_id", "thumb_url", "title", "url", "visibility.mode"}},
		"wrong types": {map[string]any{"instance_id": marker, "content": 1, "title": true, "description": []any{marker}, "url": vis("a", marker), "thumb_url": nil,
			"visibility": marker, "due_at": 5, "max_lateness": 30, "first_comment": 1.5, "external_key": 7, "draft": marker},
			[]string{"content", "description", "draft", "due_at", "external_key", "first_comment", "instance_id", "max_lateness", "thumb_url", "title", "url", "visibility"}},
		"unknown, missing and wrong together": {card(i, "bogus", marker, "title", nil, "content", 3, "visibility", vis("mode", "everyone", "friends", marker)),
			[]string{"bogus", "content", "title", "visibility.friends"}},
		"allow and deny":            {card(i, "visibility", vis("allow", []string{marker}, "deny", []string{marker})), []string{"visibility.allow", "visibility.deny", "visibility.mode"}},
		"allow and deny at the top": {card(i, "allow", []string{marker}, "deny", []string{marker}), []string{"allow", "deny"}},
		"everyone with a list":      {card(i, "visibility", vis("mode", "everyone", "users", []string{"wxid_" + marker})), []string{"visibility.mode"}},
		"empty allow list":          {card(i, "visibility", vis("mode", "allow", "users", []string{}, "labels", []string{})), []string{"visibility.users"}},
		"null allow list":           {card(i, "visibility", vis("mode", "allow", "users", nil)), []string{"visibility.users"}},
		"unknown mode":              {card(i, "visibility", vis("mode", marker)), []string{"visibility.mode"}},
		"mode in capitals":          {card(i, "visibility", vis("Mode", "everyone")), []string{"visibility.Mode", "visibility.mode"}},
		"wxids":                     {card(i, "visibility", vis("mode", "allow", "users", []string{"wxid_a", "a,b" + marker, "", strings.Repeat("x", 65), "wxid ü"})), []string{"visibility.users[1]", "visibility.users[2]", "visibility.users[3]", "visibility.users[4]"}},
		"labels":                    {card(i, "visibility", vis("mode", "deny", "labels", []string{"3", "3,4", marker, "-1"})), []string{"visibility.labels[1]", "visibility.labels[2]", "visibility.labels[3]"}},
		"a list of numbers":         {card(i, "visibility", vis("mode", "deny", "labels", []any{3})), []string{"visibility.labels[0]"}},
		"due without offset":        {card(i, "due_at", "2026-12-01T09:00:00"), []string{"due_at"}},
		"due in words":              {card(i, "due_at", marker), []string{"due_at"}},
		"due last year":             {card(i, "due_at", "2020-01-01T00:00:00+08:00"), []string{"due_at"}},
		"due in ten years":          {card(i, "due_at", "2999-01-01T00:00:00+08:00"), []string{"due_at"}},
		"due on no day":             {card(i, "due_at", "2027-02-30T00:00:00Z"), []string{"due_at"}},
		"urls":                      {card(i, "url", "ftp://"+marker, "thumb_url", "javascript:alert(1)"), []string{"thumb_url", "url"}},
		"url with a password":       {card(i, "url", "https://a:"+marker+"@example.com"), []string{"url"}},
		"url with a space":          {card(i, "url", "https://example.com/ "+marker), []string{"url"}},
		"url without a host":        {card(i, "url", "https:///"+marker), []string{"url"}},
		"url that is too long":      {card(i, "url", "https://example.com/"+strings.Repeat("x", 2048)), []string{"url"}},
		"control characters":        {card(i, "content", "a\u0000"+marker, "title", "a\u0007b", "description", "\u001b[2J", "first_comment", "\u202e"+marker, "external_key", "\u0000"), []string{"content", "description", "external_key", "first_comment", "title"}},
		"texts that are too long":   {card(i, "content", strings.Repeat("字", 2001), "title", strings.Repeat("x", 201), "description", strings.Repeat("x", 501), "first_comment", strings.Repeat("x", 501)), []string{"content", "description", "first_comment", "title"}},
		"only spaces":               {card(i, "title", "  \n"), []string{"title"}},
		"no such instance":          {card(987654), []string{"instance_id"}},
		"no such account":           {card(i, "instance_id", nil, "wc_id", "wxid_"+marker), []string{"wc_id"}},
		"account with NUL":          {card(i, "instance_id", nil, "wc_id", "wxid\u0000"+marker), []string{"wc_id"}},
		"both instance and account": {card(i, "wc_id", "wxid_one"), []string{"wc_id"}},
		"instance beyond 64 bits":   {`{"instance_id": 99999999999999999999999, "draft": true}`, []string{"instance_id"}},
		"instance with exponent":    {`{"instance_id": 1e2, "draft": true}`, []string{"instance_id"}},
		"lateness in words":         {card(i, "max_lateness", marker), []string{"max_lateness"}},
		"negative lateness":         {card(i, "max_lateness", "-1m"), []string{"max_lateness"}},
		"a broken draft":            {card(i, "draft", true, "title", nil, "url", "x", "visibility", vis("mode", "allow")), []string{"url", "visibility.users"}},
		"a field twice":             {`{"instance_id":1,"draft":true,"visibility":{"mode":"everyone"},"visibility":{"mode":"allow","users":["` + marker + `"]}}`, []string{"visibility"}},
		"a field of an item twice":  {`{"instance_id":1,"draft":true,"visibility":{"mode":"allow","mode":"everyone"}}`, []string{"visibility.mode"}},
		"no JSON":                   {`{"title": ` + marker + `}`, []string{""}},
		"raw control characters":    {"{\"title\": \"" + marker + "\x01\"}", []string{""}},
		"cut off":                   {`{"title": "` + marker, []string{""}},
		"two values":                {`{"draft":true} {"x":"` + marker + `"}`, []string{""}},
		"broken UTF-8":              {"{\"title\": \"" + marker + "\xff\"}", []string{""}},
		"a list":                    {`["` + marker + `"]`, []string{""}},
		"a text":                    {`"` + marker + `"`, []string{""}},
		"null":                      {`null`, []string{""}},
		"nothing at all":            {nil, []string{""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.call("POST", "/posts", tt.body).want(422)
			for n, w := range tt.want {
				tt.want[n] = strings.TrimSuffix("body."+w, ".")
			}
			if d := cmp.Diff(tt.want, locations(a.problem())); d != "" {
				t.Errorf("%s\n%s", d, a.body)
			}
			if strings.Contains(a.body, marker) {
				t.Errorf("what was sent is repeated: %s", a.body)
			}
		})
	}
	if n := s.count(`SELECT count(*) FROM posts`); n != 0 {
		t.Errorf("%d posts were stored", n)
	}
	if strings.Contains(s.log.String(), marker) {
		t.Errorf("what was sent is in the log: %s", s.log)
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	whole := func(size int) string {
		b := `{"instance_id":1,"draft":true,"title":"`
		return b + strings.Repeat("x", size-len(b)-2) + `"}`
	}
	s.call("POST", "/posts", whole(1<<20)).want(422).problem()
	if a := s.call("POST", "/posts", whole(1<<20+1)).want(413); len(a.body) > 1000 {
		t.Error(a.body)
	} else {
		a.problem()
	}
	batch := `{"posts":[` + whole(3<<20) + `]}`
	if got := locations(s.call("POST", "/posts/batch", batch).want(422).problem()); !cmp.Equal(got, []string{"body.posts[0].title"}) {
		t.Error(got)
	}
	s.call("POST", "/posts/batch", `{"posts":[`+whole(8<<20)+`]}`).want(413).problem()
	_ = i
}

func TestOtherContentTypesAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	for ct, want := range map[string]int{
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/cbor": 415, marker: 415, "text/plain;+json": 415,
		"application/json; charset=utf-8": 201, "APPLICATION/JSON": 201,
	} {
		a := s.call("POST", "/posts", card(i), "Content-Type", ct)
		if a.status != want {
			t.Errorf("%s: %d %s", ct, a.status, a.body)
		}
		if a.status == 415 {
			if a.problem(); strings.Contains(a.body, marker) {
				t.Error("what was sent is repeated")
			}
		}
	}
}

func TestBadRequestsElsewhere(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	s.post(i)
	tests := map[string]struct {
		method, path string
		body         any
		want         []string
	}{
		"filters": {"GET", "/posts?state=" + marker + "&instance_id=" + marker + "&due_from=" + marker + "&order=" + marker + "&limit=" + marker, nil,
			[]string{"query.instance_id", "query.limit", "query.order"}},
		"more filters":        {"GET", "/posts?state=sent," + marker + "&due_from=" + marker + "&due_to=2026-01-01&q=%00" + marker, nil, []string{"query.due_from", "query.due_to", "query.q", "query.state"}},
		"engine's own state":  {"GET", "/posts?state=claimed", nil, []string{"query.state"}},
		"unknown filter":      {"GET", "/posts?campaign_id=" + marker, nil, []string{"query.campaign_id"}},
		"limits":              {"GET", "/posts?limit=201", nil, []string{"query.limit"}},
		"no limit":            {"GET", "/posts?limit=0", nil, []string{"query.limit"}},
		"broken UTF-8":        {"GET", "/posts?author=%ff" + marker + "&external_key=%00", nil, []string{"query.author", "query.external_key"}},
		"cursor":              {"GET", "/posts?cursor=" + marker, nil, []string{"query.cursor"}},
		"id in words":         {"GET", "/posts/" + marker, nil, []string{"path.id"}},
		"instance in words":   {"GET", "/instances/" + marker, nil, []string{"path.id"}},
		"group filter":        {"GET", "/instances?group=%00&online=" + marker, nil, []string{"query.online"}},
		"new instance":        {"POST", "/instances", map[string]any{"wc_id": "a,b" + marker, "name": "\u0000", "groups": []string{"a", ""}, "time_zone": marker, "online_since": "2999-01-01T00:00:00Z", "min_gap": marker, "daily_cap": -1, "quiet_hours": marker, "online_age": "-1h", "x": marker}, []string{"body.daily_cap", "body.groups[1]", "body.min_gap", "body.name", "body.online_age", "body.online_since", "body.quiet_hours", "body.time_zone", "body.wc_id", "body.x"}},
		"instance of nobody":  {"POST", "/instances", map[string]any{}, []string{"body.wc_id"}},
		"zone of the machine": {"POST", "/instances", map[string]any{"wc_id": "wxid_two", "time_zone": "Local"}, []string{"body.time_zone"}},
		"edit of an instance": {"PATCH", "/instances/1", map[string]any{"min_gap": marker, "matured_at": "2026-12-01T00:00:00+08:00", "time_zone": nil, "paused": true}, []string{"body.min_gap", "body.paused_reason", "body.time_zone"}},
		"reject for nothing":  {"POST", "/posts/1/reject", map[string]any{}, []string{"body.reason"}},
		"reject with spaces":  {"POST", "/posts/1/reject", map[string]any{"reason": " "}, []string{"body.reason"}},
		"cancel with NUL":     {"POST", "/posts/1/cancel", map[string]any{"reason": marker + "\u0000"}, []string{"body.reason"}},
		"reschedule to past":  {"POST", "/posts/1/reschedule", map[string]any{"due_at": "2001-01-01T00:00:00Z"}, []string{"body.due_at"}},
		"reschedule to words": {"POST", "/posts/1/reschedule", map[string]any{"due_at": marker}, []string{"body.due_at"}},
		"resolve":             {"POST", "/posts/1/resolve", map[string]any{"outcome": marker}, []string{"body.outcome"}},
		"resolve without id":  {"POST", "/posts/1/resolve", map[string]any{"outcome": "sent"}, []string{"body.moment_id"}},
		"resolve with words":  {"POST", "/posts/1/resolve", map[string]any{"outcome": "sent", "moment_id": marker}, []string{"body.moment_id"}},
		"resolve beyond":      {"POST", "/posts/1/resolve", map[string]any{"outcome": "sent", "moment_id": "99999999999999999999"}, []string{"body.moment_id"}},
		"resolve with zeros":  {"POST", "/posts/1/resolve", map[string]any{"outcome": "sent", "moment_id": "007"}, []string{"body.moment_id"}},
		"resolve not sent":    {"POST", "/posts/1/resolve", map[string]any{"outcome": "not_sent", "moment_id": "13367129656153944194"}, []string{"body.moment_id"}},
		"recall":              {"POST", "/posts/1/recall", map[string]any{"mode": marker}, []string{"body.mode"}},
		"pause for nothing":   {"POST", "/pause", map[string]any{"reason": ""}, []string{"body.reason"}},
		"resume":              {"POST", "/resume", map[string]any{"overdue": marker}, []string{"body.overdue"}},
		"token":               {"POST", "/tokens", map[string]any{"name": "", "scopes": []string{"read", marker, "read"}, "expires_in": marker}, []string{"body.expires_in", "body.name", "body.scopes[1]", "body.scopes[2]"}},
		"token for nothing":   {"POST", "/tokens", map[string]any{"name": "x", "scopes": []string{}}, []string{"body.scopes"}},
		"token of the past":   {"POST", "/tokens", map[string]any{"name": "x", "scopes": []string{"read"}, "expires_in": "-1h"}, []string{"body.expires_in"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.call(tt.method, tt.path, tt.body).want(http.StatusUnprocessableEntity)
			if d := cmp.Diff(tt.want, locations(a.problem())); d != "" {
				t.Errorf("%s\n%s", d, a.body)
			}
			if strings.Contains(a.body, marker) {
				t.Errorf("what was sent is repeated: %s", a.body)
			}
		})
	}
}
