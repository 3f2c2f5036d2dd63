package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// spot is a point of the window.
type spot struct{ X, Y float64 }

// find is a script that yields the middle of an element when it can be clicked:
// it is shown, and nothing lies over it.
const find = `(el => {
	if (!el) return null;
	el.scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'});
	const r = Array.from(el.getClientRects()).find(r => r.width > 0 && r.height > 0);
	if (!r) return null;
	const x = r.left + r.width / 2, y = r.top + r.height / 2;
	const top = document.elementFromPoint(x, y);
	if (!top || !(el.contains(top) || top.contains(el) || top.closest('label')?.control === el)) return null;
	return {x, y};
})`

// named finds what a person calls by its text: a button, a link, a tab, a
// disclosure or a label. Of several the smallest exact one is taken.
const named = `(text => {
	const plain = s => (s || '').replace(/\s+/g, ' ').trim();
	const all = Array.from(document.querySelectorAll('button, a, summary, label, [role=button], [role=tab], [role=menuitem], input[type=submit]'))
		.filter(el => el.checkVisibility({visibilityProperty: true}));
	const says = el => plain(el.innerText || el.value || el.getAttribute('aria-label'));
	return all.find(el => says(el) === text) || all.find(el => plain(el.getAttribute('aria-label')) === text || plain(el.title) === text) ||
		all.find(el => says(el).startsWith(text)) || null;
})`

// spotOf waits until the element that the script yields can be clicked.
func (b *tab) spotOf(what, element string) (at spot) {
	b.t.Helper()
	b.step("find "+what, func(ctx context.Context) error {
		var last error
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			p, err := chromedp.Run(ctx, chromedp.Evaluate[*spot](find+`(`+element+`)`))
			if err == nil && p != nil {
				at = *p
				return nil
			}
			last = err
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), last)
			case <-tick.C:
			}
		}
	})
	return at
}

func (b *tab) clickAt(what string, at spot) {
	b.t.Helper()
	b.step("click "+what, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.MouseClickXY(at.X, at.Y)) })
}

// click presses the mouse on an element.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.clickAt(selector, b.spotOf(selector, `document.querySelector(`+quote(selector)+`)`))
}

// press presses the mouse on what has the text.
func (b *tab) press(text string) {
	b.t.Helper()
	b.clickAt(text, b.spotOf(text, named+`(`+quote(text)+`)`))
}

// fill replaces what is in a field, as if it were typed or pasted. Fields in
// which browsers have people pick, such as times, are set.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.has(selector)
	typed := eval[bool](b, `(el => {
		el.scrollIntoView({block: 'center', behavior: 'instant'});
		el.focus();
		if (el.tagName === 'SELECT' || /^(date|time|datetime-local|color|range|hidden)$/.test(el.type)) {
			const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(el), 'value');
			own.set.call(el, `+quote(value)+`);
			el.dispatchEvent(new Event('input', {bubbles: true}));
			el.dispatchEvent(new Event('change', {bubbles: true}));
			return false;
		}
		el.select();
		return true;
	})(document.querySelector(`+quote(selector)+`))`)
	if !typed {
		return
	}
	if value == "" {
		b.keys(kb.Backspace)
	} else {
		b.insert(value)
	}
	if got := eval[string](b, `document.querySelector(`+quote(selector)+`).value`); strings.ReplaceAll(got, "\r", "") != value {
		b.t.Fatalf("%s holds %q after typing %q (see %s)", selector, got, value, b.keep())
	}
}

// insert types a text where the focus is, as a Chinese keyboard does: at once.
func (b *tab) insert(text string) {
	b.t.Helper()
	b.step("type "+text, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// value is what a field holds.
func (b *tab) value(selector string) string {
	b.t.Helper()
	b.has(selector)
	return eval[string](b, `document.querySelector(`+quote(selector)+`).value`)
}

// keys presses keys, one after the other.
func (b *tab) keys(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	b.step(fmt.Sprintf("press %q", keys), func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
	})
}

// stroke presses one key that writes a character, unless the page takes it for
// something else. The browser writes it itself, as for people; after keys it
// is written in any case.
func (b *tab) stroke(key string) {
	b.t.Helper()
	b.step("stroke "+key, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key})
		return err
	})
}

// drag moves the mouse from one spot to another with its button down.
func (b *tab) drag(from, to spot) {
	b.t.Helper()
	b.step("drag", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.DragAndDropXY(from.X, from.Y, to.X, to.Y, 12))
	})
}

// attach chooses files in a field for them.
func (b *tab) attach(selector string, files ...string) {
	b.t.Helper()
	b.step("choose files", func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS(selector), files))
	})
}

// file makes a file of the name and returns where it is.
func (b *tab) file(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// signIn signs a person in through the login page, in the language.
func (b *tab) signIn(name, lang string) {
	b.t.Helper()
	b.open("/login?lang=" + lang)
	b.fill("input[name=name]", name)
	b.fill("input[name=password]", password)
	b.keys(kb.Enter)
	b.at("/")
}
