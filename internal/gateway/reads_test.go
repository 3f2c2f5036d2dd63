package gateway

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

// script answers each path with its text, and anything else with 404.
func script(t *testing.T, replies map[string]string) (*Client, *stub) {
	t.Helper()
	s := newStub(t, func(a asked, _ int) (int, string) {
		if body, ok := replies[a.Path]; ok {
			return 200, body
		}
		return 404, ""
	})
	return newClient(t, s.URL), s
}

// ok wraps data in an envelope of success.
func ok(data string) string { return `{"code":"1000","message":"成功","data":` + data + `}` }

// TestCallsOnTheWire holds every call's request and reading against the protocol.
func TestCallsOnTheWire(t *testing.T) {
	t.Parallel()
	type m = moment.StoredMoment
	created := time.UnixMilli(1593486028999).Truncate(time.Second).UTC()
	const id = "13367129656153944194"
	tests := []struct {
		name  string
		call  func(ctx context.Context, c *Client) (any, error)
		path  string
		body  string
		reply string
		want  any
		kind  moment.Kind
	}{
		{name: "logins", call: func(ctx context.Context, c *Client) (any, error) { return c.Logins(ctx) },
			path: "/queryLoginWx", body: `{}`,
			reply: ok(`[{"wcId":"wxid_a","wId":"w-1"},{"wcId":null,"wId":"w-2"},{"wcId":"wxid_b","wId":77}]`),
			want:  []moment.Login{{WcID: "wxid_a", WID: "w-1"}, {WcID: "wxid_b", WID: "77"}}},
		{name: "no logins", call: func(ctx context.Context, c *Client) (any, error) { return c.Logins(ctx) },
			path: "/queryLoginWx", body: `{}`, reply: ok(`null`), want: []moment.Login{}},
		{name: "logins with a gap", call: func(ctx context.Context, c *Client) (any, error) { return c.Logins(ctx) },
			path: "/queryLoginWx", body: `{}`, reply: ok(`[{"wcId":"wxid_a","wId":"w-1"},"?"]`), want: []moment.Login(nil), kind: moment.Unavailable},
		{name: "online", call: func(ctx context.Context, c *Client) (any, error) { return c.Online(ctx, "w") },
			path: "/isOnline", body: `{"wId":"w"}`, reply: ok(`{"isOnline":true}`), want: true},
		{name: "offline", call: func(ctx context.Context, c *Client) (any, error) { return c.Online(ctx, "w") },
			path: "/isOnline", body: `{"wId":"w"}`, reply: ok(`{"isOnline":false}`), want: false},
		{name: "offline by refusal", call: func(ctx context.Context, c *Client) (any, error) { return c.Online(ctx, "w") },
			path: "/isOnline", body: `{"wId":"w"}`, reply: `{"code":"1001","message":"失败"}`, want: false},
		{name: "online not said", call: func(ctx context.Context, c *Client) (any, error) { return c.Online(ctx, "w") },
			path: "/isOnline", body: `{"wId":"w"}`, reply: ok(`null`), want: false, kind: moment.Unavailable},
		{name: "offline reason", call: func(ctx context.Context, c *Client) (any, error) { return c.OfflineReason(ctx, "wxid_a") },
			path: "/offlineReason", body: `{"wcId":"wxid_a"}`, reply: ok(`[{"wcId":"wxid_b","reason":"x"},{"wcId":"wxid_a","reason":"你已退出微信"}]`), want: "你已退出微信"},
		{name: "no offline reason", call: func(ctx context.Context, c *Client) (any, error) { return c.OfflineReason(ctx, "wxid_a") },
			path: "/offlineReason", body: `{"wcId":"wxid_a"}`, reply: ok(`[{"wcId":"wxid_a","reason":null}]`), want: ""},
		{name: "callback", call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.RegisterCallback(ctx, "https://me.test/cb?a=1&b=2")
		}, path: "/setHttpCallbackUrl", body: `{"httpUrl":"https://me.test/cb?a=1&b=2","type":2}`, reply: ok(`null`)},

		{name: "moment in full", call: func(ctx context.Context, c *Client) (any, error) { return c.Moment(ctx, "w", "wxid_a", id) },
			path: "/getSnsObject", body: `{"wId":"w","wcId":"wxid_a","id":"` + id + `"}`,
			reply: ok(`{"id":` + id + `,"userName":"wxid_a","createTime":"1593486028","objectDesc":{"xml":"<a/>","len":4},
				"snsLikes":[{"userName":"wxid_b","nickName":"乙","createTime":1593486028}],
				"snsComments":[{"userName":"wxid_c","nickName":"丙","commentId":5,"replyCommentId":0,"content":"好","createTime":"1593486028"},
				               {"userName":"wxid_b","commentId":"6","replyCommentId":"5","content":"\u0000"}]}`),
			want: m{ID: id, WcID: "wxid_a", CreatedAt: created, XML: "<a/>",
				Likes: []moment.Like{{WcID: "wxid_b", Nickname: "乙", At: created}},
				Comments: []moment.Comment{
					{ID: "5", WcID: "wxid_c", Nickname: "丙", Content: "好", At: created},
					{ID: "6", ReplyTo: "5", WcID: "wxid_b", Content: "\uFFFD"},
				}}},
		{name: "moment, likes and comments of no known form", call: func(ctx context.Context, c *Client) (any, error) { return c.Moment(ctx, "w", "wxid_a", id) },
			path: "/getSnsObject", body: `{"wId":"w","wcId":"wxid_a","id":"` + id + `"}`,
			reply: ok(`{"id":"` + id + `","userName":"wxid_a","objectDesc":7,"snsLikes":{"n":1},"snsComments":null}`),
			want:  m{ID: id, WcID: "wxid_a", CreatedAt: time.UnixMilli(1593486029643).UTC()}},
		{name: "another moment", call: func(ctx context.Context, c *Client) (any, error) { return c.Moment(ctx, "w", "wxid_a", "12") },
			path: "/getSnsObject", body: `{"wId":"w","wcId":"wxid_a","id":"12"}`, reply: ok(`{"id":"13"}`), want: m{}, kind: moment.NotFound},
		{name: "no moment", call: func(ctx context.Context, c *Client) (any, error) { return c.Moment(ctx, "w", "wxid_a", "12") },
			path: "/getSnsObject", body: `{"wId":"w","wcId":"wxid_a","id":"12"}`, reply: ok(`null`), want: m{}, kind: moment.NotFound},

		{name: "delete", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Delete(ctx, "w", id) },
			path: "/deleteSns", body: `{"wId":"w","id":"` + id + `"}`, reply: ok(`null`)},
		{name: "private", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.SetPrivate(ctx, "w", id) },
			path: "/snsSetAsPrivacy", body: `{"wId":"w","id":"` + id + `"}`, reply: ok(`null`)},
		{name: "public", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.SetPublic(ctx, "w", id) },
			path: "/snsSetPublic", body: `{"wId":"w","id":"` + id + `"}`, reply: `{"code":"1001","msg":"已删除"}`, kind: moment.Refused},
		{name: "comment", call: func(ctx context.Context, c *Client) (any, error) {
			return c.Comment(ctx, "w", id, "好 & 好").Verdict, nil
		}, path: "/snsComment", body: `{"wId":"w","id":"` + id + `","replyCommentId":0,"content":"好 & 好"}`, reply: ok(`null`), want: moment.Delivered},
		{name: "comment refused", call: func(ctx context.Context, c *Client) (any, error) {
			return c.Comment(ctx, "w", id, "好").Cause, nil
		}, path: "/snsComment", body: `{"wId":"w","id":"` + id + `","replyCommentId":0,"content":"好"}`, reply: `{"code":1001}`, want: "code_1001"},
		{name: "delete comment", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteComment(ctx, "w", id, "5") },
			path: "/snsCommentDel", body: `{"wId":"w","id":"` + id + `","commentId":5}`, reply: ok(`null`)},

		{name: "labels", call: func(ctx context.Context, c *Client) (any, error) { return c.Labels(ctx, "w") },
			path: "/getContactLabelList", body: `{"wId":"w"}`, reply: ok(`[{"labelName":"客户","labelId":3},{"labelName":"x","labelId":"4"}]`),
			want: []moment.Label{{ID: "3", Name: "客户"}, {ID: "4", Name: "x"}}},
		{name: "init contacts", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.InitContacts(ctx, "w") },
			path: "/initAddressList", body: `{"wId":"w"}`, reply: ok(`null`)},
		{name: "contact ids", call: func(ctx context.Context, c *Client) (any, error) { return c.ContactIDs(ctx, "w") },
			path: "/getAddressList", body: `{"wId":"w"}`, reply: ok(`{"friends":["wxid_a","wxid_b"],"chatrooms":["1@chatroom"],"ghs":null}`),
			want: []string{"wxid_a", "wxid_b"}},
		{name: "contacts", call: func(ctx context.Context, c *Client) (any, error) {
			return c.Contacts(ctx, "w", []string{"wxid_a", "wxid_b"})
		}, path: "/getContact", body: `{"wId":"w","wcId":"wxid_a,wxid_b"}`,
			reply: ok(`[{"userName":"wxid_a","nickName":"甲","remark":null,"aliasName":"al","smallHead":"http://h","labelList":"3,4"},{"userName":"wxid_b"}]`),
			want: []moment.Contact{{WxID: "wxid_a", Nickname: "甲", Alias: "al", Avatar: "http://h", Labels: []string{"3", "4"}},
				{WxID: "wxid_b", Labels: []string{}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, s := script(t, map[string]string{tt.path: tt.reply})
			got, err := tt.call(t.Context(), c)
			if moment.KindOf(err) != tt.kind {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if calls := s.seen(); len(calls) != 1 || calls[0].Path != tt.path || calls[0].Body != tt.body {
				t.Errorf("asked %+v\nwant %s %s", calls, tt.path, tt.body)
			}
		})
	}
}

func TestNothingIsAskedForWhatCannotBe(t *testing.T) {
	t.Parallel()
	s := says(t, 200, ok("null"))
	c := newClient(t, s.URL)
	ctx := t.Context()
	_, online := c.Online(ctx, "")
	_, _, page := c.Timeline(ctx, "w", "wxid_a", Page{MaxID: "x"})
	_, one := c.Moment(ctx, "w", "wxid_a", "")
	_, many := c.Contacts(ctx, "w", make([]string, 21))
	_, comma := c.Contacts(ctx, "w", []string{"a,b"})
	for name, err := range map[string]error{
		"online": online, "page": page, "moment": one, "contacts": many, "comma": comma,
		"delete": c.Delete(ctx, "w", "0"), "comment": c.DeleteComment(ctx, "w", "1", "x"),
	} {
		if moment.KindOf(err) != moment.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r := c.Comment(ctx, "w", "abc", "x"); r.Verdict != moment.Rejected || r.Cause != "bad_id" {
		t.Errorf("comment: %s %q", r.Verdict, r.Cause)
	}
	if got, err := c.Contacts(ctx, "w", nil); got != nil || err != nil {
		t.Errorf("no contacts: %v, %v", got, err)
	}
	if len(s.seen()) != 0 {
		t.Errorf("asked %v", s.seen())
	}
}

func TestTimelinePages(t *testing.T) {
	t.Parallel()
	const first, second, third = "13367129656153944194", "13367129656153944100", "13367129656153944050"
	item := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"userName":"wxid_a","createTime":1593486029,"snsLikes":null,"snsComments":null}`, id)
	}
	replies := []string{
		ok(`{"sns":[` + item(first) + `,` + item(second) + `],"firstPageMd5":"m1"}`),
		ok(`{"sns":[` + item(second) + `,` + item(third) + `],"firstPageMd5":null}`), // repeats where it began
		ok(`{"sns":[` + item(third) + `],"firstPageMd5":""}`),                        // leads no further
	}
	s := newStub(t, func(_ asked, n int) (int, string) { return 200, replies[n-1] })
	c := newClient(t, s.URL)
	var ids []string
	var p Page
	for range replies {
		ms, next, err := c.Timeline(t.Context(), "w", "wxid_a", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			ids = append(ids, m.ID)
		}
		p = next
	}
	if d := cmp.Diff([]string{first, second, third}, ids); d != "" {
		t.Error(d)
	}
	if p != (Page{}) {
		t.Errorf("after the end: %+v", p)
	}
	var bodies []string
	for _, a := range s.seen() {
		bodies = append(bodies, a.Body)
	}
	want := []string{
		`{"wId":"w","wcId":"wxid_a","firstPageMd5":"","maxId":0}`,
		`{"wId":"w","wcId":"wxid_a","firstPageMd5":"m1","maxId":` + second + `}`,
		`{"wId":"w","wcId":"wxid_a","firstPageMd5":"m1","maxId":` + third + `}`,
	}
	if d := cmp.Diff(want, bodies); d != "" {
		t.Error(d)
	}
}

// A page that was not read must not pass for proof that a moment is not there.
func TestTimelineThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for data, fine := range map[string]bool{
		`null`: false, `{}`: false, `{"sns":{}}`: false, `{"sns":["x"]}`: false, `{"sns":[{"userName":"a"}]}`: false,
		`[]`: false, `{"sns":[{"id":"99999999999999999999999"}]}`: false,
		`{"sns":null}`: true, `{"sns":[]}`: true,
	} {
		c, _ := script(t, map[string]string{"/getFriendCircle": ok(data)})
		ms, next, err := c.Timeline(t.Context(), "w", "wxid_a", Page{})
		if fine && (err != nil || len(ms) != 0 || next != Page{}) || !fine && moment.KindOf(err) != moment.Unavailable {
			t.Errorf("%s: %v, %v, %v", data, ms, next, err)
		}
	}
	c, _ := script(t, map[string]string{"/getFriendCircle": ok(`null`)})
	if _, next, err := c.Timeline(t.Context(), "w", "wxid_a", Page{MaxID: "5"}); err != nil || next != (Page{}) {
		t.Errorf("past the last page: %v, %v", next, err)
	}
}
