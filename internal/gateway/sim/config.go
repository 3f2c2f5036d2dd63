package sim

import (
	"time"

	"github.com/rs/zerolog"
)

// Config is what New needs. Zero fields have the meaning stated beside them.
type Config struct {
	Token    string // expected Authorization value; "" accepts any that is not empty
	Account  string // of /member/login and of callbacks; "" means demo
	Password string // of /member/login; "" means demo

	Accounts []Account // there from the start

	Latency time.Duration // of every gateway call
	Jitter  time.Duration // added to Latency, uniformly from 0 to Jitter
	SlowBy  time.Duration // of the faults slow and late; 0 means 2 s
	Faults  Faults        // shares, drawn per snsSendUrl
	Seed    uint64        // of fault draws and of wIds

	// OnlineAge is how long an account must be online before it may post a
	// link; 0 means 72 h, negative switches the rule off.
	OnlineAge time.Duration

	// Journal is a file to which every accepted change is appended before it
	// is answered, so that the truth outlives the simulator, kill -9 included
	// (not a power cut: nothing is synced). Loaded by New. "" keeps none.
	Journal string

	// Lean leaves objectDesc out of snsSendUrl replies and keeps no latest calls,
	// for benchmarks.
	Lean bool
	// BareLists leaves objectDesc out of the timelines, as the gateway may;
	// getSnsObject still has it.
	BareLists bool

	Log zerolog.Logger
}

// Account is one simulated WeChat account.
type Account struct {
	WcID, Name string
	OnlineFor  time.Duration // how long it has been online already
	Offline    bool
	Labels     []string // label i has id i+1; nil means three usual ones
	Contacts   int      // how many friends it has
}

const (
	defaultOnlineAge = 72 * time.Hour
	defaultSlowBy    = 2 * time.Second
	defaultLogin     = "demo"
)

func (c Config) withDefaults() Config {
	if c.Account == "" {
		c.Account = defaultLogin
	}
	if c.Password == "" {
		c.Password = defaultLogin
	}
	if c.OnlineAge == 0 {
		c.OnlineAge = defaultOnlineAge
	}
	if c.SlowBy <= 0 {
		c.SlowBy = defaultSlowBy
	}
	return c
}

// DemoAccounts are six accounts of different online ages, one of which becomes
// old enough for link posts 90 seconds after the start and one of which is
// offline.
func DemoAccounts() []Account {
	return []Account{
		{WcID: "wxid_k3v8mq2ya7zt22", Name: "林晓雯", OnlineFor: 200 * time.Hour, Contacts: 186},
		{WcID: "wxid_p7c1xw9dh4nb21", Name: "陈志远", OnlineFor: 96 * time.Hour, Contacts: 342},
		{WcID: "wxid_r5t0je6sg8lu12", Name: "云舟科技·王敏", OnlineFor: 80 * time.Hour, Contacts: 97},
		{WcID: "wxid_a9f2hb4ok1vm22", Name: "周子涵", OnlineFor: 72*time.Hour - 90*time.Second, Contacts: 58},
		{WcID: "wxid_d6y3qn8xc5ei11", Name: "赵一鸣", OnlineFor: 10 * time.Hour, Contacts: 23},
		{WcID: "wxid_u1g7zs0pw3rj22", Name: "门店小助手-徐家汇", Offline: true, Contacts: 410},
	}
}
