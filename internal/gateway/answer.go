package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"momentcast/internal/moment"
)

// fate is what an exchange proves, before the meaning of its data is known.
type fate int

const (
	unclear      fate = iota // it may have been done; the zero value, so that a path forgotten is a doubt
	done                     // code 1000
	refused                  // a well-formed no
	unauthorized             // our token was not accepted
	notSent                  // no byte of the request was written
)

// answer is an exchange that has been read.
type answer struct {
	exchange
	envelope
	fate  fate
	cause string // "" when done
}

// read decides what an exchange proves. It is pure, and every ending of every
// call goes through it.
func read(x exchange) answer {
	a := answer{exchange: x, cause: x.cause}
	denied := x.status == http.StatusUnauthorized || x.status == http.StatusForbidden
	switch {
	case x.err != nil && !x.left:
		a.fate = notSent
	case x.err != nil && denied:
		a.fate, a.cause = unauthorized, "auth" // the status says it; the rest of the reply adds nothing
	case x.err != nil:
		a.fate = unclear
	case x.status >= 300 && x.status < 400:
		a.cause = "redirect"
	default:
		a.readReply(denied)
	}
	return a
}

func (a *answer) readReply(denied bool) {
	env, err := parseEnvelope(a.reply)
	a.envelope = env
	success := a.status >= 200 && a.status < 300
	switch {
	case err == nil && env.code == codeOK && success:
		a.fate = done
	case err == nil && env.code == codeOK:
		a.cause = httpCause(a.status) // status and code contradict each other
	case denied, err == nil && namesToken(env.text) && (success || failing(env.code)):
		a.fate, a.cause = unauthorized, "auth"
	case err == nil && (success || failing(env.code)):
		a.fate, a.cause = refused, "code_"+env.code
	case success:
		a.cause, a.err = replyCause(err), err
	default:
		a.cause, a.err = httpCause(a.status), err
	}
}

// failing reports the gateway's own code for "no". Beside an HTTP error only
// that is believed: other codes may come from whatever stands in between.
func failing(code string) bool { return code == codeFailed || code == codeFailedLong }

func httpCause(status int) string { return "http_" + strconv.Itoa(status) }

func replyCause(err error) string {
	switch {
	case errors.Is(err, errEmpty):
		return "empty"
	case errors.Is(err, errHTML):
		return "html"
	case errors.Is(err, errNoCode):
		return "no_code"
	}
	return "bad_json"
}

// fail turns an answer that is not done into the error of path's caller.
func (a *answer) fail(path string, secrets ...string) error {
	cause := a.detail(path, secrets...)
	switch a.fate {
	case unauthorized:
		return &moment.Error{Kind: moment.Unauthenticated, Message: "The gateway does not accept our token.", Err: cause}
	case refused:
		return &moment.Error{Kind: moment.Refused, Message: a.refusal(secrets...), Err: cause}
	}
	return &moment.Error{Kind: moment.Unavailable, Message: sentence(a.cause), Err: cause}
}

// refusal is the gateway's no in its own words.
func (a *answer) refusal(secrets ...string) string {
	if text := line(redact(a.text, secrets...)); text != "" {
		return fmt.Sprintf("The gateway refused: %s (code %s).", text, a.code)
	}
	return fmt.Sprintf("The gateway refused without a reason (code %s).", a.code)
}

// detail is the cause of an error, for the log: what was called, how it ended
// and what was answered, without secrets.
func (a *answer) detail(path string, secrets ...string) error {
	text := path + ": " + a.cause
	if a.status != 0 {
		text += fmt.Sprintf(", HTTP %d", a.status)
	}
	if len(a.reply) > 0 {
		reply := string(a.reply[:min(len(a.reply), keptReply)])
		reply = authField.ReplaceAllString(redact(reply, secrets...), "${1}"+redacted)
		text += fmt.Sprintf(", reply %q", kept(reply, keptDetail))
	}
	switch {
	case a.err == nil:
		return errors.New(text)
	case redact(a.err.Error(), secrets...) != a.err.Error():
		return fmt.Errorf("%s: %s", text, redact(a.err.Error(), secrets...))
	}
	return fmt.Errorf("%s: %w", text, a.err)
}

// decode reads the data of a done answer into v. One that has another form is
// an error: a list misread as empty would pass for a fact.
func (a *answer) decode(path string, v any, secrets ...string) error {
	err := json.Unmarshal(a.data, v)
	if err == nil {
		return nil
	}
	bad := *a
	bad.fate, bad.cause, bad.err = unclear, "bad_data", err
	return bad.fail(path, secrets...)
}
