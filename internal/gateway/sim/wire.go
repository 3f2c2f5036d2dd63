package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The texts of the envelope.
const (
	codeOK     = "1000"
	codeFailed = "1001"
	msgOK      = "成功"
	msgFailed  = "失败"

	msgNoSession  = "wId不存在或已失效"
	msgOffline    = "该微信已离线，请重新登录"
	msgTooYoung   = "微信号在线未满三天，暂不允许由从设备发表链接"
	msgNoMoment   = "朋友圈不存在或已删除"
	msgBadToken   = "Authorization无效"
	reasonOffline = "你的微信在其他设备上登录，已下线"
)

// maxBody is far above any honest request.
const maxBody = 1 << 20

var errTooLarge = errors.New("body too large")

// envelope is the gateway's reply.
type envelope struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Data    any    `json:"data"`
}

// call is one request of the gateway's protocol under way.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	at   time.Time // arrival, before the body was read
	body []byte
}

// refusal is an error the caller is told as code 1001.
type refusal string

func (r refusal) Error() string { return string(r) }

func missing(field string) error { return refusal(field + "不能为空") }

func (s *Sim) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/snsSendUrl", s.gateway("/snsSendUrl", s.snsSendURL))
	for path, answer := range map[string]func(*call) (any, error){
		"/member/login":        s.memberLogin,
		"/member/logout":       s.memberLogout,
		"/queryLoginWx":        s.queryLoginWx,
		"/isOnline":            s.isOnline,
		"/offlineReason":       s.offlineReason,
		"/setHttpCallbackUrl":  s.setCallbackURL,
		"/getFriendCircle":     s.getFriendCircle,
		"/getCircle":           s.getCircle,
		"/getSnsObject":        s.getSnsObject,
		"/deleteSns":           s.deleteSns,
		"/snsSetAsPrivacy":     s.snsSetAsPrivacy,
		"/snsSetPublic":        s.snsSetPublic,
		"/snsComment":          s.snsComment,
		"/snsCommentDel":       s.snsCommentDel,
		"/getContactLabelList": s.getContactLabelList,
		"/initAddressList":     s.initAddressList,
		"/getAddressList":      s.getAddressList,
		"/getContact":          s.getContact,
	} {
		mux.Handle(path, s.gateway(path, s.plain(answer)))
	}
	mux.Handle("/", http.NewCrossOriginProtection().Handler(s.ownRoutes()))
	return mux
}

// gateway does what all calls of the protocol have in common: method, body,
// record, token, content type.
func (s *Sim) gateway(path string, next func(*call)) http.Handler {
	counter := s.tally.path(path)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, at: time.Now()}
		body, err := readBody(r)
		c.body = body
		counter.Add(1)
		if !s.cfg.Lean {
			s.calls.add(c)
		}
		ct := r.Header.Get("Content-Type")
		if ct != "application/json" { // most say just that
			ct, _, _ = mime.ParseMediaType(ct)
		}
		switch {
		case errors.Is(err, errTooLarge):
			c.write(http.StatusRequestEntityTooLarge, envelope{err.Error(), codeFailed, nil})
		case err != nil: // the client died while it wrote
			abort()
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			c.write(http.StatusMethodNotAllowed, envelope{"Request method '" + r.Method + "' not supported", codeFailed, nil})
		case ct != "application/json":
			c.write(http.StatusUnsupportedMediaType, envelope{"Content type '" + ct + "' not supported", codeFailed, nil})
		case path != "/member/login" && !s.authorized(r):
			c.write(http.StatusUnauthorized, envelope{msgBadToken, codeFailed, nil})
		default:
			next(c)
		}
	})
}

// readBody reads all of the body: the server notices a client that went away
// only when nothing is left to read.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	if r.ContentLength > 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, err
}

// authorized refuses a Bearer prefix even when any token goes: the gateway
// takes the token as it is.
func (s *Sim) authorized(r *http.Request) bool {
	got := r.Header.Get("Authorization")
	if s.cfg.Token != "" {
		return got == s.cfg.Token
	}
	return got != "" && !strings.HasPrefix(got, "Bearer ")
}

// plain answers a call that has no faults: latency, then data or a refusal.
func (s *Sim) plain(answer func(*call) (any, error)) func(*call) {
	return func(c *call) {
		data, err := answer(c)
		if !s.wait(c, s.latency()) {
			abort()
		}
		if err != nil {
			c.fail(err.Error())
			return
		}
		c.write(http.StatusOK, envelope{msgOK, codeOK, data})
	}
}

func (c *call) fail(message string) {
	c.write(http.StatusOK, envelope{message, codeFailed, nil})
}

func (c *call) write(status int, e envelope) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the gateway does not
	if err := enc.Encode(e); err != nil {
		panic(err) // only our own types get here
	}
	c.raw(status, "application/json;charset=UTF-8", b.Bytes())
}

func (c *call) raw(status int, contentType string, body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // a client that left is not our trouble
}

// decode reads the request into v.
func (c *call) decode(v any) error {
	err := json.Unmarshal(c.body, v)
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &typ):
		return refusal(fmt.Sprintf("参数%s类型错误: %s", typ.Field, typ.Value))
	}
	return refusal("参数格式错误: " + err.Error())
}

func (s *Sim) latency() time.Duration {
	p := s.pace.Load()
	d := p.latency
	if p.jitter > 0 {
		d += rand.N(p.jitter)
	}
	return d
}

// wait lets d pass. False means the client went away or the simulator closes.
func (s *Sim) wait(c *call, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.r.Context().Done():
	case <-s.done:
	}
	return false
}

// bigUint is a moment id in a request: a string or an unsigned number. A
// number in floating notation has lost its last digits and is refused.
type bigUint uint64

// UnmarshalJSON implements json.Unmarshaler.
func (u *bigUint) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		*u = 0
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is no unsigned 64-bit integer", b)
	}
	*u = bigUint(n)
	return nil
}
