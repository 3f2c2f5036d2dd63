package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

// patience is how long a test waits for what should take a moment: other tests
// may be running, on a machine that is slow.
const patience = 2 * time.Minute

// until asks again until the answer is there; what it waits for goes on in the
// background.
func until(t *testing.T, is func() bool) {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), patience)
	defer done()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("it did not come about within %s", patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestContactsAreReadKeptAndFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_shop", "Tea house")
	s.gateway.labels = []moment.Label{{ID: "3", Name: "老客户"}}
	s.gateway.friends = []moment.Contact{
		{WxID: "wxid_zhang", Nickname: "阿张", Remark: "张三", Labels: []string{"3"}},
		{WxID: "wxid_evil", Nickname: `"><script>alert(1)</script>` + "\x00"},
	}
	path := "/contacts?book=" + id(i)
	s.get(path).want(http.StatusOK).has("Reading the contacts", "老客户")
	until(t, func() bool { return strings.Contains(s.get(path).body, "2 contacts, read") })
	s.get(path).has("张三", "wxid_zhang", "阿张").lacks("<script>alert", "every 2s")
	s.get(path + "&find=%E5%BC%A0%E4%B8%89").has("wxid_zhang").lacks("wxid_evil")
	s.get(path + "&label=3").has("wxid_zhang").lacks("wxid_evil")
	s.get(path + "&find=nobody").has("No contact matches")

	// What was read stays when the gateway, or the account, is away.
	s.gateway.mu.Lock()
	s.gateway.err = errors.New("no answer")
	s.gateway.mu.Unlock()
	s.exec(`UPDATE address_books SET labels_at = now() - interval '1 hour'`)
	s.get(path).want(http.StatusOK).has("张三", "老客户", "The gateway did not tell")
	s.exec(`UPDATE instances SET online = false, ready_at = NULL`)
	s.get(path).want(http.StatusOK).has("张三", "not logged in")
	s.submit("/contacts/refresh", "book", id(i)).want(http.StatusConflict)
	s.submit("/contacts/refresh", "book", "999").want(http.StatusNotFound)
}

func TestPreviewSaysWhoSeesItAndWhereItDoesNotWork(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a, b := s.instance("wxid_a", "Tea house"), s.instance("wxid_b", "Book shop")
	for i, name := range map[int64]string{a: "VIP", b: ""} {
		var labels []moment.Label
		if name != "" {
			labels = []moment.Label{{ID: "3", Name: name}}
		}
		if err := s.db.KeepLabels(t.Context(), i, "w", labels); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(fields ...string) page { return s.submit("/visibility/preview", fields...).want(http.StatusOK) }
	ask("visibility", "allow", "visible_labels", "3", "instance", id(a)).has("Only label “VIP” can see it").lacks("has no label")
	ask("visibility", "allow", "visible_labels", "3", "instance", id(a), "instance", id(b)).has("Instance “Book shop” has no label “VIP”")
	ask("visibility", "allow").has("Nobody has chosen yet")
	ask().has("Nobody has chosen yet")
	ask("visibility", "everyone").has("All contacts can see it")
	ask("visibility", "allow", "visible_labels", `"><script>alert(1)</script>`).lacks("<script>alert")
}
