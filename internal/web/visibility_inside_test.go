package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"momentcast/internal/moment"
)

func TestAudienceIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	texts := readCatalogues()
	names := []moment.Names{{Labels: map[string]string{"3": "老客户", "4": "同事"}, Users: map[string]string{"wxid_a": "张三"}}}
	v := func(mode moment.VisibilityMode, labels, users string) moment.Visibility {
		return moment.Visibility{Mode: mode, Labels: strings.Fields(labels), Users: strings.Fields(users)}
	}
	tests := map[string]struct {
		v        moment.Visibility
		zh, said string
	}{
		"everyone":         {v(moment.Everyone, "", ""), "所有好友可见", "All contacts can see it"},
		"nothing chosen":   {v("", "", ""), "还没有选择谁可以看", "Nobody has chosen yet who may see it"},
		"label and people": {v(moment.Allow, "3", "a b c"), "仅标签「老客户」和 3 位好友可见", "Only label “老客户” and 3 contacts can see it"},
		"all but":          {v(moment.Deny, "4", "b"), "除标签「同事」和 1 位好友外，所有好友可见", "All contacts but label “同事” and 1 contact can see it"},
		"named":            {v(moment.Allow, "", "wxid_a"), "仅好友「张三」可见", "Only “张三” can see it"},
		"unknown label":    {v(moment.Allow, "9", ""), "仅标签「9」可见", "Only label “9” can see it"},
		"many labels":      {v(moment.Deny, "3 4 5 6", ""), "除标签「老客户」、「同事」、「5」等 4 个外，所有好友可见", "All contacts but label “老客户”, “同事”, “5” and more (4 in all) can see it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := audience(texts[zhCN], tt.v, names); got != tt.zh {
				t.Errorf("zh: %s, want %s", got, tt.zh)
			}
			if got := audience(texts[en], tt.v, names); got != tt.said {
				t.Errorf("en: %s, want %s", got, tt.said)
			}
		})
	}
}

func TestGapsNameTheInstancesThatLackSomething(t *testing.T) {
	t.Parallel()
	v := moment.Visibility{Mode: moment.Allow, Labels: []string{"3"}, Users: []string{"wxid_a"}}
	names := []moment.Names{
		{Name: "whole", LabelsRead: true, UsersRead: true, Labels: map[string]string{"3": "VIP"}, Users: map[string]string{"wxid_a": "Li"}},
		{Name: "lacking", LabelsRead: true, UsersRead: true},
		{Name: "never read"}, // nothing is known of it: nothing is claimed
		{Name: "other", LabelsRead: true, Labels: map[string]string{"3": "Staff"}},
	}
	want := []string{
		"Instance “lacking” has no label “VIP / Staff”; it has no effect there.",
		"The contacts of instance “lacking” lack 1 of these: “Li”.",
		"Label number 3 is called differently on these accounts: VIP / Staff. Each account numbers its own labels; please check.",
	}
	if d := cmp.Diff(want, gaps(readCatalogues()[en], v, names)); d != "" {
		t.Error(d)
	}
}

// Nothing that a form leaves out, misspells or garbles reads as everyone.
func TestEveryoneIsChosenOrNot(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"", "visibility=", "visibility=Everyone", "visibility=all", "visibility=%00everyone", "visibility=allow", "visibility=deny",
		"visible_users=&visible_labels=", "visibility=&visibility=everyone", "audience=0"} {
		q, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if v := readVisibility(q).typed(); v.Mode == moment.Everyone || v.Check() == nil {
			t.Errorf("%q reads as %+v", form, v)
		}
	}
	q := url.Values{"visibility": {"allow"}, "visible_users": {" wxid_a,wxid_b\r\nwxid_a；wxid_c "}, "visible_labels": {"3 4"}}
	want := moment.Visibility{Mode: moment.Allow, Users: []string{"wxid_a", "wxid_b", "wxid_c"}, Labels: []string{"3", "4"}}
	if d := cmp.Diff(want, readVisibility(q).typed()); d != "" {
		t.Error(d)
	}
	// The lists of a form in which everyone was chosen do not count.
	q.Set("visibility", "everyone")
	if v := readVisibility(q).typed(); v.Check() != nil || len(v.Users) > 0 {
		t.Errorf("%+v", v)
	}
}
