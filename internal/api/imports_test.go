package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

type importAnswer struct {
	ID       int64
	Kind     string
	File     string
	State    string
	Rows     int
	Columns  []struct{ Header, Field string }
	Counts   struct{ New, Exists, Differs, Errors, Created int }
	Progress struct {
		Rows    int
		Stopped bool
	}
	Findings struct {
		Items []struct {
			Row                              int
			Column, Field, Severity, Message string
		}
		NextCursor *string `json:"next_cursor"`
	}
}

// table is a file of n rows whose every tenth names an account that is none.
func tableFile(n int) string {
	var b strings.Builder
	b.WriteString("account,due,text,Heading,link,image\n")
	for i := range n {
		account := "wxid_one"
		if i%10 == 9 {
			account = "wxid_nobody"
		}
		fmt.Fprintf(&b, "%s,%s 09:00,text %d,title %d,https://example.com/%d,https://example.com/a.jpg\n", account, time.Now().AddDate(0, 0, 2).Format(time.DateOnly), i, i, i)
	}
	return b.String()
}

func TestImportFromFileToPosts(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.call("POST", "/instances", map[string]any{"wc_id": "wxid_one"}).want(201)
	const rows = 1200
	at := "/imports?file=tea.csv&everyone=true&zone=Asia/Shanghai&map=" + url.QueryEscape("Heading=title")
	a := s.call("POST", at, tableFile(rows), "Content-Type", "text/csv").want(201)
	made := decode[importAnswer](a)
	if made.File != "tea.csv" || made.State != "checked" || made.Rows != rows || made.Counts.New != rows*9/10 || made.Counts.Errors != rows/10 || a.header.Get("Location") == "" {
		t.Fatalf("%+v", made)
	}
	if d := cmp.Diff(struct{ Header, Field string }{"Heading", "title"}, made.Columns[3]); d != "" {
		t.Error(d)
	}
	if n := s.count(`SELECT count(*) FROM posts`); n != 0 {
		t.Fatalf("%d posts of a dry run", n)
	}
	// Every finding once, in the order of the rows, over several pages.
	var wrong []int
	for _, f := range made.Findings.Items {
		wrong = append(wrong, f.Row)
	}
	one := fmt.Sprint("/imports/", made.ID)
	for cursor := made.Findings.NextCursor; cursor != nil; {
		page := decode[importAnswerPage](s.call("GET", one+"/findings?limit=33&cursor="+url.QueryEscape(*cursor), nil).want(200))
		for _, f := range page.Items {
			wrong = append(wrong, f.Row)
		}
		cursor = page.NextCursor
	}
	for i, row := range wrong {
		if row != 11+10*i {
			t.Fatalf("finding %d is of row %d", i, row)
		}
	}
	if len(wrong) != rows/10 {
		t.Errorf("%d findings", len(wrong))
	}
	s.call("POST", one+"/commit", nil).want(http.StatusConflict).problem()
	s.call("POST", one+"/commit", map[string]any{"skip_wrong": true}).want(http.StatusAccepted)
	for limit := time.Now().Add(time.Minute); decode[importAnswer](s.call("GET", one, nil).want(200)).State != "done"; {
		if time.Now().After(limit) {
			t.Fatal("the commit does not end")
		}
	}
	done := decode[importAnswer](s.call("POST", one+"/commit", nil).want(http.StatusOK)) // once more
	if done.Counts.Created != rows*9/10 || done.Progress.Rows != rows {
		t.Errorf("%+v", done)
	}
	if n := s.count(`SELECT count(*) FROM posts WHERE source = 'import' AND author = 'admin' AND visibility = 'everyone'`); n != rows*9/10 {
		t.Errorf("%d posts", n)
	}
	again := decode[importAnswer](s.call("POST", at, tableFile(rows), "Content-Type", "text/csv").want(201))
	if again.Counts.New != 0 || again.Counts.Exists != rows*9/10 {
		t.Errorf("the same file again: %+v", again.Counts)
	}
	list := decode[struct{ Items []importAnswer }](s.call("GET", "/imports?limit=1", nil).want(200))
	if len(list.Items) != 1 || list.Items[0].ID != again.ID {
		t.Errorf("%+v", list)
	}
	s.call("DELETE", one, nil).want(204)
	s.call("GET", one, nil).want(404).problem()
	s.call("GET", one+"/findings", nil).want(404).problem()
	s.call("POST", one+"/commit", nil).want(404).problem()
}

func TestImportOfCampaigns(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.call("POST", "/instances", map[string]any{"wc_id": "wxid_gia1nwcgpobz22"}).want(201)
	for _, language := range []string{"zh-CN", "en"} { // the example makes a campaign in either language
		template := s.call("GET", "/imports/template?kind=campaigns&format=xlsx&language="+language, nil).want(200)
		a := s.call("POST", "/imports?kind=campaigns", template.body, "Content-Type", template.header.Get("Content-Type")).want(201)
		made := decode[importAnswer](a)
		if made.Kind != "campaigns" || made.Counts.New != 1 {
			t.Fatalf("%+v", made)
		}
		one := fmt.Sprint("/imports/", made.ID)
		s.call("POST", one+"/commit", nil).want(http.StatusAccepted)
		for limit := time.Now().Add(time.Minute); decode[importAnswer](s.call("GET", one, nil).want(200)).State != "done"; {
			if time.Now().After(limit) {
				t.Fatal("the commit does not end")
			}
		}
		again := decode[importAnswer](s.call("POST", "/imports?kind=campaigns", template.body, "Content-Type", template.header.Get("Content-Type")).want(201))
		if again.Counts.New != 0 || again.Counts.Exists != 1 {
			t.Errorf("the same file again: %+v", again)
		}
	}
	if n := s.count(`SELECT count(*) FROM campaigns WHERE state = 'draft' AND external_key IN ('tea-weekly', 'autumn-weekly')`); n != 2 {
		t.Errorf("%d drafts", n)
	}
	s.call("POST", "/imports?kind=poems", "a\nb\n", "Content-Type", "text/csv").want(422).problem()
}

type importAnswerPage struct {
	Items      []struct{ Row int }
	NextCursor *string `json:"next_cursor"`
}

func TestImportInOtherShapes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", `C:\files\form.csv`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(tableFile(1))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if i := decode[importAnswer](s.call("POST", "/imports", form.String(), "Content-Type", w.FormDataContentType()).want(201)); i.File != "form.csv" || i.Counts.Errors != 1 {
		t.Errorf("%+v", i)
	}
	for _, format := range []string{"csv", "xlsx"} {
		a := s.call("GET", "/imports/template?language=en&format="+format, nil).want(200)
		if !strings.Contains(a.header.Get("Content-Disposition"), "momentcast-posts."+format) {
			t.Errorf("%v", a.header)
		}
		i := decode[importAnswer](s.call("POST", "/imports", a.body, "Content-Type", a.header.Get("Content-Type")).want(201))
		if i.Rows != 1 || i.Columns[1].Field != "due" {
			t.Errorf("%+v", i)
		}
	}
	if i := decode[importAnswer](s.call("POST", "/imports?header=false&map=A%3Dinstance&map=B%3Ddue", "wxid_one,2026-12-01 09:00,x\n", "Content-Type", "text/csv").want(201)); i.Rows != 1 ||
		i.Columns[0] != (struct{ Header, Field string }{"A", "instance"}) || i.Columns[2].Field != "" {
		t.Errorf("%+v", i)
	}
}

func TestImportsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for name, tt := range map[string]struct {
		path, body, kind string
		status           int
		says             string
	}{
		"empty":             {"", "", "text/csv", 422, "The file is empty."},
		"header only":       {"", "a,b\n", "text/csv", 422, "no rows below"},
		"old workbook":      {"", "\xd0\xcf\x11\xe0rest", "application/octet-stream", 422, "old .xls workbook"},
		"broken workbook":   {"", "PK\x03\x04rest", "application/octet-stream", 422, "not a workbook"},
		"JSON":              {"", "{}", "application/json", 415, "text/csv"},
		"no type":           {"", "a\nb\n", "", 415, "text/csv"},
		"type that is none": {"", "a\nb\n", "text/csv; \x00", 415, "text/csv"},
		"form without file": {"", "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--x--\r\n", "multipart/form-data; boundary=x", 422, "a part of the form"},
		"form without end":  {"", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na", "multipart/form-data; boundary=x", 422, "breaks off"},
		"no boundary":       {"", "x", "multipart/form-data", 422, "a part of the form"},
		"too large":         {"", strings.Repeat("a,b\n", moment.MaxImportBytes/4+1), "text/csv", 422, "larger than 32 MiB"},
		"far too large":     {"", strings.Repeat("a,b\n", moment.MaxImportBytes/4+1<<19), "text/csv", 413, "larger than"},
		"unknown column":    {"?map=c%3Dtitle", "a\nb\n", "text/csv", 422, "query.map"},
		"unknown field":     {"?map=a%3Dnonsense", "a\nb\n", "text/csv", 422, "query.map"},
		"map of nothing":    {"?map=a", "a\nb\n", "text/csv", 422, "query.map[0]"},
		"unknown zone":      {"?zone=Mars%2FOlympus", "a\nb\n", "text/csv", 422, "query.zone"},
		"unknown audience":  {"?audience_id=4711", "a\nb\n", "text/csv", 422, "query.audience_id"},
		"two audiences":     {"?audience_id=1&everyone=true", "a\nb\n", "text/csv", 422, "query.everyone"},
		"unknown parameter": {"?headr=false", "a\nb\n", "text/csv", 422, "query.headr"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.call("POST", "/imports"+tt.path, tt.body, "Content-Type", tt.kind)
			a.t = t
			if a.want(tt.status).problem(); !strings.Contains(a.body, tt.says) {
				t.Error(a.body)
			}
		})
	}
	if n := s.count(`SELECT count(*) FROM imports`); n != 0 {
		t.Errorf("%d imports of files that were refused", n)
	}
	s.call("GET", "/imports/template?format=exe", nil).want(422).problem()
	s.call("POST", "/imports/0/commit", map[string]any{"skip_wrong": "yes"}).want(422).problem()
}
