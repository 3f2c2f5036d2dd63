package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"momentcast/internal/moment"
)

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func FuzzDecodeObjectDesc(f *testing.F) {
	f.Add([]byte(recorded(f)))
	for _, s := range []string{``, `null`, `"x"`, `{"xml":"<a/>","len":4}`, `"iLen: 1\nbuffer: \"\\101\"\n"`, `"iLen: 1\nbuffer: \"\\"`, `"iLen:\\x"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		xml, n, _ := DecodeObjectDesc(json.RawMessage(raw))
		if !storable(xml) || n < 0 || n > len(raw)*3 || len(xml) > 3*n {
			t.Errorf("%d bytes for %q", n, xml)
		}
	})
}

func FuzzParseProof(f *testing.F) {
	xml, _, _ := DecodeObjectDesc(recorded(f))
	f.Add(xml)
	f.Add(strings.ReplaceAll(xml, `"`, `\"`))
	f.Add(`<TimelineObject><ContentObject><title><![CDATA[\"`)
	f.Add(`<TimelineObject></a></TimelineObject></TimelineObject>`)
	f.Fuzz(func(t *testing.T, xml string) {
		p, err := ParseProof(xml)
		if err != nil && p != (moment.Proof{}) {
			t.Errorf("half a proof: %+v", p)
		}
		for _, s := range []string{p.Content, p.Title, p.Description, p.URL, p.ThumbURL} {
			if !storable(s) || len(s) > 3*len(xml) {
				t.Errorf("%q", s)
			}
		}
	})
}

// FuzzReply holds the one promise about replies: nothing but code 1000 and the
// digits of an id, beside an HTTP status of success, is ever Delivered.
func FuzzReply(f *testing.F) {
	f.Add(200, []byte(vector(f, "snsSendUrl-success.json")))
	for _, s := range []string{success, `{"code":1000,"data":{"id":1e30}}`, `{"code":"1001","msg":"token"}`, `[]`, `{"code":"1000","data":{"object":{"id":"0"}}}`, "<html>", ""} {
		f.Add(200, []byte(s))
		f.Add(500, []byte(s))
		f.Add(401, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := read(exchange{left: true, status: status, reply: body})
		r := result(&a, sending{path: pathPublish, judge: judgePublish}, testToken)
		digits := validID(r.MomentID)
		switch r.Verdict {
		case moment.Delivered:
			if !digits || status < 200 || status > 299 || !bytes.Contains(body, []byte("1000")) || r.Cause != "" {
				t.Errorf("delivered by HTTP %d %q: id %q", status, body, r.MomentID)
			}
		case moment.Rejected:
			if r.MomentID != "" || status >= 300 && status < 400 || r.Cause == "" || r.Auth != (r.Cause == "auth") {
				t.Errorf("rejected by HTTP %d %q: %+v", status, body, r)
			}
		case moment.InDoubt:
			if r.MomentID != "" || r.Cause == "" {
				t.Errorf("in doubt by HTTP %d %q: %+v", status, body, r)
			}
		default: // an answer came, so something left
			t.Errorf("%s by HTTP %d %q", r.Verdict, status, body)
		}
		if !storable(r.Reply) || !storable(r.Message) || r.Message == "" || len(r.Reply) > keptReply {
			t.Errorf("%+v", r)
		}
		if a.fate != done && a.fail("/x", testToken) == nil {
			t.Error("no error")
		}
	})
}

// answers is a gateway with one answer for everything, without a network.
type answers struct {
	status int
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close() // a reader of a text
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}

// FuzzReads makes every reading call meet any answer: what comes back can be
// stored, a page of a timeline leads back in time or nowhere, and an answer that
// is no success is an error of a kind that the callers know.
func FuzzReads(f *testing.F) {
	const item = `{"id":"13367129656153944194","userName":"wxid_a","createTime":1593486028,"objectDesc":{"xml":"<TimelineObject/>","len":17},"snsLikes":[{"userName":"b"}],"snsComments":[{"commentId":1}]}`
	for _, data := range []string{`null`, `[]`, `[{"wcId":"wxid_a","wId":"w-1","reason":"x"}]`, `{"isOnline":true}`, `[{"labelId":3,"labelName":"客户"}]`, `{"friends":["wxid_b",7,null]}`,
		`[{"userName":"wxid_b","nickName":"n","labelList":"3,4"}]`, `{"sns":[` + item + `],"firstPageMd5":"x"}`, item, `{"sns":[{"id":"0"}]}`, `{"sns":null}`, `{"sns":[` + item + `,` + item + `]}`} {
		f.Add(200, []byte(ok(data)), "")
		f.Add(200, []byte(ok(data)), "13367129656153944195")
	}
	f.Add(502, []byte("<html>"), "")
	f.Add(200, []byte(`{"code":"1001","message":"token"}`), "99")
	gw := &answers{}
	c, err := New(Config{BaseURL: "http://gateway.invalid", Token: testToken})
	if err != nil {
		f.Fatal(err)
	}
	c.transport.RegisterProtocol("memory", gw)
	c.base = "memory://gateway.invalid"
	f.Fuzz(func(t *testing.T, status int, body []byte, before string) {
		gw.status, gw.body = status, body
		for _, text := range everyRead(t, c, before) {
			if !storable(text) || len(text) > 3*len(body)+30 {
				t.Errorf("%q of %q", text, body)
			}
		}
	})
}

// everyRead makes every reading call and returns the texts that came back.
func everyRead(t *testing.T, c *Client, before string) (texts []string) {
	const w = "w-1"
	ctx := t.Context()
	judge := func(err error) {
		switch moment.KindOf(err) {
		case "", moment.Unavailable, moment.Refused, moment.Unauthenticated, moment.NotFound, moment.Invalid:
			if err != nil && strings.Contains(moment.MessageOf(err), testToken) {
				t.Errorf("the token is in %q", moment.MessageOf(err))
			}
		default:
			t.Errorf("%v", err)
		}
	}
	logins, err := c.Logins(ctx)
	judge(err)
	for _, l := range logins {
		texts = append(texts, l.WcID, l.WID)
	}
	labels, err := c.Labels(ctx, w)
	judge(err)
	for _, l := range labels {
		texts = append(texts, l.ID, l.Name)
	}
	ids, err := c.ContactIDs(ctx, w)
	judge(err)
	contacts, err := c.Contacts(ctx, w, []string{"wxid_b"})
	judge(err)
	for _, k := range contacts {
		texts = append(append(texts, k.WxID, k.Nickname, k.Remark, k.Alias, k.Avatar), k.Labels...)
	}
	reason, err := c.OfflineReason(ctx, "wxid_a")
	judge(err)
	_, err = c.Online(ctx, w)
	judge(err)
	judge(c.InitContacts(ctx, w))
	page := Page{MaxID: before}
	list, next, err := c.Timeline(ctx, w, "wxid_a", page)
	judge(err)
	if from, bad := page.before(); err == nil && bad == nil && from != 0 && next != (Page{}) {
		if to, bad := next.before(); bad != nil || to >= from {
			t.Errorf("from %d the next page begins at %q", from, next.MaxID)
		}
	}
	one, err := c.Moment(ctx, w, "wxid_a", "13367129656153944194")
	judge(err)
	for _, m := range append(list, one) {
		texts = append(texts, m.ID, m.WcID, m.XML)
		for _, l := range m.Likes {
			texts = append(texts, l.WcID, l.Nickname)
		}
		for _, k := range m.Comments {
			texts = append(texts, k.ID, k.ReplyTo, k.WcID, k.Nickname, k.Content)
		}
	}
	return append(append(texts, ids...), reason)
}
