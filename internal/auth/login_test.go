package auth_test

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"momentcast/internal/auth"
	"momentcast/internal/moment"
)

func TestLoginAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("王小明", moment.RoleEditor)
	b := w.browser()
	b.is("")
	res := b.login("王小明", password, 200)
	b.is("王小明")
	set := res.Header.Get("Set-Cookie")
	for _, want := range []string{"momentcast_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Expires="} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie lacks %s: %s", want, set)
		}
	}
	if strings.Contains(set, "Secure") || strings.Contains(set, "Domain") {
		t.Errorf("over http: %s", set)
	}
	hash := sha256.Sum256([]byte(b.cookie()))
	if n := w.one(`SELECT count(*) FROM sessions WHERE hash = $1 AND user_agent LIKE 'Go-http%' AND ip = '127.0.0.1' AND expires_at < now() + interval '12 hours 1 minute'`, hash[:]); n != 1 {
		t.Error("the session is not stored by its hash")
	}
	stolen := b.cookie()
	b.do("POST", "/logout")
	b.is("")
	b.plant(stolen)
	b.is("")
	if n := w.one(`SELECT count(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if n := w.one(`SELECT count(*) FROM events WHERE action = 'login' AND actor = '王小明' AND source = 'web' AND detail->>'ip' = '127.0.0.1'`); n != 1 {
		t.Error("the sign-in is not in the audit trail")
	}
}

func TestLoginsThatFailLookAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	off := w.user("off", moment.RoleEditor)
	w.change(off.ID, func(u *moment.User) { u.Disabled = true })
	b := w.browser()
	var answers []string
	for _, c := range [][2]string{
		{"ann", "wrong password"}, {"nobody", password}, {"off", password}, {"", ""}, {"ann' OR 1=1 --", "x"},
		{"ann\x00", password}, {"\xff\xfe", password}, {strings.Repeat("a", 100_000), password}, {"ann", strings.Repeat("p", 100_000)},
	} {
		_, body, _ := b.do("POST", "/login", "name", c[0], "password", c[1])
		answers = append(answers, body)
	}
	for i, a := range answers {
		if a != answers[0] || a == "" {
			t.Errorf("answer %d is %q, the first %q", i, a, answers[0])
		}
	}
	b.is("")
	b.login("ANN", password, 200) // case does not matter
	b.is("ann")
}

func TestPlantedSessionIsWorthNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	w.user("mallory", moment.RoleViewer)
	attacker, victim := w.browser(), w.browser()
	attacker.login("mallory", password, 200)
	for _, planted := range []string{attacker.cookie(), "made-up", strings.Repeat("A", 43)} {
		victim.plant(planted)
		victim.login("ann", password, 200)
		if victim.cookie() == planted {
			t.Fatal("the session's value stays the same")
		}
		thief := w.browser()
		thief.plant(planted)
		thief.is("")
	}
	victim.is("ann")
}

func TestWrongPasswordsLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	for _, name := range []string{"ann", "nobody"} {
		b := w.browser()
		for range 4 {
			b.login(name, "wrong password", 401)
		}
		b.login(name, "wrong password", 401)
	}
	if n := w.one(`SELECT count(*) FROM login_failures WHERE failures = 5 AND locked_until = updated_at + interval '4 seconds'`); n != 2 {
		t.Errorf("%d names are locked for four seconds", n)
	}
	w.exec(`UPDATE login_failures SET locked_until = now() + interval '1 minute'`) // this machine may be slow
	for _, name := range []string{"ann", "ANN", "nobody"} {
		w.browser().login(name, password, 429) // even the right one
	}
	if n := w.one(`SELECT count(*) FROM events WHERE action = 'login_lock' AND detail->>'user' = 'ann'`); n != 1 {
		t.Errorf("%d locks in the audit trail", n)
	}
	if n := w.one(`SELECT count(*) FROM events WHERE actor = 'nobody'`); n != 0 {
		t.Error("what was typed as a name is in the audit trail")
	}
	// The wait is over, one more failure doubles it; then the right password forgets all.
	b := w.browser()
	w.exec(`UPDATE login_failures SET locked_until = now()`)
	b.login("ann", "wrong password", 401)
	if n := w.one(`SELECT max(failures) FROM login_failures WHERE locked_until = updated_at + interval '8 seconds'`); n != 6 {
		t.Errorf("%d failures are locked for eight seconds", n)
	}
	w.exec(`UPDATE login_failures SET locked_until = now()`)
	b.login("ann", password, 200)
	if n := w.one(`SELECT count(*) FROM login_failures`); n != 1 {
		t.Errorf("%d names have failures left", n)
	}
}

func TestTriesAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	var judged, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 30 {
		b := w.browser()
		all.Go(func() {
			status, _, _ := b.do("POST", "/login", "name", "ann", "password", "wrong password")
			mu.Lock()
			defer mu.Unlock()
			switch status {
			case 401:
				judged++
			case 429:
				refused++
			}
		})
	}
	all.Wait()
	if judged != 5 || judged+refused != 30 {
		t.Errorf("%d tries were judged and %d refused; want 5 and 25", judged, refused)
	}
}

func TestManyLoginsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const people, each = 6, 3
	var all sync.WaitGroup
	for p := range people {
		w.user(numbered("user", p), moment.RoleViewer)
		for range each {
			b := w.browser()
			all.Go(func() {
				b.login(numbered("user", p), password, 200)
				b.is(numbered("user", p))
			})
		}
	}
	all.Wait()
	if n := w.one(`SELECT count(DISTINCT hash) FROM sessions WHERE user_id IS NOT NULL`); n != people*each {
		t.Errorf("%d sessions, want %d", n, people*each)
	}
}

func TestOneAddressTriesTooOften(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *auth.Config) { c.PerMinute = 3 })
	b := w.browser()
	for n := range 6 {
		b.header["X-Forwarded-For"] = numbered("198.51.100.1", n) // believed of nobody
		want := 401
		if n >= 3 {
			want = 429
		}
		if res := b.login(numbered("name", n), "wrong password", want); want == 429 && res.Header.Get("Retry-After") == "" {
			t.Error("it is not said when to try again")
		}
	}
	if n := w.one(`SELECT count(*) FROM login_failures`); n != 3 {
		t.Errorf("%d names were looked up", n)
	}
}

func TestAddressBehindProxies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *auth.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	w.user("ann", moment.RoleViewer)
	for forwarded, want := range map[string]string{
		"":                                   "127.0.0.1",
		"203.0.113.9":                        "203.0.113.9",
		"1.1.1.1, 203.0.113.9":               "203.0.113.9", // the first is what the client says
		"1.1.1.1, 203.0.113.9, 10.1.2.3":     "203.0.113.9",
		"<script>, 10.1.2.3":                 "10.1.2.3",
		"::ffff:203.0.113.7":                 "203.0.113.7",
		"2001:db8::1":                        "2001:db8::1",
		"1.1.1.1,,,":                         "127.0.0.1",
		strings.Repeat("x", 5000) + ", 10.0": "127.0.0.1",
	} {
		b := w.browser()
		b.header["X-Forwarded-For"] = forwarded
		b.login("ann", password, 200)
		if n := w.one(`SELECT count(*) FROM sessions WHERE ip = $1`, want); n != 1 {
			t.Errorf("%.30q: not from %s", forwarded, want)
		}
		w.exec(`DELETE FROM sessions`)
	}
}

func TestCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		public string
		proxy  bool
		secure bool
	}{
		"public URL":            {"https://mc.example", false, true},
		"http public URL":       {"http://mc.example", false, false},
		"proxy that is trusted": {"", true, true},
		"anybody's header":      {"", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *auth.Config) {
				cfg.PublicURL = c.public
				if c.proxy {
					cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
				}
			})
			w.user("ann", moment.RoleViewer)
			b := w.browser()
			b.header["X-Forwarded-Proto"] = "https"
			set := b.login("ann", password, 200).Header.Get("Set-Cookie")
			if strings.HasPrefix(set, "__Host-") != c.secure || strings.Contains(set, "; Secure") != c.secure {
				t.Error(set)
			}
		})
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ann", moment.RoleViewer)
	b := w.browser()
	b.login("ann", password, 200)
	for k, v := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		b.header = map[string]string{k: v}
		for _, path := range []string{"/logout", "/everywhere", "/password", "/login"} {
			if status, _, _ := b.do("POST", path); status != http.StatusForbidden {
				t.Errorf("%s with %s: %d", path, k, status)
			}
		}
	}
	b.header = nil
	b.is("ann")
}
