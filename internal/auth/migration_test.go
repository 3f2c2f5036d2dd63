package auth_test

import (
	"testing"

	"momentcast/internal/postgres/postgrestest"
	"momentcast/migrations"
)

// The schema can be taken back and brought up again, with tokens in it that
// only the newer one knows.
func TestPeopleUpDownUp(t *testing.T) {
	t.Parallel()
	at := postgrestest.URL(t)
	w := newWorldAt(t, at)
	for _, scopes := range []string{"{approve}", "{read,approve}", "{admin}"} {
		w.exec(`INSERT INTO api_tokens (name, hash, scopes, created_by) VALUES ('t', sha256($1::text::bytea), $1::text[], 'x')`, scopes)
	}
	steps := w.one(`SELECT count(*) FROM goose_db_version WHERE version_id >= 2 AND is_applied`)
	for range steps {
		if err := migrations.Down(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.one(`SELECT count(*) FROM api_tokens WHERE NOT scopes <@ ARRAY['read', 'admin']`); n != 0 {
		t.Error("tokens with the scope approve are left")
	}
	if n, err := migrations.Up(t.Context(), at); n != steps || err != nil {
		t.Fatal(n, err)
	}
	w.user("ann", "viewer")
	w.browser().login("ann", password, 200)
}
