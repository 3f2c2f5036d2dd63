package importer

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/schedule"
)

// Store keeps imports, and has what their rows name.
type Store interface {
	AddImport(ctx context.Context, i *moment.Import, feed func(keep func([]moment.ImportRow) error) error) (id int64, err error)
	Import(ctx context.Context, id int64) (*moment.Import, error)
	ImportBatch(ctx context.Context, id int64, batch int) ([]moment.ImportRow, error)
	BeginCheck(ctx context.Context, id, ifVersion int64, o moment.ImportOptions) (version int64, err error)
	EndCheck(ctx context.Context, id, version int64, counts moment.ImportCounts, findings []moment.ImportFinding) error
	BeginCommit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) (ours bool, err error)
	CommitPosts(ctx context.Context, id int64, batch int, posts []*moment.Post) (ours bool, err error)
	CommitCampaigns(ctx context.Context, id int64, batch int, campaigns []*moment.Campaign, by moment.Origin) (ours bool, err error)
	LeaveCommit(ctx context.Context, id int64) error
	PostsByKey(ctx context.Context, keys []string) (map[string]*moment.Post, error)
	CampaignsByKey(ctx context.Context, keys []string) (map[string]*moment.Campaign, error)
	RememberedColumns(ctx context.Context, actor string, kind moment.ImportKind, header []string) ([]string, error)
	RememberColumns(ctx context.Context, actor string, kind moment.ImportKind, header, columns []string) error

	Now(ctx context.Context) (time.Time, error)
	Settings(ctx context.Context) (moment.Settings, error)
	KnownLabels(ctx context.Context) (map[int64][]moment.Label, error)
	Instances(ctx context.Context, q moment.InstanceQuery) (instances []moment.InstanceView, more bool, err error)
	Audience(ctx context.Context, id int64) (*moment.AudienceView, error)
	Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error)
	WorkCalendars(ctx context.Context) ([]string, error)
	WorkCalendar(ctx context.Context, region string) (*schedule.Calendar, error)
}

// Importer reads files, checks their rows and makes posts or campaigns of them.
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

// Close stops storing rows after the batch under way, and waits. Whoever commits
// the import again goes on from there.
func (m *Importer) Close() {
	m.mu.Lock()
	m.stop()
	m.mu.Unlock()
	m.wg.Wait()
}

var errKind = moment.InvalidFields([]moment.Field{{Path: "kind", Message: "must be posts or campaigns"}})

// Upload keeps a file and checks it: nothing is made of it yet. Columns that
// neither o nor the file's map names are read as the same person had them read
// last, or as their headers say. The error is Invalid if the file as a whole
// cannot be read.
func (m *Importer) Upload(ctx context.Context, f moment.ImportFile, o moment.ImportOptions, by moment.Origin) (id int64, err error) {
	k, ok := kindOf(f.Kind)
	if !ok {
		return 0, errKind
	}
	if err := checkZone(o.Zone); err != nil {
		return 0, err
	}
	if _, err := m.preset(ctx, o.AudienceID); err != nil {
		return 0, err
	}
	i := &moment.Import{Kind: cmp.Or(f.Kind, moment.ImportPosts), File: fileName(f.Name), Author: by.Actor, Options: o}
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
		if i.Options.Columns, err = m.columns(ctx, i, k, s.header, by); err != nil {
			return err
		}
		return k.mapped(i.Options.Columns, s.header, f.Map)
	})
	if err != nil {
		return 0, err
	}
	return id, m.Check(ctx, id, 0, i.Options, by)
}

// columns says how the columns of a header are read.
func (m *Importer) columns(ctx context.Context, i *moment.Import, k kind, header []string, by moment.Origin) ([]string, error) {
	if len(i.Options.Columns) > 0 {
		return k.known(i.Options.Columns, header), nil
	}
	last, err := m.store.RememberedColumns(ctx, by.Actor, i.Kind, header)
	if err != nil || last != nil {
		return k.known(last, header), err
	}
	return k.guess(header), nil
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

func asError(err error) (*moment.Error, bool) { return errors.AsType[*moment.Error](err) }
