package gateway

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// The own timeline is read back to the instant asked for, over pages, whether
// the list carries the contents or leaves them out.
func TestOwnTimelineReadsBack(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		s, err := sim.New(sim.Config{Token: "t", OnlineAge: -1, BareLists: bare, Log: zerolog.Nop(),
			Accounts: []sim.Account{{WcID: "me", OnlineFor: time.Hour}}})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(s.Handler())
		t.Cleanup(func() { srv.Close(); _ = s.Close() })
		c, err := New(Config{BaseURL: srv.URL, Token: "t", Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		logins, err := c.Logins(t.Context())
		if err != nil || len(logins) != 1 {
			t.Fatalf("logins %v, %v", logins, err)
		}
		w := logins[0].WID
		for range 23 {
			if r := c.Publish(t.Context(), w, testCard, everyone); r.Verdict != moment.Delivered {
				t.Fatalf("publish: %+v", r)
			}
		}
		got, err := c.OwnTimeline(t.Context(), w, "me", time.Now().Add(-time.Minute))
		if err != nil || len(got) != 23 {
			t.Fatalf("%d moments, %v; want 23", len(got), err)
		}
		for _, m := range got {
			if differs, match := m.Against(moment.Doubt{WcID: "me", Card: testCard, IntentAt: time.Now(), CallUntil: time.Now()}); !match {
				t.Fatalf("moment %+v does not match the card: %v", m, differs)
			}
		}
		if got, err := c.OwnTimeline(t.Context(), w, "me", time.Now().Add(time.Minute)); err != nil || len(got) != 0 {
			t.Errorf("%d moments of the future, %v", len(got), err)
		}
	}
}
