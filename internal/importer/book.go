package importer

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/lint"
	"momentcast/internal/moment"
)

// book is what the rows of an import are read with: its columns and options,
// and everything that they may name, looked up before.
type book struct {
	moment.ImportOptions
	kind     kind
	header   []string
	date1904 bool
	by       moment.Origin
	now      time.Time
	settings moment.Settings
	lint     lint.Settings
	store    Store
	wake     func()

	instances map[string][]moment.Instance // by id, wcId and folded name; a name may be that of several
	groups    map[string][]int64           // who is in them
	audiences map[string]*moment.Audience  // by lower-case name
	preset    *moment.Audience             // of rows that name nobody; nil = none
	labels    map[int64][]moment.Label     // by instance, as far as the address book knows them
}

// book looks up what the rows may name.
func (m *Importer) book(ctx context.Context, i *moment.Import, o moment.ImportOptions, by moment.Origin) (*book, error) {
	k, ok := kindOf(i.Kind)
	if !ok {
		return nil, errKind
	}
	b := &book{ImportOptions: o, kind: k, header: i.Header, date1904: i.Date1904, by: by, store: m.store, wake: m.wake,
		instances: make(map[string][]moment.Instance), groups: make(map[string][]int64), audiences: make(map[string]*moment.Audience)}
	var err error
	if b.settings, err = m.store.Settings(ctx); err != nil {
		return nil, err
	}
	b.lint = lint.Of(b.settings)
	if b.labels, err = m.store.KnownLabels(ctx); err != nil {
		return nil, err
	}
	if b.now, err = m.store.Now(ctx); err != nil {
		return nil, err
	}
	if b.preset, err = m.preset(ctx, o.AudienceID); err != nil {
		return nil, err
	}
	if err := b.readAudiences(ctx); err != nil {
		return nil, err
	}
	return b, b.readInstances(ctx)
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

func (b *book) readAudiences(ctx context.Context) error {
	q := moment.AudienceQuery{ByID: true, Limit: 500}
	for more := true; more; {
		list, next, err := b.store.Audiences(ctx, q)
		if err != nil {
			return err
		}
		for i := range list {
			b.audiences[strings.ToLower(list[i].Name)], q.After = &list[i].Audience, list[i].ID
		}
		more = next
	}
	return nil
}

func (b *book) readInstances(ctx context.Context) error {
	q := moment.InstanceQuery{Limit: 500}
	for more := true; more; {
		list, next, err := b.store.Instances(ctx, q)
		if err != nil {
			return err
		}
		for i := range list {
			one := list[i].Instance
			q.After = one.ID
			for _, name := range []string{strconv.FormatInt(one.ID, 10), one.WcID, "=" + fold(one.Name)} {
				if name != "=" && !slices.ContainsFunc(b.instances[name], func(o moment.Instance) bool { return o.ID == one.ID }) {
					b.instances[name] = append(b.instances[name], one)
				}
			}
			for _, g := range one.Groups {
				b.groups[g] = append(b.groups[g], one.ID)
			}
		}
		more = next
	}
	return nil
}

// named are the accounts that somebody may mean by a name.
func (b *book) named(name string) []moment.Instance {
	if found := b.instances[name]; len(found) > 0 {
		return found
	}
	return b.instances["="+fold(name)]
}
