package sim

import (
	"strconv"
	"strings"
	"testing"
)

func (r rig) items(wcID string) circle {
	r.t.Helper()
	var c circle
	r.ok("/getFriendCircle", fields{"wId": r.wID(old), "wcId": wcID, "firstPageMd5": "", "maxId": 0}, &c)
	return c
}

func TestDeletedMomentsVanish(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID, id := r.wID(old), r.post(old, 1).Object.ID
	r.post(old, 2)
	r.ok("/deleteSns", fields{"wId": wID, "id": id}, nil)
	if c := r.items(old); len(c.Sns) != 1 {
		t.Errorf("%d items", len(c.Sns))
	}
	r.refused("/deleteSns", fields{"wId": wID, "id": id})
	r.refused("/getSnsObject", fields{"wId": wID, "wcId": old, "id": id})
	if st := r.Stats(); st.Accepted != 2 || len(r.Truth()) != 2 {
		t.Error("a deleted post was posted all the same")
	}
}

func TestPrivacy(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID, id := r.wID(old), r.post(old, 1).Object.ID
	for _, c := range []struct{ call, private string }{{"/snsSetAsPrivacy", "1"}, {"/snsSetPublic", "0"}} {
		r.ok(c.call, fields{"wId": wID, "id": id}, nil)
		if tl := parseTimeline(t, []byte(r.items(old).Sns[0].ObjectDesc.XML)); tl.Private != c.private {
			t.Errorf("after %s private is %s", c.call, tl.Private)
		}
	}
	r.ok("/snsSetAsPrivacy", fields{"wId": wID, "id": id}, nil)
	var c circle
	r.ok("/getFriendCircle", fields{"wId": r.wID(young), "wcId": old}, &c)
	if len(c.Sns) != 0 {
		t.Error("others see a private moment")
	}
}

func TestComments(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID, id := r.wID(old), r.post(old, 1).Object.ID
	r.ok("/snsComment", fields{"wId": wID, "id": id, "replyCommentId": 0, "content": "第一"}, nil)
	r.ok("/snsComment", fields{"wId": wID, "id": id, "replyCommentId": 1, "content": "回复"}, nil)
	it := r.items(old).Sns[0]
	if it.CommentCount != 2 || it.SnsComments[0].Content != "第一" || it.SnsComments[1].ReplyCommentID != 1 || it.SnsComments[1].NickName != "老号" {
		t.Errorf("%+v", it)
	}
	r.ok("/snsCommentDel", fields{"wId": wID, "id": id, "commentId": 1}, nil)
	if it := r.items(old).Sns[0]; it.CommentCount != 1 || it.SnsComments[0].CommentID != 2 {
		t.Errorf("%+v", it)
	}
	truth := r.Truth()
	if len(truth) != 3 || truth[1].Call != "snsComment" || truth[1].Comment != "第一" || truth[2].ReplyTo != 1 {
		t.Errorf("%+v", truth)
	}
	if st := r.Stats(); st.Comments != 2 || st.Accepted != 1 {
		t.Errorf("comments %d, accepted %d", st.Comments, st.Accepted)
	}
	for want, body := range map[string]fields{
		"content": {"id": id},
		"id":      {"content": "x"},
		"不存在":     {"id": id, "replyCommentId": 9, "content": "x"},
	} {
		if msg := r.refused("/snsComment", with(body, "wId", wID)); !strings.Contains(msg, want) {
			t.Errorf("%v: %s", body, msg)
		}
	}
	r.refused("/snsCommentDel", fields{"wId": wID, "id": id, "commentId": 1})
	r.refused("/snsComment", fields{"wId": r.wID(young), "id": id, "content": "not mine"})
}

func TestReactions(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	id, _ := strconv.ParseUint(r.post(old, 1).Object.ID, 10, 64)
	if !r.React(old, id, "wxid_f", "朋友", "") || !r.React(old, id, "wxid_f", "朋友", "不错") {
		t.Fatal("not found")
	}
	it := r.items(old).Sns[0]
	if it.LikeCount != 1 || it.SnsLikes[0].NickName != "朋友" || it.CommentCount != 1 || it.SnsComments[0].UserName != "wxid_f" {
		t.Errorf("%+v", it)
	}
	if r.React(old, 1, "a", "b", "") || r.React("wxid_nobody", id, "a", "b", "") {
		t.Error("reacted to nothing")
	}
	if len(r.Truth()) != 1 {
		t.Error("reactions are not the client's doing")
	}
}
