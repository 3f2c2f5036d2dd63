package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"momentcast/internal/app"
	"momentcast/internal/gateway/sim"
)

// simCmd runs the simulated gateway alone.
type simCmd struct {
	Addr   string `default:"127.0.0.1:8090" help:"Address to listen on."`
	Public bool   `help:"Allow an address that others reach: whoever does controls the simulator."`

	Token    app.Secret `env:"MOMENTCAST_GATEWAY_TOKEN" placeholder:"SECRET" help:"Authorization to ask for. Not set: any that is not empty will do."`
	Account  string     `env:"MOMENTCAST_GATEWAY_ACCOUNT" default:"demo" help:"Account that may log in for a token …"`
	Password app.Secret `env:"MOMENTCAST_GATEWAY_PASSWORD" placeholder:"SECRET" help:"… and its password. Not set: demo."`

	Accounts  int           `placeholder:"N" help:"Number of generated WeChat accounts, online for 100 h. Not set: the six of the demo."`
	OnlineAge time.Duration `default:"72h" help:"Time an account must be online before it may post links; 0 = at once."`
	Journal   string        `placeholder:"FILE" help:"File that keeps what was posted, over restarts."`
	Seed      uint64        `help:"Of faults and login sessions: the same seed gives the same again."`
	Lean      bool          `help:"Leave what WeChat stored out of the answers to posts; for measuring."`

	Latency time.Duration `default:"200ms" help:"Time of every call …"`
	Jitter  time.Duration `default:"200ms" help:"… and up to this much more."`
	SlowBy  time.Duration `default:"2s" help:"Additional time of the faults slow and late."`

	Fault map[string]float64 `placeholder:"NAME=SHARE" help:"Share of posts, from 0 to 1, that end in a fault: --fault=hang=0.01 --fault=drop_after=0.05. Names: ${faults}."`
}

// Run implements the command.
func (c *simCmd) Run(ctx context.Context, f *logFlags, term *console) error {
	log, err := f.log(term)
	if err != nil {
		return err
	}
	faults, err := faultShares(c.Fault)
	if err != nil {
		return err
	}
	cfg := sim.Config{
		Token: c.Token.Reveal(), Account: c.Account, Password: c.Password.Reveal(), Accounts: c.accounts(),
		Latency: c.Latency, Jitter: c.Jitter, SlowBy: c.SlowBy, Faults: faults, Seed: c.Seed,
		OnlineAge: c.OnlineAge, Journal: c.Journal, Lean: c.Lean, Log: log,
	}
	if c.OnlineAge == 0 {
		cfg.OnlineAge = -1 // 0 is its default there
	}
	return app.RunSim(ctx, app.SimConfig{Addr: c.Addr, Public: c.Public, Sim: cfg}, log)
}

func (c *simCmd) accounts() []sim.Account {
	if c.Accounts <= 0 {
		return sim.DemoAccounts()
	}
	accounts := make([]sim.Account, c.Accounts)
	for i := range accounts {
		accounts[i] = sim.Account{
			WcID: fmt.Sprintf("wxid_sim%07d", i+1), Name: fmt.Sprintf("模拟账号 %d", i+1), OnlineFor: 100 * time.Hour, Contacts: 20,
		}
	}
	return accounts
}

// faultShares reads shares by the faults' names, which are those of the
// simulator's control calls.
func faultShares(shares map[string]float64) (f sim.Faults, err error) {
	at := map[sim.Fault]*float64{
		sim.Reject: &f.Reject, sim.Offline: &f.Offline, sim.Auth: &f.Auth, sim.HTTP500: &f.HTTP500, sim.HTML: &f.HTML,
		sim.DropBefore: &f.DropBefore, sim.HangBefore: &f.HangBefore, sim.Hang: &f.Hang, sim.DropAfter: &f.DropAfter,
		sim.HTTP500After: &f.HTTP500After, sim.BrokenJSON: &f.BrokenJSON, sim.NoID: &f.NoID, sim.Redirect: &f.Redirect,
		sim.Slow: &f.Slow, sim.Late: &f.Late,
	}
	for name, share := range shares {
		field, ok := at[sim.Fault(name)]
		if !ok {
			return f, fmt.Errorf("--fault: there is no fault %q; see momentcast sim --help", name)
		}
		*field = share
	}
	return f, nil
}

func faultNames() string {
	var names []string
	for _, f := range sim.AllFaults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
