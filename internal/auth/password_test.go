package auth

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"momentcast/internal/moment"
)

func TestHashFitsItsPasswordOnly(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	stored, err := h.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(stored, err)
	}
	if again, _ := h.Hash(t.Context(), "correct horse"); again == stored {
		t.Error("two hashes of one password are the same: there is no salt")
	}
	for p, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false, "correct horse ": false} {
		if fits, err := h.Fits(t.Context(), stored, p); fits != want || err != nil {
			t.Errorf("%q: %v %v", p, fits, err)
		}
	}
}

// The work for a name that nobody has is the work for one that somebody has:
// the same function is called as often, with the same cost.
func TestUnknownNamesCostTheSame(t *testing.T) {
	t.Parallel()
	type call struct {
		time, memory uint32
		threads      uint8
		salt, out    uint32
	}
	work := func(stored string) (calls []call) {
		h := NewHasher()
		argon := h.key
		h.key = func(p, s []byte, time, memory uint32, threads uint8, n uint32) []byte {
			calls = append(calls, call{time, memory, threads, uint32(len(s)), n})
			return argon(p, s, time, memory, threads, n)
		}
		if fits, err := h.Fits(t.Context(), stored, "guess guess"); fits || err != nil {
			t.Errorf("%q: %v %v", stored, fits, err)
		}
		return calls
	}
	stored, err := NewHasher().Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	known, unknown := work(stored), work("")
	if len(known) != 1 || len(unknown) != 1 || known[0] != unknown[0] {
		t.Errorf("known %v, unknown %v", known, unknown)
	}
}

func TestDecoyFitsNothing(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	h.key = func([]byte, []byte, uint32, uint32, uint8, uint32) []byte { return make([]byte, hashBytes) }
	if fits, err := h.Fits(t.Context(), "", "whatever"); fits || err != nil {
		t.Error("even the decoy's own sum must not let anybody in", fits, err)
	}
}

func TestFewHashesAtOnce(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	var now, most atomic.Int32
	begun, release := make(chan struct{}, 8), make(chan struct{})
	h.key = func([]byte, []byte, uint32, uint32, uint8, uint32) []byte {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		begun <- struct{}{}
		<-release
		now.Add(-1)
		return make([]byte, hashBytes)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := h.Hash(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	for range atOnce {
		<-begun
	}
	// Whoever has left does not wait for a turn.
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := h.Hash(ctx, "x"); moment.KindOf(err) != moment.Limited {
		t.Error(err)
	}
	close(release)
	all.Wait()
	if most.Load() != atOnce {
		t.Errorf("%d at once", most.Load())
	}
}

func TestDamagedHashesAreRefused(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	for _, s := range []string{
		"x", "$argon2id$", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=18$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$argon2id$v=19$m=19456,t=2,p=1$!!$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if fits, err := h.Fits(t.Context(), s, "x"); fits || err == nil {
			t.Errorf("%q is compared with", s)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(decoy)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		q, err := parsePHC(p.String())
		if err != nil || q.String() != p.String() || p.memory > maxMemoryKiB {
			t.Errorf("%q → %q %v", s, p, err)
		}
	})
}
