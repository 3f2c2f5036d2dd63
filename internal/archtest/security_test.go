package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testNamed   = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	testDefined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// TestThreatsAreCovered holds docs/security.md against the tests that it names:
// every line of its tables names one, and each exists.
func TestThreatsAreCovered(t *testing.T) {
	t.Parallel()
	defined := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range testDefined.FindAllSubmatch(source, -1) {
			defined[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	doc := string(read(t, filepath.Join(root, "docs/security.md")))
	threats, inThreats := 0, false
	for line := range strings.Lines(doc) {
		switch {
		case !strings.HasPrefix(line, "|"):
			inThreats = false
		case strings.HasPrefix(line, "| threat |"):
			inThreats = true
		case inThreats && !strings.HasPrefix(line, "|---"):
			threats++
			named := testNamed.FindAllStringSubmatch(line, -1)
			if len(named) == 0 {
				t.Errorf("no test covers: %s", line)
			}
			for _, m := range named {
				if !defined[m[1]] {
					t.Errorf("%s does not exist, which covers: %s", m[1], line)
				}
			}
		}
	}
	if threats < 30 || !strings.Contains(doc, "## Not covered") {
		t.Errorf("docs/security.md has %d threats", threats)
	}
}
