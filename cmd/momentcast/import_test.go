package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	stubChecked = `{"id":5,"file":"tea.csv","state":"checked","rows":3,"counts":{"new":2,"errors":1},"columns":[{"header":"H\u001b[2J","field":"title"}],
		"findings":{"items":[{"row":2,"column":"When","severity":"error","message":"is no time"}],"next_cursor":"NEXT"}}`
	stubRight = `{"id":5,"file":"tea.csv","state":"checked","rows":3,"counts":{"new":3},"findings":{"items":[],"next_cursor":null}}`
	stubDone  = `{"id":5,"state":"done","rows":3,"counts":{"created":2},"progress":{"rows":3}}`
	stubHalf  = `{"id":5,"state":"committing","rows":3,"counts":{"created":1},"progress":{"rows":2}}`
)

func TestImportCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, written := filepath.Join(dir, "tea.csv"), filepath.Join(dir, "out.csv")
	if err := os.WriteFile(file, []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	more := `{"items":[{"row":4,"field":"url","severity":"warn","message":"look"}],"next_cursor":null}`
	for name, tt := range map[string]struct {
		args    []string
		answers map[string]string
		asked   []string
		out     string
		code    int
	}{
		"dry run": {
			[]string{"import", file, "--map", "Heading=title", "--map", "a,b=", "--zone", "Asia/Shanghai", "--dry-run"},
			map[string]string{"POST /imports": stubChecked, "GET /imports/5/findings": more},
			[]string{"POST /imports file=tea.csv&map=Heading%3Dtitle&map=a%2Cb%3D&zone=Asia%2FShanghaia,b", "GET /imports/5/findings cursor=NEXT&limit=200"},
			"row 2  error: When: is no time\nrow 4  warn: url: look\n", 1,
		},
		"without a header": {
			[]string{"import", file, "--no-header", "--everyone", "--draft", "-i", "7"},
			map[string]string{"POST /imports": stubRight},
			[]string{"POST /imports draft=true&everyone=true&file=tea.csv&header=false&instance_id=7a,b"}, "wrong          0", 0,
		},
		"wrong rows are not left out": {
			[]string{"import", file, "--commit"}, map[string]string{"POST /imports": stubChecked, "GET /imports/5/findings": more},
			[]string{"POST /imports file=tea.csva,b", "GET /imports/5/findings cursor=NEXT&limit=200"}, "1 rows are wrong", 1,
		},
		"commit and watch": {
			[]string{"import", file, "--commit", "--watch", "--every", "1ms"},
			map[string]string{"POST /imports": stubRight, "POST /imports/5/commit": stubHalf, "GET /imports/5": stubDone},
			[]string{"POST /imports file=tea.csva,b", `POST /imports/5/commit {"skip_wrong":false}`, "GET /imports/5"}, "2 of 3 rows, 1 posts created\nimport 5 is done: 2 posts created\n", 0,
		},
		"campaigns": {
			[]string{"import", "campaigns", file, "--commit"},
			map[string]string{"POST /imports": strings.Replace(stubRight, `"id"`, `"kind":"campaigns","id"`, 1), "POST /imports/5/commit": strings.Replace(stubDone, `"id"`, `"kind":"campaigns","id"`, 1)},
			[]string{"POST /imports file=tea.csv&kind=campaignsa,b", `POST /imports/5/commit {"skip_wrong":false}`}, "import 5 is done: 2 campaigns created\n", 0,
		},
		"commit": {
			[]string{"import", "commit", "5", "--skip-wrong"}, map[string]string{"POST /imports/5/commit": stubHalf},
			[]string{`POST /imports/5/commit {"skip_wrong":true}`}, "goes on in the background", 0,
		},
		"show":     {[]string{"import", "show", "5"}, map[string]string{"GET /imports/5": stubDone}, []string{"GET /imports/5"}, "created        2", 0},
		"as JSON":  {[]string{"import", file, "--commit", "--json"}, map[string]string{"POST /imports": stubRight, "POST /imports/5/commit": stubDone}, []string{"POST /imports file=tea.csva,b", `POST /imports/5/commit {"skip_wrong":false}`}, "{\n  \"id\": 5,\n  \"state\": \"done\"", 0},
		"template": {[]string{"import", "template", "--language", "en", "-o", written}, map[string]string{"GET /imports/template": "account\n"}, []string{"GET /imports/template format=csv&kind=posts&language=en"}, "", 0},
		"no file":  {[]string{"import", filepath.Join(dir, "none.csv")}, nil, nil, "no such file", 1},
		"both":     {[]string{"import", file, "--commit", "--dry-run"}, nil, nil, "--commit", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStub(t, tt.answers)
			out, code := s.run(tt.args...)
			if code != tt.code && (code == 0 || tt.code == 0) || !strings.Contains(out, tt.out) {
				t.Errorf("exit %d: %s", code, out)
			}
			if d := cmp.Diff(tt.asked, s.asked); d != "" {
				t.Error(d)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("a header steers the terminal")
			}
		})
	}
	t.Cleanup(func() {
		if b, err := os.ReadFile(written); err != nil || string(b) != "account\n" {
			t.Errorf("the template: %q, %v", b, err)
		}
	})
}
