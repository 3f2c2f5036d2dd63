//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as. PostgreSQL refuses to run as
// root, so a momentcast started by root lends it another; nil means our own.
type account struct {
	name     string
	uid, gid uint32
}

// runAs finds the account for a cluster: who owns an existing one keeps it.
func runAs(data string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	names := []string{"postgres", "nobody"}
	if st, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok && sys.Uid != 0 {
			return &account{name: userName(sys.Uid), uid: sys.Uid, gid: sys.Gid}, nil
		}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("ids of user %s: %w", name, err)
		}
		if uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user %v to run it as: start momentcast as an ordinary user", names)
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// mayEnter fails when the account cannot reach dir, as below /root: PostgreSQL's
// own message would name neither the directory at fault nor a way out.
func (a *account) mayEnter(dir string) error {
	if a == nil {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		if st, err := os.Stat(d); err == nil && !a.has(st, 0o1) {
			return fmt.Errorf("data directory %s: %s %w (%s, because it refuses root): choose a data directory elsewhere, such as /var/lib/momentcast, or start momentcast as an ordinary user", dir, d, ErrNotEnterable, a.name)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// has reports whether the account's permissions on a file include bits.
func (a *account) has(st os.FileInfo, bits os.FileMode) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	switch {
	case ok && sys.Uid == a.uid:
		bits <<= 6
	case ok && sys.Gid == a.gid:
		bits <<= 3
	}
	return st.Mode()&bits == bits
}

// own gives a directory to the account.
func (a *account) own(dir string) error {
	if a == nil {
		return nil
	}
	return os.Chown(dir, int(a.uid), int(a.gid))
}

// owns fails when an existing cluster belongs to somebody else, as after a
// first start by root and a second one by a user.
func (a *account) owns(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	want := uint32(os.Geteuid())
	if a != nil {
		want = a.uid
	}
	if sys.Uid != want {
		return fmt.Errorf("%s belongs to user %s and PostgreSQL would run as %s: start momentcast as the same user as before", dir, userName(sys.Uid), userName(want))
	}
	return nil
}

// procAttr is how the server's processes are started.
func (a *account) procAttr() *syscall.SysProcAttr {
	// A process group of its own: a terminal's ^C must not stop the server before
	// momentcast has drained and stops it itself.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	dieWithParent(attr)
	return attr
}
