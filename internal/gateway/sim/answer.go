package sim

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// conclude waits as the verdict asks and answers. The flight ends before the
// first byte of the answer.
func (s *Sim) conclude(c *call, acc *account, f *flight, v verdict, req *sendBody) {
	if v.fault == Hang || v.fault == HangBefore {
		s.hang(c)
		acc.leave(f, true)
		abort()
	}
	d := s.latency()
	switch v.fault {
	case Slow:
		d += s.pace.Load().slowBy
	case Late:
		s.sleep(s.pace.Load().slowBy)
		v.posted, v.err = s.acceptLate(c, acc, req)
	}
	if !s.wait(c, d) || c.r.Context().Err() != nil {
		acc.leave(f, true)
		abort()
	}
	acc.leave(f, false)
	s.answer(c, acc.wcID, v)
}

// hang blocks until the client gives up or the simulator closes.
func (s *Sim) hang(c *call) {
	select {
	case <-c.r.Context().Done():
	case <-s.done:
	}
}

// sleep lets d pass whatever becomes of the client.
func (s *Sim) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	}
}

func (s *Sim) answer(c *call, wcID string, v verdict) {
	switch {
	case v.refused != "":
		c.fail(v.refused)
		return
	case v.err != nil:
		c.write(http.StatusInternalServerError, envelope{v.err.Error(), codeFailed, nil})
		return
	}
	switch v.fault {
	case Reject:
		c.fail(msgFailed)
	case Offline:
		c.fail(msgOffline)
	case Auth:
		c.write(http.StatusUnauthorized, envelope{msgBadToken, codeFailed, nil})
	case HTTP500, HTTP500After:
		c.raw(http.StatusInternalServerError, "application/json;charset=UTF-8",
			[]byte(`{"timestamp":"`+time.Now().UTC().Format(time.RFC3339)+`","status":500,"error":"Internal Server Error","path":"/snsSendUrl"}`))
	case HTML:
		c.raw(http.StatusOK, "text/html; charset=utf-8", []byte("<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n"))
	case DropBefore, DropAfter:
		abort()
	case NoID:
		c.write(http.StatusOK, envelope{msgOK, codeOK, nil})
	case Redirect:
		c.w.Header().Set("Location", "snsSendUrl") // relative: right behind a prefix too
		c.raw(http.StatusTemporaryRedirect, "text/plain; charset=utf-8", nil)
	case BrokenJSON:
		s.success(c, wcID, v.posted, true)
	default:
		s.success(c, wcID, v.posted, false)
	}
}

// replyBuffers hold the bytes of replies and the XML inside them.
var replyBuffers = sync.Pool{New: func() any { return &replyBuffer{} }}

type replyBuffer struct{ out, xml []byte }

// success writes the reply of a post by hand: it is the hot path, and the
// XML inside would otherwise be copied by each layer of escaping.
func (s *Sim) success(c *call, wcID string, m *moment, cut bool) {
	buf := replyBuffers.Get().(*replyBuffer)
	defer replyBuffers.Put(buf)
	b := buf.out[:0]
	b = append(b, `{"message":"`+msgOK+`","code":"`+codeOK+`","data":{"status":1,"object":{"id":"`...)
	b = strconv.AppendUint(b, m.id, 10)
	b = append(b, `","userName":`...)
	b = appendJSONString(b, wcID)
	b = append(b, `,"createTime":`...)
	b = strconv.AppendInt(b, m.created().Unix(), 10)
	if !s.cfg.Lean {
		buf.xml = appendXML(buf.xml[:0], m, wcID, false)
		b = append(b, `,"objectDesc":"`...)
		b = appendDump(b, buf.xml)
		b = append(b, '"')
	}
	b = append(b, `}}}`...)
	buf.out = b
	if cut {
		b = b[:len(b)/2]
	}
	c.raw(http.StatusOK, "application/json;charset=UTF-8", b)
}
