package apifuzz

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// answer is what the program answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do makes the call as somebody.
func (w *world) do(by caller, c call) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), c.method, w.base+c.path, bytes.NewReader(c.body))
	if err != nil {
		w.Fatalf("%v: %v", err, c)
	}
	req.Header = c.header.Clone()
	client := w.client
	if by.cookie != nil {
		client = by.cookie
	}
	if by.auth != "" {
		req.Header.Set("Authorization", by.auth)
	}
	return w.answered(client, req)
}

func (w *world) answered(client *http.Client, req *http.Request) answer {
	w.Helper()
	resp, err := client.Do(req)
	if err != nil {
		w.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

const problemType = "application/problem+json"

var tokenValue = regexp.MustCompile(`mc_[A-Za-z0-9_-]{43}`)

// judge says what is wrong with an answer; "" for nothing.
func (w *world) judge(by caller, c call, a answer) string {
	for _, rule := range []func(caller, call, answer) string{w.judgeRight, w.judgeStatus, w.judgeProblem, w.judgeSecrets} {
		if m := rule(by, c, a); m != "" {
			return m
		}
	}
	return ""
}

// judgeRight compares who was let in with who may be.
func (w *world) judgeRight(by caller, c call, a answer) string {
	lacks := a.status == http.StatusForbidden && bytes.Contains(a.body, []byte("The token lacks the scope"))
	switch {
	case c.op.public, c.wild && a.status == http.StatusNotFound:
	case by.scope == "" && a.status != http.StatusUnauthorized:
		return "let in without a valid token"
	case by.scope != "" && a.status == http.StatusUnauthorized:
		return "a valid token is not taken"
	case by.scope != "" && lacks == by.may(c.op):
		return fmt.Sprintf("the scope may: %t", by.may(c.op))
	}
	return ""
}

// judgeStatus compares the answer with the document.
func (w *world) judgeStatus(_ caller, c call, a answer) string {
	if a.status == http.StatusInternalServerError {
		return "an error of the program"
	}
	said, ok := c.op.Responses[fmt.Sprint(a.status)]
	if !ok {
		if c.wild && a.status == http.StatusNotFound {
			return ""
		}
		return "a status that is not in the document"
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if len(said.Content) == 0 {
		if len(a.body) > 0 && a.status < 300 {
			return "a body where the document has none"
		}
		return ""
	}
	m, ok := said.Content[a.header.Get("Content-Type")]
	if !ok {
		m, ok = said.Content[kind]
	}
	if !ok {
		return "content of a type that is not in the document"
	}
	if strings.HasSuffix(kind, "json") {
		if wrong := w.doc.check(m.Schema, decoded(a.body), "body"); wrong != "" {
			return "not as the document says: " + wrong
		}
	}
	return ""
}

func (w *world) judgeProblem(_ caller, c call, a answer) string {
	if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Request-Id") == "" {
		return "a header is missing"
	}
	if a.status < 400 {
		return ""
	}
	p, _ := decoded(a.body).(map[string]any)
	switch {
	case a.header.Get("Content-Type") != problemType || fmt.Sprint(p["status"]) != fmt.Sprint(a.status) || p["detail"] == "" || p["request_id"] != a.header.Get("X-Request-Id"):
		return "not a whole problem"
	case len(a.body) > 64<<10:
		return "a problem without end"
	}
	fields, _ := p["errors"].([]any)
	for _, f := range fields {
		f, _ := f.(map[string]any)
		if text, _ := f["message"].(string); strings.Contains(text, marker) {
			return "repeats what was sent"
		}
	}
	if text, _ := p["detail"].(string); strings.Contains(text, marker) {
		return "repeats what was sent"
	}
	return ""
}

func (w *world) judgeSecrets(_ caller, c call, a answer) string {
	var head strings.Builder
	_ = a.header.Write(&head) // a builder takes everything
	if m := w.leak(head.String() + string(a.body)); m != "" {
		return m
	}
	made := c.op.ID == "create-token" && a.status == http.StatusCreated
	if tokenValue.Match(a.body) != made {
		return "a token is shown, or the new one is not"
	}
	return ""
}

// leak names the secret that is in a text; "" for none.
func (w *world) leak(text string) string {
	for what, secret := range w.secrets {
		if strings.Contains(text, secret) {
			return "shows " + what
		}
	}
	return ""
}

// judgeLog says what is wrong with what the program wrote.
func (w *world) judgeLog(text string) string {
	if m := w.leak(text); m != "" {
		return "the log " + m
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, `"level":"error"`) || strings.Contains(line, `"panic"`) || tokenValue.MatchString(line) {
			return "the log says " + line
		}
	}
	return ""
}
