package doctor

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"momentcast/internal/gateway"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

func (r *Report) openGateway(cfg gateway.Config) *gateway.Client {
	if cfg.BaseURL == "" {
		r.add(Fail, "gateway", "set MOMENTCAST_GATEWAY_URL and MOMENTCAST_GATEWAY_TOKEN", "none is configured: serve will refuse to start")
		return nil
	}
	cfg.Timeout = limit
	gw, err := gateway.New(cfg)
	if err != nil {
		r.add(Fail, "gateway", "correct MOMENTCAST_GATEWAY_URL and MOMENTCAST_GATEWAY_TOKEN", "%s", oneLine(err))
		return nil
	}
	if u, err := url.Parse(cfg.BaseURL); err == nil && readable(u) {
		r.add(Warn, "gateway", "use https, or a private network", "the token travels unencrypted to %s", u.Host)
	}
	return gw
}

// readable reports whether others on the way can read what is sent to u.
func readable(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback() && !ip.IsPrivate())
}

// gatewayAnswers asks who is online, which proves address and token in one.
func (r *Report) gatewayAnswers(ctx context.Context, gw *gateway.Client) []moment.Login {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	began := time.Now()
	logins, err := gw.Logins(ctx)
	switch moment.KindOf(err) {
	case "":
		r.add(OK, "gateway", "", "answers within %s and accepts our token; %d accounts are online", time.Since(began).Round(time.Millisecond), len(logins))
		return logins
	case moment.Unauthenticated:
		r.add(Fail, "gateway token", "set MOMENTCAST_GATEWAY_TOKEN anew, or MOMENTCAST_GATEWAY_ACCOUNT and MOMENTCAST_GATEWAY_PASSWORD", "the gateway answers, but does not accept it: %s", moment.MessageOf(err))
	case moment.Refused:
		r.add(Fail, "gateway", "ask the gateway's operator", "it answers, but refuses to say who is online: %s", moment.MessageOf(err))
	default:
		r.add(Fail, "gateway", "check MOMENTCAST_GATEWAY_URL, that it runs, and that it can be reached from here; posts wait until then", "%s", oneLine(err))
	}
	return nil
}

// nextStep says what to do about an error of the database.
func nextStep(err error) string {
	if todo := postgres.Explain(err); todo != "" {
		return todo
	}
	return "see the database's log"
}

// oneLine is an error for a table.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
