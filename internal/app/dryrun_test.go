package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/postgres/postgrestest"
)

// foretold is one post that a dry run speaks of, by account and link.
type foretold struct{ wcID, link string }

// What the dry run of a draft says before it is activated is what the gateway
// then records, post by post: gaps, a cap, quiet hours that end, an account
// that is not old enough yet, and the post that is missed for its cap.
func TestDryRunForetellsWhatTheGatewayRecords(t *testing.T) {
	t.Parallel()
	const (
		campaign = "https://example.com/campaign"
		early    = 50 * time.Millisecond
		late     = 20 * time.Second // a busy machine; that it is exact the database's own test says, on a clock of its own
	)
	names := []string{"wxid_gap", "wxid_capped", "wxid_quiet", "wxid_young", "wxid_free"}
	var accounts []sim.Account
	for _, n := range names {
		accounts = append(accounts, sim.Account{WcID: n, Name: n, OnlineFor: 100 * time.Hour})
	}
	s, gw := gatewayFor(t, sim.Config{Accounts: accounts})
	url := postgrestest.URL(t)
	r := start(t, config(url, gw.URL))
	r.becomesReady()
	ids := map[string]int64{}
	var all []int64
	for _, n := range names {
		ids[n] = r.register(n)
		all = append(all, ids[n])
	}
	// A schedule knows minutes: everything happens around the next one that leaves time to write it all down.
	at := time.Now().Add(30 * time.Second).Truncate(time.Minute).Add(time.Minute)
	noon := at.UTC().Hour() - 12 // a zone in which it is noon: no day ends meanwhile
	zone := fmt.Sprintf("Etc/GMT%+d", noon)
	wall := at.In(time.FixedZone("", -noon*3600))
	alter := func(name string, body map[string]any) {
		body["time_zone"] = zone
		r.must(http.MethodPatch, fmt.Sprint("/api/v1/instances/", ids[name]), body, nil)
	}
	alter("wxid_gap", map[string]any{"min_gap": "3s"})
	alter("wxid_capped", map[string]any{"daily_cap": 2})
	alter("wxid_quiet", map[string]any{"quiet_hours": wall.Add(-2*time.Hour).Format("15:04") + "-" + wall.Format("15:04")})
	alter("wxid_young", map[string]any{"matured_at": at.Add(4 * time.Second).Format(time.RFC3339)})
	alter("wxid_free", map[string]any{})

	want, byID := map[foretold]time.Time{}, map[int64]foretold{}
	for _, n := range names {
		for k := range 2 {
			f, due := foretold{n, fmt.Sprintf("https://example.com/%d", k)}, at.Add(-4*time.Second)
			var p post
			r.must(http.MethodPost, "/api/v1/posts", map[string]any{
				"instance_id": ids[n], "content": "text", "title": "title", "url": f.link, "thumb_url": "https://example.com/t.jpg",
				"visibility": map[string]any{"mode": "everyone"}, "due_at": due.Format(time.RFC3339),
			}, &p)
			want[f], byID[p.ID] = due, f
		}
		want[foretold{n, campaign}] = at
	}
	var draft struct{ ID int64 }
	r.must(http.MethodPost, "/api/v1/campaigns", map[string]any{
		"name": "noon", "schedule": "once " + wall.Format("2006-01-02T15:04") + " zone=" + zone, "instances": all, "max_lateness": "45s",
		"card":       map[string]any{"content": "text", "title": "title", "url": campaign, "thumb_url": "https://example.com/t.jpg"},
		"visibility": map[string]any{"mode": "everyone"},
	}, &draft)
	var said struct {
		Posts, Late, Missed, Unknown int
		Worst                        []struct {
			PostID   *int64     `json:"post_id"`
			WcID     string     `json:"wc_id"`
			LeavesAt *time.Time `json:"leaves_at"`
			Missed   bool
			Why      string
		}
	}
	r.must(http.MethodGet, fmt.Sprintf("/api/v1/campaigns/%d/dry-run?days=1", draft.ID), nil, &said)
	if said.Posts != len(want) || said.Missed != 1 || said.Unknown != 0 {
		t.Errorf("foretold %+v, want %d posts, 1 missed", said, len(want))
	}
	reasons := map[string]bool{}
	for _, l := range said.Worst {
		f := foretold{l.WcID, campaign}
		if l.PostID != nil {
			f = byID[*l.PostID]
		}
		reasons[l.Why] = true
		if l.Missed || l.LeavesAt == nil {
			delete(want, f)
			continue
		}
		want[f] = *l.LeavesAt
	}
	if len(reasons) < 4 {
		t.Errorf("only these gates had a say: %v", reasons)
	}
	r.must(http.MethodPost, fmt.Sprintf("/api/v1/campaigns/%d/activate", draft.ID), nil, nil)
	if time.Until(at) < 5*time.Second {
		t.Fatal("it was not written down before it begins: this machine takes a minute for some thirty requests")
	}
	<-time.After(time.Until(at.Add(5 * time.Second)))
	eventually(t, "every post has left or was missed", func() bool {
		var waiting int
		query(t, url, `SELECT count(*) FROM posts WHERE state NOT IN ('sent', 'missed')`, &waiting)
		return waiting == 0
	})
	truth := s.Truth()
	if len(truth) != len(want) {
		t.Errorf("the gateway has %d posts, foretold were %d", len(truth), len(want))
	}
	for _, m := range truth {
		f := foretold{m.WcID, m.Request.URL}
		leaves, ok := want[f]
		if off := m.At.Sub(leaves); !ok || off < -early || off > late {
			t.Errorf("%v left %v after %v (foretold: %v)", f, off, leaves.Format(time.TimeOnly), ok)
		}
	}
}
