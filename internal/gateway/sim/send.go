package sim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SendRequest is what a snsSendUrl asked for, under the names of the wire,
// without its wId.
type SendRequest struct {
	Content           string `json:"content"`
	Title             string `json:"title"`
	Description       string `json:"description"`
	URL               string `json:"url"`
	ThumbURL          string `json:"thumbUrl"`
	GroupUser         string `json:"groupUser,omitempty"`
	BlackList         string `json:"blackList,omitempty"`
	GroupUserLabelIDs string `json:"groupUserLabelIds,omitempty"`
	BlackListLabelIDs string `json:"blackListLabelIds,omitempty"`
}

// sendBody is a SendRequest on the wire. The description must be there but
// may be empty.
type sendBody struct {
	WID string `json:"wId"`
	SendRequest
	Description *string `json:"description"`
}

func (b *sendBody) check() error {
	for _, f := range []struct{ name, value string }{
		{"wId", b.WID}, {"content", b.Content}, {"title", b.Title}, {"url", b.URL}, {"thumbUrl", b.ThumbURL},
	} {
		if f.value == "" {
			return missing(f.name)
		}
	}
	if b.Description == nil {
		return missing("description")
	}
	if !webURL(b.URL) {
		return refusal("url格式错误")
	}
	if !webURL(b.ThumbURL) {
		return refusal("thumbUrl格式错误")
	}
	allow, deny := b.GroupUser+b.GroupUserLabelIDs, b.BlackList+b.BlackListLabelIDs
	if allow != "" && deny != "" {
		return refusal("可见与不可见名单不能同时设置")
	}
	for _, ids := range []string{b.GroupUserLabelIDs, b.BlackListLabelIDs} {
		if !labelIDs(ids) {
			return refusal("标签id格式错误")
		}
	}
	b.SendRequest.Description = *b.Description
	return nil
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func labelIDs(joined string) bool {
	if joined == "" {
		return true
	}
	for id := range strings.SplitSeq(joined, ",") {
		if _, err := strconv.ParseUint(id, 10, 32); err != nil {
			return false
		}
	}
	return true
}

// verdict is how a snsSendUrl will end.
type verdict struct {
	refused string  // non-empty: code 1001 with this text
	fault   Fault   // "" = none
	posted  *moment // nil when not posted (yet)
	err     error   // the journal could not be written
}

func (s *Sim) snsSendURL(c *call) {
	var req sendBody
	err := c.decode(&req)
	if err == nil {
		err = req.check()
	}
	if err != nil {
		s.tally.outcome("malformed")
		s.wait(c, s.latency())
		c.fail(err.Error())
		return
	}
	acc := s.session(req.WID)
	if acc == nil {
		s.tally.outcome("refused")
		s.wait(c, s.latency())
		c.fail(msgNoSession)
		return
	}
	f := acc.enter()
	defer acc.leave(f, false) // for panics; ends are recorded before
	v := s.judge(acc, &req, c.at)
	s.tally.verdict(v)
	s.conclude(c, acc, f, v, &req)
}

// judge decides one call and accepts its post, as one step under the
// account's lock.
func (s *Sim) judge(acc *account, req *sendBody, at time.Time) verdict {
	s.mu.RLock()
	defer s.mu.RUnlock()
	acc.mu.Lock()
	defer acc.mu.Unlock()
	switch {
	case acc.wID != req.WID: // logged in anew since the look-up
		return verdict{refused: msgNoSession}
	case acc.offline:
		return verdict{refused: msgOffline}
	case s.cfg.OnlineAge > 0 && time.Since(acc.since) < s.cfg.OnlineAge:
		return verdict{refused: msgTooYoung}
	}
	fault := s.faults.draw(acc.wcID)
	if fault == Offline {
		acc.offline, acc.reason = true, reasonOffline
		s.hooks.offline(acc.wcID, acc.wID, reasonOffline)
	}
	if fault == Late || !fault.Posts() {
		return verdict{fault: fault}
	}
	m, err := s.accept(acc, req, at, fault)
	return verdict{fault: fault, posted: m, err: err}
}

// accept posts. s.mu is held for reading, acc.mu is held. The journal comes
// first: what it does not have was not posted.
func (s *Sim) accept(acc *account, req *sendBody, at time.Time, fault Fault) (*moment, error) {
	m := &moment{
		id: s.newID(time.Now()), seq: s.seq.Add(1), at: at.UnixNano(), due: dueOf(req.URL),
		wID: acc.wID, req: req.SendRequest, fault: fault,
	}
	if s.journal.on() {
		if err := s.journal.append(m.accepted(acc.wcID)); err != nil {
			s.log.Error().Err(err).Msg("journal not written, post refused")
			return nil, err
		}
	}
	acc.add(m)
	return m, nil
}

// acceptLate posts for the fault late, after its wait.
func (s *Sim) acceptLate(c *call, acc *account, req *sendBody) (*moment, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	acc.mu.Lock()
	defer acc.mu.Unlock()
	return s.accept(acc, req, c.at, Late)
}

// newID makes the next moment id: its creation in milliseconds above 23 bits
// of noise. Noise, because WeChat's ids use those bits too, and an id that
// ends in zeros would survive a reader that takes it for a float.
func (s *Sim) newID(now time.Time) uint64 {
	const noise = 1<<22 - 1
	for {
		last := s.lastID.Load()
		id := uint64(now.UnixMilli())<<23 | (s.seq.Load()*0x9E3779B97F4A7C15>>20)&noise | 1
		if id <= last {
			id = last + 1
		}
		if s.lastID.CompareAndSwap(last, id) {
			return id
		}
	}
}

// dueOf reads the query parameter due=<unix ns>; 0 when there is none. It
// stays off url.Parse because it runs for every post.
func dueOf(link string) int64 {
	_, query, _ := strings.Cut(link, "?")
	query, _, _ = strings.Cut(query, "#")
	for pair := range strings.SplitSeq(query, "&") {
		if v, ok := strings.CutPrefix(pair, "due="); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}

// abort closes the connection without an answer.
func abort() { panic(http.ErrAbortHandler) }
