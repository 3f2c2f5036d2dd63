package bench

import "fmt"

// claim is something said about the engine, with what was measured.
type claim struct {
	What, Wanted, Measured string
	Holds                  bool
}

// Verdict says how it came out.
func (c claim) Verdict() string {
	if c.Holds {
		return "yes"
	}
	return "no"
}

// claims compares what was measured with what is wanted. What was not measured
// is not claimed.
func (r *run) claims() (all []claim) {
	rate := func(f Figures) float64 { return f.PerSecond }
	p99 := func(f Figures) float64 { return ms(f.P99) }
	atLeast := func(what string, want, a, b float64) {
		if a > 0 && b > 0 {
			all = append(all, claim{what, fmt.Sprintf("≥ %.1f", want), fmt.Sprintf("%.2f", a/b), a/b >= want})
		}
	}
	atMost := func(what string, want, a, b float64) {
		if a > 0 && b > 0 {
			all = append(all, claim{what, fmt.Sprintf("≤ %.2f", want), fmt.Sprintf("%.2f", a/b), a/b <= want})
		}
	}
	m := r.figure
	atLeast("Burst: rate ÷ River's best with the moment id in a row", 2, m("burst", "engine", rate), m("burst", "river-row", rate))
	atLeast("Burst: rate ÷ River's best with its job row only", 1.2, m("burst", "engine", rate), m("burst", "river-job", rate))
	atLeast("Burst over 200 accounts: rate ÷ River with an emulated gate", 5, m("gated", "engine", rate), m("gated", "river-gated", rate))
	atLeast("Burst: rate ÷ physical limit", 0.7, m("burst", "engine", rate), limit(m("burst", "limit-db", rate), m("burst", "limit-http", rate)))
	fastest := max(m("burst", "engine", rate), m("burst", "river-row", rate), m("burst", "river-job", rate))
	atLeast("Referee: rate of bare calls ÷ fastest contestant", 2, m("burst", "limit-http", rate), fastest)
	if v := m("paced", "engine", func(f Figures) float64 { return ms(f.P50) }); v > 0 {
		all = append(all, claim{"Paced: lateness p50", "≤ 10 ms", fmt.Sprintf("%.1f ms", v), v <= 10})
	}
	atMost("Paced: lateness p99 ÷ River's best", 1.0/3, m("paced", "engine", p99), m("paced", "river-row", p99))
	atMost("Paced: peak memory ÷ River's best", 1, m("paced", "engine", peak), m("paced", "river-row", peak))
	atMost("Burst: peak memory ÷ River's best", 1, m("burst", "engine", peak), m("burst", "river-row", peak))
	atLeast("Deep: rate ÷ rate without the history", 0.9, m("deep", "deep", rate), m("deep", "shallow", rate))
	atMost("Blocked head: lateness p99 ÷ paced", 1.5, m("blocked", "engine", p99), m("paced", "engine", p99))
	return append(all, r.never()...)
}

func peak(f Figures) float64 { return float64(f.Peak) }

// never are the claims about what must not happen in any measurement.
func (r *run) never() []claim {
	var doubles, early, overlap, lost, missing, measured int
	for _, x := range r.results {
		if x.Contestant != "engine" && x.Contestant != "deep" && x.Contestant != "shallow" {
			continue
		}
		measured++
		doubles, early, overlap, lost = doubles+x.Doubles, early+x.Early, max(overlap, x.MaxOverlap), lost+x.Lost
		if x.Kills == 0 {
			missing += x.Posts - x.Recorded
		}
	}
	if measured == 0 {
		return nil
	}
	none := func(what string, n int) claim { return claim{what, "0", fmt.Sprint(n), n == 0} }
	return []claim{
		none("All scenarios: posts that arrived twice", doubles), none("All scenarios: posts that arrived early", early),
		none("All scenarios: posts lost", lost), none("All scenarios: posts that arrived and are not recorded as sent", missing),
		{"All scenarios: most posts of one account in flight", "1", fmt.Sprint(overlap), overlap <= 1},
	}
}

// figure is a median; 0 = not measured.
func (r *run) figure(scenario, contestant string, of func(Figures) float64) float64 {
	fs := r.of(scenario, contestant)
	if len(fs) == 0 {
		return 0
	}
	return median(fs, of)
}

// limit is the rate of who does both things one after the other on the same
// processors; 0 where one is not known.
func limit(db, http float64) float64 {
	if db <= 0 || http <= 0 {
		return 0
	}
	return 1 / (1/db + 1/http)
}

// Limit is the physical limit in posts a second, for the report.
func (d document) Limit() string {
	for _, s := range d.Sections {
		var db, http float64
		for _, r := range s.Rows {
			switch r.Label {
			case limitDBLabel:
				db = r.PerSecond
			case limitHTTPLabel:
				http = r.PerSecond
			}
		}
		if l := limit(db, http); l > 0 {
			return fmt.Sprintf("1 / (1/%.0f + 1/%.0f) = %.0f posts/s", db, http, l)
		}
	}
	return ""
}
