//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
)

// places are where the packages of the usual systems put the server. Debian and
// Ubuntu keep it off the PATH on purpose, so looking there alone finds nothing.
var places = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // PGDG packages on Red Hat
	"/usr/lib/postgresql[0-9]*/bin",     // openSUSE
	"/usr/lib64/postgresql-*/bin",       // Gentoo
	"/usr/libexec/postgresql[0-9]*",     // Alpine
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew, Apple silicon
	"/usr/local/opt/postgresql*/bin",    // Homebrew, Intel
	"/opt/local/lib/postgresql*/bin",    // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binaries is one installed server.
type binaries struct {
	dir   string
	major int // 17 of 17.2
}

// findBinaries chooses the server that may run a cluster of the given major
// version: that version and no other, or for a new cluster (0) the newest.
func findBinaries(ctx context.Context, binDir string, major int, search []string) (binaries, error) {
	dirs := search
	if binDir != "" {
		dirs = []string{binDir}
	}
	var best binaries
	var seen []string
	for _, dir := range dirs {
		b, err := inspect(ctx, dir)
		if err != nil {
			if binDir != "" {
				return binaries{}, fmt.Errorf("%w in %s: %w", ErrNoBinaries, binDir, err)
			}
			continue
		}
		if major == b.major {
			return b, nil
		}
		seen = append(seen, fmt.Sprintf("%d in %s", b.major, b.dir))
		if b.major > best.major {
			best = b
		}
	}
	switch {
	case major != 0 && len(seen) > 0:
		return binaries{}, fmt.Errorf("%w for a data directory made by PostgreSQL %d (found: %v): %s", ErrNoBinaries, major, seen, advice(major))
	case best.major == 0:
		return binaries{}, fmt.Errorf("%w found: %s; or set MOMENTCAST_DATABASE_URL to a server of your own", ErrNoBinaries, advice(major))
	}
	return best, nil
}

// candidates lists every directory that may hold a server.
func candidates() []string {
	var dirs []string
	// What the PATH names was put there by somebody, so it comes first.
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, pattern := range places {
		found, err := filepath.Glob(pattern)
		if err != nil {
			panic(err) // a pattern above is malformed
		}
		dirs = append(dirs, found...)
	}
	return dirs
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect asks the server itself: directory names are not always versions.
func inspect(ctx context.Context, dir string) (binaries, error) {
	for _, name := range []string{"postgres", "initdb"} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return binaries{}, err
		}
		if st.IsDir() || st.Mode()&0o111 == 0 {
			return binaries{}, fmt.Errorf("%s is not a program", name)
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("postgres --version: %w", err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return binaries{}, errors.New("postgres --version says nothing we understand")
	}
	major, err := strconv.Atoi(string(m[1]))
	return binaries{dir: dir, major: major}, err
}

// advice says what to install; major 0 means any version will do.
func advice(major int) string {
	debian, brew, other := "postgresql", "postgresql@17", "the PostgreSQL server package"
	if major != 0 {
		debian, brew = fmt.Sprintf("postgresql-%d", major), fmt.Sprintf("postgresql@%d", major)
		other = fmt.Sprintf("the server package of PostgreSQL %d", major)
	}
	if runtime.GOOS == "darwin" {
		return "run `brew install " + brew + "`"
	}
	return fmt.Sprintf("install one with `apt-get install %s` (Debian, Ubuntu), `brew install %s` (macOS) or %s of your system", debian, brew, other)
}
