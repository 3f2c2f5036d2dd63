package app

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"momentcast/internal/gateway/sim"
	"momentcast/internal/moment"
)

// demoToken is what the demo's simulator wants. It is reached on loopback only.
const demoToken = "momentcast-demo"

// faultParam in a card's link makes its first call end in that fault, so that
// the demo's troubles meet the posts they are meant for and no others.
const faultParam = "demo"

// demoSim is the simulated gateway of the demo.
type demoSim struct {
	*simServer
	logins map[string]string // wId → wcId, as at the start

	mu   sync.Mutex
	done map[string]bool // links that have had their fault
}

// startDemoSim starts the simulator with the accounts of the demo. What it
// showed before is kept in a journal; accounts are as old as our database
// remembers, so that both go on from where they stopped.
func startDemoSim(dir string, ln net.Listener, known map[string]moment.InstanceView, log zerolog.Logger) (*demoSim, error) {
	s, err := sim.New(sim.Config{
		Token: demoToken, Latency: 300 * time.Millisecond, Jitter: 400 * time.Millisecond, Seed: 1,
		Journal: filepath.Join(dir, "gateway.journal"), Log: log,
	})
	if err != nil {
		return nil, err
	}
	d := &demoSim{logins: map[string]string{}, done: map[string]bool{}}
	for _, a := range sim.DemoAccounts() {
		if i, ok := known[a.WcID]; ok && !i.OnlineSince.IsZero() {
			a.OnlineFor = i.Now.Sub(i.OnlineSince) + time.Second // never younger than we take it for
		}
		d.logins[s.AddAccount(a)] = a.WcID
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/thumb/{hue}", thumb)
	mux.Handle("POST /snsSendUrl", d.arm(s))
	mux.Handle("/", s.Handler())
	d.simServer = serveSimOn(ln, s, mux, log)
	return d, nil
}

func (d *demoSim) url() string { return "http://" + d.addr() }

func (d *demoSim) stop() error { return d.simServer.stop() }

// arm orders the fault that the link of a post names, just before the
// simulator gets the call. Calls of one account come one after the other.
func (d *demoSim) arm(s *sim.Sim) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var post struct {
			WID string `json:"wId"`
			URL string `json:"url"`
		}
		if json.Unmarshal(body, &post) == nil {
			if fault := d.faultOf(post.URL); fault != "" {
				s.FailNext(d.logins[post.WID], fault, 1)
			}
		}
		s.Handler().ServeHTTP(w, r)
	})
}

// faultOf is the fault that the link asks for, once.
func (d *demoSim) faultOf(link string) sim.Fault {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	fault := u.Query().Get(faultParam)
	d.mu.Lock()
	defer d.mu.Unlock()
	if fault == "" || d.done[link] {
		return ""
	}
	d.done[link] = true
	return sim.Fault(fault)
}

// thumb draws a thumbnail: cards need one that is really there.
func thumb(w http.ResponseWriter, r *http.Request) {
	hue, err := strconv.Atoi(strings.TrimSuffix(r.PathValue("hue"), ".png"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	const size = 160
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			c := hueColor(hue, uint8(60+(x+y)*120/(2*size)))
			if dx, dy := x-size/2, y-size/2; dx*dx+dy*dy < 45*45 {
				c = hueColor(hue+30, 220)
			}
			img.SetRGBA(x, y, c)
		}
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "max-age=86400")
	_ = png.Encode(w, img) // a client that left is not our trouble
}

// hueColor is a color of the wheel, hue in degrees; light is its brightest part.
func hueColor(hue int, light uint8) color.RGBA {
	at := func(shift int) uint8 {
		d := (hue + shift) % 360 // distance from the part's own place on the wheel
		if d > 180 {
			d = 360 - d
		}
		return uint8(int(light) * max(20, 120-max(0, d-60)) / 120)
	}
	return color.RGBA{at(0), at(240), at(120), 255}
}
