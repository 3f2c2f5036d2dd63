package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

type idPage struct {
	Items []struct {
		ID    int64  `json:"id"`
		State string `json:"state"`
	} `json:"items"`
	Next *string `json:"next_cursor"`
}

// pages reads the whole list, page by page.
func (s *service) pages(path string, size int) (ids []int64) {
	s.t.Helper()
	cursor := ""
	for range 1000 {
		p := decode[idPage](s.call("GET", fmt.Sprintf("%s&limit=%d&cursor=%s", path, size, cursor), nil).want(200))
		for _, i := range p.Items {
			ids = append(ids, i.ID)
		}
		if p.Next == nil {
			return ids
		}
		if len(p.Items) != size {
			s.t.Fatalf("a page of %d that is not the last", len(p.Items))
		}
		cursor = url.QueryEscape(*p.Next)
	}
	s.t.Fatal("the list has no end")
	return nil
}

func TestPagesOverTies(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one, two := s.instance("wxid_one"), s.instance("wxid_two")
	base := time.Now().Add(time.Hour).Truncate(time.Second)
	var dated, undated []int64
	for n := range 23 {
		// Three posts at each time, drafts with and without a time, two instances.
		due := base.Add(time.Duration(n/3) * time.Minute).Format(time.RFC3339)
		switch {
		case n%7 == 6:
			undated = append(undated, s.post(one, "draft", true, "due_at", nil, "visibility", nil))
		case n%5 == 4:
			dated = append(dated, s.post(two, "draft", true, "due_at", due))
		case n%2 == 0:
			dated = append(dated, s.post(one, "due_at", due))
		default:
			dated = append(dated, s.post(two, "due_at", due))
		}
	}
	asc := append(slices.Clone(dated), undated...)
	desc := slices.Clone(asc)
	slices.Reverse(desc)
	for _, size := range []int{1, 2, 3, 7, 22, 23, 200} {
		if d := cmp.Diff(asc, s.pages("/posts?order=due_asc", size)); d != "" {
			t.Errorf("ascending, %d a page: %s", size, d)
		}
		if d := cmp.Diff(desc, s.pages("/posts?order=due_desc", size)); d != "" {
			t.Errorf("descending, %d a page: %s", size, d)
		}
		if d := cmp.Diff(asc, s.pages("/posts?order=due_asc&state=draft,scheduled,failed", size)); d != "" {
			t.Errorf("by states, %d a page: %s", size, d)
		}
	}
}

func TestCursorBelongsToItsList(t *testing.T) {
	t.Parallel()
	s := newService(t)
	i := s.instance("wxid_one")
	for range 3 {
		s.post(i)
	}
	next := url.QueryEscape(*decode[idPage](s.call("GET", "/posts?limit=1", nil).want(200)).Next)
	s.call("GET", "/posts?limit=2&cursor="+next, nil).want(200)
	for _, path := range []string{"/posts?order=due_asc&cursor=" + next, "/posts?state=sent&cursor=" + next, "/instances?cursor=" + next, "/posts?cursor=" + next[:len(next)-2]} {
		s.call("GET", path, nil).want(422).problem()
	}
	for n := range len(next) {
		other := next[:n] + string('A'+(next[n]-'A'+1)%26) + next[n+1:]
		if a := s.call("GET", "/posts?limit=1&cursor="+url.QueryEscape(other), nil); a.status != 422 {
			t.Errorf("altered at %d: %d", n, a.status)
		}
	}
}

func TestFiltersAgreeWithTheTable(t *testing.T) {
	t.Parallel()
	s := newService(t)
	one, two := s.instance("wxid_one"), s.instance("wxid_two")
	base := time.Now().Truncate(time.Second)
	states := []moment.State{moment.Draft, moment.Pending, moment.Scheduled, moment.Sent, moment.Failed, moment.Unknown, moment.Missed, moment.Cancelled}
	for n := range 64 {
		instance := []int64{one, two}[n%2]
		id := s.post(instance, "due_at", base.Add(time.Duration(n%9-4)*time.Hour).Format(time.RFC3339), "title", fmt.Sprintf("No. %d_%%", n), "external_key", fmt.Sprint("key-", n))
		s.force(id, states[n%len(states)])
		if n == 10 {
			s.force(id, moment.Sending)
		}
		if n == 11 {
			s.force(id, moment.Claimed)
		}
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE posts SET due_at = due_at - interval '1 day' WHERE state = 'sent'`); err != nil { // nothing is sent before its time
		t.Fatal(err)
	}
	other := s.call("POST", "/posts", card(one, "draft", true), "Authorization", "Bearer "+s.token("crm", moment.ScopeWrite)).want(201).id()
	at := func(h int) string {
		return url.QueryEscape(base.Add(time.Duration(h) * time.Hour).Format(time.RFC3339))
	}
	tests := map[string]string{ // query → condition
		"":                                  "true",
		"state=scheduled":                   "state = 'scheduled'",
		"state=failed,unknown&state=missed": "state IN ('failed', 'unknown', 'missed')",
		"state=sending":                     "state IN ('claimed', 'sending')",
		"state=scheduled,sending,sent":      "state IN ('scheduled', 'claimed', 'sending', 'sent')",
		"state=draft":                       "state = 'draft'",
		"state=pending,cancelled":           "state IN ('pending', 'cancelled')",
		fmt.Sprintf("instance_id=%d", two):  fmt.Sprintf("instance_id = %d", two),
		fmt.Sprintf("state=scheduled&instance_id=%d", one):                       fmt.Sprintf("state = 'scheduled' AND instance_id = %d", one),
		fmt.Sprintf("state=failed,sending&instance_id=%d&due_to=%s", one, at(2)): fmt.Sprintf("state IN ('failed', 'claimed', 'sending') AND instance_id = %d AND due_at < '%s'", one, base.Add(2*time.Hour).Format(time.RFC3339)),
		"due_from=" + at(-1) + "&due_to=" + at(1):                                fmt.Sprintf("due_at >= '%s' AND due_at < '%s'", base.Add(-time.Hour).Format(time.RFC3339), base.Add(time.Hour).Format(time.RFC3339)),
		"state=scheduled&due_from=" + at(-2):                                     fmt.Sprintf("state = 'scheduled' AND due_at >= '%s'", base.Add(-2*time.Hour).Format(time.RFC3339)),
		"author=crm":                                                             "author = 'crm'",
		"source=api":                                                             "source = 'api'",
		"q=" + url.QueryEscape("3_% no."):                                        "title LIKE '%3\\_\\%'",
		"external_key=key-7":                                                     "external_key = 'key-7'",
		"q=" + url.QueryEscape(`"no. 3"`):                                        "title LIKE 'No. 3%'",
		"q=" + url.QueryEscape("3_%"):                                            "title LIKE '%3\\_\\%'",
		"q=" + url.QueryEscape("EXAMPLE.com"):                                    "true",
		"q=" + url.QueryEscape(`\`):                                              "false",
	}
	for query, cond := range tests {
		for _, order := range []string{"asc", "desc"} {
			rows, err := s.pool.Query(t.Context(), `SELECT id FROM posts WHERE `+cond+` ORDER BY due_at `+order+`, id `+order)
			if err != nil {
				t.Fatal(err)
			}
			var want []int64
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				want = append(want, id)
			}
			for _, size := range []int{4, 100} {
				if d := cmp.Diff(want, s.pages("/posts?order=due_"+order+"&"+query, size)); d != "" {
					t.Errorf("%s, %s, %d a page: %s", query, order, size, d)
				}
			}
		}
	}
	if got := s.pages("/posts?author=crm", 5); !cmp.Equal(got, []int64{other}) {
		t.Error(got)
	}
	// A + that nobody escaped arrives as a space.
	s.call("GET", "/posts?due_from="+strings.ReplaceAll(base.In(time.FixedZone("", 8*3600)).Format(time.RFC3339), "%2B", "+"), nil).want(200)
}

func TestInstanceList(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var ids []int64
	for n := range 5 {
		ids = append(ids, s.call("POST", "/instances", map[string]any{"wc_id": fmt.Sprint("wxid_", n), "groups": []string{[]string{"even", "odd"}[n%2]}}).want(201).id())
	}
	s.call("PATCH", fmt.Sprintf("/instances/%d", ids[1]), map[string]any{"paused": true, "paused_reason": "x"}).want(200)
	for query, want := range map[string][]int64{
		"": ids, "group=odd": {ids[1], ids[3]}, "wc_id=wxid_2": {ids[2]}, "paused=true": {ids[1]}, "online=true": nil, "online=false&group=even": {ids[0], ids[2], ids[4]},
	} {
		for _, size := range []int{1, 2, 5} {
			if d := cmp.Diff(want, s.pages("/instances?"+query, size)); d != "" {
				t.Errorf("%q, %d a page: %s", query, size, d)
			}
		}
	}
	if a := s.call("GET", "/instances?online=true", nil); !strings.Contains(a.body, `"items":[]`) {
		t.Error(a.body)
	}
}
