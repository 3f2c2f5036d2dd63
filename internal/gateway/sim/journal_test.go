package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJournalBringsBackTheTruth(t *testing.T) {
	t.Parallel()
	cfg := Config{Journal: filepath.Join(t.TempDir(), "journal"), Seed: 3}
	a := start(t, cfg)
	a.AddAccount(Account{WcID: "wxid_extra", OnlineFor: 100 * 60 * 60e9})
	wID := a.wID(old)
	first := a.post(old, 1).Object.ID
	gone := a.post(old, 2).Object.ID
	a.FailNext(old, DropAfter, 1)
	_, _, _ = a.raw("/snsSendUrl", card(wID, 1))
	a.post("wxid_extra", 9)
	a.ok("/snsComment", fields{"wId": wID, "id": first, "content": "甲"}, nil)
	a.ok("/snsComment", fields{"wId": wID, "id": first, "content": "乙"}, nil)
	a.ok("/snsCommentDel", fields{"wId": wID, "id": first, "commentId": 1}, nil)
	a.ok("/snsSetAsPrivacy", fields{"wId": wID, "id": first}, nil)
	a.ok("/deleteSns", fields{"wId": wID, "id": gone}, nil)

	b := start(t, cfg) // the first one is still there, as after kill -9
	ignoreMonotonic := cmp.Comparer(func(x, y Accepted) bool {
		x.At, y.At = x.At.UTC().Round(0), y.At.UTC().Round(0)
		return x == y
	})
	if d := cmp.Diff(a.Truth(), b.Truth(), ignoreMonotonic); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(a.items(old), b.items(old)); d != "" {
		t.Error(d)
	}
	if st := b.Stats(); st.Doubles != 1 || st.Accepted != 4 || st.Outcomes["drop_after"] != 1 {
		t.Errorf("stats %+v", st)
	}
	last := b.Truth()[len(b.Truth())-1]
	next := b.post(old, 50).Object.ID
	if truth := b.Truth(); next <= gone || truth[len(truth)-1].Seq <= last.Seq {
		t.Error("ids or sequence start over")
	}
}

func TestJournalToleratesAnUnfinishedEndOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	a := start(t, Config{Journal: path})
	a.post(old, 1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:len(whole)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, Config{Journal: path})
	if len(b.Truth()) != 1 {
		t.Errorf("%d posts", len(b.Truth()))
	}
	b.post(old, 2)
	if c := start(t, Config{Journal: path}); len(c.Truth()) != 2 {
		t.Errorf("%d posts after appending to a cut journal", len(c.Truth()))
	}
	if err := os.WriteFile(path, []byte("nonsense\n"+string(whole)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Journal: path}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("broken journal accepted: %v", err)
	}
}

func TestResetEmptiesTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	a := start(t, Config{Journal: path})
	a.post(old, 1)
	if err := a.Reset(); err != nil {
		t.Fatal(err)
	}
	a.post(old, 2)
	if b := start(t, Config{Journal: path}); len(b.Truth()) != 1 || b.Truth()[0].Request.URL != "https://example.com/p?n=2" {
		t.Errorf("truth %+v", b.Truth())
	}
}

func TestWhatTheJournalLacksWasNotPosted(t *testing.T) {
	t.Parallel()
	a := start(t, Config{Journal: filepath.Join(t.TempDir(), "journal")})
	if err := a.journal.file.Close(); err != nil { // stands for a full disk
		t.Fatal(err)
	}
	if status, _, err := a.raw("/snsSendUrl", card(a.wID(old), 1)); err != nil || status != 500 {
		t.Errorf("status %d, %v", status, err)
	}
	if n := len(a.Truth()); n != 0 {
		t.Errorf("%d posted", n)
	}
	a.journal.file = nil // so that Close has nothing to complain about
}
