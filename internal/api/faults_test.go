package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Half of a pair would be stored as U+FFFD, which is not what was sent.
func TestHalfASurrogatePairIsRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.instance("wxid_one")
	for body, want := range map[string]int{
		`{"draft":true,"wc_id":"wxid_one","title":"\ud83d\ude00"}`:       http.StatusCreated, // 😀
		`{"draft":true,"wc_id":"wxid_one","title":"\\ud800"}`:            http.StatusCreated, // a backslash and letters
		`{"draft":true,"wc_id":"wxid_one","title":"\ud83d\ude00\u4e2d"}`: http.StatusCreated,
		`{"draft":true,"wc_id":"wxid_one","title":"\ud800"}`:             http.StatusUnprocessableEntity,
		`{"draft":true,"wc_id":"wxid_one","title":"\uDC00x"}`:            http.StatusUnprocessableEntity,
		`{"draft":true,"wc_id":"wxid_one","title":"\ud800\u0041"}`:       http.StatusUnprocessableEntity,
		`{"draft":true,"wc_id":"wxid_one","title":"\ud800\ud800\udc00"}`: http.StatusUnprocessableEntity,
		`{"draft":true,"wc_id":"wxid_one","title":"x\\\ud800"}`:          http.StatusUnprocessableEntity,
	} {
		a := s.call("POST", "/posts", body)
		if a.status != want && !(want == 422 && a.status == 400) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func TestKeyOfADeletedDraftSaysSo(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.instance("wxid_one")
	body := map[string]any{"wc_id": "wxid_one", "draft": true, "title": "x"}
	id := s.call("POST", "/posts", body, "Idempotency-Key", "k").want(201).id()
	s.call("DELETE", fmt.Sprintf("/posts/%d", id), nil).want(204)
	if p := s.call("POST", "/posts", body, "Idempotency-Key", "k").want(409).problem(); !strings.Contains(p.Detail, "deleted") {
		t.Errorf("%+v", p)
	}
}

func TestFilesBesideTheZonesAreNoZones(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for n, zone := range []string{"posixrules", "Factory", "right/Asia/Shanghai", "posix/UTC", "localtime"} {
		s.call("POST", "/instances", map[string]any{"wc_id": fmt.Sprint("wxid_", n), "time_zone": zone}).want(422)
	}
	s.call("POST", "/instances", map[string]any{"wc_id": "wxid_ok", "time_zone": "Asia/Urumqi"}).want(201)
}
