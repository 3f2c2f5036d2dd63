//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install pretends that a server of some version is installed.
func install(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s (Debian)'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBinariesFollowTheCluster(t *testing.T) {
	t.Parallel()
	v9, v15, v17 := install(t, "9.6.24"), install(t, "15.18"), install(t, "17beta1")
	empty := t.TempDir()
	all := []string{empty, v15, v17, v9}
	tests := []struct {
		name   string
		binDir string
		major  int
		search []string
		want   string
		errHas []string // with ErrNoBinaries
	}{
		{name: "a new cluster gets the newest", search: all, want: v17},
		{name: "an old cluster keeps its version", major: 15, search: all, want: v15},
		{name: "no other version will do", major: 16, search: all, errHas: []string{"PostgreSQL 16", "15 in " + v15, "apt-get install postgresql-16", "brew install postgresql@16"}},
		{name: "nothing installed", search: []string{empty}, errHas: []string{"apt-get install postgresql", "brew install postgresql@17", "MOMENTCAST_DATABASE_URL"}},
		{name: "nothing installed for an old cluster", major: 14, search: nil, errHas: []string{"postgresql-14"}},
		{name: "a chosen directory", binDir: v15, search: all, want: v15},
		{name: "a chosen directory of another version", binDir: v15, major: 17, search: all, errHas: []string{"PostgreSQL 17", "15 in " + v15}},
		{name: "a chosen directory without a server", binDir: empty, search: all, errHas: []string{empty}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := findBinaries(t.Context(), tt.binDir, tt.major, tt.search)
			if got.dir != tt.want {
				t.Errorf("chose %q, want %q", got.dir, tt.want)
			}
			if (err != nil) != (tt.errHas != nil) || err != nil && !errors.Is(err, ErrNoBinaries) {
				t.Fatalf("error %v", err)
			}
			for _, s := range tt.errHas {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestClusterOfAnotherVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	stop(t, startIn(t, Config{DataDir: dir}))
	file := filepath.Join(dir, "pg", "PG_VERSION")
	if err := os.WriteFile(file, []byte("8\n"), 0o600); err != nil { // none of this age is installed anywhere
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{DataDir: dir})
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "postgresql-8") {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "8\n" {
		t.Errorf("PG_VERSION is now %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pg", "global", "pg_control")); err != nil {
		t.Error(err)
	}
}

func TestClosedParentIsNamed(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "data")
	stranger := &account{name: "stranger", uid: 987654, gid: 987654}
	err := stranger.mayEnter(dir)
	if !errors.Is(err, ErrNotEnterable) || !strings.Contains(err.Error(), "stranger") || !strings.Contains(err.Error(), "choose a data directory elsewhere") {
		t.Errorf("got %v", err)
	}
	mine := &account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	if err := mine.mayEnter(dir); err != nil {
		t.Error(err)
	}
	var ourselves *account
	if err := ourselves.mayEnter(dir); err != nil {
		t.Error(err)
	}
}

func TestServerDoesNotGetOurSecrets(t *testing.T) {
	t.Setenv("MOMENTCAST_GATEWAY_TOKEN", "secret")
	t.Setenv("PGDATA", "/elsewhere")
	for _, v := range environ() {
		if strings.HasPrefix(v, "MOMENTCAST_") || strings.HasPrefix(v, "PG") {
			t.Errorf("passes %s on", v)
		}
	}
}
