package moment

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func autumn() *Campaign {
	return &Campaign{ID: 7, Name: "autumn", Colour: "#1f6feb", State: CampaignActive, Plan: CampaignPlan{
		Schedule: "cron 0 9 * * * zone=Asia/Shanghai", Instances: []int64{1},
		Card: Card{Content: "{{date}} {{weekday}} {{n}}", Title: "{{ instance.name }}", URL: "https://example.com/{{instance.name}}?d={{date}}#x",
			ThumbURL: "https://example.com/a.jpg"},
		Visibility: Visibility{Mode: Everyone},
	}.WithDefaults()}
}

func firing(n int) *Occurrence {
	at := time.Date(2026, 10, 1, 1, 0, 0, 0, time.UTC).AddDate(0, 0, n-1)
	return &Occurrence{Wall: at.Format("2006-01-02") + "T09:00", Aim: at.Format("2006-01-02") + "T09:00", PlannedAt: at, At: at, Number: n,
		State: OccurrencePlanned, Approved: true}
}

func TestVariablesAreFilledIn(t *testing.T) {
	t.Parallel()
	c := autumn()
	c.Plan.UTM = UTM{Campaign: "no {{n}}"}
	p, err := c.Post(firing(1), Target{ID: 1, Name: "A&b {{n}}"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Card.Content != "10月1日 周四 1" || p.Card.Title != "A&b {{n}}" {
		t.Errorf("%q, %q", p.Card.Content, p.Card.Title)
	}
	if want := "https://example.com/A%26b%20%7B%7Bn%7D%7D?d=2026-10-01&utm_campaign=no+1#x"; p.Card.URL != want {
		t.Errorf("%s, want %s", p.Card.URL, want)
	}
}

func TestCampaignsThatAreRefused(t *testing.T) {
	t.Parallel()
	for path, change := range map[string]func(*Campaign){
		"name":                func(c *Campaign) { c.Name = " " },
		"colour":              func(c *Campaign) { c.Colour = "red;background:url(x)" },
		"content":             func(c *Campaign) { c.Plan.Card.Content = "{{password}}" },
		"title":               func(c *Campaign) { c.Plan.Card.Title = "{{n" },
		"url":                 func(c *Campaign) { c.Plan.Card.URL = "javascript:alert({{n}})" },
		"thumb_url":           func(c *Campaign) { c.Plan.Card.ThumbURL = "https://{{nobody}}/x" },
		"description":         func(c *Campaign) { c.Plan.Card.Description = "a\x00b" },
		"variants[0].content": func(c *Campaign) { c.Plan.Variants = []Variant{{Content: "{{}}"}} },
		"variants[1]":         func(c *Campaign) { c.Plan.Variants = []Variant{{Content: "x"}, {}} },
		"utm.source":          func(c *Campaign) { c.Plan.UTM.Source = "{{x}}" },
		"targets":             func(c *Campaign) { c.Plan.Instances = nil },
		"visibility.users":    func(c *Campaign) { c.Plan.Visibility = Visibility{Mode: Allow} },
		"stagger.spread":      func(c *Campaign) { c.Plan.Stagger.Spread = -1 },
		"stagger.order":       func(c *Campaign) { c.Plan.Stagger.Order = "x" },
		"missed":              func(c *Campaign) { c.Plan.Missed = "x" },
		"missed_cap":          func(c *Campaign) { c.Plan.MissedCap = 1000 },
		"schedule":            func(c *Campaign) { c.Plan.Schedule = "" },
		"language":            func(c *Campaign) { c.Plan.Language = "xx" },
	} {
		c := autumn()
		change(c)
		e, ok := errors.AsType[*Error](c.Check())
		if !ok || len(e.Fields) != 1 || e.Fields[0].Path != path {
			t.Errorf("%s: %v", path, e)
		}
	}
	if err := autumn().Check(); err != nil {
		t.Error(err)
	}
}

// Each account has all texts before it sees one again, whatever else changes.
func TestTextsTakeTurns(t *testing.T) {
	t.Parallel()
	c := autumn()
	c.Plan.Variants = []Variant{{Content: "b"}, {Content: "c"}, {Content: "d"}}
	first := map[int64]int{}
	for id := range int64(50) {
		for n := 1; n < 40; n++ {
			if a, b := c.Turn(firing(n), Target{ID: id}, 4), c.Turn(firing(n+1), Target{ID: id}, 4); (a+1)%4 != b {
				t.Fatalf("text %d after %d", b, a)
			}
		}
		first[int64(c.Turn(firing(1), Target{ID: id}, 4))]++
	}
	for text := range int64(4) {
		if first[text] < 4 {
			t.Errorf("of 50 accounts %d begin with text %d", first[text], text)
		}
	}
	next := autumn()
	next.ID, next.Root, next.Plan = 8, 7, c.Plan
	if a, b := c.Turn(firing(9), Target{ID: 3}, 4), next.Turn(firing(9), Target{ID: 3}, 4); a != b {
		t.Error("a campaign that continues another begins its texts anew")
	}
}

func TestStaggerStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	c := autumn()
	c.Plan.Stagger = Stagger{Spread: 3600, Jitter: 60, Order: OrderShuffled}
	o, early, late := firing(3), 0, 0
	for id := range int64(1000) {
		d := c.due(o, Target{ID: id}).Sub(o.At)
		if d < 0 || d > 61*time.Minute {
			t.Fatalf("%v after the occurrence", d)
		}
		if d < 15*time.Minute {
			early++
		}
		if d > 45*time.Minute {
			late++
		}
		if again := c.due(o, Target{ID: id}).Sub(o.At); again != d {
			t.Fatal("another answer the second time")
		}
	}
	if early < 180 || late < 180 {
		t.Errorf("%d in the first quarter and %d in the last, of 1000", early, late)
	}
}

func TestHashFollowsThePlanAlone(t *testing.T) {
	t.Parallel()
	a, b := autumn(), autumn()
	b.Name, b.Colour = "other", "#000000"
	if a.Plan.Hash() != b.Plan.Hash() {
		t.Error("a name changed the hash")
	}
	b.Plan.Groups = []string{"x"}
	if a.Plan.Hash() == b.Plan.Hash() {
		t.Error("other targets, same hash")
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	now := firing(1).At.Add(-time.Hour)
	target := Target{ID: 1, Name: "x"}
	made := func(c *Campaign, change func(*CampaignPost)) *CampaignPost {
		p, err := c.Post(firing(1), target)
		if err != nil {
			t.Fatal(err)
		}
		cp := &CampaignPost{Post: *p}
		cp.ID = 9
		change(cp)
		return cp
	}
	same := func(*CampaignPost) {}
	other := func(p *CampaignPost) { p.Card.Title = "old" }
	for name, tt := range map[string]struct {
		campaign func(*Campaign)
		occ      func(*Occurrence)
		post     func(*CampaignPost) // nil = there is none
		gone     bool
		want     SettleWhat
	}{
		"new":                    {want: SettleCreate},
		"same":                   {post: same, want: SettleSame},
		"another text":           {post: other, want: SettleRewrite},
		"edited by hand":         {post: func(p *CampaignPost) { other(p); p.ByHand = true }, want: SettleKeep},
		"tried":                  {post: func(p *CampaignPost) { other(p); p.Attempt = 1 }, want: SettleLeft},
		"claimed":                {post: func(p *CampaignPost) { other(p); p.State = Claimed }, want: SettleLeft},
		"sending":                {post: func(p *CampaignPost) { other(p); p.State = Sending }, want: SettleLeft},
		"sent":                   {post: func(p *CampaignPost) { other(p); p.State = Sent }, want: SettleLeft},
		"cancelled by hand":      {post: func(p *CampaignPost) { p.State = Cancelled }, want: SettleLeft},
		"left the group":         {post: same, gone: true, want: SettleRemove},
		"left, edited by hand":   {post: func(p *CampaignPost) { p.ByHand = true }, gone: true, want: SettleKeep},
		"skipped":                {occ: func(o *Occurrence) { o.State = OccurrenceSkipped }, post: same, want: SettleRemove},
		"paused":                 {campaign: func(c *Campaign) { c.State = CampaignPaused }, post: same, want: SettleHold},
		"paused, by hand":        {campaign: func(c *Campaign) { c.State = CampaignPaused }, post: func(p *CampaignPost) { p.ByHand = true }, want: SettleHold},
		"resumed":                {post: func(p *CampaignPost) { p.State, p.Held = Pending, true }, want: SettleRelease},
		"waits for its approval": {post: func(p *CampaignPost) { p.State, p.ByHand = Pending, true }, want: SettleKeep},
		"stopped":                {campaign: func(c *Campaign) { c.State = CampaignStopped }, post: same, want: SettleCancel},
		"stopped, in flight":     {campaign: func(c *Campaign) { c.State = CampaignStopped }, post: func(p *CampaignPost) { p.State = Sending }, want: SettleLeft},
		"missed":                 {occ: func(o *Occurrence) { o.State = OccurrenceMissed }, post: func(p *CampaignPost) { p.DueAt = now }, want: SettleCancel},
		"own card not approved": {occ: func(o *Occurrence) {
			o.Card, o.Approved = &Card{Content: "c", Title: "t", URL: "https://e.cn", ThumbURL: "https://e.cn"}, false
		}, post: same, want: SettleRewrite},
		"no text left": {campaign: func(c *Campaign) { c.Plan.Card.Title = "" }, post: same, want: SettleRemove},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, o := autumn(), firing(1)
			var have []*CampaignPost
			if tt.post != nil {
				have = append(have, made(c, tt.post))
			}
			if tt.campaign != nil {
				tt.campaign(c)
			}
			if tt.occ != nil {
				tt.occ(o)
			}
			changes, problems := c.Settle(o, []Target{target}, func(int64) bool { return !tt.gone }, have, now)
			if len(changes) != 1 || changes[0].What != tt.want {
				t.Fatalf("%+v, want %s", changes, tt.want)
			}
			if strings.HasPrefix(name, "no text") != (len(problems) == 1) {
				t.Errorf("problems: %v", problems)
			}
			if tt.want == SettleRewrite && o.Card != nil && (changes[0].Post.State != Pending || !changes[0].Held) {
				t.Errorf("a card that nobody approved is %s", changes[0].Post.State)
			}
		})
	}
}
