package sim

import (
	"encoding/json"
	"strconv"
	"testing"
)

type circle struct {
	Sns []struct {
		ID, UserName, NickName string
		CreateTime             int64
		ObjectDesc             *struct {
			XML string
			Len int
		}
		LikeCount, CommentCount int
		SnsLikes                []struct{ UserName, NickName string }
		SnsComments             []struct {
			UserName, NickName, Content string
			CommentID, ReplyCommentID   int
		}
	}
	FirstPageMd5 *string
}

func TestTimelinePagesOfTen(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	var ids []string
	for i := range 23 {
		ids = append(ids, r.post(old, i).Object.ID)
	}
	var seen []string
	var maxID any = 0
	for page, want := range []int{10, 10, 3, 0} {
		var c circle
		r.ok("/getFriendCircle", fields{"wId": wID, "wcId": old, "firstPageMd5": "", "maxId": maxID}, &c)
		if len(c.Sns) != want || (c.FirstPageMd5 != nil) != (page == 0) {
			t.Fatalf("page %d: %d items, md5 %v", page, len(c.Sns), c.FirstPageMd5)
		}
		for _, it := range c.Sns {
			seen = append(seen, it.ID)
			maxID = json.Number(it.ID) // an unsigned 64-bit number on the wire
		}
	}
	if len(seen) != len(ids) {
		t.Fatalf("%d seen", len(seen))
	}
	for i := range seen {
		if seen[i] != ids[len(ids)-1-i] {
			t.Errorf("item %d is %s, want newest first", i, seen[i])
		}
	}
}

func TestTimelineItem(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	id := r.post(old, 1).Object.ID
	var c circle
	r.ok("/getFriendCircle", fields{"wId": r.wID(old), "wcId": old, "firstPageMd5": "", "maxId": "0"}, &c)
	it := c.Sns[0]
	if it.ID != id || it.UserName != old || it.NickName != "老号" || it.CreateTime == 0 || it.SnsLikes == nil || it.SnsComments == nil {
		t.Errorf("%+v", it)
	}
	if it.ObjectDesc == nil || it.ObjectDesc.Len != len(it.ObjectDesc.XML) {
		t.Fatalf("objectDesc %+v", it.ObjectDesc)
	}
	if tl := parseTimeline(t, []byte(it.ObjectDesc.XML)); tl.ID != id || tl.Content.Title != "标题" {
		t.Errorf("%+v", tl)
	}
}

func TestBareListsLeaveOutTheDescription(t *testing.T) {
	t.Parallel()
	r := start(t, Config{BareLists: true})
	id := r.post(old, 1).Object.ID
	var c circle
	r.ok("/getFriendCircle", fields{"wId": r.wID(old), "wcId": old}, &c)
	if len(c.Sns) != 1 || c.Sns[0].ObjectDesc != nil {
		t.Errorf("%+v", c)
	}
	var one struct{ ObjectDesc *struct{ XML string } }
	r.ok("/getSnsObject", fields{"wId": r.wID(old), "wcId": old, "id": id}, &one)
	if one.ObjectDesc == nil {
		t.Error("getSnsObject must have it")
	}
}

func TestCircleShowsWhatTheViewerMaySee(t *testing.T) {
	t.Parallel()
	r := start(t, Config{OnlineAge: -1})
	mine, theirs := r.wID(old), r.wID(young)
	r.ok("/snsSendUrl", card(mine, 1), &sent{})
	r.ok("/snsSendUrl", with(card(mine, 2), "blackList", "wxid_x,"+young), &sent{})
	r.ok("/snsSendUrl", with(card(mine, 3), "groupUser", young), &sent{})
	r.ok("/snsSendUrl", with(card(mine, 4), "groupUserLabelIds", "1"), &sent{})
	r.ok("/snsSendUrl", card(theirs, 5), &sent{})
	for wID, want := range map[string]int{mine: 5, theirs: 3} {
		var c circle
		r.ok("/getCircle", fields{"wId": wID, "firstPageMd5": "", "maxId": 0}, &c)
		if len(c.Sns) != want {
			t.Errorf("%d items, want %d", len(c.Sns), want)
		}
		for i := 1; i < len(c.Sns); i++ {
			a, _ := strconv.ParseUint(c.Sns[i-1].ID, 10, 64)
			b, _ := strconv.ParseUint(c.Sns[i].ID, 10, 64)
			if a <= b {
				t.Error("not newest first")
			}
		}
	}
}

func TestReadingValidates(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	id := r.post(old, 1).Object.ID
	r.refused("/getFriendCircle", fields{"wId": wID})
	r.refused("/getFriendCircle", fields{"wId": "nope", "wcId": old})
	r.refused("/getFriendCircle", fields{"wId": wID, "wcId": "wxid_nobody"})
	r.refused("/getFriendCircle", fields{"wId": wID, "wcId": old, "maxId": json.Number("1.3367129656153945e+19")})
	r.refused("/getSnsObject", fields{"wId": wID, "wcId": old})
	r.refused("/getSnsObject", fields{"wId": wID, "wcId": old, "id": "12"})
	r.refused("/getSnsObject", fields{"wId": wID, "wcId": young, "id": id})
}
