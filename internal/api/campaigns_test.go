package api_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func (s *service) newCampaign(change map[string]any) int64 {
	s.t.Helper()
	id := s.count(`INSERT INTO instances (wc_id, w_id, online, online_since, groups) VALUES ('c1', 'w', true, now() - interval '100 hours', '{east}') ON CONFLICT (wc_id) DO UPDATE SET name = 'c' RETURNING id`)
	body := map[string]any{
		"name": "autumn", "schedule": "cron 0 9 * * 1-7 zone=Asia/Shanghai", "instances": []int64{id},
		"card":       map[string]any{"content": "day {{n}}", "title": "t", "url": "https://example.com/a", "thumb_url": "https://example.com/a.jpg"},
		"visibility": map[string]any{"mode": "everyone"},
	}
	for k, v := range change {
		body[k] = v
	}
	a := s.call("POST", "/campaigns", body)
	a.want(201)
	return int64(a.object()["id"].(float64))
}

func TestCampaignLifeThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.newCampaign(nil)
	path := fmt.Sprintf("/campaigns/%d", id)
	s.call("GET", path+"/dry-run?days=7", nil).want(200)
	if n := s.count(`SELECT count(*) FROM posts`); n != 0 {
		t.Fatalf("a draft and its dry run made %d posts", n)
	}
	a := s.call("POST", path+"/activate", nil)
	a.want(200)
	if a.object()["state"] != "active" || s.count(`SELECT count(*) FROM posts`) != 30 {
		t.Fatalf("%s", a.body)
	}
	if posts := s.call("GET", fmt.Sprintf("/posts?campaign_id=%d&limit=200", id), nil).want(200).object()["items"].([]any); len(posts) != 30 {
		t.Errorf("the list has %d posts of the campaign, want 30", len(posts))
	}
	s.call("PATCH", path, map[string]any{"name": "x"}).want(428)
	s.call("PATCH", path, map[string]any{"name": "x"}, "If-Match", `"99"`).want(412)
	d := s.call("PATCH", path+"?difference=true", map[string]any{"first_comment": "hello {{n}}"})
	d.want(200)
	if n := s.count(`SELECT count(*) FROM posts WHERE first_comment <> ''`); n != 0 {
		t.Errorf("asking for the difference changed %d posts", n)
	}
	s.call("PATCH", path, map[string]any{"first_comment": "hello {{n}}"}, "If-Match", "*").want(200)
	if n := s.count(`SELECT count(*) FROM posts p JOIN first_comments f ON f.post_id = p.id WHERE first_comment LIKE 'hello %'`); n != 30 {
		t.Errorf("%d posts followed, want 30", n)
	}
	list := s.call("GET", path+"/occurrences?limit=2", nil)
	list.want(200)
	items := list.object()["items"].([]any)
	first := int64(items[0].(map[string]any)["id"].(float64))
	s.call("GET", path+"/occurrences?limit=2&cursor="+list.object()["next_cursor"].(string), nil).want(200)
	s.call("PATCH", fmt.Sprintf("%s/occurrences/%d", path, first), map[string]any{"action": "skip"}).want(200)
	s.call("PATCH", fmt.Sprintf("%s/occurrences/%d", path, first), map[string]any{"action": "move"}).want(422)
	s.call("PATCH", fmt.Sprintf("%s/occurrences/%d", path, first+1), map[string]any{"action": "move", "at": "2020-01-01T09:00"}).want(422)
	split := s.call("PATCH", fmt.Sprintf("%s?from_occurrence=%d", path, first+5), map[string]any{"name": "later"}, "If-Match", "*")
	split.want(200)
	s.call("POST", path+"/pause", nil).want(422)
	s.call("POST", path+"/pause", map[string]any{"reason": "wrong link"}).want(200)
	s.call("POST", path+"/resume", map[string]any{"missed": "skip"}).want(200)
	s.call("POST", path+"/stop", map[string]any{"reason": "over"}).want(200)
	s.call("POST", path+"/resume", nil).want(409)
	s.call("POST", path+"/clone", map[string]any{"name": "copy"}).want(201)
	s.call("GET", "/campaigns?state=draft", nil).want(200)
	s.call("DELETE", path, nil).want(409)
	s.call("GET", "/campaigns/99999", nil).want(404)
	s.call("GET", "/campaigns/dry-run?days=3", nil).want(200)
}

func TestBadCampaignsAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for name, tt := range map[string]struct {
		change   map[string]any
		location string
	}{
		"a zone inside":      {map[string]any{"schedule": "cron TZ=UTC 0 9 * * * zone=Asia/Shanghai"}, "body.schedule"},
		"backwards":          {map[string]any{"schedule": "cron @every -1h zone=Asia/Shanghai"}, "body.schedule"},
		"out of range":       {map[string]any{"schedule": "cron */61 * * * * zone=Asia/Shanghai"}, "body.schedule"},
		"no zone":            {map[string]any{"schedule": "cron 0 9 * * *"}, "body.schedule"},
		"unknown zone":       {map[string]any{"schedule": "cron 0 9 * * * zone=Mars/Base"}, "body.schedule"},
		"30 February":        {map[string]any{"schedule": "cron 0 9 30 2 * zone=Asia/Shanghai"}, "body.schedule"},
		"end before start":   {map[string]any{"schedule": "cron 0 9 * * * zone=Asia/Shanghai start=2026-12-01T00:00 end=2026-11-01T00:00"}, "body.schedule"},
		"unknown variable":   {map[string]any{"first_comment": "{{password}}"}, "body.first_comment"},
		"unknown instance":   {map[string]any{"instances": []int64{999999}}, "body.instances[0]"},
		"no such region":     {map[string]any{"schedule": "cron 0 9 * * * zone=Asia/Shanghai rule=working_days region=xx"}, "body.schedule"},
		"NUL in a group":     {map[string]any{"groups": []string{"a\x00"}}, "body.groups[0]"},
		"not a duration":     {map[string]any{"no_repeat": "a week"}, "body.no_repeat"},
		"markup in a colour": {map[string]any{"colour": "<b>"}, "body.colour"},
	} {
		t.Run(name, func(t *testing.T) {
			id := s.newCampaign(nil)
			a := s.call("PATCH", fmt.Sprintf("/campaigns/%d", id), tt.change, "If-Match", "*")
			a.want(422)
			errs, _ := a.object()["errors"].([]any)
			if len(errs) == 0 || len(tt.location) > len(errs[0].(map[string]any)["location"].(string)) ||
				errs[0].(map[string]any)["location"].(string)[:len(tt.location)] != tt.location {
				t.Errorf("want an error at %s: %s", tt.location, a.body)
			}
		})
	}
}

func TestPreviewTellsOfTheHoliday(t *testing.T) {
	t.Parallel()
	s := newService(t)
	a := s.call("POST", "/campaigns/preview?lang=en&n=10", map[string]any{
		"schedule": "cron 0 9 * * * zone=Asia/Shanghai start=2027-01-01T00:00 rule=working_days region=cn"})
	a.want(200)
	if a.object()["words"] == "" || len(a.object()["unpublished"].([]any)) != 1 {
		t.Errorf("%s", a.body)
	}
}

// A past day shows how the work calendar treats the schedule: off on the
// National Day's week, and on at the Saturday that makes up for it.
func TestPreviewFromAPastDay(t *testing.T) {
	t.Parallel()
	s := newService(t)
	body := map[string]any{"schedule": "cron 0 0 * * * zone=Asia/Shanghai rule=working_days region=cn"}
	a := s.call("POST", "/campaigns/preview?from=2026-10-01&n=3", body).want(200)
	var got []string
	for _, e := range a.object()["entries"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["local"].(string)[:10], " ", e["dropped"], " ", e["mark"]))
	}
	want := []string{"2026-10-01 true 休", "2026-10-02 true 休", "2026-10-03 true 休", "2026-10-04 true 休", "2026-10-05 true 休", "2026-10-06 true 休",
		"2026-10-07 true 休", "2026-10-08 false ", "2026-10-09 false ", "2026-10-10 false 班"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"2026-13-01", "yesterday", "9999999-01-01"} {
		s.call("POST", "/campaigns/preview?from="+bad, body).want(422)
	}
}

func TestDenseScheduleIsWarnedOf(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.exec(`INSERT INTO instances (wc_id, groups) SELECT 'd' || g, '{dense}' FROM generate_series(1, 500) g`)
	id := s.newCampaign(map[string]any{"schedule": "cron * * * * * zone=Asia/Shanghai", "groups": []string{"dense"}})
	a := s.call("GET", fmt.Sprintf("/campaigns/%d/dry-run", id), nil)
	a.want(200)
	d := a.object()["density"].(map[string]any)
	if d["posts_a_day"] != float64(1440*501) || d["breaks"] != true || a.object()["partial"] != true {
		t.Errorf("density %v", d)
	}
}

func TestCampaignsNeedTheirScopes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.newCampaign(nil)
	writer := s.token("writer", moment.ScopeWrite)
	for path, want := range map[string]int{"/approve": 403, "/activate": 200} {
		a := s.call("POST", fmt.Sprintf("/campaigns/%d%s", id, path), nil, "Authorization", "Bearer "+writer, "If-Match", `"1"`)
		a.want(want)
	}
}
