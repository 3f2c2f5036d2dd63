package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/moment"
	"momentcast/internal/web"
)

// pacing is the form of the pacing settings; fields in pairs override it.
func (s *site) pacing(fields ...string) []string {
	s.t.Helper()
	form := map[string]string{"version": s.text(`SELECT version::text FROM settings`), "min_gap": "15m", "daily_cap": "3", "quiet_hours": "23:00-07:00",
		"online_age": "72h", "relogin_keeps": "30m", "max_lateness": "30m", "time_zone": "Asia/Shanghai"}
	for i := 0; i < len(fields); i += 2 {
		form[fields[i]] = fields[i+1]
	}
	var out []string
	for k, v := range form {
		out = append(out, k, v)
	}
	return out
}

func TestSettingsAreStoredAndAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.submit("/settings", s.pacing("min_gap", "1d", "daily_cap", "0", "quiet_hours", "", "auto_resend", "1")...).to("/settings")
	if got := s.text(`SELECT min_gap || ' ' || daily_cap || ' ' || (quiet_hours = '') || ' ' || auto_resend || ' ' || version FROM settings`); got != "24:00:00 0 true true 2" {
		t.Errorf("stored: %s", got)
	}
	if got := s.text(`SELECT (detail -> 'changed' ->> 'min_gap') || ' ' || actor || ' ' || source FROM events WHERE action = 'settings'`); got != `["15m0s", "24h0m0s"] lin web` {
		t.Errorf("the trail says %s", got)
	}
	s.submit("/settings", s.pacing("min_gap", "24h", "daily_cap", "0", "quiet_hours", "", "auto_resend", "1")...).to("/settings") // nothing changes
	if got := s.text(`SELECT count(*)::text FROM events WHERE action = 'settings'`); got != "1" {
		t.Errorf("%s lines in the trail", got)
	}
	v := s.text(`SELECT version::text FROM settings`)
	s.submit("/settings/approval", "version", v, "require_approval", "1", "approval_expires", "7d").to("/settings/approval")
	s.get("/settings/approval").has(`name="require_approval" value="1" checked`, "168h", "leaves as planned")
	if got := s.text(`SELECT min_gap::text FROM settings`); got != "24:00:00" {
		t.Errorf("another section changed the gap to %s", got)
	}
	s.get("/audit?action=settings").has("Posts need approval")
	s.submit("/settings/composing", "version", s.text(`SELECT version::text FROM settings`), "fold_lines", "6", "fold_chars", "100", "duplicate_days", "30").to("/settings/composing")
	if got := s.text(`SELECT duplicate_days || ' ' || (SELECT detail -> 'changed' ->> 'duplicate_days' FROM events ORDER BY id DESC LIMIT 1) FROM settings`); got != "30 [7, 30]" {
		t.Errorf("days of the duplicate warning: %s", got)
	}
}

func TestSettingsRefuseWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for field, values := range map[string][]string{
		"min_gap": {"", "soon", "-5m", "721h", "\x00", "99999999999999999999d"}, "daily_cap": {"", "-1", "x", "1000001", "1.5"},
		"quiet_hours": {"25:00-07:00", "7-8", "07:00-07:00"}, "time_zone": {"", "Local", "Mars/Base", "../etc/passwd"},
		"online_age": {"9000h", "<script>"}, "max_lateness": {"-1s", "721h"},
	} {
		for _, v := range values {
			got := s.submit("/settings", s.pacing(field, v)...).want(http.StatusUnprocessableEntity)
			if !strings.Contains(got.body, `role="alert"`) || strings.Contains(got.body, "<script>") {
				t.Errorf("%s = %q: %s", field, v, got.body)
			}
		}
	}
	v := s.text(`SELECT version::text FROM settings`)
	s.submit("/settings/composing", "version", v, "fold_lines", "0", "fold_chars", "100", "duplicate_days", "7").want(http.StatusUnprocessableEntity).has("Between 1 and 100")
	s.submit("/settings/composing", "version", v, "fold_lines", "6", "fold_chars", "100", "duplicate_days", "7", "lint_words", "!broken").want(http.StatusUnprocessableEntity).has("!broken")
	s.submit("/settings/composing", "version", v, "fold_lines", "6", "fold_chars", "100", "duplicate_days", "7", "lint_words", strings.Repeat("词\n", 30_000)).want(http.StatusUnprocessableEntity)
	s.submit("/settings/approval", "version", v, "approval_expires", "1s").want(http.StatusUnprocessableEntity)
	if got := s.text(`SELECT version::text FROM settings`); got != "1" {
		t.Error("something was stored")
	}
}

func TestStaleSettingsShowBoth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := s.pacing("min_gap", "20m")
	s.exec(`UPDATE settings SET min_gap = '45 minutes', version = version + 1`)
	s.submit("/settings", form...).want(http.StatusConflict).has(`value="20m"`, "Stored by now: 45m", "Somebody changed the settings")
	if got := s.text(`SELECT min_gap::text FROM settings`); got != "00:45:00" {
		t.Errorf("overwritten with %s", got)
	}
}

// A change that moves what is queued is asked about, with how much it moves.
func TestSettingsAskBeforeTheyMovePosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`UPDATE settings SET quiet_hours = '', online_age = '0'`)
	for _, name := range []string{"a", "b"} {
		i := s.instance("wxid_"+name, name)
		s.post(i, "x", func(p *moment.Post) { p.DueAt = time.Now().Add(time.Minute) })
	}
	s.post(s.instance("wxid_c", "c"), "later", func(p *moment.Post) { p.DueAt = time.Now().Add(100 * time.Hour) })
	form := s.pacing("online_age", "120h", "quiet_hours", "") // they have been online for 100
	s.submit("/settings", form...).want(http.StatusOK).has("The next post of 2 instances will leave later", `name="confirm" value="1"`, `value="120h"`)
	if got := s.text(`SELECT version::text FROM settings`); got != "1" {
		t.Fatal("it was stored unasked")
	}
	s.submit("/settings", append(form, "confirm", "1")...).to("/settings")
	if got := s.text(`SELECT count(*)::text FROM instances WHERE hold_reason = 'online_age'`); got != "2" {
		t.Errorf("%s instances wait for their age", got)
	}
	s.submit("/settings", s.pacing("online_age", "0", "quiet_hours", "")...).want(http.StatusOK).has("will leave earlier")
}

func TestEnvironmentWins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.config(zerolog.Nop())
	c.Fixed, c.GatewayURL, c.PublicURL = moment.FixedSettings{"min_gap", "require_approval"}, "http://gateway:9899", "https://mc.example"
	s.web.Close()
	s.web = web.New(c)
	t.Cleanup(s.web.Close)
	s.get("/settings").has("Set by the environment", `name="min_gap" value="15m" maxlength="64" autocomplete="off" disabled`)
	s.submit("/settings", s.pacing("min_gap", "1h", "daily_cap", "5")...).to("/settings") // a field that is disabled is not in the form
	if got := s.text(`SELECT min_gap || ' ' || daily_cap FROM settings`); got != "00:15:00 5" {
		t.Errorf("stored: %s", got)
	}
	secret := s.text(`SELECT callback_secret FROM settings`)
	s.get("/settings/gateway").has("http://gateway:9899", "https://mc.example/gateway/callback/•").lacks(secret)
	s.get("/settings/gateway?show=callback").has("https://mc.example/gateway/callback/" + secret)
}

// The form for a token, sent twice, is one token and one value.
func TestATokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	values := regexp.MustCompile(`mc_[A-Za-z0-9_-]{43}`)
	fields := []string{"key", s.get("/settings/tokens").field("key"), "name", "shop", "scope", "read", "days", "30"}
	first := s.submit("/settings/tokens", fields...).want(http.StatusOK)
	again := s.submit("/settings/tokens", fields...).want(http.StatusConflict).has("sent before", "shop", "revoke that token")
	if values.FindString(first.body) == "" || values.MatchString(again.body) {
		t.Error("the value is in the first answer and in no other")
	}
	// What is sent with the same key and says something else makes none, and what it says is kept.
	other := append(slices.Clone(fields), "scope", "write")
	s.submit("/settings/tokens", other...).want(http.StatusConflict).has(`value="shop"`)
	if n := s.text(`SELECT count(*)::text FROM api_tokens`); n != "1" {
		t.Fatalf("%s tokens", n)
	}
	// The way that the page tells: another page, another token.
	fields[1] = again.field("key")
	if got := s.submit("/settings/tokens", fields...).want(http.StatusOK); !values.MatchString(got.body) {
		t.Error("no second token can be made")
	}
	// At once, as a double click is.
	fields[1] = s.get("/settings/tokens").field("key")
	var shown atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			form := url.Values{"key": {fields[1]}, "name": {"crm"}, "scope": {"read"}, "days": {"30"}}
			if values.MatchString(s.do("admin", http.MethodPost, "/settings/tokens", form).body) {
				shown.Add(1)
			}
		})
	}
	all.Wait()
	if n := s.text(`SELECT count(*)::text FROM api_tokens`); n != "3" || shown.Load() != 1 {
		t.Errorf("%s tokens, %d values of the last", n, shown.Load())
	}
}

// A token's value is in one answer, and after it nowhere.
func TestTokensAreShownOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, bad := range [][]string{{"name", "", "scope", "read", "days", "30"}, {"name", "x", "days", "30"}, {"name", "x", "scope", "root", "days", "30"},
		{"name", "x", "scope", "read", "days", "-1"}, {"name", "x\x00", "scope", "read", "days", "0"}, {"name", strings.Repeat("长", 101), "scope", "read", "days", "0"}} {
		s.submit("/settings/tokens", bad...).want(http.StatusUnprocessableEntity)
	}
	made := s.submit("/settings/tokens", "name", "<b>crm</b>", "scope", "read", "scope", "approve", "days", "30").want(http.StatusOK)
	value := regexp.MustCompile(`mc_[A-Za-z0-9_-]{43}`).FindString(made.body)
	if value == "" || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no token, or kept: %v %s", made.header, made.body)
	}
	made.lacks("<b>crm")
	token, err := s.db.TokenByHash(t.Context(), moment.HashToken(value))
	if err != nil || token.CreatedBy != "lin" || len(token.Scopes) != 2 || time.Until(token.ExpiresAt) < 29*24*time.Hour {
		t.Fatalf("%+v, %v", token, err)
	}
	s.get("/settings/tokens").has("crm", "works").lacks(value)
	for _, table := range []string{"api_tokens", "events"} {
		if got := s.text(`SELECT count(*)::text FROM `+table+` x WHERE x::text LIKE '%' || $1 || '%'`, value); got != "0" {
			t.Errorf("%s holds the value", table)
		}
	}
	if strings.Contains(s.log.String(), value) {
		t.Error("the log holds the value")
	}
	s.submit("/settings/tokens/" + id(token.ID) + "/revoke").to("/settings/tokens")
	s.submit("/settings/tokens/999/revoke").want(http.StatusNotFound)
	if _, err := s.db.TokenByHash(t.Context(), moment.HashToken(value)); moment.KindOf(err) != moment.NotFound {
		t.Errorf("it still works: %v", err)
	}
	s.get("/settings/tokens").has("revoked")
}
