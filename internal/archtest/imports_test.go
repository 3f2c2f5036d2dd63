// Package archtest checks that packages import downwards only:
//
//	cmd → app → { api  dispatch  postgres  gateway … } → schedule → moment
//
// Parts in the same braces do not import one another; what one needs of another
// it declares as an interface, and app puts them together.
package archtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "momentcast/"

// anything marks a package that may import every other of this module.
const anything = "*"

// may lists what each package may import of this module, and nothing stands for
// nothing. A package that is not here fails the test, until somebody says here
// what it may know of. A package may be listed before it exists.
var may = map[string][]string{
	// The domain.
	"internal/moment":   {},
	"internal/schedule": {"internal/moment"},
	"internal/lint":     {"internal/moment"},
	"internal/sheet":    {"internal/moment"},

	// The parts. None of them knows another.
	"internal/addressbook": {"internal/moment"},
	"internal/api":         {"internal/moment", "internal/sheet", "internal/lint", "internal/schedule"},
	"internal/auth":        {"internal/moment"},
	"internal/dispatch":    {"internal/moment", "internal/failpoint"},
	"internal/gateway":     {"internal/moment", "internal/failpoint"},
	"internal/importer":    {"internal/moment", "internal/lint", "internal/schedule"},
	"internal/linkcheck":   {"internal/moment"},
	"internal/notify":      {"internal/moment"},
	"internal/postgres":    {"internal/moment", "internal/schedule", "internal/failpoint", "migrations"},
	"internal/web":         {"internal/moment", "internal/sheet", "internal/lint", "internal/schedule"},

	// Tools that know nothing of the parts.
	"internal/client":      {},
	"internal/failpoint":   {},
	"internal/gateway/sim": {},
	"internal/localpg":     {},
	"internal/telemetry":   {"internal/moment"}, // the names that metrics are counted by
	"migrations":           {},

	// For tests only: nothing above may import it.
	"internal/postgres/postgrestest": {"internal/localpg", "migrations"},
	"internal/crash/promise":         {"internal/moment"},

	// What puts the parts together.
	"internal/app":    {anything},
	"internal/bench":  {anything},
	"internal/doctor": {"internal/gateway", "internal/localpg", "internal/moment", "internal/postgres", "migrations"},
	"cmd/momentcast": {
		"internal/app", "internal/bench", "internal/client", "internal/doctor", "internal/gateway/sim",
		"internal/localpg", "internal/moment", "internal/telemetry", "migrations",
	},

	"internal/apifuzz":  {},
	"internal/archtest": {},
	"internal/browser":  {},
	"internal/crash":    {},
}

// testsOnly packages may be imported by tests, which this test does not read,
// and by nothing else, whatever stands above.
var testsOnly = []string{"internal/postgres/postgrestest", "internal/crash/promise"}

// stdOnly packages may not import other modules either.
var stdOnly = []string{"internal/moment", "internal/lint"}

// pkg is a package and what its code, without tests, imports.
type pkg struct {
	path    string
	imports []string
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, problem := range problems(list(t)) {
		t.Error(problem)
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		all = append(all, pkg{f[0], f[1:]})
	}
	if len(all) < 5 {
		t.Fatalf("go list knows %d packages only", len(all))
	}
	return all
}

func problems(all []pkg) []string {
	var found []string
	for _, p := range all {
		name := strings.TrimPrefix(p.path, module)
		allowed, listed := may[name]
		if !listed {
			found = append(found, name+" is new: say in internal/archtest what it may import")
			continue
		}
		for _, imp := range p.imports {
			own, ours := strings.CutPrefix(imp, module)
			switch {
			case ours && slices.Contains(testsOnly, own):
				found = append(found, name+" imports "+own+", which is for tests")
			case ours && !slices.Contains(allowed, own) && !slices.Contains(allowed, anything):
				found = append(found, name+" imports "+own)
			case !ours && slices.Contains(stdOnly, name) && external(imp):
				found = append(found, name+" imports "+imp+", and may need only the standard library")
			}
		}
	}
	return found
}

// external reports whether an import path is of another module: those begin
// with a host name, and the standard library's do not.
func external(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

func TestProblemsAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pkg  pkg
		want string // "" for none
	}{
		"downwards":               {pkg{"momentcast/internal/dispatch", []string{"context", "momentcast/internal/moment"}}, ""},
		"a library":               {pkg{"momentcast/internal/dispatch", []string{"github.com/rs/zerolog"}}, ""},
		"sideways":                {pkg{"momentcast/internal/dispatch", []string{"momentcast/internal/postgres"}}, "internal/dispatch imports internal/postgres"},
		"upwards":                 {pkg{"momentcast/internal/moment", []string{"momentcast/internal/schedule"}}, "internal/moment imports internal/schedule"},
		"a library in the domain": {pkg{"momentcast/internal/moment", []string{"github.com/rs/zerolog"}}, "internal/moment imports github.com/rs/zerolog, and may need only the standard library"},
		"all for app":             {pkg{"momentcast/internal/app", []string{"momentcast/internal/dispatch"}}, ""},
		"test code for app":       {pkg{"momentcast/internal/app", []string{"momentcast/internal/postgres/postgrestest"}}, "internal/app imports internal/postgres/postgrestest, which is for tests"},
		"unknown":                 {pkg{"momentcast/internal/util", nil}, "internal/util is new: say in internal/archtest what it may import"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(problems([]pkg{tt.pkg}), "; "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTableIsConsistent(t *testing.T) {
	t.Parallel()
	for name, allowed := range may {
		for _, a := range allowed {
			if _, listed := may[a]; a != anything && !listed {
				t.Errorf("%s may import %s, which is not in the table", name, a)
			}
		}
	}
}
