package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience is how long one step may take: other test binaries may be running.
const patience = 30 * time.Second

// size is a window of the browser, in CSS pixels.
type size struct{ width, height int64 }

var (
	wide   = size{1440, 900}
	narrow = size{360, 740}
)

// tab is one page of a browser, of a person with a profile of its own. It is
// used by one goroutine.
type tab struct {
	t    testing.TB
	ctx  context.Context //nolint:containedctx // chromedp knows a tab by its context
	base string
	name string // of its files in artifacts
	size size

	picturesAt string // where pictures for cards are

	heard heard
}

// newTab opens a tab in a fresh profile: no cookie, no history, nothing stored.
func newTab(t testing.TB, base string) *tab {
	t.Helper()
	b := &tab{t: t, base: base, name: strings.NewReplacer("/", "-", " ", "_").Replace(t.Name()), size: wide}
	b.start(theBrowser(t), chromedp.WithNewBrowserContext())
	return b
}

// start opens the tab. What the browser has found wrong is told when the test
// ends, before the tab is closed.
func (b *tab) start(parent context.Context, options ...chromedp.ContextOption) {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(parent, append(options, chromedp.WithListener(b.listen))...)
	b.ctx = ctx
	b.t.Cleanup(func() {
		b.clean()
		b.heard.end()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
	b.step("prepare the tab", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tellViolations})
		if err != nil {
			return err
		}
		if _, err = chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Shanghai"}); err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.EmulateViewport(b.size.width, b.size.height))
	})
}

// tellViolations makes a violated content policy loud.
const tellViolations = `document.addEventListener('securitypolicyviolation', e =>
	console.error('content policy violated: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sourceFile + ':' + e.lineNumber))`

// step does one thing within a limit of its own.
func (b *tab) step(what string, do func(context.Context) error) {
	b.t.Helper()
	ctx, done := context.WithTimeout(b.ctx, patience)
	defer done()
	if err := do(ctx); err != nil {
		b.t.Fatalf("%s: %v (see %s)", what, err, b.keep())
	}
}

// keep leaves what the page is now in artifacts and says where.
func (b *tab) keep() string {
	stem := filepath.Join(artifacts(b.t), b.name)
	ctx, done := context.WithTimeout(b.ctx, 10*time.Second)
	defer done()
	if shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)); err == nil {
		_ = os.WriteFile(stem+".png", shot, 0o600)
	}
	if html, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`)); err == nil {
		_ = os.WriteFile(stem+".html", []byte(html), 0o600)
	}
	_ = os.WriteFile(stem+".log", []byte(b.heard.all()), 0o600)
	return stem + ".{png,html,log}"
}

// artifacts is the directory for what a person looks at afterwards.
func artifacts(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../artifacts")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// eval runs a script in the page and decodes what it yields.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	var out T
	b.step(brief(script), func(ctx context.Context) (err error) {
		out, err = chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
		return err
	})
	return out
}

// wait repeats a condition of the page until it holds, across navigations.
func (b *tab) wait(what, condition string) {
	b.t.Helper()
	b.step("wait: "+what, func(ctx context.Context) error {
		var last error
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean(`+condition+`)`))
			if err == nil && ok {
				return nil
			}
			if err != nil && ctx.Err() == nil {
				last = err // a page that is being left has no scripts
			}
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), last)
			case <-tick.C:
			}
		}
	})
}

// open goes to a page of the program, which must answer 200.
func (b *tab) open(path string) { b.t.Helper(); b.openAs(path, 200) }

// openAs goes to a page that answers with the status.
func (b *tab) openAs(path string, status int64) {
	b.t.Helper()
	if status >= 400 {
		b.heard.expect(int(status))
	}
	b.step("open "+path, func(ctx context.Context) error {
		answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(b.base+path))
		if err != nil {
			return err
		}
		if answer != nil && answer.Status != status {
			return fmt.Errorf("status %d, want %d", answer.Status, status)
		}
		return nil
	})
}

// at waits until the tab shows the page of the path, whatever its query, and
// has loaded it.
func (b *tab) at(path string) {
	b.t.Helper()
	b.wait("the page "+path, `location.pathname === `+quote(path)+` && document.readyState === 'complete'`)
}

// see waits until the page shows each of the texts to whoever looks at it.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.wait("to see "+text, `document.body && document.body.innerText.includes(`+quote(text)+`)`)
	}
}

// lacks fails the test if the page shows any of the texts.
func (b *tab) lacks(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if eval[bool](b, `document.body.innerText.includes(`+quote(text)+`)`) {
			b.t.Errorf("the page shows %q (see %s)", text, b.keep())
		}
	}
}

// has waits for an element.
func (b *tab) has(selector string) {
	b.t.Helper()
	b.wait("for "+selector, `document.querySelector(`+quote(selector)+`) !== null`)
}

// count is how many elements there are.
func (b *tab) count(selector string) int {
	b.t.Helper()
	return eval[int](b, `document.querySelectorAll(`+quote(selector)+`).length`)
}

// resize changes the window.
func (b *tab) resize(to size) {
	b.t.Helper()
	b.size = to
	b.step("resize", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.EmulateViewport(to.width, to.height))
	})
}

// scripts switches the page's own scripts on or off from the next page on.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	b.step("scripts", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// calm waits until nothing is under way: no request of htmx, no font, no picture.
func (b *tab) calm() {
	b.t.Helper()
	b.wait("the page to be calm", `document.readyState === 'complete' && document.fonts.status === 'loaded' &&
		!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling') &&
		Array.from(document.images).every(i => i.complete || i.loading === 'lazy')`)
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func brief(script string) string {
	if r := []rune(strings.Join(strings.Fields(script), " ")); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return script
}

// guarded is a list that the browser's events and the test share.
type guarded struct {
	mu    sync.Mutex
	lines []string
}

func (g *guarded) add(line string) { g.mu.Lock(); defer g.mu.Unlock(); g.lines = append(g.lines, line) }

func (g *guarded) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.lines
	g.lines = nil
	return out
}

func (g *guarded) copy() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.lines...)
}

// sibling is another tab of the same person: they share their cookies.
func (b *tab) sibling() *tab {
	b.t.Helper()
	other := &tab{t: b.t, base: b.base, name: b.name + "-2", size: b.size}
	other.start(b.ctx)
	return other
}
