package linkcheck

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode/utf32"

	"momentcast/internal/moment"
)

// read describes a page as if it had been fetched from https://shop.example.com/a/b.
func read(t testing.TB, contentType string, body []byte) PageInfo {
	t.Helper()
	u, err := url.Parse("https://shop.example.com/a/b?x=1")
	if err != nil {
		t.Fatal(err)
	}
	var info PageInfo
	New(Config{}).describe(&info, answer{url: u, body: body, contentType: contentType})
	return info
}

func TestWhatAPageSaysOfItself(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page string
		want PageInfo
	}{
		"open graph first": {
			`<html><head><title>own</title><meta name="description" content="own d"><meta name="twitter:title" content="tw"><meta name="twitter:description" content="tw d">
			 <meta property="og:title" content="og"><meta property="og:description" content="og d"><meta property="og:image" content="/i.png"><meta name="twitter:image" content="/t.png">`,
			PageInfo{Title: "og", Description: "og d", Image: "https://shop.example.com/i.png"},
		},
		"then twitter": {
			`<title>own</title><meta name="twitter:title" content="tw"><meta property="twitter:description" content="tw d"><meta name="twitter:image:src" content="t.png">`,
			PageInfo{Title: "tw", Description: "tw d", Image: "https://shop.example.com/a/t.png"},
		},
		"then its own": {
			`<TITLE>own &amp; <b>only</b></TITLE><META NAME="Description" CONTENT='own d'><link rel="image_src" href="//cdn.example.com/x.jpg">`,
			PageInfo{Title: "own & <b>only</b>", Description: "own d", Image: "https://cdn.example.com/x.jpg"},
		},
		"itemprop, as WeChat reads it": {
			`<meta itemprop="name" content="标题"><meta itemprop="description" content="说明"><meta itemprop="image" content="https://i.example.com/1.png">`,
			PageInfo{Title: "标题", Description: "说明", Image: "https://i.example.com/1.png"},
		},
		"empty tags are no tags": {
			`<meta property="og:title" content="  "><meta property="og:title" content="second"><title>own</title><meta property="og:description"><meta name=description content=d>`,
			PageInfo{Title: "second", Description: "d"},
		},
		"base":               {`<base href="https://cdn.example.com/deep/"><meta property="og:image" content="i.png">`, PageInfo{Image: "https://cdn.example.com/deep/i.png"}},
		"base that is wrong": {`<base href="javascript:x"><meta property="og:image" content="i.png">`, PageInfo{Image: "https://shop.example.com/a/i.png"}},
		"secure picture first": {
			`<meta property="og:image" content="http://i.example.com/1.png"><meta property="og:image:secure_url" content="https://i.example.com/1.png">`,
			PageInfo{Image: "https://i.example.com/1.png"},
		},
		"pictures that nobody may fetch are passed over": {
			`<meta property="og:image:secure_url" content="data:image/png;base64,AAAA"><meta property="og:image" content="http://127.0.0.1/x.png">
			 <meta property="og:image:url" content="http://[::1]/x"><meta name="twitter:image" content="https://u:p@example.com/x"><link rel=image_src href="https://example.com:22/x">`,
			PageInfo{},
		},
		"a drawing's title is not the page's": {`<svg><title>icon</title></svg><title>page</title>`, PageInfo{Title: "page"}},
		"comments, scripts and text areas are not markup": {
			`<!-- <title>c</title> --><script>"<title>s</title>"</script><textarea><title>t</title></textarea><noscript><meta property="og:title" content="n"></noscript><style><title>y</title></style><title>page</title>`,
			PageInfo{Title: "page"},
		},
		"broken":            {`<html><head><meta property="og:title" content="kept"><meta property="og:desc <title>x<div></span></head <body <p`, PageInfo{Title: "kept"}},
		"never closed":      {`<title>all the rest`, PageInfo{Title: "all the rest"}},
		"no page at all":    {"\x00\x01\x02 {}", PageInfo{}},
		"nothing":           {"", PageInfo{}},
		"first attribute":   {`<meta property="og:title" content="one" content="two">`, PageInfo{Title: "one"}},
		"one line":          {"<title>\n  a\t b\u3000\u00a0c \r\n</title>", PageInfo{Title: "a b c"}},
		"hidden characters": {"<title>a\u202egpj\u202c\u200b\ufeff\u2066b\u0007\x7f\U000e0041\u3164c</title>", PageInfo{Title: "agpjbc"}},
		"joined emoji":      {"<title>👨\u200d👩\u200d👧 家</title>", PageInfo{Title: "👨\u200d👩\u200d👧 家"}},
		"markup in values": {
			`<meta property="og:title" content="&lt;script&gt;alert(1)&lt;/script&gt;"><meta property="og:description" content='"><img src=x onerror=alert(1)>'>`,
			PageInfo{Title: "<script>alert(1)</script>", Description: `"><img src=x onerror=alert(1)>`},
		},
		"a picture's address with what does not belong there": {
			"<meta property=\"og:image\" content=\" https://例子.中国/图 片.png?a=b c&d=值\n\">",
			PageInfo{Image: "https://xn--fsqu00a.xn--fiqs8s/%E5%9B%BE%20%E7%89%87.png?a=b%20c&d=%E5%80%BC"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, read(t, "text/html; charset=utf-8", []byte(tt.page))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 5000)
	info := read(t, "text/html; charset=utf-8", []byte("<title>"+long+"</title><meta name=description content='"+long+"'>"))
	if n := utf8.RuneCountInString(info.Title); n != moment.MaxTitle || !strings.HasSuffix(info.Title, "长…") {
		t.Errorf("%d characters", n)
	}
	if n := utf8.RuneCountInString(info.Description); n != moment.MaxDescription {
		t.Errorf("%d characters", n)
	}
	exact := strings.Repeat("长", moment.MaxTitle)
	if got := oneLine(exact, moment.MaxTitle); got != exact {
		t.Error("a text of exactly the limit was cut")
	}
	if got := oneLine("ab \u200d👩 c", 4); got != "ab…" {
		t.Errorf("%q", got)
	}
}

func TestCharsets(t *testing.T) {
	t.Parallel()
	const title = "北京欢迎您：镕基龑"
	page := func(e encoding.Encoding, declared string, before int) []byte {
		s := "<html><head>" + strings.Repeat(" ", before) + declared + "<title>" + title + "</title></head></html>"
		if e == nil {
			return []byte(s)
		}
		b, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	gbk, gb := simplifiedchinese.GBK, simplifiedchinese.GB18030
	for name, tt := range map[string]struct {
		header string
		body   []byte
	}{
		"utf-8 by the header":                     {"text/html; charset=utf-8", page(nil, "", 0)},
		"utf-8 by nothing":                        {"text/html", page(nil, "", 0)},
		"utf-8 behind a kilobyte of nothing":      {"text/html", page(nil, "", 2000)},
		"utf-8 that the server calls latin":       {"text/html; charset=ISO-8859-1", page(nil, "", 0)},
		"utf-8 with a mark":                       {"text/html", append([]byte("\ufeff"), page(nil, "", 0)...)},
		"gbk by the header":                       {"text/html; charset=GBK", page(gbk, "", 0)},
		"gbk by the page":                         {"text/html", page(gbk, `<meta charset="gbk">`, 0)},
		"gbk called gb2312":                       {"text/html", page(gbk, `<meta http-equiv="Content-Type" content="text/html; charset=gb2312">`, 0)},
		"gbk declared late":                       {"text/html", page(gbk, `<meta charset=GBK>`, 3000)},
		"gbk by nothing":                          {"text/html", page(gbk, "", 0)},
		"gb18030":                                 {"text/html; charset=gb18030", page(gb, "", 0)},
		"gbk that the server calls latin":         {"text/html; charset=iso-8859-1", page(gbk, `<meta charset=gbk>`, 2000)},
		"utf-16 with a mark":                      {"text/html", utf16(page(nil, "", 0))},
		"utf-8 cut in the middle of a character":  {"text/html", append(page(nil, "", 2000), "北"[:2]...)},
		"quotes around the header's declaration":  {`text/html; charset="gbk"`, page(gbk, "", 0)},
		"a declaration that does not exist, utf8": {"text/html; charset=none", page(nil, "", 0)},
	} {
		if got := read(t, tt.header, tt.body).Title; got != title {
			t.Errorf("%s: %q", name, got)
		}
	}
	big5, err := traditionalchinese.Big5.NewEncoder().Bytes([]byte("<title>臺灣</title>"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, "text/html; charset=big5", big5).Title; got != "臺灣" {
		t.Errorf("big5: %q", got)
	}
	if got := read(t, "text/html; charset=iso-8859-1", []byte("<title>caf\xe9</title>")).Title; got != "café" {
		t.Errorf("latin: %q", got)
	}
	odd, err := utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewEncoder().Bytes([]byte("<title>x</title>"))
	if err != nil {
		t.Fatal(err)
	}
	_ = read(t, "text/html; charset=utf-32", odd) // unreadable, and nothing worse
	_ = read(t, "text/html; charset=iso-2022-kr", []byte("<title>x</title>"))
}

func utf16(b []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, r := range string(b) {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

func TestPageOverHTTP(t *testing.T) {
	t.Parallel()
	body, err := simplifiedchinese.GBK.NewEncoder().String(`<head><title>双十一</title><meta property="og:image" content="/i.png"></head>`)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Config{}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(rw, r, "/sale", http.StatusFound)
			return
		}
		respond("text/html; charset=gbk", body)(rw, r)
	}))
	got, err := w.checker.Page(t.Context(), w.base+"/")
	wantReason(t, err, "")
	want := PageInfo{URL: w.base + "/sale", Status: http.StatusOK, Redirects: 1, Title: "双十一", Image: w.base + "/i.png"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestHostilePagesAreQuick: reading is in proportion to the length, and pages
// nested past any parser's patience are read like all others.
func TestHostilePagesAreQuick(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for _, piece := range []string{"<b><p>", "<div>", "<p><i><b><u><s></p>", "<a b=1 c=2 d=3>", "<svg>", "<!--", "<", "</", "&amp", "<meta property=og:title>", "<meta charset", "<title>", "<template>", `<base href=">`} {
		page := []byte(strings.Repeat(piece, size/len(piece)))
		began := time.Now()
		_ = read(t, "text/html", page)
		if took := time.Since(began); took > 10*time.Second { // a hundred times what it takes alone
			t.Errorf("%s: %s", piece, took)
		}
	}
	deep := strings.Repeat("<div>", 100_000) + "<title>below</title>"
	if got := read(t, "text/html", []byte(deep)).Title; got != "below" {
		t.Errorf("%q", got)
	}
}

// FuzzPageInfo: whatever a page holds, what comes out can be put into a card.
func FuzzPageInfo(f *testing.F) {
	for _, s := range []string{
		`<title>x</title>`, `<meta property="og:title" content="a"><meta property="og:image" content="/i.png"><base href="http://b.example.com/">`,
		"<meta charset=gbk><title>\xb1\xb1\xbe\xa9</title>", "\xff\xfe<\x00t\x00", "<svg><title>", `<link rel=image_src href="//[::1]:80/x">`,
		"<meta name=description content='\u202e&#0;&#xfffe;&#x10ffff;'>", `<meta property=og:image content="https://例子.中国/图?a= b">`,
	} {
		f.Add("text/html", []byte(s))
		f.Add("text/html; charset=gb18030", []byte(s))
		f.Add("text/html; charset=iso-2022-jp", []byte(s))
	}
	c := New(Config{})
	u, err := url.Parse("https://shop.example.com/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		var info PageInfo
		c.describe(&info, answer{url: u, body: body, contentType: contentType})
		fits(t, info)
		if info.Image != "" {
			if again, err := c.parse(info.Image); err != nil || again.String() != info.Image {
				t.Errorf("the picture's address %q is not one that may be fetched: %v", info.Image, err)
			}
		}
	})
}

// fits checks a page's texts against the domain's own rules.
func fits(t *testing.T, info PageInfo) {
	t.Helper()
	now := time.Now()
	p := moment.Post{
		State: moment.Scheduled, DueAt: now, Visibility: moment.Visibility{Mode: moment.Everyone},
		Card: moment.Card{Content: "c", Title: "t" + info.Title, Description: info.Description, URL: "https://example.com/", ThumbURL: "https://example.com/"},
	}
	if info.Title != "" {
		p.Card.Title = info.Title
	}
	if info.Image != "" {
		p.Card.ThumbURL = info.Image
	}
	if err := p.Check(now); err != nil {
		t.Errorf("%+v: %v", info, err)
	}
	for _, s := range []string{info.Title, info.Description} {
		if strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || invisible(r)) }) {
			t.Errorf("%q", s)
		}
	}
}

// FuzzAddress: what is let through names a host and port that may be dialled, and
// means the same when it is read again.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://example.com/a?b=c#d", "http://[::1]/", "http://127.1", "http://例子.中国", "http://a@b", "https://8.8.8.8:443/%zz"} {
		f.Add(s)
	}
	c := New(Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := c.parse(raw)
		if err != nil {
			if ReasonOf(err) == "" || moment.KindOf(err) != moment.Invalid {
				t.Error(err)
			}
			return
		}
		again, err := c.parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q became %q, and then %v, %v", raw, u, again, err)
		}
		if u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || (u.Port() != "" && u.Port() != "80" && u.Port() != "443") {
			t.Errorf("%q", u)
		}
		if bytes.ContainsFunc([]byte(u.String()), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Errorf("%q", u)
		}
	})
}

// BenchmarkScan reads the page that takes a tree builder longest.
func BenchmarkScan(b *testing.B) {
	page := []byte(strings.Repeat("<p><i><b><u><s></p>", (2<<20)/19))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		_ = scan(page)
	}
}
