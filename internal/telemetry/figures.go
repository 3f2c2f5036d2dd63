package telemetry

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"momentcast/internal/moment"
)

// Figures are what the metrics tell of the database's content.
type Figures struct {
	Due       map[string]int64 // posts past their due time, by what holds their instance; "" = nothing
	Held      map[string]int64 // instances whose next post is held, by reason
	Attention map[string]int64 // posts a person has to look at, by state
	Instances map[string]int64 // by what they are: online, maturing, offline, paused

	Overdue   int64 // instances that should have sent a while ago
	Replicas  int64 // dispatchers that are alive
	Unread    int64 // accounts that are held after a failover until they are read
	Paused    bool
	GatewayUp bool // the last look at who is online succeeded

	OldestXminAge     int64   // transactions since the oldest snapshot still in use
	OldestTransaction float64 // its age in seconds
}

const (
	askEvery = 10 * time.Second // however many scrape us
	askLimit = 3 * time.Second
)

// Collector tells Figures to whoever scrapes. Scrapes never wait for the
// database longer than askLimit, and while it is away they say so and nothing
// else: an old figure would look like a current one.
type Collector struct {
	source func(context.Context) (Figures, error)
	log    zerolog.Logger

	mu    sync.Mutex // held while asking, so that scrapes share one answer
	asked time.Time
	last  *Figures // nil = the last question was not answered
}

// NewCollector returns a Collector of what source answers.
func NewCollector(source func(context.Context) (Figures, error), log zerolog.Logger) *Collector {
	return &Collector{source: source, log: log.With().Str("component", "metrics").Logger()}
}

var (
	descUp = describe("database_up", "1 when the database answered the last question for figures.")

	descDue       = describe("posts_due", "Posts past their due time, by what holds their instance; none = nothing does.", "hold")
	descHeld      = describe("instances_held", "Instances whose next post is held, by reason.", "reason")
	descUnknown   = describe("posts_unknown", "Posts of unknown outcome: a person has to look at each one's feed.")
	descFailed    = describe("posts_failed", "Posts that the gateway refused.")
	descMissed    = describe("posts_missed", "Posts that missed their time.")
	descInstances = describe("instances", "Registered instances: online, maturing (online for too short a time), offline, paused.", "state")

	descOverdue  = describe("posts_overdue", "Posts that should have left a minute ago or earlier, one an instance, and that nothing holds.")
	descReplicas = describe("replicas_alive", "Processes whose dispatcher turned within the last 20 s.")
	descUnread   = describe("instances_unread", "Instances that are held after a failover until their timeline was read.")
	descPaused   = describe("paused", "1 while everything is paused.")
	descGateway  = describe("gateway_up", "1 when the last look at who is online succeeded.")
	descXmin     = describe("database_oldest_xmin_transactions", "Transactions since the oldest snapshot in use; it keeps dead rows from being cleaned up.")
	descOldest   = describe("database_oldest_xmin_seconds", "Age of the oldest transaction that holds a snapshot.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descUp, descDue, descHeld, descUnknown, descFailed, descMissed, descInstances,
		descOverdue, descReplicas, descUnread, descPaused, descGateway, descXmin, descOldest} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	f := c.figures()
	gauge(ch, descUp, flag(f != nil))
	if f == nil {
		return
	}
	byReason := func(d *prometheus.Desc, counted map[string]int64) {
		for _, r := range moment.HoldReasons {
			gauge(ch, d, float64(counted[string(r)]), string(r))
		}
	}
	gauge(ch, descDue, float64(f.Due[""]), "none")
	byReason(descDue, f.Due)
	byReason(descHeld, f.Held)
	gauge(ch, descUnknown, float64(f.Attention[string(moment.Unknown)]))
	gauge(ch, descFailed, float64(f.Attention[string(moment.Failed)]))
	gauge(ch, descMissed, float64(f.Attention[string(moment.Missed)]))
	for s, n := range withZeros(f.Instances, "online", "maturing", "offline", "paused") {
		gauge(ch, descInstances, float64(n), s)
	}
	gauge(ch, descOverdue, float64(f.Overdue))
	gauge(ch, descReplicas, float64(f.Replicas))
	gauge(ch, descUnread, float64(f.Unread))
	gauge(ch, descPaused, flag(f.Paused))
	gauge(ch, descGateway, flag(f.GatewayUp))
	gauge(ch, descXmin, float64(f.OldestXminAge))
	gauge(ch, descOldest, f.OldestTransaction)
}

// figures asks, or takes the last answer while that is young.
func (c *Collector) figures() *Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked.IsZero() && time.Since(c.asked) < askEvery {
		return c.last
	}
	ctx, done := context.WithTimeout(context.Background(), askLimit)
	defer done()
	f, err := c.source(ctx)
	c.asked, c.last = time.Now(), &f
	if err != nil {
		c.last = nil
		c.log.Debug().Err(err).Msg("no figures from the database")
	}
	return c.last
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func withZeros(counted map[string]int64, keys ...string) map[string]int64 {
	out := make(map[string]int64, len(keys))
	for _, k := range keys {
		out[k] = 0
	}
	maps.Copy(out, counted)
	return out
}
