package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
	"momentcast/internal/schedule"
)

var expandRounds = flag.Int("expand-rounds", 6, "rounds of killing during the expansion of campaigns")

// expandPoints are the places in the expansion where a replica may end.
var expandPoints = []string{"expand-planned", "expand-posts", "expand-commit", "expand-done"}

// Two replicas expand the same campaigns and are killed while they do. In the
// end each wall time of each schedule is recorded once, each that fires has one
// post an account, and each that does not says why.
func TestExpansionSurvivesKills(t *testing.T) {
	t.Parallel()
	var totals struct{ rounds, killed, ticks, missed, posts atomic.Int64 }
	t.Run("rounds", func(t *testing.T) {
		for round := range *expandRounds {
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(*seed), uint64(round)))
				s := newStage(t, postgrestest.URL(t), 12, time.Millisecond, uint64(round))
				began := s.plant(r)
				arm := func(name string) *program {
					return s.start(name, fmt.Sprintf("%s:%d:KILL", expandPoints[r.IntN(len(expandPoints))], 1+r.IntN(7)))
				}
				a, b := arm("a"), arm("b")
				settled := func() bool {
					return len(query[struct{ ID int64 }](s, `SELECT id FROM campaigns WHERE settled_at IS NULL`)) == 0
				}
				s.eventually("both are dead, or nothing is left to do", 30*time.Second, func() bool {
					return settled() || a.diedWithin(0) && b.diedWithin(0)
				})
				for _, p := range []*program{a, b} {
					if p.diedWithin(time.Millisecond) {
						totals.killed.Add(1)
					}
				}
				if !settled() {
					s.start("c", "")
				}
				s.eventually("all campaigns are settled", time.Minute, settled)
				ticks, missed, posts := s.checkExpansion(began)
				totals.rounds.Add(1)
				totals.ticks.Add(ticks)
				totals.missed.Add(missed)
				totals.posts.Add(posts)
			})
		}
	})
	t.Logf("seed %d: %d rounds, %d replicas killed: %d occurrences, each once; %d of them missed, each with its reason; %d posts, one for each occurrence and account",
		*seed, totals.rounds.Load(), totals.killed.Load(), totals.ticks.Load(), totals.missed.Load(), totals.posts.Load())
}

// plant makes campaigns that were last expanded some days ago, and returns when.
func (s *stage) plant(r *rand.Rand) time.Time {
	s.Helper()
	var instances []int64
	for _, i := range query[struct{ ID int64 }](s, `SELECT id FROM instances ORDER BY id`) {
		instances = append(instances, i.ID)
	}
	for n, policy := range []moment.MissedPolicy{moment.MissedSkip, moment.MissedLatest, moment.MissedAll} {
		c := &moment.Campaign{Name: string(policy), Colour: "#000000", Plan: moment.CampaignPlan{
			Schedule: fmt.Sprintf("cron %d %d * * * zone=Asia/Shanghai", r.IntN(60), r.IntN(24)), Instances: instances[n:], Missed: policy, MissedCap: 2,
			Card:       moment.Card{Content: "day {{n}}", Title: "t", URL: "https://example.com/" + string(policy), ThumbURL: "https://example.com/t.jpg"},
			Visibility: moment.Visibility{Mode: moment.Everyone},
		}}
		if _, err := s.db.CreateCampaign(s.Context(), c, "", moment.System("test")); err != nil {
			s.Fatal(err)
		}
	}
	began := time.Now().Add(-time.Duration(24+r.IntN(96)) * time.Hour).Truncate(time.Second)
	s.exec(`UPDATE campaigns SET state = 'active', expanded_until = $1, expand_at = now()`, began)
	return began
}

// checkExpansion compares what is stored with what the schedules say.
func (s *stage) checkExpansion(began time.Time) (ticks, missed, posts int64) {
	s.Helper()
	for _, c := range query[struct {
		ID       int64
		Schedule string
		Targets  int
		Policy   string
		Until    time.Time
	}](s, `SELECT id, plan->>'schedule', jsonb_array_length(plan->'instances'), plan->>'missed', expanded_until FROM campaigns`) {
		spec, err := schedule.ParseSpec(c.Schedule)
		if err != nil {
			s.Fatal(err)
		}
		sched, err := schedule.New(spec, nil)
		if err != nil {
			s.Fatal(err)
		}
		var want []string
		for o := range sched.Between(began.Add(1), c.Until) {
			want = append(want, o.Name.String())
		}
		var got []string
		for _, o := range query[struct {
			Wall, State, Reason string
			Posts               int64
		}](s, `SELECT o.wall, o.state, o.reason, (SELECT count(*) FROM posts p WHERE p.occurrence_id = o.id) FROM occurrences o WHERE campaign_id = $1 ORDER BY o.planned_at`, c.ID) {
			got = append(got, o.Wall)
			posts += o.Posts
			switch {
			case o.State == "missed" && (o.Reason == "" || o.Posts != 0):
				s.Errorf("%s of %s is missed for %q with %d posts", o.Wall, c.Policy, o.Reason, o.Posts)
			case o.State == "missed":
				missed++
			case o.Posts != int64(c.Targets):
				s.Errorf("%s of %s has %d posts, want %d", o.Wall, c.Policy, o.Posts, c.Targets)
			}
		}
		if !slices.Equal(want, got) {
			s.Errorf("%s: stored %v, scheduled %v", c.Policy, got, want)
		}
		ticks += int64(len(got))
	}
	return ticks, missed, posts
}
