package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"momentcast/internal/moment"
	"momentcast/internal/sheet"
)

// DayStore is the part of the database that counts days.
type DayStore interface {
	Days(ctx context.Context, q moment.DayQuery) ([]moment.DayCounts, error)
}

func (a *API) registerHistory() {
	op := func(id, path, summary, description string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Description: description, Tags: []string{"history"}}
	}
	export := op("export-history", "/history/export", "Export posts as a file",
		"The posts that the filters select, streamed; however many they are, it takes no more memory. CSV is UTF-8 with a byte order mark, and no cell of it is a formula. "+
			"Times are the instance's clock, its zone is a column. Heads and values are the names that this API uses. A file that is not whole ends with the connection cut.")
	export.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		sheet.CSV.Type(): {}, sheet.XLSX.Type(): {}}}}
	register(a, export, a.exportHistory)
	register(a, op("daily-stats", "/stats/daily", "Count the posts of each day",
		"By due time, in the service's time zone: what became of them and how late they were sent. At most 100 days at once; days without posts are left out."), a.dailyStats)
}

type exportInput struct {
	PostFilterInput
	Format  string   `query:"format" enum:"csv,xlsx" default:"csv"`
	Columns []string `query:"columns,explode" doc:"Which columns, in the file's own order; all if none is named: id, instance, wc_id, state, due_at, sent_at, lateness_s, time_zone, title, content, description, url, thumb_url, visibility, moment_id, error, author, source, external_key, recalled." example:"[\"id\",\"state\",\"due_at\"]"`
}

func (a *API) exportHistory(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	q, err := in.filter()
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(strings.Split(strings.Join(in.Columns, ","), ","), func(s string) bool { return s == "" })
	f := sheet.File{Format: sheet.Format(in.Format), Columns: sheet.Pick(names), Texts: bareWord}
	if len(names) > 0 && !known(f.Columns, names) {
		return nil, invalid("query.columns", "is not a column of the file")
	}
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	if f, err = f.Open(ctx, a.store.Posts, q); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		f.Head(w.Header(), f.Name(time.Now().In(zoneOf(settings.TimeZone))))
		if err := f.Send(r.Context(), w); err != nil {
			a.log.Warn().Err(err).Msg("export broke off")
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// known reports whether every name is that of a column.
func known(cols []sheet.Column, names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(cols, func(c sheet.Column) bool { return c.Name == name })
	})
}

// bareWord is a head or a value as programs read it: "csv.title" is title.
func bareWord(key string) string {
	_, word, _ := strings.Cut(key, ".")
	return word
}

type dailyStatsInput struct {
	From       string `query:"from" doc:"First day; default: six days before the last." example:"2026-12-01"`
	To         string `query:"to" doc:"Last day; default: today." example:"2026-12-31"`
	InstanceID int64  `query:"instance_id" minimum:"1"`
}

type dayBody struct {
	Day      string           `json:"day" example:"2026-12-01"`
	Posts    map[string]int64 `json:"posts" doc:"How many are in each state; states with none are left out." example:"{\"sent\":231,\"failed\":2}"`
	Measured int64            `json:"measured" doc:"How many the lateness is of: sent, and held by nothing."`
	P50      int64            `json:"lateness_p50_ms"`
	P99      int64            `json:"lateness_p99_ms"`
}

type dailyStatsOutput struct {
	Body struct {
		TimeZone string    `json:"time_zone" doc:"The zone that the days are of." example:"Asia/Shanghai"`
		Items    []dayBody `json:"items"`
	}
}

func (a *API) dailyStats(ctx context.Context, in *dailyStatsInput) (*dailyStatsOutput, error) {
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	var fs fields
	zone := zoneOf(settings.TimeZone)
	day := func(path, s string, otherwise time.Time) time.Time {
		if s == "" {
			return otherwise
		}
		t, err := time.ParseInLocation(time.DateOnly, s, zone)
		if err != nil || t.Year() < 1970 {
			fs.add(path, "must be a day such as 2026-12-01")
		}
		return t
	}
	y, m, d := time.Now().In(zone).Date()
	to := day("query.to", in.To, time.Date(y, m, d, 0, 0, 0, 0, zone))
	q := moment.DayQuery{From: day("query.from", in.From, to.AddDate(0, 0, -6)), To: to.AddDate(0, 0, 1), TimeZone: settings.TimeZone, InstanceID: in.InstanceID}
	if len(fs) == 0 && (!q.From.Before(q.To) || q.From.AddDate(0, 0, moment.MaxDays).Before(q.To)) {
		fs.add("query.from", "must be before to, by at most 100 days")
	}
	if err := fs.err(); err != nil {
		return nil, err
	}
	days, err := a.store.Days(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &dailyStatsOutput{}
	out.Body.TimeZone, out.Body.Items = settings.TimeZone, make([]dayBody, len(days))
	for i, d := range days {
		b := dayBody{Day: d.Day, Posts: map[string]int64{}, Measured: d.Measured, P50: d.Median.Milliseconds(), P99: d.P99.Milliseconds()}
		for state, n := range d.Posts {
			b.Posts[string(state)] = n
		}
		out.Body.Items[i] = b
	}
	return out, nil
}
