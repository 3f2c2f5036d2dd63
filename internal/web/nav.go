package web

import (
	"strings"
	"time"

	"momentcast/internal/moment"
)

// navItem is one way to another page.
type navItem struct {
	Path, Icon, Key string // Key of its name in the catalogue
	Keys            string // on the keyboard, "" = none
	Count           int64  // of what waits there; 0 = nothing
	Here            bool

	needs moment.Permission
}

// navItems are the pages in the order of a working day. Those that are not
// served, or not for this user, are left out.
var navItems = []navItem{
	{Path: "/", Icon: "layout-dashboard", Key: "nav.overview", Keys: "g o", needs: moment.PermView},
	{Path: "/calendar", Icon: "calendar", Key: "nav.calendar", Keys: "g c", needs: moment.PermView},
	{Path: "/posts/new", Icon: "edit", Key: "nav.compose", Keys: "n", needs: moment.PermWrite},
	{Path: "/campaigns", Icon: "refresh", Key: "nav.campaigns", Keys: "g p", needs: moment.PermView},
	{Path: "/queue", Icon: "list-check", Key: "nav.queue", Keys: "g q", needs: moment.PermView},
	{Path: "/approvals", Icon: "checks", Key: "nav.approvals", Keys: "g a", needs: moment.PermApprove},
	{Path: "/inbox", Icon: "alert-triangle", Key: "nav.inbox", Keys: "g i", needs: moment.PermView},
	{Path: "/history", Icon: "history", Key: "nav.history", Keys: "g h", needs: moment.PermView},
	{Path: "/instances", Icon: "device-mobile", Key: "nav.instances", Keys: "g s", needs: moment.PermView},
	{Path: "/audiences", Icon: "users-group", Key: "nav.audiences", needs: moment.PermView},
	{Path: "/settings/calendar", Icon: "calendar-time", Key: "nav.workcalendar", needs: moment.PermAdmin},
	{Path: "/imports", Icon: "file-text", Key: "nav.imports", needs: moment.PermWrite},
	{Path: "/settings/users", Icon: "users", Key: "nav.users", needs: moment.PermAdmin},
	{Path: "/settings", Icon: "settings", Key: "nav.settings", needs: moment.PermAdmin},
	{Path: "/audit", Icon: "file-text", Key: "nav.audit", needs: moment.PermAdmin},
}

func (s *Web) nav(f *Frame, st moment.Status) []navItem {
	here, _, _ := strings.Cut(f.Here, "?")
	var out []navItem
	for _, n := range navItems {
		if !s.has(patternOf(n.Path)) || !f.User.May(n.needs) {
			continue
		}
		n.Here = here == n.Path || n.Path != "/" && strings.HasPrefix(here, n.Path+"/")
		switch n.Path {
		case "/inbox":
			n.Count = waiting(st)
		case "/approvals":
			n.Count = st.Posts[moment.Pending]
		}
		out = append(out, n)
	}
	return out
}

// patternOf is the pattern of a page's path: that of / must not match all others.
func patternOf(p string) string {
	if p == "/" {
		return "/{$}"
	}
	return p
}

// waiting counts the posts that a person has to look at.
func waiting(st moment.Status) int64 {
	return st.Posts[moment.Failed] + st.Posts[moment.Unknown] + st.Posts[moment.Missed]
}

// beatLimit is how old the heartbeat of a dispatcher may be that lives.
const beatLimit = 20 * time.Second

// lookLimit is how long the gateway may be unreachable before everybody is told.
const lookLimit = 30 * time.Second

// banners are what everybody has to know before anything else.
func (s *Web) banners(f *Frame, st moment.Status) []banner {
	var out []banner
	if !alive(st.Replicas) {
		out = append(out, banner{Icon: "robot", Kind: "danger", Text: f.texts.get("banner.dead", int(beatLimit.Seconds()))})
	}
	if down := st.Gateway.DownSince; !down.IsZero() && st.Now.Sub(down) > lookLimit {
		out = append(out, banner{Icon: "plug", Kind: "danger", Text: f.texts.get("banner.gateway", f.texts.span(st.Now.Sub(down)))})
	}
	if b, ok := failoverBanner(f, st); ok {
		out = append(out, b)
	}
	if st.Paused {
		b := banner{Icon: "player-pause", Kind: "warning", Text: f.texts.get("banner.paused", st.PausedBy, f.texts.relative(st.PausedAt.Sub(st.Now)), st.PausedReason)}
		if f.May(moment.PermOperate) {
			b.Href, b.Link = "/resume", f.texts.get("banner.resume")
		}
		out = append(out, b)
	}
	return out
}

// alive reports whether any dispatcher turns.
func alive(replicas []moment.Replica) bool {
	for _, r := range replicas {
		if r.Age < beatLimit {
			return true
		}
	}
	return false
}
