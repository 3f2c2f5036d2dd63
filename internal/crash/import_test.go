package crash

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"momentcast/internal/client"
	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

var importRounds = flag.Int("import-rounds", 4, "rounds of killing while a file becomes posts, or campaigns")

// importPoints are the places in the commit of an import where a replica may
// end: before a batch is committed, after it, and anywhere.
var importPoints = []string{"import-batch", "import-step", ""}

// A replica is killed while it makes posts or campaigns of a file; another one
// is asked to go on, several times. In the end each right row is one of them,
// and no wrong row is any.
func TestImportSurvivesKills(t *testing.T) {
	t.Parallel()
	var totals struct{ rounds, killed, rows, before, made atomic.Int64 }
	t.Run("rounds", func(t *testing.T) {
		for round := range *importRounds {
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(*seed), uint64(round)))
				s := newStage(t, postgrestest.URL(t), 6, time.Millisecond, uint64(round))
				const batches = 5
				rows := batches*moment.ImportBatch - r.IntN(moment.ImportBatch)
				kind := moment.ImportKinds[round%len(moment.ImportKinds)]
				file, right := s.tableOf(kind, rows)
				upload := client.Request{Method: http.MethodPost, Path: "/imports", Query: url.Values{"everyone": {"true"}, "kind": {string(kind)}}, File: file, Type: "text/csv"}
				count := `SELECT count(*) FROM ` + string(kind)
				point := importPoints[round%len(importPoints)]
				armed := ""
				if point != "" {
					armed = fmt.Sprintf("%s:%d:KILL", point, 1+r.IntN(batches))
				}
				first := s.start("a", armed)
				id := s.ask(first, upload).ID
				s.commitImport(first, id) // its answer may be lost
				if point == "" {
					first.diedWithin(time.Duration(r.IntN(400)) * time.Millisecond)
					first.kill()
				}
				if !first.diedWithin(30 * time.Second) {
					t.Fatal("the replica was not killed")
				}
				totals.killed.Add(1)
				before := s.one(count)
				if point == "import-batch" && before == int64(right) {
					t.Errorf("%d %s of a commit that was killed", before, kind)
				}
				s.exec(`UPDATE imports SET commit_until = now()`) // as when its half minute has passed
				second := s.start("b", "")
				s.eventually("the import is done", time.Minute, func() bool {
					s.commitImport(second, id)
					return s.ask(second, client.Request{Method: http.MethodGet, Path: fmt.Sprint("/imports/", id)}).State == "done"
				})
				done := s.ask(second, client.Request{Method: http.MethodGet, Path: fmt.Sprint("/imports/", id)})
				if done.Counts.Created != right {
					t.Errorf("%d created, want %d", done.Counts.Created, right)
				}
				distinct := `SELECT count(DISTINCT ` + map[moment.ImportKind]string{moment.ImportPosts: "url", moment.ImportCampaigns: "name"}[kind] + `) FROM ` + string(kind)
				if made, rowsMade := s.one(count), s.one(distinct); made != int64(right) || rowsMade != made {
					t.Errorf("%d %s of %d rows, want %d, each once", made, kind, rowsMade, right)
				}
				again := s.ask(second, upload)
				if again.Counts.New != 0 || again.Counts.Exists != right {
					t.Errorf("the same file again: %+v", again.Counts)
				}
				totals.rounds.Add(1)
				totals.rows.Add(int64(rows))
				totals.before.Add(before)
				totals.made.Add(int64(right))
			})
		}
	})
	t.Logf("%d rounds, %d replicas killed: %d rows, %d posts and campaigns made before the kills, %d in the end, each right row once, 0 doubles",
		totals.rounds.Load(), totals.killed.Load(), totals.rows.Load(), totals.before.Load(), totals.made.Load())
}

// tableOf is a file without keys; every hundredth row names an account that is
// none.
func (s *stage) tableOf(kind moment.ImportKind, rows int) (file []byte, right int) {
	var b strings.Builder
	b.WriteString("account,time,name,text,title,link,image\n")
	day := time.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	for n := range rows {
		account := s.wc[n%len(s.wc)]
		if n%100 == 99 {
			account = "nobody"
		} else {
			right++
		}
		when := fmt.Sprintf("%s %02d:%02d", day, n%24, n%60)
		if kind == moment.ImportCampaigns {
			when = fmt.Sprintf("weekly on %d at %02d:%02d", 1+n%7, n%24, n%60)
		}
		fmt.Fprintf(&b, "%s,%s,name %d,text %d,title,https://example.com/%d,https://example.com/t.jpg\n", account, when, n, n, n)
	}
	return []byte(b.String()), right
}

func (s *stage) one(q string) int64 {
	s.Helper()
	return query[struct{ N int64 }](s, q)[0].N
}

// caller talks to the API of a program.
func (s *stage) caller(p *program) *client.Client {
	s.Helper()
	var addr string
	s.eventually(p.name+" listens", 30*time.Second, func() bool {
		b, err := os.ReadFile(p.log)
		if err != nil {
			return false
		}
		for line := range bytes.Lines(b) {
			var said struct{ Addr, Message string }
			if json.Unmarshal(line, &said) == nil && said.Message == "momentcast starts" {
				addr = said.Addr
			}
		}
		return addr != ""
	})
	value := moment.NewTokenValue()
	if _, err := s.db.CreateToken(s.Context(), moment.Token{Name: moment.NewTokenValue()[:12], Scopes: []moment.Scope{moment.ScopeWrite}}, moment.HashToken(value), moment.System("test")); err != nil {
		s.Fatal(err)
	}
	c, err := client.New("http://"+addr, value, "crash")
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// ask makes a call that must be answered, as soon as the program is ready.
func (s *stage) ask(p *program, q client.Request) (i client.Import) {
	s.Helper()
	c := s.caller(p)
	var last error
	if !s.eventually(q.Method+" "+q.Path, 30*time.Second, func() bool {
		a, err := c.Do(s.Context(), q)
		if last = err; err == nil {
			last = a.Decode(&i)
		}
		return last == nil
	}) {
		s.Fatal(last)
	}
	return i
}

// commitImport asks for the posts; the program may die of it.
func (s *stage) commitImport(p *program, id int64) {
	s.Helper()
	_, _ = s.caller(p).Do(s.Context(), client.Request{Method: http.MethodPost, Path: fmt.Sprintf("/imports/%d/commit", id), Body: map[string]any{"skip_wrong": true}})
}
