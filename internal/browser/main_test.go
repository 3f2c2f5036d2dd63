package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		beOrphaned()
	}
	goleak.VerifyTestMain(postgrestest.Wrap(chromium{m}))
}

// browsers are the names under which Chromium and Chrome are found;
// scripts/setup.sh looks for the same.
var browsers = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell", "chrome",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
}

func browserPath() (string, error) {
	names := browsers
	if own := os.Getenv("MOMENTCAST_TEST_BROWSER"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no Chromium or Chrome for the tests of the pages (looked for %q): run `make setup`, or name one in MOMENTCAST_TEST_BROWSER", names)
}

// shared is the one browser of this test process; each test has a profile of
// its own in it.
var shared struct {
	once sync.Once
	ctx  context.Context //nolint:containedctx // of the browser, which every test shares
	stop context.CancelFunc
	err  error
}

// launch starts the browser. It speaks through a pipe, and ends when that
// breaks; on Linux the kernel ends it with us besides.
func launch() {
	path, err := browserPath()
	if err != nil {
		shared.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WindowSize(1440, 900), chromedp.Flag("lang", "zh-CN"), chromedp.Env("LANGUAGE=zh_CN"),
		// Nothing but the machine itself is asked.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("force-prefers-reduced-motion", true), chromedp.Flag("mute-audio", true),
	)
	if os.Getenv("CI") != "" {
		options = append(options, chromedp.NoSandbox) // containers seldom allow one; root never has it
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	shared.ctx = ctx //nolint:fatcontext // made once
	shared.stop = func() {
		limit, done := context.WithTimeout(ctx, 10*time.Second)
		_ = chromedp.Cancel(limit) // stop kills what does not end by itself
		done()
		stop()
		stopAlloc()
	}
	if err := chromedp.Do(ctx); err != nil {
		shared.err = fmt.Errorf("start %s: %w", path, err)
	}
}

// theBrowser is the shared browser, started when it is first asked for. Without
// one tests fail: a green run that opened no page would be worse.
func theBrowser(t testing.TB) context.Context {
	t.Helper()
	shared.once.Do(launch)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// chromium stops the browser when all tests are done.
type chromium struct{ tests postgrestest.Runner }

func (c chromium) Run() int {
	code := c.tests.Run()
	if shared.stop != nil {
		shared.stop()
	}
	return code
}
