package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// DemoConfig is what Demo can be told. Everything has a default.
type DemoConfig struct {
	Addr    string // default 127.0.0.1:8080, or a free port if that is taken
	SimAddr string // of the simulator's pages; default 127.0.0.1:8090, or a free port
	DataDir string // default ./data/demo, or below the temporary directory if PostgreSQL cannot enter that
	Version string
}

const (
	defaultSimAddr = "127.0.0.1:8090"
	defaultDemoDir = "./data/demo"
	demoGrace      = 3 * time.Second
)

// demo is one running demo: what is around the service.
type demo struct {
	dir   string
	log   zerolog.Logger
	out   io.Writer
	own   *ownDatabase
	db    *postgres.DB
	sim   *demoSim
	token string
}

// Demo runs the service with everything it needs: a PostgreSQL of its own, the
// simulated gateway, six instances of different ages and posts that become due
// over the next minutes. It prints where to look to out. A second start goes on
// with the same data.
func Demo(ctx context.Context, cfg DemoConfig, log zerolog.Logger, out io.Writer) (err error) {
	d := &demo{log: log, out: out}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(ctx, cfg); err != nil {
		return unlessStopped(ctx, err)
	}
	ln, err := d.listen(ctx, cfg.Addr, DefaultAddr)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // by Run, too, if it gets that far
	service := d.config(cfg.Version, ln)
	return Run(ctx, service, log, func(addr net.Addr) { d.banner("http://" + addr.String()) })
}

// start brings up what the service stands on, and fills it the first time.
func (d *demo) start(ctx context.Context, cfg DemoConfig) (err error) {
	if err := d.startDatabase(ctx, cfg.DataDir); err != nil {
		return err
	}
	if d.db, err = postgres.Open(d.own.srv.URL(), postgres.Options{EngineConns: 2, Conns: 2}); err != nil {
		return err
	}
	if err := migrate(ctx, d.db, d.own.srv.URL(), d.log); err != nil {
		return Plain("prepare the demo's database", err)
	}
	if d.token, err = d.keepToken(); err != nil {
		return err
	}
	known, err := d.instances(ctx)
	if err != nil {
		return err
	}
	ln, err := d.listen(ctx, cfg.SimAddr, defaultSimAddr)
	if err != nil {
		return err
	}
	if d.sim, err = startDemoSim(d.dir, ln, known, d.log); err != nil {
		return errors.Join(err, ln.Close())
	}
	return d.fill(ctx, known)
}

// startDatabase starts PostgreSQL in dir, or where it can be if nobody said.
func (d *demo) startDatabase(ctx context.Context, dir string) (err error) {
	d.dir = dir
	def(&d.dir, defaultDemoDir)
	d.own, err = startOwn(ctx, d.dir, d.log)
	if dir == "" && notEnterable(err) {
		if d.dir, err = sharedDir(); err != nil {
			return err
		}
		d.log.Warn().Str("dir", d.dir).Msgf("PostgreSQL refuses to run as root, and the user it runs as instead cannot enter %s: the demo keeps its data elsewhere", defaultDemoDir)
		d.own, err = startOwn(ctx, d.dir, d.log)
	}
	return err
}

// listen opens the address that was asked for. One that nobody asked for gives
// way to a free port.
func (d *demo) listen(ctx context.Context, addr, usual string) (net.Listener, error) {
	var lc net.ListenConfig
	asked := addr != ""
	def(&addr, usual)
	ln, err := lc.Listen(ctx, "tcp", addr)
	if !asked && errors.Is(err, syscall.EADDRINUSE) {
		ln, err = lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err == nil {
			d.log.Warn().Str("taken", addr).Str("instead", ln.Addr().String()).Msg("the usual address is taken by another program")
		}
	}
	if err != nil {
		return nil, plainListen(addr, err)
	}
	return ln, nil
}

// config is the service's: quick enough to watch, and never quiet.
func (d *demo) config(version string, ln net.Listener) Config {
	return Config{
		listener: ln, DatabaseURL: Secret(d.own.srv.URL()), DataDir: d.dir, Version: version, Replica: "demo",
		Gateway: Gateway{URL: d.sim.url(), Token: demoToken, Timeout: 8 * time.Second},
		Pacing:  Pacing{MinGap: new(20 * time.Second), DailyCap: new(0), QuietHours: new("")},
		Lease:   15 * time.Second, Grace: demoGrace,
		BootstrapToken: Secret(d.token),
		BootstrapAdmin: demoPerson + ":" + demoPassword,
		Links:          []Link{{d.sim.url() + "/", "模拟微信的朋友圈 (what the simulated accounts show)"}},
		TokenHint:      filepath.Join(d.dir, tokenFile),
	}
}

func (d *demo) banner(base string) {
	fmt.Fprintf(d.out, `
momentcast demo

  首页  start   %s/
  登录  login   %s / %s    (also: %s/start)
  接口  API     %s/docs
  就绪  ready   %s/readyz
  朋友圈 feeds  %s/    (what the six simulated accounts show)
  令牌  token   %s    (admin; also in %s)
  命令  CLI     MOMENTCAST_SERVER=%s MOMENTCAST_TOKEN_FILE=%s momentcast post list

  Posts become due over the next minutes; some are held, refused or in doubt on purpose.
  Ctrl-C stops it. A second start goes on with the same data.

`, base, demoPerson, demoPassword, base, base, base, d.sim.url(), d.token, filepath.Join(d.dir, tokenFile), base, filepath.Join(d.dir, tokenFile))
}

// stop puts away what was started, in the reverse order.
func (d *demo) stop() error {
	var errs []error
	if d.sim != nil {
		errs = append(errs, d.sim.stop())
	}
	if d.db != nil {
		d.db.Close()
	}
	if d.own != nil {
		errs = append(errs, d.own.stop(stopLimit))
	}
	return errors.Join(errs...)
}

const tokenFile = "token"

// Who signs in to the demo, which listens to this machine only.
const (
	demoPerson   = "demo"
	demoPassword = "momentcast-demo" // everybody may know it
)

// keepToken returns the demo's API token, made at its first start.
func (d *demo) keepToken() (string, error) {
	file := filepath.Join(d.dir, tokenFile)
	b, err := os.ReadFile(file)
	if err == nil && len(strings.TrimSpace(string(b))) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the demo's token: %w", err)
	}
	token := moment.NewTokenValue()
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the demo's token: %w", err)
	}
	return token, nil
}

// instances are those of an earlier start, by wcId.
func (d *demo) instances(ctx context.Context) (map[string]moment.InstanceView, error) {
	list, _, err := d.db.Instances(ctx, moment.InstanceQuery{Limit: 200})
	if err != nil {
		return nil, err
	}
	known := make(map[string]moment.InstanceView, len(list))
	for _, i := range list {
		known[i.WcID] = i
	}
	return known, nil
}
