package linkcheck

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"momentcast/internal/moment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests' internet is 127.0.0.2: taken for public, unlike the rest of 127/8.
var (
	outside = netip.MustParseAddr("127.0.0.2")
	inside  = netip.MustParseAddr("127.0.0.1")
)

// page is the name by which the tests' internet is reached.
const pageHost = "page.example.com"

func listen(t testing.TB, ip netip.Addr, port string) (net.Listener, error) {
	t.Helper()
	return new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(ip.String(), port))
}

// listeners returns one outside and one inside with the same port: an address
// that changes under a name keeps the port.
func listeners(t testing.TB) (out, in net.Listener) {
	t.Helper()
	for range 50 {
		in, err := listen(t, inside, "0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(in.Addr().String())
		if out, err := listen(t, outside, port); err == nil {
			return out, in
		}
		_ = in.Close()
	}
	t.Fatal("no port that is free on both addresses; they have to be of this machine")
	return nil, nil
}

// serve serves handler at l until the test ends.
func serve(t testing.TB, l net.Listener, handler http.Handler) *httptest.Server {
	t.Helper()
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func portOf(t testing.TB, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// world is a server on the tests' internet, and a Checker that may reach it.
type world struct {
	checker *Checker
	names   *names
	port    string
	base    string        // http://page.example.com:port
	secret  *atomic.Int64 // connections to the same port inside, where nothing may get
}

func newWorld(t testing.TB, config Config, handler http.Handler) *world {
	t.Helper()
	w := &world{names: &names{answers: map[string][][]netip.Addr{}, asked: map[string]int{}}}
	out, in := listeners(t)
	w.port = portOf(t, serve(t, out, handler))
	w.secret = watch(t, in)
	w.names.set(pageHost, []netip.Addr{outside})
	w.base = "http://" + pageHost + ":" + w.port
	n, err := strconv.ParseUint(w.port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	config.Ports = append(config.Ports, uint16(n))
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second // room for a busy machine; what is about time sets its own
	}
	w.checker = newChecker(config, hooks{allow4: []netip.Prefix{netip.PrefixFrom(outside, 32)}, resolver: w.names.resolver()})
	return w
}

// watch serves something secret at l and counts who comes.
func watch(t testing.TB, l net.Listener) *atomic.Int64 {
	t.Helper()
	var n atomic.Int64
	s := &httptest.Server{Listener: l, Config: &http.Server{
		Handler:           respond("text/html", "<title>secret</title>"),
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				n.Add(1)
			}
		},
	}}
	s.Start()
	t.Cleanup(s.Close)
	return &n
}

// names is a name server in memory. Each question for a name takes the next of
// its answers; the last one stays.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   map[string]int
}

func (n *names) set(name string, answers ...[]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[name+"."] = answers
}

func (n *names) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name+"."]
}

func (n *names) total() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	sum := 0
	for _, k := range n.asked {
		sum += k
	}
	return sum
}

// next answers one question for addresses of version 4; ok is false for names
// that do not exist.
func (n *names) next(name string) (addrs []netip.Addr, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.asked[name]
	n.asked[name]++
	list, ok := n.answers[name]
	if !ok {
		return nil, false
	}
	return list[min(k, len(list)-1)], true
}

func (n *names) exists(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.answers[name]
	return ok
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// serve speaks DNS as over TCP: each message behind its length.
func (n *names) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		buf := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
		reply, err := n.reply(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func (n *names) reply(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	ok := n.exists(q.Name.String())
	if q.Type == dnsmessage.TypeA {
		var addrs []netip.Addr
		addrs, ok = n.next(q.Name.String())
		for _, a := range addrs {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	return m.Pack()
}

// wantReason checks that err has a reason, a kind that is not ours to blame, and
// a message with nothing in it that was not known before.
func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	if got := ReasonOf(err); got != want {
		t.Fatalf("reason %q, want %q (%v)", got, want, err)
	}
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	kind, message := words(want)
	if moment.KindOf(err) != kind || kind == moment.Internal || moment.MessageOf(err) != message {
		t.Fatalf("kind %s, message %q", moment.KindOf(err), moment.MessageOf(err))
	}
}

func respond(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}
