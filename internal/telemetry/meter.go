package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"momentcast/internal/moment"
)

// namespace begins the name of every metric of ours.
const namespace = "momentcast"

// latenesses reach from what an idle dispatcher takes to what an outage makes.
var latenesses = []float64{
	.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800, 3600,
}

// callTimes: the gateway fetches the thumbnail during the call, which may take
// as long as the call's limit.
var callTimes = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120}

// Meter counts what the dispatcher does. It implements dispatch.Meter.
type Meter struct {
	lateness prometheus.Histogram
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	stale    prometheus.Counter
	inFlight prometheus.Gauge
}

// NewMeter returns a Meter whose metrics are registered with r.
func NewMeter(r prometheus.Registerer) *Meter {
	m := &Meter{
		lateness: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "claim_lateness_seconds", Buckets: latenesses,
			Help: "How long after its due time a post was taken up, whatever held it.",
		}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "gateway_calls_total",
			Help: "Calls that publish a post, by what they proved and the cause.",
		}, []string{"verdict", "cause"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "gateway_call_seconds", Buckets: callTimes,
			Help: "Duration of calls that publish a post.",
		}, []string{"verdict"}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "late_results_total",
			Help: "Outcomes that came after the post had moved on; each is an event in the post's history.",
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "in_flight",
			Help: "Posts between claim and recorded outcome, of this process.",
		}),
	}
	r.MustRegister(m.lateness, m.calls, m.seconds, m.stale, m.inFlight)
	for _, v := range []moment.Verdict{moment.Delivered, moment.Rejected, moment.NeverLeft, moment.InDoubt} {
		m.seconds.WithLabelValues(string(v)) // a rate needs the zero before the first
	}
	m.calls.WithLabelValues(string(moment.Delivered), "")
	return m
}

// Claimed implements dispatch.Meter.
func (m *Meter) Claimed(lateness time.Duration) { m.lateness.Observe(max(lateness, 0).Seconds()) }

// Called implements dispatch.Meter.
func (m *Meter) Called(v moment.Verdict, cause string, took time.Duration) {
	m.calls.WithLabelValues(string(v), cause).Inc()
	m.seconds.WithLabelValues(string(v)).Observe(took.Seconds())
}

// Stale implements dispatch.Meter.
func (m *Meter) Stale() { m.stale.Inc() }

// InFlight implements dispatch.Meter.
func (m *Meter) InFlight(n int) { m.inFlight.Set(float64(n)) }
