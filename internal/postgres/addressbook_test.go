package postgres

import (
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestContactsOfALateReadingChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inst := w.instance("a")
	begin := func() int64 {
		n, err := w.db.BeginReading(t.Context(), inst, "w-a", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	keep := func(reading int64, names ...string) bool {
		r := moment.ContactsRead{InstanceID: inst, Reading: reading, Fetched: len(names), Total: 9, Lease: time.Minute}
		for _, n := range names {
			r.Contacts = append(r.Contacts, moment.Contact{WxID: n, Nickname: "n\x00-" + n, Labels: []string{"3"}})
		}
		ours, err := w.db.KeepContacts(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return ours
	}
	end := func(reading int64, problem string) {
		if err := w.db.EndReading(t.Context(), inst, reading, problem); err != nil {
			t.Fatal(err)
		}
	}
	book := func() moment.AddressBook {
		b, err := w.db.AddressBook(t.Context(), inst)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	if b := book(); b.Reading || !b.ReadAt.IsZero() || b.Now.IsZero() {
		t.Errorf("never read: %+v", b)
	}
	first := begin()
	if n := begin(); n != 0 {
		t.Errorf("two readings at once: %d", n)
	}
	if !keep(first, "a", "b", "b") {
		t.Error("the step was not taken")
	}
	if b := book(); !b.Reading || b.Contacts != 2 || b.Total != 9 {
		t.Errorf("%+v", b)
	}
	w.exec(`UPDATE address_books SET reading_until = now() - interval '1 second'`) // its replica died
	if b := book(); b.Reading || b.Problem == "" {
		t.Errorf("%+v", b)
	}
	second := begin()
	if second <= first {
		t.Fatalf("reading %d after %d", second, first)
	}
	if keep(first, "late") {
		t.Error("a late step was taken")
	}
	keep(second, "b", "c")
	end(first, "") // comes back late
	if b := book(); !b.Reading {
		t.Error("a late end ended the reading of another")
	}
	end(second, "")
	if b := book(); b.Reading || b.ReadAt.IsZero() || b.Contacts != 2 {
		t.Errorf("%+v", b)
	}
	list, err := w.db.Contacts(t.Context(), moment.ContactQuery{InstanceID: inst, Text: "N-C", Label: "3"})
	if err != nil || len(list) != 1 || list[0].WxID != "c" || list[0].Nickname != "n-c" {
		t.Errorf("%+v, %v", list, err)
	}
	third := begin()
	end(third, "no answer")
	if b := book(); b.Problem != "no answer" || b.Contacts != 2 {
		t.Errorf("a reading that failed forgets nobody: %+v", b)
	}
}

func TestNamesComeFromTheBookOfTheInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, unread := w.instance("a"), w.instance("b"), w.instance("c")
	for inst, name := range map[int64]string{a: "VIP", b: "Staff"} {
		if err := w.db.KeepLabels(t.Context(), inst, "w", []moment.Label{{ID: "3", Name: name}, {ID: "4", Name: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	w.exec(`INSERT INTO contacts (instance_id, wxid, nickname, remark, reading) VALUES ($1, 'wxid_z', 'nick', 'Zhang', 1)`, a)
	v := moment.Visibility{Mode: moment.Allow, Labels: []string{"3"}, Users: []string{"wxid_z"}}
	names, err := w.db.NamesOf(t.Context(), []int64{a, b, unread}, v)
	if err != nil || len(names) != 3 {
		t.Fatalf("%+v, %v", names, err)
	}
	if n := names[0]; n.Labels["3"] != "VIP" || len(n.Labels) != 1 || n.Users["wxid_z"] != "Zhang" || !n.LabelsRead || n.UsersRead {
		t.Errorf("%+v", n)
	}
	if n := names[1]; n.Labels["3"] != "Staff" || len(n.Users) != 0 {
		t.Errorf("%+v", n)
	}
	if n := names[2]; n.LabelsRead || len(n.Labels) != 0 {
		t.Errorf("%+v", n)
	}
	if all, err := w.db.NamesOf(t.Context(), nil, v); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}
