package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

const (
	young = "wxid_young"
	old   = "wxid_old"
)

// rig is a simulator behind a real server, with a client that knows nothing.
type rig struct {
	*Sim
	t   *testing.T
	url string
}

func start(t *testing.T, cfg Config) rig {
	t.Helper()
	if cfg.Accounts == nil {
		cfg.Accounts = []Account{
			{WcID: old, Name: "老号", OnlineFor: 100 * time.Hour, Contacts: 45},
			{WcID: young, Name: "新号", OnlineFor: time.Hour},
		}
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		if err := s.Close(); err != nil { // first: it lets hanging calls go
			t.Error(err)
		}
		srv.Close()
	})
	return rig{s, t, srv.URL}
}

// noFollow is a client as the gateway's should be: one call, no redirects.
func noFollow() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// raw makes one call and returns status and body.
func (r rig) raw(path string, body any) (int, []byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, bytes.NewReader(b))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "secret")
	resp, err := noFollow().Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp.StatusCode, out, err
}

type reply struct {
	Message string          `json:"message"`
	Code    string          `json:"code"`
	Data    json.RawMessage `json:"data"`
}

func (r rig) call(path string, body any) reply {
	r.t.Helper()
	status, out, err := r.raw(path, body)
	if err != nil || status != http.StatusOK {
		r.t.Fatalf("%s: %d %s %v", path, status, out, err)
	}
	var rep reply
	if err := json.Unmarshal(out, &rep); err != nil {
		r.t.Fatalf("%s: %s: %v", path, out, err)
	}
	return rep
}

// ok is call where code 1000 is expected; it decodes data into v.
func (r rig) ok(path string, body, v any) {
	r.t.Helper()
	rep := r.call(path, body)
	if rep.Code != "1000" || rep.Message != "成功" {
		r.t.Fatalf("%s: %+v", path, rep)
	}
	if v == nil {
		if string(rep.Data) != "null" {
			r.t.Errorf("%s: data is %s, want null", path, rep.Data)
		}
		return
	}
	if err := json.Unmarshal(rep.Data, v); err != nil {
		r.t.Fatalf("%s: %s: %v", path, rep.Data, err)
	}
}

// refused is call where code 1001 is expected; it returns the message.
func (r rig) refused(path string, body any) string {
	r.t.Helper()
	rep := r.call(path, body)
	if rep.Code != "1001" || string(rep.Data) != "null" || rep.Message == "" {
		r.t.Fatalf("%s: %+v, want code 1001 without data", path, rep)
	}
	return rep.Message
}

type fields map[string]any

func (r rig) wID(wcID string) string {
	r.t.Helper()
	var list []struct{ WcID, WID string }
	r.ok("/queryLoginWx", fields{}, &list)
	for _, l := range list {
		if l.WcID == wcID {
			return l.WID
		}
	}
	r.t.Fatalf("%s is not online", wcID)
	return ""
}

// card is a correct snsSendUrl with an url of its own.
func card(wID string, n int) fields {
	return fields{
		"wId": wID, "content": "客户案例更新", "title": "标题", "description": "描述",
		"url": fmt.Sprintf("https://example.com/p?n=%d", n), "thumbUrl": "https://example.com/t.jpg",
	}
}

func with(f fields, kv ...any) fields {
	out := fields{}
	for k, v := range f {
		out[k] = v
	}
	for i := 0; i < len(kv); i += 2 {
		if kv[i+1] == nil {
			delete(out, kv[i].(string))
		} else {
			out[kv[i].(string)] = kv[i+1]
		}
	}
	return out
}

type sent struct {
	Status int
	Object struct {
		ID, UserName string
		CreateTime   int64
		ObjectDesc   string
	}
}

func (r rig) post(wcID string, n int) sent {
	r.t.Helper()
	var s sent
	r.ok("/snsSendUrl", card(r.wID(wcID), n), &s)
	return s
}
