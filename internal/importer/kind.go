package importer

import (
	"context"

	"momentcast/internal/moment"
)

// kind is what the rows of a file become. Everything else (reading, mapping
// columns, checking, committing, going on) is the same for all of them.
type kind struct {
	columns []column
	noun    [2]string // what a row becomes, in Chinese and English
	// planner is ready for the rows of one import.
	planner func(context.Context, *book) (planner, error)
}

// planner makes things of rows. It opens nothing but the store's keys and
// batches: what rows may name is in its book.
type planner interface {
	// plan makes a thing of the row, and says on r what is wrong with it.
	plan(r *rowReader) thing
	// there returns what is stored under the keys.
	there(ctx context.Context, keys []string) (map[string]thing, error)
	// store stores the things of a batch, and with that of no other: false =
	// that was done already. Those whose key is taken are left out.
	store(ctx context.Context, id int64, batch int, things []thing) (ours bool, err error)
}

// thing is what a row becomes.
type thing interface {
	id() int64 // 0 = not stored
	// key makes the import repeatable: what has it is there already.
	key() string
	// differences are the fields in which it differs from what is there.
	differences(there thing) []string
}

// kindOf is the kind of that name; not ok if there is none.
func kindOf(name moment.ImportKind) (kind, bool) {
	switch name {
	case moment.ImportPosts, "":
		return kind{postColumns, [2]string{"帖子", "post"}, func(_ context.Context, b *book) (planner, error) { return &postPlanner{b}, nil }}, true
	case moment.ImportCampaigns:
		return kind{campaignColumns, [2]string{"活动", "campaign"}, newCampaignPlanner}, true
	}
	return kind{}, false
}

// Fields are what a column can be read as, in the order of the template.
func (*Importer) Fields(name moment.ImportKind) []string {
	k, _ := kindOf(name)
	return k.fields()
}

func (k kind) fields() []string {
	out := make([]string, len(k.columns))
	for i, c := range k.columns {
		out[i] = c.field
	}
	return out
}

// column returns the column of a field, nil if there is none.
func (k kind) column(field string) *column {
	for i := range k.columns {
		if k.columns[i].field == field {
			return &k.columns[i]
		}
	}
	return nil
}

// word is a field as people call it.
func (k kind) word(field string, chinese bool) string {
	c := k.column(field)
	switch {
	case c == nil:
		return field
	case chinese:
		return c.headers[0]
	}
	return c.english()
}
