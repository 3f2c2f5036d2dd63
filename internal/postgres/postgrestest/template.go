package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"momentcast/migrations"
)

// server is where test databases are made.
type server struct {
	url  string
	stop func() error // nil: not ours to stop

	migrated *templateOnce
}

// templateOnce remembers the template's name once it exists. A failure is not
// remembered: the next test tries again and fails with its own words.
type templateOnce struct {
	mu   sync.Mutex
	name string
}

// template returns the name of a migrated database to clone. The name carries a
// digest of the migrations, so test processes that share a server share it too,
// and a changed migration gets a new one.
func (s server) template(ctx context.Context) (string, error) {
	s.migrated.mu.Lock()
	defer s.migrated.mu.Unlock()
	if s.migrated.name != "" {
		return s.migrated.name, nil
	}
	name, err := templateName(migrations.FS)
	if err != nil {
		return "", err
	}
	if err := makeTemplate(ctx, s.url, name); err != nil {
		return "", err
	}
	s.migrated.name = name
	return name, nil
}

func templateName(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(b), b)
		return err
	})
	return "momentcast_template_" + hex.EncodeToString(sum.Sum(nil))[:16], err
}

// makeTemplate migrates a database under another name and renames it when
// complete, so that nobody ever clones half a schema. Several processes may come
// here at once: an advisory lock lets one of them work.
func makeTemplate(ctx context.Context, url, name string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // this ends the lock, too
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return err
	}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil || exists {
		return err
	}
	draft := "draft_" + strings.ToLower(rand.Text()[:16])
	if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %q", draft)); err != nil {
		return err
	}
	address, err := withDatabase(url, draft)
	if err != nil {
		return err
	}
	if _, err := migrations.Up(ctx, address); err != nil {
		_, _ = conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf("DROP DATABASE %q WITH (FORCE)", draft))
		return err
	}
	// No connections from here on: CREATE DATABASE refuses a template in use.
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %q RENAME TO %q; ALTER DATABASE %q ALLOW_CONNECTIONS false", draft, name, name))
	return err
}
