package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"momentcast/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestPeopleFromTheCommandLine(t *testing.T) {
	url := postgrestest.URL(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out strings.Builder
		err := execute(t.Context(), append(append([]string{"user"}, args...), "--database-url", url), &out, &out)
		return out.String(), err
	}
	for _, step := range []struct{ args, want, wrong string }{
		{"list", "nobody yet", ""},
		{"add 王小明 --role admin --display Wang --password-file " + file, "王小明 (admin) was added", ""},
		{"add 王小明 --password-file " + file, "", "name is taken"},
		{"add ann --password-file " + short, "", "at least 10 characters"},
		{"add a --role editor --password-file " + file, "", "3 to 64"},
		{"add ann --role owner --password-file " + file, "", "must be one of"},
		{"add ann --role editor --role approver --password-file " + file, "ann (editor,approver) was added", ""},
		{"list", "editor,approver", ""},
		{"role ann viewer operator", "ann is viewer,operator", ""},
		{"disable 王小明", "", "last administrator"},
		{"disable ann", "shut out", ""},
		{"list", "disabled", ""},
		{"enable ann", "may sign in again", ""},
		{"passwd ann --password-file " + file, "new password", ""},
		{"passwd ann --password-file " + file + "x", "", "no such file"},
		{"passwd nobody --password-file " + file, "", "no such person"},
	} {
		out, err := run(strings.Fields(step.args)...)
		switch {
		case step.wrong == "" && (err != nil || !strings.Contains(out, step.want)):
			t.Errorf("user %s: %v: %s", step.args, err, out)
		case step.wrong != "" && (err == nil || !strings.Contains(line(err), step.wrong)):
			t.Errorf("user %s: %v, want %q", step.args, err, step.wrong)
		}
	}
}
