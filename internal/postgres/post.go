package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
)

// postCols are a post's columns, in the order of postDest.
const postCols = `p.id, p.instance_id, p.state, p.due_at, p.max_lateness, p.content, p.title, p.description, p.url, p.thumb_url,
	p.visibility, p.visible_users, p.visible_labels, coalesce(p.audience_id, 0), p.first_comment, coalesce(p.external_key, ''), p.author, p.source, p.version,
	p.editors, coalesce(p.approved_hash, ''), p.approved_until,
	p.attempt, p.claimed_by, p.lease_until, p.intent_at, p.finished_at, coalesce(p.held_for, ''),
	coalesce(p.moment_id, ''), p.moment_created_at, p.proof, p.error, p.recall_mode, p.recalled_at, p.left_at, p.created_at, p.updated_at`

func postDest(p *moment.Post) []any {
	return []any{&p.ID, &p.InstanceID, &p.State, nullTime{&p.DueAt}, &p.MaxLateness,
		&p.Card.Content, &p.Card.Title, &p.Card.Description, &p.Card.URL, &p.Card.ThumbURL,
		&p.Visibility.Mode, &p.Visibility.Users, &p.Visibility.Labels, &p.AudienceID, &p.FirstComment, &p.ExternalKey, &p.Author, &p.Source, &p.Version,
		&p.Editors, &p.ApprovedHash, nullTime{&p.ApprovedUntil},
		&p.Attempt, &p.ClaimedBy, nullTime{&p.LeaseUntil}, nullTime{&p.IntentAt}, nullTime{&p.FinishedAt}, &p.HeldFor,
		&p.MomentID, nullTime{&p.MomentCreatedAt}, &p.Proof, &p.Error, &p.RecallMode, nullTime{&p.RecalledAt}, nullTime{&p.LeftAt}, &p.CreatedAt, &p.UpdatedAt}
}

func scanPost(row pgx.CollectableRow) (*moment.Post, error) {
	p := &moment.Post{}
	return p, row.Scan(postDest(p)...)
}

// nullTime scans NULL and the infinities as the zero time.
type nullTime struct{ t *time.Time }

// Scan implements sql.Scanner.
func (n nullTime) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n.t = time.Time{}
	case time.Time:
		*n.t = v
	case string: // infinity and -infinity come as text
		*n.t = time.Time{}
	default:
		return fmt.Errorf("scan %T as a time", src)
	}
	return nil
}
