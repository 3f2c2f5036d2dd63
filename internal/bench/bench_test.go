package bench

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPoissonKeepsRateAndRepeats(t *testing.T) {
	t.Parallel()
	from := time.Unix(1_800_000_000, 0)
	posts := poisson(200, from, time.Minute, 1000, 7)
	if n := len(posts); n < 11_500 || n > 12_500 {
		t.Errorf("%d posts in a minute at 200/s", n)
	}
	for i, p := range posts {
		if p.due.Before(from) || p.due.After(from.Add(time.Minute)) || i > 0 && p.due.Before(posts[i-1].due) {
			t.Fatalf("post %d is due %v", i, p.due)
		}
	}
	if d := cmp.Diff(posts, poisson(200, from, time.Minute, 1000, 7), cmp.AllowUnexported(post{})); d != "" {
		t.Errorf("the same seed gives another queue: %s", d)
	}
	if cmp.Equal(posts, poisson(200, from, time.Minute, 1000, 8), cmp.AllowUnexported(post{})) {
		t.Error("another seed gives the same queue")
	}
}

func TestBurstIsSpreadEvenlyAndEachPostIsItsOwn(t *testing.T) {
	t.Parallel()
	count, urls := map[int]int{}, map[string]bool{}
	for _, p := range burst(1000, 200) {
		count[p.account]++
		urls[p.url] = true
	}
	if len(count) != 200 || count[0] != 5 || count[199] != 5 || len(urls) != 1000 {
		t.Errorf("%d accounts, %d and %d posts, %d addresses", len(count), count[0], count[199], len(urls))
	}
}

// One by one: a post of unknown outcome that did arrive hides none that is lost.
func TestEachPostIsComparedByItself(t *testing.T) {
	t.Parallel()
	arrived, states := map[string]bool{}, map[string]string{}
	var posts []post
	add := func(state string, here bool) {
		p := newPost(len(posts), 5, time.Unix(1, 0))
		posts = append(posts, p)
		if states[p.url] = state; state == "" {
			delete(states, p.url)
		}
		if here {
			arrived[p.url] = true
		}
	}
	for _, state := range []string{"sent", "unknown", "failed", "scheduled", "sending", ""} {
		add(state, true)
	}
	if got, want := judge(posts, arrived, states), (outcome{unknown: 1}); got != want {
		t.Errorf("all arrived: %+v, want %+v", got, want)
	}
	for _, state := range []string{"failed", "missed", "cancelled", "unknown"} {
		add(state, false) // says so
	}
	for _, state := range []string{"sent", "scheduled", "claimed", "sending", "completed", ""} {
		add(state, false)
	}
	if got, want := judge(posts, arrived, states), (outcome{lost: 6, contradicting: 1, unknown: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A machine that is too slow for the headway gets more.
func TestInsertionHasAllTheTimeItNeeds(t *testing.T) {
	t.Parallel()
	s := &stage{lead: headway}
	var leads []time.Duration
	e := patient(entry{run: func(ctx context.Context, s *stage, _ int) (Figures, error) {
		leads = append(leads, s.lead)
		slow := contestant{fill: func(context.Context, *stage, string, []post) error { return nil }}
		began := time.Now().Add(-15 * time.Second) // so long it took
		return Figures{Posts: 7}, s.ahead(ctx, slow, "", []post{newPost(0, 1, began.Add(s.lead))})
	}})
	f, err := e.run(t.Context(), s, 1)
	if err != nil || f.Posts != 7 || s.lead != 4*headway {
		t.Errorf("%+v, %v, lead %v", f, err, s.lead)
	}
	if d := cmp.Diff([]time.Duration{headway, 2 * headway, 4 * headway}, leads); d != "" {
		t.Error(d)
	}
	broken := errors.New("broken")
	if _, err := patient(entry{run: func(context.Context, *stage, int) (Figures, error) { return Figures{}, broken }}).run(t.Context(), s, 1); !errors.Is(err, broken) {
		t.Errorf("another error: %v", err)
	}
}

func TestMediansButTheWorstOfWhatMustNotHappen(t *testing.T) {
	t.Parallel()
	got := medians([]Figures{
		{Posts: 10, PerSecond: 100, P99: 3, Doubles: 0, MaxOverlap: 1, Lost: 1},
		{Posts: 10, PerSecond: 300, P99: 1, Doubles: 2, MaxOverlap: 1},
		{Posts: 10, PerSecond: 200, P99: 2, Doubles: 0, MaxOverlap: 3},
	})
	want := Figures{Posts: 10, PerSecond: 200, P99: 2, Doubles: 2, MaxOverlap: 3, Lost: 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFamilyCPUCountsChildrenAndThoseThatEnded(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	stat := func(pid, parent, user, system, endedUser, endedSystem string) {
		t.Helper()
		dir := filepath.Join(proc, pid)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		line := pid + " (post) gres: w) S " + parent + " 1 1 0 -1 0 0 0 0 0 " + user + " " + system + " " + endedUser + " " + endedSystem + " 20 0"
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stat("100", "1", "1", "2", "30", "40")
	stat("101", "100", "500", "600", "0", "0")
	stat("102", "101", "9000", "0", "0", "0") // a grandchild
	stat("103", "1", "9000", "0", "0", "0")   // somebody else
	got, err := familyCPU(proc, 100)
	if want := (1 + 2 + 30 + 40 + 500 + 600) * tick; err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := familyCPU(proc, 7); err == nil {
		t.Error("a process that is not there has used something")
	}
}

func TestReadingsOfProc(t *testing.T) {
	t.Parallel()
	if got := vmHWM("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t 1 kB\n"); got != 2<<20 {
		t.Errorf("VmHWM is %d", got)
	}
	busy, steal := shares("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1", "cpu  130 0 120 1630 10 0 0 110 0 0\n")
	if math.Abs(busy-0.16) > 0.001 || math.Abs(steal-0.11) > 0.001 {
		t.Errorf("busy %.3f, steal %.3f", busy, steal)
	}
	if why := (quiet{Load: 0.1, Cores: 2, Busy: 0.02}).loud(); why != "" {
		t.Errorf("an idle machine is %q", why)
	}
	for _, q := range []quiet{{Load: 1, Cores: 2}, {Cores: 2, Busy: 0.5}, {Cores: 2, Steal: 0.1}} {
		if q.loud() == "" {
			t.Errorf("%+v passes for quiet", q)
		}
	}
}

func TestResultsCutOffAreMeasuredAgain(t *testing.T) {
	t.Parallel()
	whole := `{"Scenario":"burst","Contestant":"engine","Round":1,"PerSecond":5}` + "\n"
	got, err := readResults(strings.NewReader(whole + `{"Scenario":"burst","Contestant":"eng`))
	if err != nil || len(got) != 1 || got[0].PerSecond != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := readResults(strings.NewReader("{]\n")); err == nil {
		t.Error("what is no result was read")
	}
	r := run{results: got, o: Options{Rounds: 2}}
	sc := scenario{name: "burst", entries: []entry{{name: "engine"}}}
	if r.complete(sc) {
		t.Error("one round of two is all")
	}
	r.results = append(r.results, result{"burst", "engine", 2, Figures{}})
	if !r.complete(sc) {
		t.Error("two rounds of two are not all")
	}
}

func TestScenariosAreChosenByName(t *testing.T) {
	t.Parallel()
	all, err := chosen(Options{Scale: 1})
	if err != nil || len(all) != len(Names()) {
		t.Fatalf("%d of %d, %v", len(all), len(Names()), err)
	}
	two, err := chosen(Options{Scale: 1, Scenarios: []string{"paced", "burst"}})
	if err != nil || len(two) != 2 {
		t.Errorf("%d, %v", len(two), err)
	}
	if _, err := chosen(Options{Scale: 1, Scenarios: []string{"bursts"}}); err == nil {
		t.Error("a scenario that is none was taken")
	}
}

// measured is a run with one round of what the claims are about.
func measured() *run {
	r := &run{o: Options{Rounds: 1, Scale: 1, Latency: 5 * time.Millisecond}}
	add := func(scenario, contestant string, f Figures) {
		f.Posts, f.Accepted, f.Recorded, f.MaxOverlap = 100, 100, 100, 1
		r.results = append(r.results, result{scenario, contestant, 1, f})
	}
	add("burst", "engine", Figures{PerSecond: 9000, Peak: 40 << 20})
	add("burst", "river-row", Figures{PerSecond: 4000, Peak: 50 << 20})
	add("burst", "river-job", Figures{PerSecond: 9000})
	add("burst", "limit-db", Figures{PerSecond: 30_000})
	add("burst", "limit-http", Figures{PerSecond: 20_000})
	add("paced", "engine", Figures{P50: 5 * time.Millisecond, P99: 9 * time.Millisecond})
	add("paced", "river-row", Figures{P50: 15 * time.Millisecond, P99: 30 * time.Millisecond})
	return r
}

func TestClaimsFollowTheFigures(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, c := range measured().claims() {
		got[c.What] = c.Measured + " " + c.Verdict()
	}
	want := map[string]string{
		"Burst: rate ÷ River's best with the moment id in a row":         "2.25 yes",
		"Burst: rate ÷ River's best with its job row only":               "1.00 no",
		"Burst: rate ÷ physical limit":                                   "0.75 yes",
		"Referee: rate of bare calls ÷ fastest contestant":               "2.22 yes",
		"Paced: lateness p50":                                            "5.0 ms yes",
		"Paced: lateness p99 ÷ River's best":                             "0.30 yes",
		"Burst: peak memory ÷ River's best":                              "0.80 yes",
		"All scenarios: posts that arrived twice":                        "0 yes",
		"All scenarios: posts that arrived early":                        "0 yes",
		"All scenarios: posts lost":                                      "0 yes",
		"All scenarios: posts that arrived and are not recorded as sent": "0 yes",
		"All scenarios: most posts of one account in flight":             "1 yes",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	r := measured()
	r.results[0].Doubles, r.results[0].Recorded = 1, 99
	n := 0
	for _, c := range r.claims() {
		if strings.HasPrefix(c.What, "All scenarios") && !c.Holds {
			n++
		}
	}
	if n != 2 {
		t.Errorf("a double and a post that is not recorded break %d claims", n)
	}
}

func TestReportSaysWhatWasMeasuredAndNothingElse(t *testing.T) {
	t.Parallel()
	r := measured()
	all, err := chosen(Options{Scale: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := r.document(t.Context(), all)
	d.Loud = "the load was 9.00 on 2 cores"
	var text bytes.Buffer
	if err := d.write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Burst\n", "| 9000 |", "## Paced\n", "not quiet", "1 / (1/30000 + 1/20000) = 12000 posts/s", "MaxAttempts 1"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
	for _, not := range []string{"## Deep", "## Killed", "NaN", "Inf", "<no value>"} {
		if strings.Contains(text.String(), not) {
			t.Errorf("the report has %q, which was not measured", not)
		}
	}
}

func TestChartIsWellFormedAndToScale(t *testing.T) {
	t.Parallel()
	text := chart("a < b & c", "posts/s", []bar{{"ours", 1000, true}, {"theirs", 500, false}, {"nobody", 0, false}})
	dec := xml.NewDecoder(strings.NewReader(text))
	var widths []string
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "rect" {
			for _, a := range e.Attr {
				if a.Name.Local == "width" {
					widths = append(widths, a.Value)
				}
			}
		}
	}
	if d := cmp.Diff([]string{"720", "390.0", "195.0", "1.0"}, widths); d != "" {
		t.Error(d)
	}
	if empty := chart("x", "y", nil); !strings.Contains(empty, "</svg>") {
		t.Error(empty)
	}
}
