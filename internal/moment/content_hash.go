package moment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// Content is what an approval covers: what people will read, from which
// account, and who may read it. The time is not part of it: whoever approves a
// text approves it at any time until the approval expires. Neither are the
// lateness limit and the caller's own key, which nobody sees.
type Content struct {
	InstanceID   int64      `json:"instance_id"`
	Card         Card       `json:"card"`
	Visibility   Visibility `json:"visibility"`
	FirstComment string     `json:"first_comment"`
}

// Content is what an approval of the post covers.
func (p *Post) Content() Content {
	return Content{p.InstanceID, p.Card, p.Visibility, p.FirstComment}
}

// ContentHash names what an approval of the post covers, by its newest version.
func (p *Post) ContentHash() string { return p.Content().hash(newestContent) }

// HasContent reports whether hash names the post's content as it is. The hash
// may be of an older version.
func (p *Post) HasContent(hash string) bool {
	version, _, _ := strings.Cut(hash, ":")
	return hash != "" && p.Content().hash(version) == hash
}

// newestContent is the version of new hashes. A field that is added to Content
// gets a version of its own in contentVersions: what was approved before keeps
// its hash, and its approval.
const newestContent = "1"

// contentVersions are the fields that each version covers.
var contentVersions = map[string]func(c Content, w contentWriter){
	"1": func(c Content, w contentWriter) {
		w.number(uint64(c.InstanceID))
		w.texts(c.Card.Content, c.Card.Title, c.Card.Description, c.Card.URL, c.Card.ThumbURL)
		w.texts(string(c.Visibility.Mode))
		w.list(c.Visibility.Users)
		w.list(c.Visibility.Labels)
		w.texts(c.FirstComment)
	},
}

// hash is "" for a version that this program does not know.
func (c Content) hash(version string) string {
	write, known := contentVersions[version]
	if !known {
		return ""
	}
	w := contentWriter{sha256.New()}
	w.texts("momentcast post content", version)
	write(c, w)
	return version + ":" + hex.EncodeToString(w.to.Sum(nil))
}

// contentWriter writes every value with its length before it, so that no two
// contents read alike.
type contentWriter struct{ to hash.Hash }

func (w contentWriter) number(n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	_, _ = w.to.Write(b[:]) // never fails
}

func (w contentWriter) texts(texts ...string) {
	for _, s := range texts {
		w.number(uint64(len(s)))
		_, _ = w.to.Write([]byte(s)) // never fails
	}
}

// list writes a set: neither order nor repetition matters to who sees a post.
func (w contentWriter) list(set []string) {
	set = slices.Compact(slices.Sorted(slices.Values(set)))
	w.number(uint64(len(set)))
	w.texts(set...)
}
