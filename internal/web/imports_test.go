package web_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// importFile sends a file of posts as a browser does.
func (s *site) importFile(name, content string) page {
	s.t.Helper()
	return s.importFileOf("posts", name, content)
}

func (s *site) importFileOf(kind, name, content string) page {
	s.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if err := form.WriteField("kind", kind); err != nil {
		s.t.Fatal(err)
	}
	if name != "" {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/imports", &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: "roles", Value: "editor"})
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	return page{s.t, w.Code, w.Result().Header, w.Body.String()}
}

func TestImportFromUploadToPosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	i := s.instance("wxid_a", "Tea house")
	s.importFile("", "").want(http.StatusUnprocessableEntity)
	s.submit("/imports", "file", "not a file").want(http.StatusUnprocessableEntity)
	s.importFile("a.xls", "\xd0\xcf\x11\xe0rest").want(http.StatusUnprocessableEntity).has("old .xls workbook")
	day := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	row := "Tea house," + day + " 09:00,text,%s,https://example.com/a,https://example.com/a.jpg\n"
	file := "account,due,text,heading,link,image\n" + strings.ReplaceAll(row, "%s", "First") + strings.ReplaceAll(row, "%s", `"<script>alert(1)</script>"`) +
		"nobody" + strings.ReplaceAll(row, "%s", "Third")
	at := s.importFile("tea.csv", file).want(http.StatusSeeOther).header.Get("Location")
	// A column that no name of ours fits, and rows that do not say who sees them.
	first := s.get(at).has("tea.csv", "heading", "Choose who may see it", "No such account").lacks("<script>alert", at+"/commit")
	columns := []string{"version", first.field("version"), "who", "everyone", "zone", "Asia/Shanghai"}
	for _, c := range []string{"instance", "due", "content", "title", "url", "thumb_url"} {
		columns = append(columns, "column", c)
	}
	s.submit(at, append([]string{"zone", "Mars/Olympus"}, columns...)...).want(http.StatusUnprocessableEntity).has("zone")
	s.submit(at, columns...).to(at)
	s.submit(at, columns...).want(http.StatusConflict) // a page that was left open
	s.get(at).has("Import 2 posts", "Leave out the 1 wrong rows")
	s.submit(at + "/commit").want(http.StatusConflict).has("Some rows are wrong")
	if got := s.text(`SELECT count(*)::text FROM posts`); got != "0" {
		t.Fatalf("%s posts before anybody confirmed", got)
	}
	s.submit(at+"/commit", "skip", "1").to(at)
	until(t, func() bool { return strings.Contains(s.get(at).body, "Done, 2 posts created") })
	s.submit(at+"/commit", "skip", "1").to(at) // sent twice
	if got := s.text(`SELECT count(*) || ' ' || min(source) || ' ' || min(visibility) || ' ' || min(instance_id) FROM posts`); got != "2 import everyone "+id(i) {
		t.Errorf("posts: %s", got)
	}
	s.get("/imports").has("tea.csv", "Done, 2 posts")
	// The same person's columns are remembered for the next file with this header.
	next := s.importFile("next.csv", file).want(http.StatusSeeOther).header.Get("Location")
	if got := s.text(`SELECT options->>'columns' FROM imports ORDER BY id DESC LIMIT 1`); !strings.Contains(got, `"title"`) || !strings.Contains(got, `"url"`) {
		t.Errorf("columns of the next file: %s", got)
	}
	s.submit(next + "/delete").to("/imports")
	s.get(next).want(http.StatusNotFound)
}

// Campaigns take the same way, and become drafts that somebody activates.
func TestImportOfCampaigns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.instance("wxid_a", "Tea house")
	s.importFileOf("poems", "a.csv", "a\nb\n").want(http.StatusUnprocessableEntity).has("Choose posts or campaigns")
	file := "name,account,schedule,content,title,url,thumb url,visibility,start,content 2\n" +
		"Weekly,Tea house,\"weekly on 1,3 at 09:30\",text,title,https://example.com/a,https://example.com/a.jpg,everyone,,other\n" +
		"Odd,Tea house,*/61 9 * * *,text {{nobody}},title,https://example.com/b,https://example.com/a.jpg,everyone,2099-02-30,\n"
	at := s.importFileOf("campaigns", "tea.csv", file).want(http.StatusSeeOther).header.Get("Location")
	s.get(at).has("Campaigns: a row each", "Import 1 campaigns", "Text 2", "Leave out the 1 wrong rows")
	s.get(at, "Cookie", "lang=zh-CN").has("分钟：/ 后面的间隔只能是 1 到 59", "不是日期和时间", "{{instance.name}}", "确认导入 1 个活动")
	s.submit(at+"/commit", "skip", "1").to(at)
	until(t, func() bool { return strings.Contains(s.get(at).body, "Done, 1 campaigns created") })
	s.get(at).has("They are drafts", `href="/campaigns"`)
	if got := s.text(`SELECT state || ' ' || name || ' ' || (plan->>'schedule') FROM campaigns`); got != "draft Weekly cron 30 9 * * 1,3 zone=Asia/Shanghai" {
		t.Error(got)
	}
	if got := s.text(`SELECT string_agg(action || ' ' || source, ', ' ORDER BY id) FROM events WHERE action IN ('import', 'campaign_create')`); got != "import import, campaign_create import" {
		t.Error(got)
	}
	s.get("/imports").has("tea.csv", "Done, 1 campaigns")
	s.get("/imports?kind=campaigns").has(`value="campaigns" checked`)
}

func TestImportTemplates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.get("/imports/template?format=csv", "Cookie", "lang=zh-CN").want(http.StatusOK); !strings.HasPrefix(got.body, "\ufeff账号,发送时间") {
		t.Error(got.body)
	}
	if got := s.get("/imports/template?format=xlsx").want(http.StatusOK); !strings.HasPrefix(got.body, "PK") || !strings.Contains(got.header.Get("Content-Disposition"), "momentcast-posts.xlsx") {
		t.Error(got.header)
	}
	if got := s.get("/imports/template?kind=campaigns&format=csv", "Cookie", "lang=zh-CN").want(http.StatusOK); !strings.HasPrefix(got.body, "\ufeff活动名称,账号") {
		t.Error(got.body)
	}
	s.get("/imports/template?format=exe%22").want(http.StatusNotFound)
	s.get("/imports/template?kind=%22&format=csv").want(http.StatusNotFound)
}
