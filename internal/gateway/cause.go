package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// beforeWrite names why a request of which no byte was written did not go.
// secure says that the gateway is spoken to over TLS, connected that a usable
// connection had been found.
func beforeWrite(ctx context.Context, err error, secure, connected bool) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "refused_dial"
	}
	if ended(ctx, err) {
		return "cancelled_before_write"
	}
	if timedOut(ctx, err) {
		return "timeout_before_write"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns"
	}
	if connected {
		return "reset_before_write" // a kept connection that the gateway had closed
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "dial"
	}
	if secure {
		return "tls"
	}
	return "not_sent"
}

// afterWrite names why a request that may have left got no whole answer.
func afterWrite(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, errTooLarge):
		return "too_large"
	case ended(ctx, err):
		return "cancelled"
	case timedOut(ctx, err):
		return "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		strings.Contains(err.Error(), "server closed idle connection"): // net/http exports no value for it
		return "reset"
	case strings.Contains(err.Error(), "malformed"):
		return "bad_http"
	}
	return "connection"
}

func ended(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) || ctx.Err() == nil && errors.Is(err, context.Canceled)
}

func timedOut(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// sentences says each cause in plain words. What it means for the post is
// added by the verdict.
var sentences = map[string]string{
	"refused_dial":           "Nothing listens at the gateway's address.",
	"dns":                    "The gateway's host name could not be resolved.",
	"tls":                    "No trusted TLS connection to the gateway could be made.",
	"dial":                   "No connection to the gateway could be made.",
	"not_sent":               "The request could not be handed to the gateway.",
	"bad_request":            "The request could not be formed.",
	"reset_before_write":     "The gateway had closed the connection before the request was written.",
	"timeout_before_write":   "Time ran out before the request was written.",
	"cancelled_before_write": "The call was stopped before the request was written.",
	"no_session":             "The instance has no login session.",
	"login":                  "We could not log in to the gateway.",

	"timeout":    "The gateway did not answer in time.",
	"cancelled":  "The call was stopped while the gateway was at work.",
	"reset":      "The connection broke before an answer came.",
	"connection": "The connection failed before an answer came.",
	"truncated":  "The gateway's answer broke off.",
	"bad_http":   "The gateway's answer is not HTTP.",
	"too_large":  "The gateway's answer is far too large.",
	"redirect":   "The gateway answered with a redirect, which is not followed. Check its base URL.",
	"empty":      "The gateway's answer is empty.",
	"html":       "The gateway answered with a web page. Check its base URL, or a proxy in between.",
	"bad_json":   "The gateway's answer cannot be read.",
	"no_code":    "The gateway's answer carries no code.",
	"no_id":      "The gateway says done but names no moment.",
	"bad_data":   "The gateway's answer does not have the form expected of it.",
}

// sentence is the plain text for a cause; http_… has its number in it.
func sentence(cause string) string {
	if s, ok := sentences[cause]; ok {
		return s
	}
	if status, ok := strings.CutPrefix(cause, "http_"); ok {
		return "The gateway answered with HTTP status " + status + "."
	}
	return "The call of the gateway failed."
}
