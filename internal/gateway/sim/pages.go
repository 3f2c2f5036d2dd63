package sim

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed templates/*.html static/sim.css
var assets embed.FS

var templates = template.Must(template.ParseFS(assets, "templates/*.html"))

// policy lets the pages load nothing but their own style and the thumbnails
// of cards, whose hosts are anybody's: the texts shown are hostile.
const policy = "default-src 'none'; style-src 'self'; img-src http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	maxListed = 200 // accounts on the first page
	maxShown  = 50  // moments on a feed page

	foldLines = 6 // WeChat folds texts beyond either
	foldRunes = 100
)

// chinaTime is for absolute times; the demo needs no zone database.
var chinaTime = time.FixedZone("北京时间", 8*60*60)

func (s *Sim) pages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.listPage)
	mux.HandleFunc("GET /feed/{wcId}", s.feedPage)
	mux.HandleFunc("GET /static/sim.css", func(w http.ResponseWriter, r *http.Request) {
		secure(w)
		http.ServeFileFS(w, r, assets, "static/sim.css")
	})
}

func secure(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// render writes a page, whole or not at all.
func (s *Sim) render(w http.ResponseWriter, status int, name string, view any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, view); err != nil {
		s.log.Error().Err(err).Str("page", name).Msg("page not rendered")
		http.Error(w, "page not rendered", http.StatusInternalServerError)
		return
	}
	secure(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// person is an account as pages show it.
type person struct {
	WcID, Name, Initial string
	Hue                 int // 0-7, of the avatar
	Offline             bool
	Age                 string
	Wait                string // until link posts are allowed, "" = allowed
	Posts               int
}

type listView struct {
	People []person
	More   int
	Faulty bool
}

func (s *Sim) listPage(w http.ResponseWriter, _ *http.Request) {
	all := s.accounts()
	view := listView{More: max(0, len(all)-maxListed), Faulty: s.faults.active.Load()}
	for _, acc := range all[:min(len(all), maxListed)] {
		view.People = append(view.People, s.person(acc))
	}
	s.render(w, http.StatusOK, "list.html", view)
}

func (s *Sim) person(acc *account) person {
	acc.mu.Lock()
	defer acc.mu.Unlock()
	p := person{WcID: acc.wcID, Name: acc.name, Offline: acc.offline, Posts: len(acc.moments)}
	p.Initial, p.Hue = avatar(acc.name, acc.wcID)
	age := time.Since(acc.since)
	p.Age = span2zh(age)
	if left := s.cfg.OnlineAge - age; !acc.offline && s.cfg.OnlineAge > 0 && left > 0 {
		p.Wait = span2zh(left)
	}
	return p
}

func avatar(name, wcID string) (initial string, hue int) {
	r, _ := utf8.DecodeRuneInString(name)
	for _, b := range []byte(wcID) {
		hue = (hue*31 + int(b)) % 8
	}
	return strings.ToUpper(string(r)), hue
}

// post is a moment as the feed shows it.
type post struct {
	ID, Text        string
	Folded          bool
	Title, Host     string
	URL, Thumb      string
	Ago, At         string
	Audience        string
	Private, Gone   bool
	Copy            int
	Likes, Comments []remark
}

type remark struct{ Who, To, Text string }

type feedView struct {
	Person person
	Posts  []post
	More   int
}

func (s *Sim) feedPage(w http.ResponseWriter, r *http.Request) {
	acc := s.account(r.PathValue("wcId"))
	if acc == nil {
		s.render(w, http.StatusNotFound, "missing.html", nil)
		return
	}
	view := feedView{Person: s.person(acc)}
	now, open := time.Now(), r.FormValue("open")
	acc.mu.Lock()
	for _, m := range acc.page(0, maxShown, func(*moment) bool { return true }) {
		view.Posts = append(view.Posts, showPost(m, now, open))
	}
	view.More = len(acc.moments) - len(view.Posts)
	acc.mu.Unlock()
	s.render(w, http.StatusOK, "feed.html", view)
}

func showPost(m *moment, now time.Time, open string) post {
	p := post{
		ID: m.idString(), Text: m.req.Content, Title: m.req.Title, URL: m.req.URL, Thumb: m.req.ThumbURL,
		Ago: ago(now, m.created()), At: m.created().In(chinaTime).Format("2006-01-02 15:04:05"),
		Audience: audience(&m.req), Private: m.is(flagPrivate), Gone: m.is(flagDeleted), Copy: int(m.copy),
	}
	if u, err := url.Parse(m.req.URL); err == nil {
		p.Host = u.Hostname()
	}
	if p.ID != open {
		p.Text, p.Folded = fold(p.Text)
	}
	if m.extra == nil {
		return p
	}
	names := map[int]string{}
	for _, l := range m.extra.likes {
		p.Likes = append(p.Likes, remark{Who: l.nick})
	}
	for _, c := range m.extra.comments {
		names[c.id] = c.nick
		p.Comments = append(p.Comments, remark{c.nick, names[c.replyTo], c.content})
	}
	return p
}

// fold cuts a text where the phone does.
func fold(text string) (string, bool) {
	lines, runes := 1, 0
	for i, r := range text {
		if r == '\n' {
			lines++
		}
		if lines > foldLines || runes == foldRunes {
			return text[:i], true
		}
		runes++
	}
	return text, false
}

// audience says in words who may see a post.
func audience(r *SendRequest) string {
	count := func(ids, unit string) string {
		if ids == "" {
			return ""
		}
		return strconv.Itoa(strings.Count(ids, ",")+1) + unit
	}
	switch {
	case r.GroupUser+r.GroupUserLabelIDs != "":
		return "仅 " + join(count(r.GroupUser, " 人"), count(r.GroupUserLabelIDs, " 个标签")) + "可见"
	case r.BlackList+r.BlackListLabelIDs != "":
		return join(count(r.BlackList, " 人"), count(r.BlackListLabelIDs, " 个标签")) + "不可见"
	}
	return ""
}

func join(a, b string) string {
	if a != "" && b != "" {
		return a + "、" + b
	}
	return a + b
}

// ago is a time as the phone words it.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "刚刚"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "分钟前"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "小时前"
	case d < 48*time.Hour:
		return "昨天"
	}
	return strconv.Itoa(int(d.Hours())/24) + "天前"
}

// span2zh words a duration with its two largest units.
func span2zh(d time.Duration) string {
	h, m, sec := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h >= 24:
		return strconv.Itoa(h/24) + " 天 " + strconv.Itoa(h%24) + " 小时"
	case h > 0:
		return strconv.Itoa(h) + " 小时 " + strconv.Itoa(m) + " 分"
	case m > 0:
		return strconv.Itoa(m) + " 分 " + strconv.Itoa(sec) + " 秒"
	}
	return strconv.Itoa(sec) + " 秒"
}
