package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Signing in leads to the page that was asked for; a wrong password says so and
// keeps the name.
func TestSigningIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.tab("", "")
	b.open("/queue?q=龙井&lang=zh-CN")
	b.at("/login")
	b.heard.expect(401)
	b.fill("input[name=name]", "ann")
	b.fill("input[name=password]", "not the password")
	b.keys(kb.Enter)
	b.has("[data-focus]")
	if got := b.value("input[name=name]"); got != "ann" {
		t.Errorf("the name is %q after a wrong password", got)
	}
	b.fill("input[name=password]", password)
	b.keys(kb.Enter)
	b.at("/queue")
	b.see("安然")
	if got := b.value("input[name=q]"); got != "龙井" {
		t.Errorf("looks for %q after signing in", got)
	}
}
