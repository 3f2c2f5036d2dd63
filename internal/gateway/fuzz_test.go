package gateway

import (
	"bytes"
	"encoding/json"
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
