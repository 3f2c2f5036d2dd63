package browser_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// heard is what the browser had to say about a tab.
type heard struct {
	said    guarded // everything
	wrong   guarded // what must not be
	dialogs guarded // what was asked, such as whether to leave a page

	mu       sync.Mutex
	expected []int // answers that the test asks for, such as 403
	away     bool  // the server may be gone
	stay     bool  // how to answer when a page asks whether to leave it
	over     bool  // what comes now is the tab being closed
	requests map[network.RequestID]string
	answers  sync.WaitGroup
}

func (h *heard) set(change func(*heard)) { h.mu.Lock(); defer h.mu.Unlock(); change(h) }

// expect lets answers with the status pass from now on.
func (h *heard) expect(status int) {
	h.set(func(h *heard) { h.expected = append(h.expected, status) })
}

func (h *heard) end() { h.set(func(h *heard) { h.over = true }); h.answers.Wait() }

func (h *heard) all() string {
	return strings.Join(h.said.copy(), "\n") + "\n"
}

func (h *heard) problem(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	h.said.add("! " + line)
	h.wrong.add(line)
}

// listen takes the browser's events. It must not ask the browser anything.
func (b *tab) listen(event any) {
	h := &b.heard
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		h.console(e)
	case *runtime.EventExceptionThrown:
		h.problem("exception: %s %s", e.ExceptionDetails.Text, describe(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		h.entry(e.Entry)
	case *network.EventRequestWillBeSent:
		h.request(e)
	case *network.EventResponseReceived:
		h.response(e.Response)
	case *network.EventLoadingFailed:
		h.failed(e)
	case *page.EventJavascriptDialogOpening:
		h.dialogs.add(string(e.Type))
		stay := h.stay && e.Type == page.DialogTypeBeforeunload
		h.answers.Go(func() { b.answer(!stay) })
	}
}

// answer closes a dialog, without which the page would stand still.
func (b *tab) answer(accept bool) {
	ctx, done := context.WithTimeout(b.ctx, 10*time.Second)
	defer done()
	if _, err := chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept}); err != nil {
		b.heard.said.add("dialog: " + err.Error())
	}
}

func (h *heard) console(e *runtime.EventConsoleAPICalled) {
	var words []string
	for _, a := range e.Args {
		words = append(words, describe(a))
	}
	line := fmt.Sprintf("console.%s: %s", e.Type, strings.Join(words, " "))
	switch e.Type {
	case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
		// A request that a newer one replaces is told of as an error by htmx.
		replaced := strings.Contains(line, "htmx:sendAbort") || strings.Contains(line, "htmx:afterRequest")
		if !h.away && !replaced && !h.ofExpected(line) {
			h.problem("%s", line)
			return
		}
	}
	h.said.add(line)
}

// ofExpected reports whether htmx says on the console that a request had an
// answer that the test asked for.
func (h *heard) ofExpected(line string) bool {
	return slices.ContainsFunc(h.expected, func(status int) bool {
		return strings.Contains(line, fmt.Sprintf("Response Status Error Code %d", status))
	})
}

// entry takes what the browser itself logs. Of requests it says nothing that
// the network events do not say better.
func (h *heard) entry(e *log.Entry) {
	line := fmt.Sprintf("%s %s: %s %s:%d", e.Source, e.Level, e.Text, e.URL, e.LineNumber)
	if e.Source != log.EntrySourceNetwork && (e.Level == log.EntryLevelError || e.Level == log.EntryLevelWarning) {
		h.problem("%s", line)
		return
	}
	h.said.add(line)
}

func (h *heard) request(e *network.EventRequestWillBeSent) {
	if h.requests == nil {
		h.requests = make(map[network.RequestID]string)
	}
	h.requests[e.RequestID] = e.Request.Method + " " + e.Request.URL
}

func (h *heard) response(r *network.Response) {
	line := fmt.Sprintf("%d %s", r.Status, r.URL)
	if r.Status >= 400 && !slices.Contains(h.expected, int(r.Status)) && !h.away {
		h.problem("answer %s", line)
		return
	}
	h.said.add(line)
}

func (h *heard) failed(e *network.EventLoadingFailed) {
	line := fmt.Sprintf("%s (%s): %s %s", h.requests[e.RequestID], e.Type, e.ErrorText, e.BlockedReason)
	// A page that is left gives up what it was loading.
	if e.Canceled || e.ErrorText == "net::ERR_ABORTED" || h.away {
		h.said.add(line)
		return
	}
	h.problem("request %s", line)
}

func describe(o *runtime.RemoteObject) string {
	switch {
	case o == nil:
		return ""
	case o.Description != "":
		return o.Description
	case len(o.Value) > 0:
		return string(o.Value)
	}
	return string(o.Type)
}

// clean fails the test for everything that the browser found wrong since the
// last time it was asked.
func (b *tab) clean() {
	b.t.Helper()
	for _, line := range b.heard.wrong.take() {
		b.t.Errorf("the browser says: %s (see %s)", line, b.keep())
	}
}
