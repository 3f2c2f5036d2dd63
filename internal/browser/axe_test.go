package browser_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata/axe/axe.min.js
var axe string

// finding is one rule that a page breaks.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

func (f finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", f.ID, f.Impact, f.Help)
	for _, n := range f.Nodes {
		fmt.Fprintf(&b, "\n    %s\n      %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
	}
	return b.String()
}

// grave reports whether somebody is kept from using the page.
func (f finding) grave() bool { return f.Impact == "serious" || f.Impact == "critical" }

// audit runs axe on the page as it is. The script comes in beside the page's
// content policy, which stays as strict as it is.
func (b *tab) audit() []finding {
	b.t.Helper()
	if !eval[bool](b, `typeof axe === 'object'`) {
		eval[bool](b, axe+";true")
	}
	return eval[[]finding](b, `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r =>
		r.violations.map(v => ({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 5).map(n => ({HTML: n.html.slice(0, 300), FailureSummary: n.failureSummary}))})))`)
}

// The checks are those that their authors released.
func TestAxeIsUnchanged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "axe")
	list, err := os.ReadFile(filepath.Join(dir, "CHECKSUMS"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(bytes.NewReader(list)); lines.Scan(); n++ {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s is not what CHECKSUMS says", name)
		}
	}
	if n != 3 {
		t.Errorf("CHECKSUMS lists %d files, want 3", n)
	}
}
