package gateway

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"momentcast/internal/moment"
)

// published is what the reply to a post says about the moment.
type published struct {
	id      string // decimal; "" = none that can be believed
	created time.Time
}

// readPublished reads data of any form. Only the id matters to the outcome;
// whatever else cannot be read is left out.
func readPublished(data json.RawMessage) published {
	var d struct {
		ID     flex `json:"id"`
		Object struct {
			ID         flex `json:"id"`
			CreateTime flex `json:"createTime"`
		} `json:"object"`
	}
	// A field of another type is skipped and the others are still read, which
	// is what is wanted here.
	_ = json.Unmarshal(data, &d)
	id, ok := readID(d.Object.ID)
	if !ok {
		id, ok = readID(d.ID)
	}
	if !ok {
		return published{}
	}
	return published{id: id, created: createdAt(id, d.Object.CreateTime)}
}

// ReadProof reads what WeChat stored from the reply to a post, as
// moment.Result.Reply keeps it; false if the reply does not tell. It is not
// done while posts are sent: it takes longer than all else about a reply, and
// nothing hangs on it until somebody looks.
func ReadProof(reply string) (moment.Proof, bool) {
	var d struct {
		Data struct {
			Object struct {
				ObjectDesc any `json:"objectDesc"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(reply), &d); err != nil {
		return moment.Proof{}, false
	}
	xml, _, err := decodeDesc(d.Data.Object.ObjectDesc)
	if err != nil || xml == "" {
		return moment.Proof{}, false
	}
	p, err := ParseProof(xml)
	return p, err == nil
}

// maxID is the most digits an id may have; today's have 20.
const maxID = 32

// readID returns the digits of a moment id exactly as they came. Zero, signs,
// fractions, exponents and everything else that is no id are refused: 1.3e19
// is a number that has lost the moment it once named.
func readID(f flex) (string, bool) {
	id := strings.TrimSpace(string(f))
	return id, validID(id)
}

func validID(id string) bool {
	return len(id) <= maxID && allDigits(id) && id[0] != '0'
}

// idEpoch is before the first moment ever posted. An id that claims an earlier
// time is not of the kind that carries one.
var idEpoch = time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC)

// createdAt is when the moment was created: id>>23 is that in milliseconds.
// Ids of another kind leave it to createTime; zero if neither says.
func createdAt(id string, createTime flex) time.Time {
	if n, err := strconv.ParseUint(id, 10, 64); err == nil {
		if t := time.UnixMilli(int64(n >> 23)).UTC(); t.After(idEpoch) {
			return t
		}
	}
	return readTime(createTime)
}

// readTime reads Unix seconds, or milliseconds where the number is too large
// for them; zero if there is none.
func readTime(f flex) time.Time {
	n, err := strconv.ParseInt(strings.TrimSpace(string(f)), 10, 64)
	switch {
	case err != nil || n <= 0 || n > 1e14:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}
