package linkcheck

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"code.dny.dev/ssrf"

	"momentcast/internal/moment"
)

// Reason says in a word why an address could not be used, for front ends that
// have texts of their own in several languages.
type Reason string

// The reasons.
const (
	BadURL        Reason = "bad_url"         // not http or https, no host, a user name, too long
	BadPort       Reason = "bad_port"        // a port that is not among the configured
	NotPublic     Reason = "not_public"      // inside some network, or no such host; which of the two is not told
	NoAnswer      Reason = "no_answer"       // the time was up
	Unreachable   Reason = "unreachable"     // no connection
	BadTLS        Reason = "bad_tls"         // https that does not work, most often its certificate
	Broken        Reason = "broken"          // not proper HTTP, or broken off
	Gone          Reason = "gone"            // 404 or 410
	Denied        Reason = "denied"          // any other 4xx: often a firewall that lets phones in and programs not
	Down          Reason = "down"            // 5xx and 429
	Redirects     Reason = "redirects"       // too many
	BadRedirect   Reason = "bad_redirect"    // to something that is no web address, such as an app's scheme
	WrongType     Reason = "wrong_type"      // no page, or no picture of a kind we know
	TooLarge      Reason = "too_large"       // more bytes than allowed
	BadPicture    Reason = "bad_picture"     // called a picture and does not read as one
	TooManyPixels Reason = "too_many_pixels" // a picture whose pixels would fill a decoder's memory
	Busy          Reason = "busy"            // too many fetches at once
)

// Reasons lists them all.
func Reasons() []Reason {
	return []Reason{
		BadURL, BadPort, NotPublic, NoAnswer, Unreachable, BadTLS, Broken, Gone, Denied, Down,
		Redirects, BadRedirect, WrongType, TooLarge, BadPicture, TooManyPixels, Busy,
	}
}

// failure is the cause inside the moment.Error of every failed look.
type failure struct {
	reason Reason
	cause  error // for the log; nil = the reason says it all
}

func (f *failure) Error() string {
	if f.cause == nil {
		return string(f.reason)
	}
	return fmt.Sprintf("%s: %v", f.reason, f.cause)
}

func (f *failure) Unwrap() error { return f.cause }

// ReasonOf returns the reason of an error of this package, "" for any other.
func ReasonOf(err error) Reason {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason
	}
	return ""
}

// fail makes the error for a reason. Its message is fit for whoever asked: it
// repeats nothing of what was sent or found, and knows nothing of our network.
func fail(reason Reason, cause error) error {
	kind, message := words(reason)
	return &moment.Error{Kind: kind, Message: message, Err: &failure{reason, cause}}
}

func words(r Reason) (moment.Kind, string) {
	switch r {
	case BadURL:
		return moment.Invalid, "This is no web address: it has to begin with http:// or https://, name a host, and carry no user name."
	case BadPort:
		return moment.Invalid, "The address names a port that is not allowed here; leave it out."
	case NotPublic:
		return moment.Invalid, "This is not a public address, or there is no such host."
	case NoAnswer:
		return moment.Unavailable, "The address did not answer in time."
	case Unreachable:
		return moment.Unavailable, "No connection to the address could be made."
	case BadTLS:
		return moment.Invalid, "The address has no working https, or no valid certificate for it; phones would warn, or refuse."
	case Broken:
		return moment.Unavailable, "The answer of the address was not understood, or broke off."
	case Gone:
		return moment.Invalid, "The address answers that there is nothing there."
	case Denied:
		return moment.Invalid, "The address refuses to answer us; it may still open on a phone."
	case Down:
		return moment.Unavailable, "The address answers that it is out of order or overloaded."
	case Redirects:
		return moment.Invalid, "The address forwards too many times."
	case BadRedirect:
		return moment.Invalid, "The address forwards to something that is no web address."
	case WrongType:
		return moment.Invalid, "The address holds neither a page nor a picture of the kind that is needed."
	case TooLarge:
		return moment.Invalid, "What the address holds is too large."
	case BadPicture:
		return moment.Invalid, "The picture cannot be read; it may be damaged."
	case TooManyPixels:
		return moment.Invalid, "The picture has too many pixels."
	case Busy:
		return moment.Unavailable, "Too many addresses are being looked at just now; try again in a moment."
	}
	return moment.Internal, "Something went wrong on our side."
}

// classify names what ended an exchange. What the guard refused comes first: a
// refusal stays one however long it took.
func classify(err error) error {
	var dns *net.DNSError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var op *net.OpError
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return fail(BadPort, err)
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return fail(NotPublic, err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fail(NotPublic, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), timedOut(err):
		return fail(NoAnswer, err)
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &unknown):
		return fail(BadTLS, err)
	case errors.As(err, &op), errors.As(err, &dns):
		return fail(Unreachable, err)
	}
	return fail(Broken, err)
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// statusProblem returns nil for the statuses of success.
func statusProblem(status int) error {
	cause := fmt.Errorf("status %d", status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		return fail(Gone, cause)
	case status >= 500, status == http.StatusTooManyRequests:
		return fail(Down, cause)
	case status >= 400:
		return fail(Denied, cause)
	}
	return fail(Broken, cause)
}
