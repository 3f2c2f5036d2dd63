package sim

import (
	"strings"
	"testing"
)

func TestContactsAndLabels(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	var labels []struct {
		LabelName string
		LabelID   int
	}
	r.ok("/getContactLabelList", fields{"wId": wID}, &labels)
	if len(labels) != 3 || labels[0].LabelID != 1 || labels[0].LabelName == "" {
		t.Errorf("labels %+v", labels)
	}
	r.refused("/getAddressList", fields{"wId": wID})
	r.ok("/initAddressList", fields{"wId": wID}, nil)
	var book map[string][]string
	r.ok("/getAddressList", fields{"wId": wID}, &book)
	if len(book["friends"]) != 45 || book["chatrooms"] == nil || book["ghs"] == nil || book["others"] == nil {
		t.Errorf("address list %+v", book)
	}
	ids := book["friends"][:20]
	var list []map[string]string
	r.ok("/getContact", fields{"wId": wID, "wcId": strings.Join(ids, ",")}, &list)
	if len(list) != 20 {
		t.Fatalf("%d contacts", len(list))
	}
	labelled := 0
	for i, c := range list {
		if c["userName"] != ids[i] || c["nickName"] == "" {
			t.Errorf("contact %v", c)
		}
		for _, key := range []string{"remark", "aliasName", "smallHead", "labelList"} {
			if _, ok := c[key]; !ok {
				t.Errorf("no %s in %v", key, c)
			}
		}
		if c["labelList"] != "" {
			labelled++
		}
	}
	if labelled == 0 {
		t.Error("nobody has a label")
	}
	if n := r.Stats().Manners["get_contact_too_fast"]; n != 0 {
		t.Errorf("%d violations by one call", n)
	}
	r.refused("/getContact", fields{"wId": wID, "wcId": strings.Join(book["friends"][:21], ",")})
	r.ok("/getContact", fields{"wId": wID, "wcId": ids[0] + ",wxid_stranger"}, &list)
	if len(list) != 1 {
		t.Errorf("strangers found: %v", list)
	}
	r.Relogin(old)
	r.refused("/getAddressList", fields{"wId": r.wID(old)}) // init is per login
}

func TestFastContactQueriesAreBadManners(t *testing.T) {
	t.Parallel()
	r := start(t, Config{})
	wID := r.wID(old)
	for range 3 {
		r.ok("/getContact", fields{"wId": wID, "wcId": "x"}, &[]any{})
	}
	if got := r.Stats().Manners["get_contact_too_fast"]; got < 1 || got > 2 {
		t.Errorf("%d violations", got)
	}
}
