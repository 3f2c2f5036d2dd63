package importer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// Store keeps imports, and has what their rows name.
type Store interface {
	AddImport(ctx context.Context, i *moment.Import, feed func(keep func([]moment.ImportRow) error) error) (id int64, err error)
	Import(ctx context.Context, id int64) (*moment.Import, error)
	ImportBatch(ctx context.Context, id int64, batch int) ([]moment.ImportRow, error)
	BeginCheck(ctx context.Context, id, ifVersion int64, o moment.ImportOptions) (version int64, err error)
	EndCheck(ctx context.Context, id, version int64, counts moment.ImportCounts, findings []moment.ImportFinding) error
	BeginCommit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) (ours bool, err error)
	CommitBatch(ctx context.Context, id int64, batch int, posts []*moment.Post) (ours bool, err error)
	LeaveCommit(ctx context.Context, id int64) error
	PostsByKey(ctx context.Context, keys []string) (map[string]*moment.Post, error)
	RememberedColumns(ctx context.Context, actor string, header []string) ([]string, error)
	RememberColumns(ctx context.Context, actor string, header, columns []string) error

	Now(ctx context.Context) (time.Time, error)
	Settings(ctx context.Context) (moment.Settings, error)
	KnownLabels(ctx context.Context) (map[int64][]moment.Label, error)
	Instances(ctx context.Context, q moment.InstanceQuery) (instances []moment.InstanceView, more bool, err error)
	Audience(ctx context.Context, id int64) (*moment.AudienceView, error)
	Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error)
}

// Importer reads files, checks their rows and makes posts of them.
type Importer struct {
	store Store
	wake  func()
	log   zerolog.Logger

	ctx  context.Context //nolint:containedctx // ends the commits, which outlive the requests that start them
	stop context.CancelFunc
	mu   sync.Mutex
	wg   sync.WaitGroup
}

// New returns an importer; wake is called after posts were made. Close ends
// what it has started.
func New(store Store, wake func(), log zerolog.Logger) *Importer {
	ctx, stop := context.WithCancel(context.Background())
	return &Importer{store: store, wake: wake, log: log.With().Str("component", "importer").Logger(), ctx: ctx, stop: stop}
}

// Close stops making posts after the batch under way, and waits. Whoever commits
// the import again goes on from there.
func (m *Importer) Close() {
	m.mu.Lock()
	m.stop()
	m.mu.Unlock()
	m.wg.Wait()
}

// Upload keeps a file and checks it: nothing of it is a post yet. Columns that
// neither o nor the file's map names are read as the same person had them read
// last, or as their headers say. The error is Invalid if the file as a whole
// cannot be read.
func (m *Importer) Upload(ctx context.Context, f moment.ImportFile, o moment.ImportOptions, by moment.Origin) (id int64, err error) {
	if err := checkZone(o.Zone); err != nil {
		return 0, err
	}
	if _, err := m.preset(ctx, o.AudienceID); err != nil {
		return 0, err
	}
	i := &moment.Import{File: fileName(f.Name), Author: by.Actor, Options: o}
	id, err = m.store.AddImport(ctx, i, func(keep func([]moment.ImportRow) error) error {
		batch := make([]moment.ImportRow, 0, moment.ImportBatch)
		flush := func() error {
			if len(batch) == 0 {
				return nil
			}
			err := keep(batch)
			batch = batch[:0]
			return err
		}
		s, err := read(f.Data, f.Headless, func(r moment.ImportRow) error {
			if batch = append(batch, r); len(batch) < moment.ImportBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		i.Format, i.Encoding, i.Date1904, i.Header, i.Rows = s.format, s.encoding, s.date1904, s.header, s.rows
		if i.Options.Columns, err = m.columns(ctx, s.header, o.Columns, by); err != nil {
			return err
		}
		return mapped(i.Options.Columns, s.header, f.Map)
	})
	if err != nil {
		return 0, err
	}
	return id, m.Check(ctx, id, 0, i.Options, by)
}

// columns says how the columns of a header are read.
func (m *Importer) columns(ctx context.Context, header, given []string, by moment.Origin) ([]string, error) {
	if len(given) > 0 {
		return known(given, header), nil
	}
	last, err := m.store.RememberedColumns(ctx, by.Actor, header)
	if err != nil || last != nil {
		return known(last, header), err
	}
	return guess(header), nil
}

// Check reads the rows as o says and finds what they are: new, there already,
// different, or wrong. It stores no post.
func (m *Importer) Check(ctx context.Context, id, ifVersion int64, o moment.ImportOptions, by moment.Origin) error {
	i, err := m.store.Import(ctx, id)
	if err != nil {
		return err
	}
	o.Columns = known(o.Columns, i.Header)
	if err := checkZone(o.Zone); err != nil {
		return err
	}
	p, err := m.planner(ctx, i, o, by)
	if err != nil {
		return err
	}
	version, err := m.store.BeginCheck(ctx, id, ifVersion, o)
	if err != nil {
		return err
	}
	if err := m.store.RememberColumns(ctx, by.Actor, i.Header, o.Columns); err != nil {
		return err
	}
	c := check{first: make(map[string]int)}
	for batch := range i.Batches {
		rows, err := m.store.ImportBatch(ctx, id, batch)
		if err != nil {
			return err
		}
		if err := c.batch(ctx, m.store, p, rows); err != nil {
			return err
		}
	}
	return m.store.EndCheck(ctx, id, version, c.counts, c.findings)
}

func checkZone(zone string) error {
	if zone == "" {
		return nil
	}
	if message := moment.CheckZone(zone); message != "" {
		return moment.InvalidFields([]moment.Field{{Path: "zone", Message: message}})
	}
	return nil
}

// check gathers what a check finds.
type check struct {
	counts   moment.ImportCounts
	findings []moment.ImportFinding
	first    map[string]int // key → the row that has it
}

func (c *check) batch(ctx context.Context, store Store, p *planner, rows []moment.ImportRow) error {
	plans := make([]planned, len(rows))
	var keys []string
	for i, r := range rows {
		plans[i] = p.plan(r)
		c.repeated(p, &plans[i])
		if post := plans[i].post; post != nil {
			keys = append(keys, post.ExternalKey)
		}
	}
	there, err := store.PostsByKey(ctx, keys)
	if err != nil {
		return err
	}
	for i := range plans {
		c.count(p, &plans[i], there)
	}
	return nil
}

// repeated finds a key that an earlier row of the file has.
func (c *check) repeated(p *planner, r *planned) {
	if r.post == nil {
		return
	}
	if row, ok := c.first[r.post.ExternalKey]; ok {
		r.post = nil
		r.findings = []moment.ImportFinding{{Row: r.row, Field: "external_key", Column: (&rowReader{planner: p}).heading("external_key"), Severity: "error",
			Message: "is the same post as row " + strconv.Itoa(row) + ", or has its key", Chinese: "与第 " + strconv.Itoa(row) + " 行是同一条，或用了同一个编号；请删掉一行，或改编号"}}
		return
	}
	c.first[r.post.ExternalKey] = r.row
}

func (c *check) count(p *planner, r *planned, there map[string]*moment.Post) {
	if r.post == nil {
		c.counts.Wrong++
		c.findings = append(c.findings, r.findings...)
		return
	}
	if post, ok := there[r.post.ExternalKey]; ok {
		differs := differences(post, r.post)
		if len(differs) == 0 {
			c.counts.Exists++
			return
		}
		c.counts.Differs++
		number := strconv.FormatInt(post.ID, 10)
		c.findings = append(c.findings, moment.ImportFinding{Row: r.row, Column: (&rowReader{planner: p}).heading("external_key"), Field: "external_key", Severity: "differs",
			Message: "exists as post " + number + ", with another " + strings.Join(differs, ", ") + "; it stays as it is",
			Chinese: "已有帖子 #" + number + "，但 " + chineseFields(differs) + " 不同；导入不会改动它"})
		return
	}
	c.counts.New++
	if len(r.findings) > 0 {
		c.counts.Warned++
		c.findings = append(c.findings, r.findings...)
	}
}

func chineseFields(fields []string) string {
	var out []string
	for _, f := range fields {
		out = append(out, headers[f][0])
	}
	return strings.Join(out, "、")
}

// Commit makes posts of the rows that are right and new, in the background. One
// that a stopped program left half way goes on; it is never done twice.
func (m *Importer) Commit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) error {
	by.Source = "import"
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx.Err() != nil {
		return moment.Errorf(moment.Unavailable, "The program is stopping.")
	}
	ours, err := m.store.BeginCommit(ctx, id, skipWrong, by)
	if err != nil || !ours {
		return err
	}
	m.wg.Go(func() {
		err := m.commit(m.ctx, id, by)
		if err != nil && !errors.Is(err, context.Canceled) {
			m.log.Error().Err(err).Int64("import", id).Msg("import broke off; commit it again to go on")
		}
		end, done := context.WithTimeout(context.WithoutCancel(m.ctx), 5*time.Second)
		defer done()
		if err := m.store.LeaveCommit(end, id); err != nil {
			m.log.Warn().Err(err).Int64("import", id).Msg("cannot give the import back")
		}
	})
	return nil
}

func (m *Importer) commit(ctx context.Context, id int64, by moment.Origin) error {
	i, err := m.store.Import(ctx, id)
	if err != nil {
		return err
	}
	p, err := m.planner(ctx, i, i.Options, by)
	if err != nil {
		return err
	}
	for batch := i.NextBatch; batch < i.Batches; batch++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := m.store.ImportBatch(ctx, id, batch)
		if err != nil {
			return err
		}
		if p.now, err = m.store.Now(ctx); err != nil {
			return err
		}
		var posts []*moment.Post
		keys := make(map[string]bool)
		for _, r := range rows {
			if plan := p.plan(r); plan.post != nil && !keys[plan.post.ExternalKey] {
				keys[plan.post.ExternalKey] = true
				posts = append(posts, plan.post)
			}
		}
		ours, err := m.store.CommitBatch(ctx, id, batch, posts)
		if err != nil {
			return err
		}
		if !ours {
			return errors.New("another replica has taken it over")
		}
		m.wake()
	}
	return nil
}

// planner looks up what the rows may name.
func (m *Importer) planner(ctx context.Context, i *moment.Import, o moment.ImportOptions, by moment.Origin) (*planner, error) {
	p := &planner{ImportOptions: o, header: i.Header, date1904: i.Date1904, by: by,
		instances: make(map[string][]moment.Instance), audiences: make(map[string]*moment.Audience)}
	settings, err := m.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	p.lateness, p.lint = settings.MaxLateness, lint.Of(settings)
	if p.labels, err = m.store.KnownLabels(ctx); err != nil {
		return nil, err
	}
	if p.now, err = m.store.Now(ctx); err != nil {
		return nil, err
	}
	if p.preset, err = m.preset(ctx, o.AudienceID); err != nil {
		return nil, err
	}
	q := moment.AudienceQuery{ByID: true, Limit: 500}
	for more := true; more; {
		var list []moment.AudienceView
		if list, more, err = m.store.Audiences(ctx, q); err != nil {
			return nil, err
		}
		for i := range list {
			p.audiences[strings.ToLower(list[i].Name)], q.After = &list[i].Audience, list[i].ID
		}
	}
	return p, m.instances(ctx, p)
}

// preset is the audience of rows that name nobody; 0 = none.
func (m *Importer) preset(ctx context.Context, id int64) (*moment.Audience, error) {
	if id == 0 {
		return nil, nil
	}
	a, err := m.store.Audience(ctx, id)
	switch {
	case moment.KindOf(err) == moment.NotFound || err == nil && a.Archived:
		return nil, moment.InvalidFields([]moment.Field{{Path: "audience", Message: "there is no such audience any more"}})
	case err != nil:
		return nil, err
	}
	return &a.Audience, nil
}

func (m *Importer) instances(ctx context.Context, p *planner) error {
	q := moment.InstanceQuery{Limit: 500}
	for more := true; more; {
		list, next, err := m.store.Instances(ctx, q)
		if err != nil {
			return err
		}
		for i := range list {
			one := list[i].Instance
			q.After = one.ID
			for _, name := range []string{strconv.FormatInt(one.ID, 10), one.WcID, "=" + fold(one.Name)} {
				if name != "=" && !slices.ContainsFunc(p.instances[name], func(o moment.Instance) bool { return o.ID == one.ID }) {
					p.instances[name] = append(p.instances[name], one)
				}
			}
		}
		more = next
	}
	return nil
}

func asError(err error) (*moment.Error, bool) { return errors.AsType[*moment.Error](err) }
