package sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ctl makes a control call and decodes its answer into v.
func (r rig) ctl(method, path, body string, v any, headers ...string) int {
	r.t.Helper()
	req, _ := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := noFollow().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			r.t.Fatalf("%s %s: %s: %v", method, path, b, err)
		}
	}
	return resp.StatusCode
}

func TestControlAccounts(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	var one sessionReply
	r.ctl("POST", "/control/accounts", `{"wc_id":"wxid_n","name":"新增","online_for":"80h","contacts":3,"labels":["甲"]}`, &one)
	if one.WcID != "wxid_n" || one.WID != r.wID("wxid_n") {
		t.Errorf("%+v", one)
	}
	r.post("wxid_n", 1)
	var many []sessionReply
	r.ctl("POST", "/control/accounts", `[{"wc_id":"wxid_1"},{"wc_id":"wxid_2","offline":true}]`, &many)
	if len(many) != 2 || many[1].WID == "" {
		t.Errorf("%+v", many)
	}
	var again sessionReply
	r.ctl("POST", "/control/accounts/wxid_n/relogin", `{"keep_age":true}`, &again)
	if again.WID == one.WID || again.WID != r.wID("wxid_n") {
		t.Errorf("%+v", again)
	}
	r.post("wxid_n", 2)
	r.ctl("POST", "/control/accounts/wxid_n/relogin", "", &again)
	r.refused("/snsSendUrl", card(again.WID, 3))
	var list []struct {
		WcID   string `json:"wc_id"`
		Online bool   `json:"online"`
		Posts  int    `json:"moments"`
	}
	r.ctl("POST", "/control/accounts/wxid_n/offline", "", nil)
	r.ctl("GET", "/control/accounts", "", &list)
	if len(list) != 5 || list[2].WcID != "wxid_n" || list[2].Online || list[2].Posts != 2 || list[4].Online {
		t.Errorf("%+v", list)
	}
	r.ctl("POST", "/control/accounts/wxid_n/online", "", nil)
	r.wID("wxid_n")
}

func TestControlFaultsAndLatency(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	if got := r.ctl("POST", "/control/faults", `{"reject":1}`, nil); got != 200 {
		t.Fatal(got)
	}
	r.refused("/snsSendUrl", card(wID, 1))
	var f Faults
	if r.ctl("GET", "/control/faults", "", &f); f != (Faults{Reject: 1}) {
		t.Errorf("%+v", f)
	}
	r.ctl("POST", "/control/faults", `{}`, nil)
	r.ctl("POST", "/control/next", `{"wc_id":"`+old+`","fault":"no_id","count":1}`, nil)
	if rep := r.call("/snsSendUrl", card(wID, 1)); string(rep.Data) != "null" {
		t.Errorf("%+v", rep)
	}
	var p map[string]string
	r.ctl("POST", "/control/latency", `{"latency":"30ms"}`, &p)
	began := time.Now()
	r.ok("/snsSendUrl", card(wID, 2), &sent{})
	if d := time.Since(began); d < 30*time.Millisecond || p["jitter"] != "0s" || p["slow_by"] != "2s" {
		t.Errorf("%v, %v", d, p)
	}
}

func TestControlReads(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	id := r.post(old, 1).Object.ID
	r.post(old, 2)
	var st Stats
	r.ctl("GET", "/control/stats", "", &st)
	if st.Accepted != 2 || st.Calls["/snsSendUrl"] != 2 || st.Outcomes["ok"] != 2 || len(st.Accounts) != 2 {
		t.Errorf("%+v", st)
	}
	if r.ctl("GET", "/control/stats?accounts=0", "", &st); len(st.Accounts) != 0 {
		t.Error("accounts listed")
	}
	var truth, rest []Accepted
	r.ctl("GET", "/control/truth", "", &truth)
	if len(truth) != 2 || truth[0].Request.Title != "标题" {
		t.Fatalf("%+v", truth)
	}
	if r.ctl("GET", "/control/truth?after=1", "", &rest); len(rest) != 1 || rest[0] != truth[1] {
		t.Errorf("%+v", rest)
	}
	var calls []Call
	if r.ctl("GET", "/control/calls", "", &calls); len(calls) != 4 {
		t.Errorf("%d calls", len(calls))
	}
	if got := r.ctl("POST", "/control/react", `{"wc_id":"`+old+`","id":"`+id+`","by":"wxid_f","nick":"友"}`, nil); got != 200 {
		t.Errorf("react: %d", got)
	}
	if r.ctl("POST", "/control/reset", "", nil); len(r.Truth()) != 0 {
		t.Error("reset left something")
	}
}

func TestControlMistakesAreSaid(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"/control/faults", `{"rejct":1}`, 400},
		{"/control/faults", `{"reject":3}`, 400},
		{"/control/next", `{"fault":"nope"}`, 400},
		{"/control/next", `{"fault":"hang","count":0}`, 400},
		{"/control/next", `{"fault":"hang","wc_id":"wxid_nobody"}`, 404},
		{"/control/latency", `{"latency":"-1s"}`, 400},
		{"/control/latency", `{"latency":5}`, 400},
		{"/control/accounts", `{}`, 400},
		{"/control/accounts", `[{"wc_id":"a","typo":1}]`, 400},
		{"/control/accounts", `{"wc_id":"a","contacts":-1}`, 400},
		{"/control/accounts/wxid_nobody/relogin", ``, 404},
		{"/control/accounts/" + old + "/dance", ``, 404},
		{"/control/react", `{"wc_id":"` + old + `","id":"5"}`, 404},
	} {
		var e map[string]string
		if got := r.ctl("POST", c.path, c.body, &e); got != c.want || e["error"] == "" {
			t.Errorf("%s %s: %d %v", c.path, c.body, got, e)
		}
	}
}

func TestBrowsersCannotControlFromOtherSites(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	if got := r.ctl("POST", "/control/reset", "", nil, "Sec-Fetch-Site", "cross-site"); got != http.StatusForbidden {
		t.Errorf("cross-site: %d", got)
	}
	if got := r.ctl("POST", "/control/reset", "", nil, "Origin", "https://evil.example"); got != http.StatusForbidden {
		t.Errorf("other origin: %d", got)
	}
	if got := r.ctl("POST", "/control/reset", "", nil, "Sec-Fetch-Site", "same-origin"); got != http.StatusOK {
		t.Errorf("same origin: %d", got)
	}
}
