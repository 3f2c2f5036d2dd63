package moment_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"momentcast/internal/moment"
)

func TestWhatEachRoleMayDo(t *testing.T) {
	t.Parallel()
	const v, w, a, o, x = moment.PermView, moment.PermWrite, moment.PermApprove, moment.PermOperate, moment.PermAdmin
	want := map[moment.Role][]moment.Permission{
		moment.RoleViewer:   {v},
		moment.RoleEditor:   {v, w},
		moment.RoleApprover: {v, a},
		moment.RoleOperator: {v, w, o},
		moment.RoleAdmin:    {v, w, a, o, x},
	}
	if len(want) != len(moment.Roles) || len(moment.Permissions) != 5 {
		t.Fatal("a role or permission is missing here")
	}
	for _, r := range moment.Roles {
		for _, p := range moment.Permissions {
			u := moment.User{Roles: []moment.Role{r}}
			if u.May(p) != slices.Contains(want[r], p) {
				t.Errorf("%s: %s is %v", r, p, u.May(p))
			}
			if u.Disabled = true; u.May(p) {
				t.Errorf("a disabled %s may %s", r, p)
			}
		}
	}
	if (moment.User{}).May(v) || (moment.User{Roles: []moment.Role{"owner"}}).May(v) || (moment.User{Roles: moment.Roles}).May("") {
		t.Error("nobody, an unknown role or no permission is let through")
	}
	if both := (moment.User{Roles: []moment.Role{moment.RoleEditor, moment.RoleApprover}}); !both.May(w) || !both.May(a) || both.May(o) {
		t.Error("roles do not add up")
	}
}

func TestWhatEachScopeMayDo(t *testing.T) {
	t.Parallel()
	want := map[moment.Scope][]moment.Permission{
		moment.ScopeRead:    {moment.PermView},
		moment.ScopeWrite:   {moment.PermWrite},
		moment.ScopeApprove: {moment.PermApprove},
		moment.ScopeOperate: {moment.PermOperate, moment.PermApprove},
		moment.ScopeAdmin:   moment.Permissions,
	}
	for _, s := range moment.Scopes {
		for _, p := range moment.Permissions {
			token := moment.Token{Scopes: []moment.Scope{s}}
			if token.May(p) != slices.Contains(want[s], p) {
				t.Errorf("%s: %s is %v", s, p, token.May(p))
			}
		}
	}
	for p, s := range map[moment.Permission]moment.Scope{
		moment.PermView: moment.ScopeRead, moment.PermWrite: moment.ScopeWrite, moment.PermApprove: moment.ScopeApprove,
		moment.PermOperate: moment.ScopeOperate, moment.PermAdmin: moment.ScopeAdmin,
	} {
		if p.Scope() != s {
			t.Errorf("%s is named to callers as %s", p, p.Scope())
		}
	}
}

func TestNamesOfPeople(t *testing.T) {
	t.Parallel()
	viewer := []moment.Role{moment.RoleViewer}
	good := []string{"ann", "王小明", "zhang.wei", "a_b-c@d.cn", "李雷2", strings.Repeat("长", 64)}
	for _, name := range good {
		if err := (&moment.User{Name: name, Roles: viewer}).Check(); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	bad := []string{"", "ab", "王明", strings.Repeat("a", 65), "a b", "a:bc", "ann\n", "<b>x", "ann'--", "a/b", "e\u0301ric", "ann\u202e", "ann\x00", "\xff\xfe\xfd"}
	for _, name := range bad {
		if err := (&moment.User{Name: name, Roles: viewer}).Check(); moment.KindOf(err) != moment.Invalid {
			t.Errorf("%q is taken: %v", name, err)
		}
	}
}

func TestRolesOfPeople(t *testing.T) {
	t.Parallel()
	for _, roles := range [][]moment.Role{nil, {"owner"}, {moment.RoleViewer, moment.RoleViewer}, {""}} {
		if err := (&moment.User{Name: "ann", Roles: roles}).Check(); moment.KindOf(err) != moment.Invalid {
			t.Errorf("%v are taken: %v", roles, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"correct horse", "十个汉字的密码也可以用", "a1b2c3d4e5", strings.Repeat("x", 256)} {
		if err := moment.CheckPassword("ann", p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"", "short", "nine char", "1234567890", "PassWord123", "qwertyuiop", "woaini1314", strings.Repeat("x", 257), "\xff123456789012"} {
		err := moment.CheckPassword("ann", p)
		if moment.KindOf(err) != moment.Invalid {
			t.Errorf("%q is taken: %v", p, err)
		} else if p != "" && strings.Contains(err.Error(), p) {
			t.Errorf("the error repeats %q", p)
		}
	}
	if err := moment.CheckPassword("Wang.Xiaoming", "wang.xiaoming"); moment.KindOf(err) != moment.Invalid {
		t.Error("the name is taken as password")
	}
}

func TestLocksGrowAndEnd(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{
		0: 0, 1: 0, 4: 0, 5: 4 * time.Second, 6: 8 * time.Second, 10: 128 * time.Second, 12: 512 * time.Second,
		13: 15 * time.Minute, 1 << 40: 15 * time.Minute,
	} {
		if got := moment.LockAfter(n); got != want {
			t.Errorf("after %d failures: %v, want %v", n, got, want)
		}
	}
}
