package web

import (
	"net/http"

	"momentcast/internal/moment"
)

// failoverBanner tells of a database that has moved while accounts are held for
// it: what was entered shortly before may be missing, too.
func failoverBanner(f *Frame, st moment.Status) (banner, bool) {
	m := st.Failover
	if m.Unread == 0 {
		return banner{}, false
	}
	key := "banner.failover"
	if m.Why == moment.MovedRestart { // as after a reboot: most likely nothing is missing
		key = "banner.failover.restart"
	}
	b := banner{Icon: "alert-triangle", Kind: "warning", Text: f.texts.get(key, f.texts.relative(m.At.Sub(st.Now)), f.Clock(m.From, ""), m.Unread)}
	if m.Stuck > 0 {
		b.Kind, b.Text = "danger", b.Text+" "+f.texts.get("banner.failover.stuck", m.Stuck)
	}
	b.Href, b.Link = "/queue", f.texts.get("banner.failover.link")
	return b, true
}

// readRelease lets an account go on that could not be read. Whoever does it says
// that they have looked.
func readRelease(r *http.Request, _ *moment.InstanceView) (func(*moment.Instance) error, func(*instancePage), error) {
	var err error
	if r.PostForm.Get("looked") != "yes" {
		err = moment.InvalidFields([]moment.Field{{Path: "looked", Message: "must be confirmed"}})
	}
	return func(i *moment.Instance) error { i.Unread = false; return nil }, nil, err
}
