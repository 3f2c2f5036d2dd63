package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"momentcast/internal/moment"
)

// Cost of a hash: OWASP's first choice for argon2id. Some 40 ms of one core.
const (
	memoryKiB  = 19 * 1024
	passes     = 2
	lanes      = 1
	saltBytes  = 16
	hashBytes  = 32
	atOnce     = 2               // hashes computed at the same time, so that logins cannot take all memory and cores
	queueLimit = 5 * time.Second // longest wait for a turn
)

// maxMemoryKiB bounds what a stored hash may ask for; a damaged row must not
// take the process down.
const maxMemoryKiB = 256 * 1024

// decoy is what a password is compared with where there is none: no password
// fits it, and finding that out costs as much as with a real one.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Hasher computes hashes of passwords, few at once. Make it with NewHasher.
type Hasher struct {
	turn chan struct{}
	key  func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// NewHasher returns a Hasher. One is enough for a process.
func NewHasher() *Hasher { return &Hasher{make(chan struct{}, atOnce), argon2.IDKey} }

// Hash returns what is stored of a password: a PHC string with a salt of its
// own. It waits for its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	p := phc{memoryKiB, passes, lanes, salt, nil}
	if err := h.compute(ctx, &p, password, hashBytes); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Fits reports whether the password is the one that was stored. With nothing
// stored it does the same work and says no.
func (h *Hasher) Fits(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = decoy
	}
	want, err := parsePHC(stored)
	if err != nil {
		return false, fmt.Errorf("stored password: %w", err)
	}
	got := want
	if err := h.compute(ctx, &got, password, uint32(len(want.sum))); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got.sum, want.sum) == 1 && known, nil
}

func (h *Hasher) compute(ctx context.Context, p *phc, password string, n uint32) error {
	ctx, done := context.WithTimeout(ctx, queueLimit)
	defer done()
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return &moment.Error{Kind: moment.Limited, Message: "Too many people sign in at this moment; try again.", Err: ctx.Err()}
	}
	defer func() { <-h.turn }()
	p.sum = h.key([]byte(password), p.salt, p.time, p.memory, p.threads, n)
	return nil
}

// phc is a hash with all that is needed to compute it again.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func (p phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		enc.EncodeToString(p.salt), enc.EncodeToString(p.sum))
}

var errPHC = errors.New("is not a hash of argon2id that we made")

func parsePHC(s string) (p phc, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, errPHC
	}
	p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil {
		return p, errPHC
	}
	p.sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || p.memory < 8 || p.memory > maxMemoryKiB || p.time < 1 || p.time > 16 || p.threads < 1 || p.threads > 8 ||
		len(p.salt) < 8 || len(p.salt) > 64 || len(p.sum) < 16 || len(p.sum) > 64 {
		return p, errPHC
	}
	return p, nil
}
