//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Standby copies the running server into cfg.DataDir, which must not hold a
// cluster yet, and starts the copy as its hot standby. Settings that cfg leaves
// out are the primary's, for some of them must not be lower. Nothing waits for
// the standby until synchronous_standby_names of the primary names it: see Set.
func (s *Server) Standby(ctx context.Context, cfg Config, how Replication) (*Server, error) {
	if how.Name == "" {
		how.Name = "standby"
	}
	settings := maps.Clone(s.cfg.Settings)
	if settings == nil {
		settings = make(map[string]string)
	}
	maps.Copy(settings, cfg.Settings)
	cfg.Settings = settings
	if err := s.copyTo(ctx, cfg.DataDir, func(c *cluster, data string) error { return s.follow(c, data, how) }, slotArgs(how)...); err != nil {
		return nil, err
	}
	return Start(ctx, cfg)
}

// Backup copies the running server into dataDir, which must not hold a cluster
// yet; Start runs the copy. Two of the same dataDir are two servers with the
// same system identifier, as a restored base backup is.
func (s *Server) Backup(ctx context.Context, dataDir string) error {
	return s.copyTo(ctx, dataDir, func(_ *cluster, data string) error {
		return appendConf(data, noStandbys)
	})
}

// Set changes a parameter of the running server that needs no restart, and is
// kept over restarts. Config.Settings, which are given at every start, win.
func (s *Server) Set(ctx context.Context, name, value string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	set := "ALTER SYSTEM SET " + pgx.Identifier{name}.Sanitize() + " = '" + strings.ReplaceAll(value, "'", "''") + "'"
	for _, sql := range []string{set, "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// Promote makes a standby a primary, with a timeline of its own, and returns
// when it takes writes. It does nothing to the old primary: both then do.
func (s *Server) Promote(ctx context.Context) error {
	const sql = "SELECT pg_promote(wait => true, wait_seconds => 60)"
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var done bool
	if err := conn.QueryRow(ctx, sql).Scan(&done); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	if !done {
		return errors.New("promote: the standby does not take writes after a minute")
	}
	return nil
}

// Kill ends the server as a power cut does, and returns when its last process is
// gone. Restart starts it again.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current().stop(context.Background(), syscall.SIGKILL)
}

// copyTo makes the cluster of a data directory a base backup of the server.
func (s *Server) copyTo(ctx context.Context, dataDir string, prepare func(c *cluster, data string) error, more ...string) error {
	if dataDir == "" {
		return errors.New("localpg: no data directory given")
	}
	c, err := openCluster(ctx, dataDir)
	if err != nil {
		return err
	}
	defer c.release()
	switch version, err := c.version(); {
	case err != nil:
		return err
	case version != 0:
		return fmt.Errorf("%s holds a cluster already", c.data)
	}
	program := filepath.Join(s.bin.dir, "pg_basebackup")
	return c.build(ctx, "pg_basebackup", func(fresh string) *exec.Cmd {
		args := []string{"-D", fresh, "-d", s.url, "--checkpoint=fast", "--wal-method=stream"}
		if s.cfg.Fast {
			args = append(args, "--no-sync")
		}
		return exec.CommandContext(ctx, program, append(args, more...)...)
	}, func(fresh string) error { return prepare(c, fresh) })
}

// slotArgs make the base backup create the slot, so that nothing is recycled
// between the copy and the standby's first word.
func slotArgs(how Replication) []string {
	if how.Slot == "" {
		return nil
	}
	return []string{"--create-slot", "--slot=" + how.Slot}
}

// follow makes a copied cluster a standby of this server.
func (s *Server) follow(c *cluster, data string, how Replication) error {
	at := fmt.Sprintf("host=%s port=%d", s.cluster.socket, s.port)
	switch {
	case how.Via != "":
		host, port, _ := strings.Cut(how.Via, ":")
		at = fmt.Sprintf("host=%s port=%s", host, port)
	case s.cfg.TCP:
		at = fmt.Sprintf("host=127.0.0.1 port=%d", s.port)
	}
	conninfo := fmt.Sprintf("user=postgres %s application_name=%s sslmode=disable", at, how.Name)
	err := appendConf(data, noStandbys,
		"primary_conninfo = '"+strings.ReplaceAll(conninfo, "'", "''")+"'",
		"primary_slot_name = '"+how.Slot+"'",
		"wal_retrieve_retry_interval = '200ms'",
		"recovery_target_timeline = 'latest'")
	if err != nil {
		return err
	}
	signal := filepath.Join(data, "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return err
	}
	return c.as.own(signal)
}

// noStandbys empties the list that was copied: it names the standbys of the
// original, and whoever commits on the copy would wait for them for ever.
const noStandbys = "synchronous_standby_names = ''"

// appendConf adds lines to what ALTER SYSTEM has set in a copied cluster: of a
// parameter given twice the last counts.
func appendConf(data string, lines ...string) (err error) {
	f, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	return err
}
